// Every error of ours, written for the person in the notebook: what could not be done, with what, why, what to do next.
// Branded by a symbol, since classes are doubled across processes, bundles and test realms.

const BRAND = Symbol.for('cellburst.error');

export type ErrorCode =
  | 'USAGE'
  | 'CAPTURE'
  | 'ENVIRONMENT'
  | 'TRANSPORT'
  | 'SCHEDULER'
  | 'JOB_FAILED'
  | 'JOB_CANCELLED'
  | 'PROTOCOL'
  | 'AGENT'
  | 'CONFLICT';

export abstract class ClusterError extends Error {
  abstract readonly code: ErrorCode;
  /** May the same thing succeed when tried again? */
  readonly transient: boolean = false;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    Object.defineProperty(this, BRAND, { value: true });
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
  override readonly transient: boolean;

  constructor(message: string, options: ErrorOptions & { transient?: boolean } = {}) {
    super(message, options);
    this.transient = options.transient ?? false;
  }
}

/** A scheduler refused, or gave an answer that cannot be trusted. */
export class SchedulerError extends ClusterError {
  readonly code = 'SCHEDULER';
  override readonly transient: boolean;

  constructor(message: string, options: ErrorOptions & { transient?: boolean } = {}) {
    super(message, options);
    this.transient = options.transient ?? false;
  }
}

/** The home agent cannot be reached or refuses. */
export class AgentError extends ClusterError {
  readonly code = 'AGENT';
}

/** The job ended and left no result. */
export class JobFailedError extends ClusterError {
  readonly code = 'JOB_FAILED';
}

export class JobCancelledError extends ClusterError {
  readonly code = 'JOB_CANCELLED';
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
