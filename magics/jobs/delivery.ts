// The result of a job goes to one notebook, once: claimed by a process, then delivered, or released. Pure but for the question who still lives.
import { UsageError, WriteBackConflictError } from '../protocol/errors';
import { isFinal, type JobRecord } from '../protocol/job';
import { isAlive, isSame } from '../protocol/platform';
import type { ProcessIdentity } from '../protocol/run';

export function claim(record: JobRecord, by: ProcessIdentity): JobRecord {
  if (!isFinal(record.status))
    throw new UsageError(`Cannot take the result of job ${record.id}: it has not ended, it is ${record.status.state}.`);
  refuseOthers(record, by);
  return { ...record, claimedBy: by };
}

/**
 * The same record when it was delivered by this process before: the reply was lost, and it asks again. A claim that was lost with a connection
 * is no obstacle as long as nobody else has made one.
 */
export function deliver(record: JobRecord, by: ProcessIdentity, nowMs: number): JobRecord {
  if (record.deliveredAt !== undefined && record.claimedBy !== undefined && isSame(record.claimedBy, by)) return record;
  return { ...claim(record, by), deliveredAt: nowMs };
}

/** The same record when there is nothing to release. */
export function release(record: JobRecord, by: ProcessIdentity): JobRecord {
  if (record.deliveredAt !== undefined || record.claimedBy === undefined || !isSame(record.claimedBy, by))
    return record;
  const free: { -readonly [K in keyof JobRecord]: JobRecord[K] } = { ...record };
  delete free.claimedBy;
  return free;
}

function refuseOthers(record: JobRecord, by: ProcessIdentity): void {
  if (record.deliveredAt !== undefined)
    throw new WriteBackConflictError(
      `The result of job ${record.id} was delivered already, on ${new Date(record.deliveredAt).toISOString()}. Run the cell again for another.`,
    );
  if (record.claimedBy !== undefined && !isSame(record.claimedBy, by) && isAlive(record.claimedBy))
    throw new WriteBackConflictError(
      `The result of job ${record.id} is being taken by another process (${record.claimedBy.pid}).`,
    );
}
