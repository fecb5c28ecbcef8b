// Far too much was asked for: others wait for it, and the job itself waits longer. Pure.
import type { JobRow } from '../../../magics/protocol/monitor';
import { formatDuration, formatMemory } from './quantities';
import type { Translation } from './words';

/** What a job has to run at least to say anything. */
const LEAST_SECONDS = 10;
const LEAST_MEMORY_MIB = 2048;
const LEAST_TIME_SECONDS = 1800;

/** Each in a sentence; none while the job runs, or when it was cut short. */
export function hintsOf({ resources, usage, status }: JobRow, trans: Translation): string[] {
  if (status.state !== 'completed' || usage === undefined || usage.elapsedSeconds < LEAST_SECONDS) return [];
  const { cores, memoryMiB, wallTimeSeconds } = resources;
  const { peakMemoryMiB, cpuSeconds, elapsedSeconds } = usage;
  const hints: string[] = [];
  if (memoryMiB !== undefined && memoryMiB >= LEAST_MEMORY_MIB && peakMemoryMiB < memoryMiB / 4)
    hints.push(
      trans.__('Asked for %1, used %2: less waits shorter.', formatMemory(memoryMiB), formatMemory(peakMemoryMiB)),
    );
  const busy = cpuSeconds / elapsedSeconds;
  if (cores > 1 && busy < cores / 4)
    hints.push(
      trans.__(
        'Asked for %1 cores, kept %2 busy: fewer wait shorter.',
        cores,
        busy < 1 ? busy.toFixed(1) : Math.round(busy),
      ),
    );
  if (wallTimeSeconds !== undefined && wallTimeSeconds >= LEAST_TIME_SECONDS && elapsedSeconds < wallTimeSeconds / 8)
    hints.push(
      trans.__(
        'Asked for %1, took %2: less waits shorter.',
        formatDuration(wallTimeSeconds),
        formatDuration(elapsedSeconds),
      ),
    );
  return hints;
}
