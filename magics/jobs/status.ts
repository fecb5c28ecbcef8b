// Where a job stands, from all that is known of it. Pure. The envelope decides, the runner's outcome explains, then the scheduler;
// what has ended stays as it ended.
import { CELL_EXIT, type Ending, type Outcome } from '../protocol/run';
import { isFinal, type JobRecord, type JobStatus } from '../protocol/job';
import type { Explanation, Sighting } from '../schedulers';

export interface Evidence {
  /** The head of a readable envelope, or why it cannot be read. */
  readonly envelope?: { readonly outcome: 'value' | 'error' } | { readonly problem: string };
  readonly outcome?: Outcome;
  readonly explanation?: Explanation;
  /** The scheduler says that somebody cancelled it. */
  readonly cancelledBy?: 'administrator' | 'unknown';
  /** In its own words. */
  readonly cancelWords?: string;
}

type Failed = Extract<JobStatus, { state: 'failed' }>;

/** The final status of a job that is over, with the scheduler's words where it has said any. */
export function settle(record: JobRecord, evidence: Evidence): JobStatus {
  const status = decide(record, evidence);
  const words = evidence.explanation?.words ?? evidence.cancelWords;
  if (words === undefined || (status.state !== 'failed' && status.state !== 'cancelled')) return status;
  return { ...status, words };
}

function decide(record: JobRecord, evidence: Evidence): JobStatus {
  const { envelope, outcome, explanation } = evidence;
  if (envelope !== undefined && 'outcome' in envelope) return { state: 'completed', outcome: envelope.outcome };
  const isUsers = record.cancelRequestedAt !== undefined;
  const why = outcome === undefined ? undefined : explainStop(outcome, evidence);
  if (why !== undefined && !isUsers) return why;
  if (record.spec.allocation !== undefined && outcome?.ending.kind === 'exit' && outcome.ending.code === 0)
    return { state: 'completed', outcome: 'value' };
  if (outcome?.ending.kind === 'terminated') return { state: 'cancelled', by: isUsers ? 'user' : 'unknown' };
  if (envelope !== undefined)
    return {
      state: 'failed',
      cause: 'result-unreadable',
      reason: `The job ended, but its result cannot be read: ${envelope.problem}`,
    };
  if (outcome !== undefined) return toFailure(outcome.ending);
  if (isUsers) return { state: 'cancelled', by: 'user' };
  if (evidence.cancelledBy !== undefined) return { state: 'cancelled', by: evidence.cancelledBy };
  if (explanation !== undefined) return { state: 'failed', ...explanation };
  return { state: 'failed', cause: 'runner-lost', reason: 'The job ended without a result and without a word why.' };
}

/** The runner or its cell process was stopped from outside: by whom and why, a scheduler may know. */
export function wantsExplanation({ ending }: Outcome): boolean {
  return ending.kind === 'terminated' || ending.kind === 'signal';
}

/** What the runner saw of its end in the scheduler's words. An exit code or a signal says no more than the runner does. */
function explainStop(outcome: Outcome, { explanation, cancelledBy }: Evidence): JobStatus | undefined {
  if (!wantsExplanation(outcome)) return undefined;
  if (cancelledBy !== undefined) return { state: 'cancelled', by: cancelledBy };
  const says = explanation?.cause;
  if (explanation === undefined || says === 'exit' || says === 'signal' || says === 'runner-lost') return undefined;
  return { state: 'failed', ...explanation };
}

function toFailure(ending: Exclude<Ending, { kind: 'terminated' }>): Failed {
  switch (ending.kind) {
    case 'exit':
      return toExitFailure(ending.code, ending.detail);
    case 'signal':
      return {
        state: 'failed',
        cause: 'signal',
        signal: ending.signal,
        reason: `The cell process was ended by ${ending.signal}, which Cellburst did not send.${SIGNAL_HINTS[ending.signal] ?? ''}${quote(ending.detail)}`,
      };
    case 'out-of-memory':
      return {
        state: 'failed',
        cause: 'out-of-memory',
        reason: `The job ran out of memory. ${ending.detail}`,
      };
    case 'time-limit':
      return {
        state: 'failed',
        cause: 'time-limit',
        reason: `The job reached its time limit. ${ending.detail}`,
      };
    case 'start-failed':
      return {
        state: 'failed',
        cause: 'start-failed',
        reason: `The cell process could not be started: ${ending.detail}`,
      };
    case 'environment-failed':
      return {
        state: 'failed',
        cause: 'environment',
        reason: `The environment of the cell could not be made there: ${ending.detail}`,
      };
    case 'disk-full':
      return {
        state: 'failed',
        cause: 'disk-full',
        reason: `The job could not write its result. Is the disk full?${quote(ending.detail)}`,
      };
  }
}

