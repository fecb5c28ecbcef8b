// Which ended jobs are kept, and how long. A result that nobody has fetched is kept whatever its age and size: only a person forgets it. Pure.
import type { JobId, JobRecord } from '../protocol/job';
import { isFinal, isUnfetched } from '../protocol/job';

export interface Retention {
  readonly days: number;
  readonly jobs: number;
  readonly bytes: number;
}

const DAY_MS = 86_400_000;
/** A client that was told of a delivery may still look at the files for a moment. */
const LIGHTEN_MS = 60_000;
/** A client that creates a job submits it within this time, or is still alive. */
const ABANDONED_MS = 600_000;

export interface StoredJob {
  readonly record: JobRecord;
  readonly bytes: number;
  /** The process that created it is still there. */
  readonly isOriginAlive: boolean;
}

/** Jobs to forget altogether: the oldest beyond any limit, delivered ones first; and those that were never submitted. */
export function toForget(jobs: readonly StoredJob[], keep: Retention, nowMs: number): JobId[] {
  const forgotten = jobs.filter(({ record, isOriginAlive }) => {
    if (record.status.state === 'preparing') return !isOriginAlive && nowMs - record.createdAt > ABANDONED_MS;
    return isSpent(record) && nowMs - (record.endedAt ?? record.createdAt) > keep.days * DAY_MS;
  });
  const gone = new Set(forgotten);
  const order = jobs
    .filter((job) => !gone.has(job) && isSpent(job.record) && !isAwaited(job.record))
    .sort((a, b) => rank(a) - rank(b));
  let count = jobs.length - gone.size;
  let bytes = jobs.reduce((sum, job) => sum + (gone.has(job) ? 0 : job.bytes), 0);
  for (const job of order) {
    if (count <= keep.jobs && bytes <= keep.bytes) break;
    forgotten.push(job);
    count -= 1;
    bytes -= job.bytes;
  }
  return forgotten.map(({ record }) => record.id);
}

/** It has ended, and nothing of it is lost when it goes. */
function isSpent(record: JobRecord): boolean {
  return isFinal(record.status) && !isUnfetched(record);
}

/** Another machine's agent has brought it, and forgets it here when it has fetched how it ended. */
function isAwaited({ spec }: JobRecord): boolean {
  return spec.token !== undefined;
}

/** Delivered jobs before undelivered ones, old ones before young ones. */
function rank({ record }: StoredJob): number {
  return (record.deliveredAt === undefined ? Number.MAX_SAFE_INTEGER / 2 : 0) + (record.endedAt ?? record.createdAt);
}

/** Jobs whose result is at home: bundle and envelope can go. */
export function toLighten(jobs: readonly StoredJob[], nowMs: number): JobId[] {
  return jobs
    .filter(({ record }) => record.deliveredAt !== undefined && nowMs - record.deliveredAt > LIGHTEN_MS)
    .map(({ record }) => record.id);
}
