// The seam between a job and whatever runs it. A scheduler accepts jobs, says where they stand and ends them; how a job ended is told by the
// files its runner leaves, so a scheduler only explains what those cannot. Jobs go by our own ids here: those of two clusters may be equal.
import type { AgentConnection } from '../client';
import type { JobPackages, PackageOrders } from '../protocol/environment';
import type { Finding } from '../protocol/finding';
import type { Failure, JobId, JobPath, JobSpec, JobUsage, NativeId } from '../protocol/job';
import type { TaskArray } from '../protocol/tasks';

export interface ScheduledJob {
  readonly id: JobId;
  readonly spec: JobSpec;
  readonly directory: string;
  readonly packages?: JobPackages;
  /** The same for its runner. */
  readonly packageOrders?: PackageOrders;
  /** When its end was asked for, of a job that is taken over. */
  readonly cancelRequestedAt?: number;
  /** Of a job that waits and is taken over: nothing may start it. */
  readonly isHeld?: boolean;
}

/** Why a job ended, for the case that it left neither result nor outcome. */
export type Explanation = Failure;

/** What a scheduler sees of a job. */
export type Sighting =
  | { readonly state: 'queued'; readonly reason?: string; readonly expectedStart?: number; readonly isStuck?: boolean }
  | {
      readonly state: 'running';
      readonly node?: string;
      readonly since: number;
      /** When its runner was heard last, where that is long ago. */
      readonly silentSince?: number;
      /** Where its runner's files are not on this machine. */
      readonly usage?: JobUsage;
      readonly path?: JobPath;
      /** Of an array. */
      readonly tasks?: TaskArray;
    }
  /** It is over by a source that keeps history. */
  | { readonly state: 'ended'; readonly explanation?: Explanation }
  | { readonly state: 'cancelled'; readonly by: 'administrator' | 'unknown'; readonly words?: string }
  /** A word we do not know; never the end of anything. */
  | { readonly state: 'unknown'; readonly raw: string };

export type Report = (id: JobId, sighting: Sighting) => void;

export interface SchedulerLoad {
  readonly cores: { readonly total: number; readonly used: number };
  readonly memoryMiB: { readonly total: number; readonly promised: number };
  /** Runners that wait for a job. */
  readonly warm: number;
}

/** What was heard from a cluster, without asking it now. */
export type Health =
  /** Nothing yet. */
  | { readonly state: 'unknown' }
  | { readonly state: 'ok'; readonly heardAt: number }
  /** The last try failed. */
  | { readonly state: 'down'; readonly heardAt?: number; readonly message: string };

export interface Scheduler extends AsyncDisposable {
  /** The word in `JobSpec.cluster`. */
  readonly name: string;
  /** Refuses, by a UsageError or a SchedulerError, what could never run here. */
  check(spec: JobSpec): void;
  /**
   * Throws only when there certainly is no job. Without an id the job is accepted, and the scheduler's own id is not known yet: its reports tell
   * how it goes on.
   */
  submit(job: ScheduledJob, signal: AbortSignal): Promise<NativeId | undefined>;
  /** Takes over jobs that were submitted in an earlier life of this agent. */
  adopt(jobs: readonly ScheduledJob[], signal: AbortSignal): Promise<void>;
  /** Of jobs that have ended here: clears away what is left of them elsewhere, when there is a way there. */
  clear?(jobs: readonly ScheduledJob[]): void;
  /** Cancelling a job that has ended is not an error. */
  cancel(ids: readonly JobId[], signal: AbortSignal): Promise<void>;
  /** Holds jobs that wait, or lets them go. */
  change(change: 'hold' | 'release', ids: readonly JobId[], signal: AbortSignal): Promise<void>;
  /** Makes it likely that the next job starts at once. */
  prepare?(spec: { readonly nodeProgram?: string }): void;
  load?(): SchedulerLoad;
  /** Of a cluster that can be lost. */
  health?(): Health;
  /** A look at all that a job there needs. Never throws but for the signal. */
  examine?(signal: AbortSignal): AsyncIterable<Finding>;
  /** The agent of the machine whose store its jobs use, where that is not this one. Throws TransportError or LinkClosed when it cannot be reached. */
  agent?(signal: AbortSignal): Promise<AgentConnection>;
}
