// Errors that crossed the socket as a code and a sentence become errors of their class again.
import {
  AgentError,
  EnvironmentSetupError,
  JobCancelledError,
  JobFailedError,
  ProtocolError,
  SchedulerError,
  TransportError,
  UsageError,
  WriteBackConflictError,
  type ClusterError,
  type ErrorCode,
} from '../protocol/errors';

const CLASSES = {
  USAGE: UsageError,
  // A capture happens at home; an agent that speaks of one is told like any other failure of it.
  CAPTURE: AgentError,
  ENVIRONMENT: EnvironmentSetupError,
  TRANSPORT: TransportError,
  SCHEDULER: SchedulerError,
  JOB_FAILED: JobFailedError,
  JOB_CANCELLED: JobCancelledError,
  PROTOCOL: ProtocolError,
  AGENT: AgentError,
  CONFLICT: WriteBackConflictError,
} as const satisfies Record<ErrorCode, new (message: string) => ClusterError>;

export function toError(code: ErrorCode, message: string): ClusterError {
  return new CLASSES[code](message);
}
