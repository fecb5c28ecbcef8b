// Errors that crossed the socket as a code and a sentence become errors of their class again.
import {
  AgentError,
  EnvironmentSetupError,
  ProtocolError,
  SchedulerError,
  TransportError,
  UsageError,
  WriteBackConflictError,
  type ClusterError,
  type ErrorCode,
} from '../protocol/errors';
import * as jobs from '../protocol/job-errors';

const CLASSES = {
  USAGE: UsageError,
  // A capture happens at home; an agent that speaks of one is told like any other failure of it.
  CAPTURE: AgentError,
  ENVIRONMENT: EnvironmentSetupError,
  TRANSPORT: TransportError,
  SCHEDULER: SchedulerError,
  REJECTED: jobs.JobRejectedError,
  JOB_FAILED: jobs.JobFailedError,
  JOB_EXIT: jobs.JobExitError,
  JOB_SIGNAL: jobs.JobSignalError,
  OUT_OF_MEMORY: jobs.OutOfMemoryError,
  TIME_LIMIT: jobs.TimeLimitError,
  NODE_FAILURE: jobs.NodeFailureError,
  PREEMPTED: jobs.PreemptedError,
  CANNOT_START: jobs.JobCannotStartError,
  START_FAILED: jobs.JobStartError,
  JOB_ENVIRONMENT: jobs.JobEnvironmentError,
  RESULT_UNREADABLE: jobs.ResultUnreadableError,
  DISK_FULL: jobs.DiskFullError,
  JOB_LOST: jobs.JobLostError,
  JOB_CANCELLED: jobs.JobCancelledError,
  CANCELLED_BY_OPERATOR: jobs.CancelledByOperatorError,
  PROTOCOL: ProtocolError,
  AGENT: AgentError,
  CONFLICT: WriteBackConflictError,
} as const satisfies Record<ErrorCode, new (message: string) => ClusterError>;

export function toError(code: ErrorCode, message: string, schedulerWords?: string): ClusterError {
  if (code === 'REJECTED' && schedulerWords !== undefined)
    return new jobs.JobRejectedError(message, { schedulerWords });
  return new CLASSES[code](message);
}
