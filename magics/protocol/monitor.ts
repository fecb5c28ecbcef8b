// What a job panel and a kernel say to each other over a Jupyter comm: JSON in `data`, one message each way at a time, no buffers.
// For browsers too: types and constants only. Whoever reads ignores messages and fields it does not know; a newer writer may know more.
//
// The panel opens the comm with OpenMonitor. The kernel answers hello, then a snapshot, then deltas; a delta whose `base` is not the
// panel's revision means that something was lost: the panel asks for a snapshot again. Nothing is sent while nothing changes, since
// every message counts as activity and would keep an idle server alive.
import type { FailureCause, JobOrigin, JobStatus, JobUsage, Resources } from './job';
import type { TaskArray } from './tasks';

export const MONITOR_TARGET = 'cellburst.jobs.v1';
/** Raised when a message means something else than before; a new field or message does not raise it. */
export const MONITOR_PROTOCOL = 1;
/** The path of the session whose kernel serves the panels of a Jupyter server. No file is there; it is how tabs find the same one. */
export const MONITOR_SESSION = '.cellburst-monitor';

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
  readonly state: 'ok' | 'slow' | 'down';
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

export type JobAction = 'cancel' | 'retry' | 'remove' | 'attach';

/** What the new job asks for instead of what the old one asked for. */
export type RetryResources = Partial<Pick<Resources, 'cores' | 'memoryMiB' | 'wallTimeSeconds'>>;

export type PanelMessage =
  | { readonly type: 'snapshot' }
  | { readonly type: 'pong' }
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
  | { readonly action: 'cancel' | 'remove' }
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
  | { readonly type: 'feed'; readonly feed: Feed; readonly clusters: readonly ClusterHealth[] }
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
export type { FailureCause, JobOrigin, JobStatus, JobUsage, Resources };
