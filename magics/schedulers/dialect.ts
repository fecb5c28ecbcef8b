// How a batch system is spoken to: text in, text out. A dialect runs nothing and keeps nothing, so that all of it is tested on recorded output.
// What a scheduler says only explains: whether a cell returned is told by its envelope, and a job that is missing from an answer has not ended.
import type { NativeId } from '../protocol/job';
import type { Explanation, Sighting } from './scheduler';
import type { Argv } from '../transports/shell';

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
  /** Ours, unique, made before the first try to submit: see `nativeName` in request.ts. */
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

/** A question whose answer tells whether the batch system is of use to us. */
export interface Probe {
  /** For people: `accounting`. */
  readonly check: string;
  readonly command: Argv;
  /** In a few words; undefined: the answer is a trouble. */
  read(result: CommandResult): string | undefined;
  /** What to do about a trouble. */
  readonly remedy: string;
}

/** What a request for nodes without a script was answered. */
export type NodesAnswer =
  | { readonly outcome: 'granted'; readonly id: NativeId }
  /** Not now. There may be a request left: it is looked for by its name. */
  | { readonly outcome: 'busy'; readonly words: string }
  | Exclude<Submission, { readonly outcome: 'accepted' }>;

/** Nodes that are granted at once or not at all, and a worker on them that no process on this machine keeps alive. */
export interface NodesDialect {
  /** The request is withdrawn after this time, by the command itself. */
  askCommand(job: BatchJob, patienceSeconds: number): Argv;
  parseAnswer(result: CommandResult): NodesAnswer;
  /** Where the worker's launcher and the step's client complain; read as `BatchDialect.logPath` is. */
  logPath(job: BatchJob): string;
  /** Its standard streams lead nowhere. */
  workerCommand(id: NativeId, job: BatchJob, command: Argv): Argv;
  /** Run on the nodes, at the end of the worker. */
  readonly giveBackScript: string;
}

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
  /** One question for all of them, at least one. The answer may hold other jobs and lack some of these. */
  statusCommand(ids: readonly NativeId[]): Argv;
  parseStatus(result: CommandResult): Observations;
  /** For jobs that the status answer lacks, or gave as provisional. Counts for no job that the status answer shows as alive. */
  historyCommand(ids: readonly NativeId[]): Argv;
  parseHistory(result: CommandResult): Observations;
  /** Where the status answer has no reasons: why does this one job not start? One more command, on its becoming stuck or on a person's question. */
  readonly explain?: { command(id: NativeId): Argv; parse(result: CommandResult): string | undefined };
  /** Can a job that waits without a reason ever start? One more command, now and then; `parse` gives why it cannot, in the scheduler's words. */
  readonly verify?: { command(id: NativeId): Argv; parse(result: CommandResult): string | undefined };
  /** What the scheduler wrote into the log about the end, where its states do not tell. */
  explainLog(log: string): Explanation | undefined;
  /** A command inside a job that runs, with our standard input and output as its own; absent where the batch system cannot do that. */
  readonly stepCommand?: (id: NativeId, command: Argv) => Argv;
  /** Absent where the batch system cannot do that. */
  readonly nodes?: NodesDialect;
  /** Asks the programs of jobs that run to end by themselves, as having done their work; absent where the batch system cannot do that. */
  readonly finishCommand?: (ids: readonly NativeId[]) => Argv;
  changeCommand(change: Change, ids: readonly NativeId[]): Argv;
  /** Returns when it was accepted (which is not yet done) or there was nothing left to cancel; else throws SchedulerError with the scheduler's words. */
  confirmChange(change: Change, result: CommandResult): void;
  readonly probes: readonly Probe[];
  /** All have to be asked before a second try to submit: queue first, then history, whose rows may be 2 s late. */
  searches(nativeName: string): readonly Search[];
}
