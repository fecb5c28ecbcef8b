// Every error of ours, written for the person in the notebook: what could not be done, with what, why, what to do next.
// Branded by a symbol, since classes are doubled across processes, bundles and test realms.

const BRAND = Symbol.for('cellburst.error');

export const ERROR_CODES = [
  'USAGE',
  'CAPTURE',
  'ENVIRONMENT',
  'TRANSPORT',
  'SCHEDULER',
  'REJECTED',
  'JOB_FAILED',
  'JOB_EXIT',
  'JOB_SIGNAL',
  'OUT_OF_MEMORY',
  'TIME_LIMIT',
  'NODE_FAILURE',
  'PREEMPTED',
  'CANNOT_START',
  'START_FAILED',
  'JOB_ENVIRONMENT',
  'RESULT_UNREADABLE',
  'DISK_FULL',
  'JOB_LOST',
  'JOB_CANCELLED',
  'CANCELLED_BY_OPERATOR',
  'PROTOCOL',
  'AGENT',
  'CONFLICT',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

export abstract class ClusterError extends Error {
  abstract readonly code: ErrorCode;
  /** May the same thing succeed when tried again? */
  declare readonly transient: boolean;

  constructor(message: string, options: ErrorOptions & { readonly transient?: boolean } = {}) {
    const { transient = false, ...rest } = options;
    super(message, rest);
    this.name = new.target.name;
    // What a traceback need not list.
    Object.defineProperties(this, { [BRAND]: { value: true }, transient: { value: transient } });
  }

  static is(error: unknown): error is ClusterError {
    return typeof error === 'object' && error !== null && BRAND in error;
  }
}

/** A magic line or a config that cannot be right. Nothing was sent. */
export class UsageError extends ClusterError {
  readonly code = 'USAGE';
}

/** A value or function cannot travel. All refusals of a capture, in the grammar `cannot ship PATH: WHAT — ADVICE`. */
export class CaptureError extends ClusterError {
  readonly code = 'CAPTURE';
  readonly refusals: readonly Refusal[];

  constructor(refusals: readonly Refusal[], options?: ErrorOptions) {
    super(describeRefusals(refusals), options);
    this.refusals = refusals;
  }
}

export interface Refusal {
  /** `model.layers[3].handle` */
  readonly path: string;
  readonly what: string;
  readonly advice: string;
}

const SHOWN_REFUSALS = 10;

export function describeRefusals(refusals: readonly Refusal[]): string {
  const lines = refusals.slice(0, SHOWN_REFUSALS).map((r) => `cannot ship ${r.path}: ${r.what} — ${r.advice}`);
  if (refusals.length <= 1) return lines.join('');
  const more = refusals.length - lines.length;
  return [`${refusals.length} values cannot be shipped:`, ...lines, ...(more > 0 ? [`… and ${more} more`] : [])].join(
    '\n',
  );
}

export class EnvironmentSetupError extends ClusterError {
  readonly code = 'ENVIRONMENT';
}

export class TransportError extends ClusterError {
  readonly code = 'TRANSPORT';
}

/** A scheduler refused, or gave an answer that cannot be trusted. */
export class SchedulerError extends ClusterError {
  readonly code: ErrorCode = 'SCHEDULER';
}

/** The home agent cannot be reached or refuses. */
export class AgentError extends ClusterError {
  readonly code = 'AGENT';
}

/** Bytes from the other side that do not decode, or are of another version. */
export class ProtocolError extends ClusterError {
  readonly code = 'PROTOCOL';
}

/** What came back would overwrite what the user changed meanwhile. */
export class WriteBackConflictError extends ClusterError {
  readonly code = 'CONFLICT';
}

/** The `code` of an error of Node's (`ENOENT`). Not by instanceof: classes are doubled across realms. */
export function systemCode(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}

/** The sentence of anything that was thrown. */
export function messageOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
}
