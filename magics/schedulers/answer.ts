// What the commands of batch systems have in common when they answer: words for people, ids, ends by code and by signal, times.
import { SchedulerError } from '../protocol/errors';
import type { NativeId } from '../protocol/job';
import type { Change, CommandResult, Submission } from './dialect';
import type { Explanation } from './scheduler';

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
