// How a batch system is spoken to: text in, text out. A dialect runs nothing and keeps nothing, so that all of it is tested on recorded output.
// What a scheduler says only explains: whether a cell returned is told by its envelope, and a job that is missing from an answer has not ended.
import { SchedulerError, UsageError } from '../protocol/errors';
import type { NativeId } from '../protocol/job';
import type { Explanation, Sighting } from './scheduler';
import type { Argv } from './shell';

/** What a command said. `exitCode` is null when it was ended by a signal or by our own time limit. */
export interface CommandResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a job may ask of a batch system. A dialect refuses, by UsageError, what it cannot express; it never leaves it out. */
export interface BatchResources {
  /** Per task. */
  readonly cores: number;
  readonly tasks?: number;
  readonly nodes?: number;
  /** On each node. */
  readonly memoryMiB?: number;
  /** On each node. */
  readonly gpus?: number;
  readonly wallTimeSeconds?: number;
  /** Partition or queue. */
  readonly queue?: string;
  /** Account or project that is charged. */
  readonly account?: string;
  readonly qos?: string;
  readonly constraint?: string;
  readonly reservation?: string;
  /** No other job on its nodes. */
  readonly exclusive?: boolean;
}

/** Words that only the site knows, from the cluster's config. */
export interface SiteWords {
  /** Grid Engine: which parallel environment gives several cores on one node. */
  readonly parallelEnvironment?: string;
  /** Grid Engine: which resource limits memory, by default h_vmem. Always counted per slot. */
  readonly memoryResource?: string;
  /** Grid Engine: which resource counts GPUs. */
  readonly gpuResource?: string;
}

export interface BatchJob {
  /** Ours, unique, made before the first try to submit: see `nativeName`. */
  readonly token: string;
  /** As the user gave it; any text. */
  readonly name: string;
  /** Absolute, seen by the login node and by the compute nodes. The job runs in it. */
  readonly directory: string;
  readonly command: Argv;
  readonly environment: Readonly<Record<string, string>>;
  readonly resources: BatchResources;
  /** `--native`: arguments of the submit command, handed on as they are, never as shell text. */
  readonly native: readonly string[];
  readonly site: SiteWords;
}

export type Submission =
  | { readonly outcome: 'accepted'; readonly id: NativeId }
  /** The scheduler's own words say no. */
  | { readonly outcome: 'refused'; readonly words: string }
  /** It was not reached, so there is no job; the same may succeed later. */
  | { readonly outcome: 'unreachable'; readonly words: string }
  /** There may be a job: search for its name before any second try. */
  | { readonly outcome: 'uncertain'; readonly words: string };

/** One job in an answer. */
export interface Observation {
  /** An end without an explanation is one by exit code 0. A job that runs since 0 does so since a time its scheduler does not tell. */
  readonly sighting: Sighting;
  /** The scheduler's own words, for people. */
  readonly words: string;
  /** It waits and will for ever, unless somebody acts. Told to the user with the reason; no end. */
  readonly stuck?: true;
  /** By the scheduler's present plan; milliseconds since the epoch. */
  readonly expectedStart?: number;
  /** Milliseconds since the epoch. */
  readonly endedAt?: number;
  /** Who cancelled it, as the scheduler names people. */
  readonly cancelledBy?: string;
  /** Looks exactly as if it had been cancelled: it was, if our journal holds the request. */
  readonly maybeCancelled?: true;
  /** Its end is known but not yet how it came about: ask the history, or again in some seconds. */
  readonly provisional?: true;
}

export type Observations = ReadonlyMap<NativeId, Observation>;

/** A question for jobs of a certain name, and how to read the answer. */
export interface Search {
  readonly command: Argv;
  /** Throws SchedulerError when the answer does not mean "no": then nothing may be submitted. */
  readonly parse: (result: CommandResult) => readonly NativeId[];
}

export type Change = 'cancel' | 'hold' | 'release';