const SIGNAL_HINTS: Readonly<Record<string, string | undefined>> = {
  SIGKILL: ' The system does that when its memory is used up; --memory makes Cellburst keep the job below a limit.',
  SIGSEGV: ' A package with native code may be at fault.',
  SIGBUS: ' A package with native code may be at fault.',
  SIGABRT: ' Native code or V8 gave up.',
};

function toExitFailure(code: number, detail: string | undefined): Failed {
  if (code === CELL_EXIT.bundleUnreadable)
    return {
      state: 'failed',
      cause: 'start-failed',
      exitCode: code,
      reason: `The job could not read what was sent to it.${quote(detail)}`,
    };
  return {
    state: 'failed',
    cause: 'exit',
    exitCode: code,
    reason: `The cell process ended with exit code ${code} before the cell returned.${quote(detail)}`,
  };
}

function quote(detail: string | undefined): string {
  return detail === undefined || detail === '' ? '' : ` Its last words: ${detail}`;
}

/** The record after a sighting that is no end. The same object when nothing has changed. */
export function sight(record: JobRecord, sighting: Exclude<Sighting, { state: 'ended' | 'cancelled' }>): JobRecord {
  if (isFinal(record.status)) return record;
  const status = toStatus(sighting);
  const told = toldOf(sighting);
  const known = [record.status, record.usage, record.tasks];
  if (JSON.stringify([status, told.usage ?? record.usage, told.tasks ?? record.tasks]) === JSON.stringify(known))
    return record;
  // That it was submitted is told late, maybe after its runner has said that it runs. A reason to wait is news: it was put back, or could not be started.
  if (status.state === 'queued' && status.reason === undefined && record.status.state === 'running') return record;
  return status.state === 'running'
    ? { ...record, ...told, status, startedAt: record.startedAt ?? status.since }
    : { ...record, status };
}

/** What a sighting tells beside the status. */
function toldOf(sighting: Sighting): Pick<JobRecord, 'usage' | 'tasks' | 'node' | 'path'> {
  if (sighting.state !== 'running') return {};
  const { usage, tasks, node, path } = sighting;
  return {
    ...(usage === undefined ? {} : { usage }),
    ...(tasks === undefined ? {} : { tasks }),
    ...(node === undefined ? {} : { node }),
    ...(path === undefined ? {} : { path }),
  };
}

function toStatus(sighting: Exclude<Sighting, { state: 'ended' | 'cancelled' }>): JobStatus {
  switch (sighting.state) {
    case 'queued':
      return sighting;
    case 'running':
      return {
        state: 'running',
        since: sighting.since,
        ...(sighting.node === undefined ? {} : { node: sighting.node }),
        ...(sighting.silentSince === undefined ? {} : { silentSince: sighting.silentSince }),
      };
    case 'unknown':
      return { state: 'unknown', raw: sighting.raw };
  }
}

/** The record at its end. */
export function finish(record: JobRecord, evidence: Evidence, nowMs: number): JobRecord {
  if (isFinal(record.status)) return record;
  const { outcome } = evidence;
  const ended = { ...record, status: settle(record, evidence), endedAt: outcome?.endedAt ?? nowMs };
  if (outcome === undefined) return ended;
  return {
    ...ended,
    startedAt: outcome.startedAt,
    node: outcome.host,
    usage: outcome.usage,
    ...(outcome.machine === undefined ? {} : { ranOn: outcome.machine }),
    outputBytes: outcome.outputBytes,
    droppedBytes: outcome.droppedBytes,
  };
}
