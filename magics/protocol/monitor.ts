// What a job panel and a kernel say to each other over a Jupyter comm: JSON in `data`, one message each way at a time, no buffers.
// For browsers too: types and constants only. Whoever reads ignores messages and fields it does not know; a newer writer may know more.
//
// The panel opens the comm with OpenMonitor. The kernel answers hello, then a snapshot, then deltas; a delta whose `base` is not the
// panel's revision means that something was lost: the panel asks for a snapshot again. Nothing is sent while nothing changes, since
// every message counts as activity and would keep an idle server alive.
import type { Finding } from './finding';
import type { FailureCause, JobOrigin, JobStatus, JobUsage, Resources } from './job';
import type { UsageSamples } from './samples';
import type { TaskArray } from './tasks';

export const MONITOR_TARGET = 'cellburst.jobs.v1';
/** Raised when a message means something else than before; a new field or message does not raise it. */
export const MONITOR_PROTOCOL = 1;
/** The path of the session whose kernel serves the panels of a Jupyter server. No file is there; it is how tabs find the same one. */
export const MONITOR_SESSION = '.cellburst-monitor';

/** A comm from a notebook's front end to its own kernel: opened with NotebookTold, which each later message replaces. */
export const NOTEBOOK_TARGET = 'cellburst.notebook.v1';

/** What lies in a notebook's metadata under `cellburst`. */
export interface NotebookTold {
  /** The cluster of cells that name none; over the config's, below `%cluster use`. */
  readonly cluster?: string;
}

/** A job as lists show it. Times are milliseconds since the epoch, by the clock of the machine with the home agent. */
export interface JobRow {
  readonly id: string;
  /** The scheduler's id. */
  readonly nativeId?: string;
  readonly name: string;
  /** First line of the cell's code. */
  readonly summary: string;
  readonly cluster: string;
  readonly resources: Resources;
  readonly status: JobStatus;
  readonly origin: JobOrigin;
  readonly createdAt: number;
  readonly submittedAt?: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly usage?: JobUsage;
  readonly outputBytes: number;
  readonly droppedBytes: number;
  /** When the result was put into a notebook. */
  readonly deliveredAt?: number;
  readonly cancelRequestedAt?: number;
  /** It waits until it is let go, whatever comes free. */
  readonly isHeld?: boolean;
  /** Absent: the job is a single one. */
  readonly array?: TaskArray;
}

/** The mime type of a cell's own output that tells of its job: for front ends that draw it better than the HTML beside it. */
export const JOB_MIME = 'application/vnd.cellburst.job+json';

/** What lies in a notebook under that type. Notebooks are passed on: no paths, no names of machines. */
export type JobOutput = { readonly protocol: number } & Pick<
  JobRow,
  'id' | 'name' | 'cluster' | 'resources' | 'createdAt' | 'submittedAt' | 'startedAt' | 'endedAt' | 'usage'
> & {
    readonly status: JobStatus;
  };

/** A place jobs run at, and how it is known to be. */
export interface ClusterHealth {
  readonly name: string;
  /** The word in the config; `none`: jobs run on the host itself, or on this machine. */
  readonly scheduler: string;
  /** Absent: its commands are on this machine. */
  readonly host?: string;
  /** `unknown`: nothing was heard from there yet. */
  readonly state: 'ok' | 'down' | 'unknown';
  /** When it last answered. Told with other news only; `clusters` asks for it. */
  readonly heardAt?: number;
  readonly message?: string;
  readonly cores?: { readonly total: number; readonly used: number };
}

/** Is what the panel shows what is? `since`: when that became so. */
export type Feed =
  | { readonly state: 'live'; readonly since: number }
  /** The home agent is being started, or cannot be reached; what was sent before is as old as `since`. */
  | { readonly state: 'connecting' | 'lost'; readonly since: number; readonly message?: string };

export interface OpenMonitor {
  readonly protocol: number;
}

export type JobAction = 'cancel' | 'retry' | 'remove' | 'attach' | 'hold' | 'release' | 'script';

/** What the new job asks for instead of what the old one asked for. */
export type RetryResources = Partial<Pick<Resources, 'cores' | 'memoryMiB' | 'wallTimeSeconds'>>;

/** A value of a cluster's entry as it stands in the config file; what it may be tells the schema of ClusterConfig. */
export type EntryValue = string | number | boolean | readonly EntryValue[] | { readonly [key: string]: EntryValue };
export type ClusterEntryValues = Readonly<Record<string, EntryValue>>;

/** What a panel may want of the config file of the person. */
export type ConfigAsk =
  /** What is written, and what may be. */
  | { readonly ask: 'read' }
  /** Writes one cluster's entry; keys that are not in it go. `was`: its name until now. */
  | { readonly ask: 'save'; readonly name: string; readonly was?: string; readonly entry: ClusterEntryValues }
  | { readonly ask: 'remove'; readonly name: string }
  /** The cluster of cells that name none. */
  | { readonly ask: 'default'; readonly name: string };

/** The config file as a form needs it. */
export interface ConfigFileState {
  /** For people. */
  readonly path: string;
  readonly clusters: Readonly<Record<string, ClusterEntryValues>>;
  readonly defaultCluster?: string;
  /** JSON Schema (2020-12) of one cluster's entry. */
  readonly schema: unknown;
  /** It cannot be read, and so not be changed here. */
  readonly problem?: string;
}

