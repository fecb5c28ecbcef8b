// What to ask for when a job is tried again: twice of what ran out, else the same. Pure.
import type { JobRow, RetryResources } from '../../../magics/protocol/monitor';

/** Undefined: the job gives no reason to try it again. */
export function retryOf(row: JobRow): RetryResources | undefined {
  const { status, resources } = row;
  if (status.state === 'cancelled') return {};
  if (status.state !== 'failed') return undefined;
  if (status.cause === 'out-of-memory') return { memoryMiB: twice(row) };
  if (status.cause === 'time-limit' && resources.wallTimeSeconds !== undefined)
    return { wallTimeSeconds: resources.wallTimeSeconds * 2 };
  return {};
}

/** Twice of what was asked for, or of the peak, in whole GB from 1 GB on. */
function twice({ resources, usage }: JobRow): number {
  const had = resources.memoryMiB ?? usage?.peakMemoryMiB ?? 1024;
  const wanted = had * 2;
  return wanted < 1024 ? Math.ceil(wanted / 64) * 64 : Math.ceil(wanted / 1024) * 1024;
}
