// Jobs that left no result, an error class for each cause: `instanceof` and `code` tell them apart in a cell, and the fields hold what is known.
// Cells import the classes from 'cellburst'; which cause is which class stands in failure.ts.
import { ClusterError, SchedulerError, type ErrorCode } from './errors';

/** What is known of a job that left no result. Memory in MiB, times in seconds. */
export interface JobFacts {
  /** Ours, as in `%cluster logs ID`. */
  readonly jobId: string;
  readonly cluster: string;
  /** The scheduler's own. */
  readonly nativeId?: string;
  /** Why, in a sentence. */
  readonly reason: string;
  /** What to do, in a sentence. */
  readonly advice: string;
  readonly exitCode?: number;
  /** `SIGKILL` */
  readonly signal?: string;
  readonly node?: string;
  readonly memoryAskedMiB?: number;
  readonly memoryUsedMiB?: number;
  readonly timeAskedSeconds?: number;
  readonly timeUsedSeconds?: number;
  /** As the scheduler put it: `OUT_OF_MEMORY 0:125`. */
  readonly schedulerWords?: string;
  /** The end of what it printed, errors included; at most 20. */
  readonly lastLines?: readonly string[];
}

/** The job ended and left no result. */
export class JobFailedError extends ClusterError {
  readonly code: ErrorCode = 'JOB_FAILED';
  declare readonly jobId?: string;
  declare readonly cluster?: string;
  declare readonly nativeId?: string;
  declare readonly reason?: string;
  declare readonly advice?: string;
  declare readonly exitCode?: number;
  declare readonly signal?: string;
  declare readonly node?: string;
  declare readonly memoryAskedMiB?: number;
  declare readonly memoryUsedMiB?: number;
  declare readonly timeAskedSeconds?: number;
  declare readonly timeUsedSeconds?: number;
  declare readonly schedulerWords?: string;
  declare readonly lastLines?: readonly string[];

  constructor(message: string, facts: Partial<JobFacts> & ErrorOptions = {}) {
    const { cause, ...known } = facts;
    super(message, cause === undefined ? undefined : { cause });
    Object.assign(this, known);
  }
}

/** Its process ended with an exit code before the cell returned. */
export class JobExitError extends JobFailedError {
  override readonly code = 'JOB_EXIT';
}

/** Its process was ended by a signal. */
export class JobSignalError extends JobFailedError {
  override readonly code = 'JOB_SIGNAL';
}

export class OutOfMemoryError extends JobFailedError {
  override readonly code = 'OUT_OF_MEMORY';
}

export class TimeLimitError extends JobFailedError {
  override readonly code = 'TIME_LIMIT';
}

export class NodeFailureError extends JobFailedError {
  override readonly code = 'NODE_FAILURE';
}

export class PreemptedError extends JobFailedError {
  override readonly code = 'PREEMPTED';
}

/** It waits in the queue, and the scheduler says that it never can start as it is. It has not ended. */
export class JobCannotStartError extends JobFailedError {
  override readonly code = 'CANNOT_START';
}

/** The scheduler gave it a place, and it could not be started there. */
export class JobStartError extends JobFailedError {
  override readonly code = 'START_FAILED';
}

/** Its packages could not be made where it was to run. */
export class JobEnvironmentError extends JobFailedError {
  override readonly code = 'JOB_ENVIRONMENT';
}

/** There is a result, and it cannot be read. */
export class ResultUnreadableError extends JobFailedError {
  override readonly code = 'RESULT_UNREADABLE';
}

export class DiskFullError extends JobFailedError {
  override readonly code = 'DISK_FULL';
}

/** It is over, and nobody knows how it came about. */
export class JobLostError extends JobFailedError {
  override readonly code = 'JOB_LOST';
}

/** Cancelled by the user, or by whoever has the user's name. */
export class JobCancelledError extends ClusterError {
  readonly code: ErrorCode = 'JOB_CANCELLED';
  declare readonly jobId?: string;
  declare readonly cluster?: string;
  declare readonly nativeId?: string;
  declare readonly reason?: string;
  declare readonly advice?: string;
  declare readonly node?: string;
  declare readonly schedulerWords?: string;
  declare readonly lastLines?: readonly string[];

  constructor(message: string, facts: Partial<JobFacts> = {}) {
    super(message);
    Object.assign(this, facts);
  }
}

/** Cancelled by an administrator of the cluster, or by the scheduler itself. */
export class CancelledByOperatorError extends JobCancelledError {
  override readonly code = 'CANCELLED_BY_OPERATOR';
}

/** The scheduler did not accept the job; there is none. */
export class JobRejectedError extends SchedulerError {
  override readonly code = 'REJECTED';
  /** The scheduler's own. */
  declare readonly schedulerWords?: string;

  constructor(message: string, options: ErrorOptions & { readonly schedulerWords?: string } = {}) {
    const { schedulerWords, ...rest } = options;
    super(message, rest);
    if (schedulerWords !== undefined) Object.assign(this, { schedulerWords });
  }
}