/** How one batch system spells a job. Pure. Each parser throws a SchedulerError for an answer it cannot trust, transient where asking again may help. */
export interface BatchDialect {
  /** The word in the config. */
  readonly name: string;
  /** For people: `Grid Engine`. */
  readonly title: string;
  /** Lines at the head of the script, plain words only. */
  directives(job: BatchJob): readonly string[];
  /** Free text (names, paths) travels as arguments here, not in directives, whose quoting every system does in its own way. */
  submitCommand(job: BatchJob, scriptPath: string): Argv;
  parseSubmit(result: CommandResult): Submission;
  /** What the launcher printed: absolute path. The runner's own output is in its spool. */
  logPath(job: BatchJob, id: NativeId): string;
  /** One question for all of them. The answer may hold other jobs and lack some of these. */
  statusCommand(ids: readonly NativeId[]): Argv;
  parseStatus(result: CommandResult): Observations;
  /** For jobs that the status answer lacks, or gave as provisional. Counts for no job that the status answer shows as alive. */
  historyCommand(ids: readonly NativeId[]): Argv;
  parseHistory(result: CommandResult): Observations;
  /** Where the status answer has no reasons: why does this one job not start? One more command, on its becoming stuck or on a person's question. */
  readonly explain?: { command(id: NativeId): Argv; parse(result: CommandResult): string | undefined };
  /** What the scheduler wrote into the log about the end, where its states do not tell. */
  explainLog(log: string): Explanation | undefined;
  changeCommand(change: Change, ids: readonly NativeId[]): Argv;
  /** Returns when it was accepted (which is not yet done) or there was nothing left to cancel; else throws SchedulerError with the scheduler's words. */
  confirmChange(change: Change, result: CommandResult): void;
  /** All have to be asked before a second try to submit: queue first, then history, whose rows may be 2 s late. */
  searches(nativeName: string): readonly Search[];
}

const TOKEN = /^[a-z0-9]{8,32}$/;
/** Job names of Torque and of old PBS end here or before; ours are found by their end, so what the user gave is cut. */
const SHOWN_NAME = 40;

/**
 * The name under which the scheduler knows the job: what the user gave, in letters that all of them take, and our token. Grid Engine and PBS allow no
 * blanks and no digit first (qsub(1) of both), and sacct splits names at commas.
 */
export function nativeName(job: { readonly name: string; readonly token: string }): string {
  if (!TOKEN.test(job.token)) throw new TypeError(`${JSON.stringify(job.token)} is no token: 8 to 32 of a-z and 0-9.`);
  const clean = job.name
    .replaceAll(/[^A-Za-z0-9_.-]+/g, '-')
    .slice(0, SHOWN_NAME)
    .replaceAll(/^[-.]+|[-.]+$/g, '');
  return `${/^[A-Za-z]/.test(clean) ? clean : `cell${clean === '' ? '' : `-${clean}`}`}.${job.token}`;
}

const WORD = /^[A-Za-z0-9_][A-Za-z0-9_.@+:/-]*$/;

/** An option's value as one plain word of a directive. Throws UsageError for anything else. */
export function plainWord(option: string, given: string, allowed: RegExp = WORD): string {
  if (allowed.test(given)) return given;
  throw new UsageError(
    `${option} cannot be ${JSON.stringify(given)}: a single word without blanks and quotes is needed.`,
  );
}

export function wholeNumber(option: string, given: number): number {
  if (Number.isSafeInteger(given) && given > 0) return given;
  throw new UsageError(`${option} cannot be ${given}: a whole number from 1 on is needed.`);
}

/** The first native argument has to be an option: a bare word would be taken for the script. */
export function nativeArguments(job: BatchJob, ours: RegExp): readonly string[] {
  const [first] = job.native;
  if (first !== undefined && !/^-[^-]|^--[^-]/.test(first))
    throw new UsageError(
      `--native has to begin with an option of the submit command, not with ${JSON.stringify(first)}.`,
    );
  const taken = job.native.find((argument) => ours.test(argument) || argument === '--');
  if (taken !== undefined)
    throw new UsageError(`--native cannot hold ${JSON.stringify(taken)}: Cellburst sets it, to find its job again.`);
  return job.native;
}

/** Refuses an option that a system has no word for. */
export function refuse(title: string, option: string, advice: string): never {
  throw new UsageError(`${title} has no ${option}. ${advice}`);
}