/** What is wrong with one value of an entry. */
export interface FieldMistake {
  /** `['defaults', 'memory']`; empty: the entry as a whole; `['name']`: its name. */
  readonly path: readonly string[];
  readonly message: string;
}

export type PanelMessage =
  | { readonly type: 'snapshot' }
  | { readonly type: 'pong' }
  /** Somebody sits before the panel, or no more: questions of hosts are for people only. */
  | { readonly type: 'attend'; readonly isThere: boolean }
  /** Without a text: the person would rather not say. */
  | { readonly type: 'reply'; readonly id: number; readonly text?: string }
  /** Tell how it stands with the clusters, with when each was last heard. */
  | { readonly type: 'clusters' }
  /** What the job has used over its time, now and as it grows, until `unmeasure`. */
  | { readonly type: 'measure'; readonly job: string }
  | { readonly type: 'unmeasure'; readonly job: string }
  | { readonly type: 'config'; readonly request: string; readonly config: ConfigAsk }
  /** A look at all that a cluster needs, step by step: as far as its agent (`reach`), or to the end of a tiny job. Ended by `stop`. */
  | {
      readonly type: 'examine';
      readonly request: string;
      readonly cluster: string;
      readonly what: 'reach' | 'job' | 'all';
    }
  | { readonly type: 'stop'; readonly request: string }
  /**
   * The job's output from a position that was 0 or the `next` of an earlier message, until the job has ended or `unfollow`.
   * What lies further back than `tailBytes` from the end may be left out.
   */
  | { readonly type: 'follow'; readonly job: string; readonly from: number; readonly tailBytes: number }
  | { readonly type: 'unfollow'; readonly job: string }
  | {
      readonly type: 'action';
      /** Chosen by the panel; the result names it. */
      readonly request: string;
      readonly action: JobAction;
      readonly job: string;
      readonly resources?: RetryResources;
    };

/** One piece of a job's output; a display is told by its text form. */
export interface LogPiece {
  readonly stream: 'stdout' | 'stderr' | 'display';
  readonly text: string;
}

export type ActionResult =
  | { readonly action: 'cancel' | 'remove' | 'hold' | 'release' }
  /** What the batch system was given. */
  | { readonly action: 'script'; readonly text: string }
  | { readonly action: 'retry'; readonly job: string }
  /** Where the job came from, and the line that brings its result into a notebook. */
  | { readonly action: 'attach'; readonly origin: JobOrigin; readonly code: string };

export type KernelMessage =
  | {
      readonly type: 'hello';
      readonly protocol: number;
      readonly version: string;
      /** Whose jobs these are, where the records lie: a remote gateway may show those of another machine. */
      readonly user: string;
      readonly host: string;
      readonly stateDirectory: string;
      readonly pid: number;
    }
  /** `now`: the kernel's clock, so that a panel on another machine counts seconds from the right start. */
  | { readonly type: 'snapshot'; readonly revision: number; readonly now: number; readonly jobs: readonly JobRow[] }
  | {
      readonly type: 'delta';
      readonly base: number;
      readonly revision: number;
      readonly now: number;
      readonly changed: readonly JobRow[];
      readonly removed: readonly string[];
    }
  | {
      readonly type: 'feed';
      readonly feed: Feed;
      /** Empty: nothing new of them. */
      readonly clusters: readonly ClusterHealth[];
      /** Of cells that name none. */
      readonly defaultCluster?: string;
      /** What is wrong with the config. */
      readonly problem?: string;
    }
  /** Points from `from` on; 0 replaces all that was told before. */
  | ({ readonly type: 'measured'; readonly job: string; readonly from: number } & UsageSamples)
  | { readonly type: 'configured'; readonly request: string; readonly config: ConfigFileState }
  /** Nothing was written. */
  | { readonly type: 'misconfigured'; readonly request: string; readonly mistakes: readonly FieldMistake[] }
  | { readonly type: 'finding'; readonly request: string; readonly finding: Finding }
  | { readonly type: 'examined'; readonly request: string }
  | {
      readonly type: 'question';
      readonly id: number;
      readonly host: string;
      readonly text: string;
      readonly isSecret: boolean;
    }
  /** It was answered, here or elsewhere, or is of no use any more. */
  | { readonly type: 'settled'; readonly id: number }
  | {
      readonly type: 'log';
      readonly job: string;
      /** Where the pieces begin, in bytes of output, and where to go on. Output before `from` that was not sent was left out. */
      readonly from: number;
      readonly next: number;
      readonly pieces: readonly LogPiece[];
      /** The job has ended and this was all of it. */
      readonly ended: boolean;
      /** Why there is no more, if not because the job has ended. */
      readonly problem?: string;
    }
  | { readonly type: 'result'; readonly request: string; readonly ok: true; readonly result: ActionResult }
  | { readonly type: 'result'; readonly request: string; readonly ok: false; readonly message: string }
  /** Is anybody there? A tab that was closed does not always say so. Asked only when there is something to tell. */
  | { readonly type: 'ping' }
  | { readonly type: 'error'; readonly message: string };

// So that a panel needs this one file.
export type { FailureCause, Finding, JobOrigin, JobStatus, JobUsage, Resources, UsageSamples };