export function hoursMinutesSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  return [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
    .map((n) => String(n).padStart(2, '0'))
    .join(':');
}

const LONGEST_WORDS = 2000;

/** What a command said, for people: its errors, else its answer. */
export function wordsOf(result: CommandResult): string {
  const said = (result.stderr.trim() || result.stdout.trim()).slice(0, LONGEST_WORDS);
  if (said !== '') return said;
  return result.exitCode === null ? 'it did not answer in time' : `exit code ${result.exitCode} and not a word`;
}

export interface SubmitWords {
  /** Matches the line that is the id, its first group the id itself. Other lines may be banners of the site. */
  readonly id: RegExp;
  readonly unreachable: RegExp;
  readonly uncertain: RegExp;
}

/** Reads the answer to a submit command. An answer that was cut off leaves it open whether there is a job. */
export function readSubmission(result: CommandResult, words: SubmitWords): Submission {
  const said = wordsOf(result);
  if (result.exitCode === 0) {
    const found = result.stdout.split('\n').findLast((line) => words.id.test(line.trim()));
    const id = found === undefined ? undefined : words.id.exec(found.trim())?.[1];
    return id === undefined ? { outcome: 'uncertain', words: said } : { outcome: 'accepted', id: toNativeId(id) };
  }
  if (result.exitCode === null || words.uncertain.test(said)) return { outcome: 'uncertain', words: said };
  return words.unreachable.test(said) ? { outcome: 'unreachable', words: said } : { outcome: 'refused', words: said };
}

/** The scheduler's own spelling of an id becomes one of ours here and nowhere else. */
export function toNativeId(text: string): NativeId {
  return text as NativeId;
}

/** Said when nobody heard the question; the same question may be answered later. */
const UNHEARD =
  /unable to contact|timed out|connection refused|cannot connect|couldn't connect|got (send|select|read) error|authentication error/i;
/** Said of a question that will never be understood. */
const NEVER = /(unrecognized|invalid|conflicting) (option|field)|command not found|no such file or directory/i;

/** An answer that says nothing about the jobs asked for. */
export function noAnswer(title: string, command: string, result: CommandResult): SchedulerError {
  const words = wordsOf(result);
  return new SchedulerError(`${title} did not answer ${command}: ${words}`, {
    transient: UNHEARD.test(words) || !NEVER.test(words),
  });
}

/** A change that was not made. */
export function notChanged(title: string, change: Change, result: CommandResult): SchedulerError {
  const words = wordsOf(result);
  return new SchedulerError(`${title} did not ${change} the job: ${words}`, {
    transient: result.exitCode === null || UNHEARD.test(words),
  });
}

/** 9 → SIGKILL; the numbers of Linux on x86 and ARM (signal(7)), which need not be those of this machine. */
export function signalName(number: number): string {
  return SIGNALS.get(number) ?? `signal ${number}`;
}

const SIGNALS = new Map(
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'
    .split(' ')
    .map((name, index) => [index + 1, `SIG${name}`] as const),
);

export function endedBySignal(number: number): Explanation {
  const signal = signalName(number);
  return { cause: 'signal', reason: `The job was ended by ${signal}.`, signal };
}

export function endedByExit(exitCode: number): Explanation {
  return { cause: 'exit', reason: `The job ended with exit code ${exitCode}.`, exitCode };
}

/** The exit code of a shell whose command was ended by a signal is 128 and the signal's number. */
export function endedByShellCode(code: number): Explanation {
  return code > 128 && SIGNALS.has(code - 128) ? { ...endedBySignal(code - 128), exitCode: code } : endedByExit(code);
}

/** A clock time that the command was told to give in UTC, `2026-11-20T10:05:12` or `Fri Nov 20 10:05:12 2026`; undefined for `N/A`, `Unknown`, `-/-`. */
export function parseTime(text: string | undefined): number | undefined {
  if (text === undefined || !/\d\d:\d\d/.test(text)) return undefined;
  const time = Date.parse(text.includes('T') && /^\d{4}-/.test(text) ? `${text}Z` : `${text} UTC`);
  return Number.isNaN(time) ? undefined : time;
}
