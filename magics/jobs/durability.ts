// Results that nobody takes home at once are put on the disk. A cell that waits for its result would pay for that with time and have nothing of
// it: when the machine dies then, so does the notebook. An envelope that a crash has cut is found by its digest.
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../protocol/files';
import type { JobId } from '../protocol/job';
import { ENVELOPE_FILE } from '../protocol/layout';
import type { Jobs } from './jobs';

/** Longer than a kernel that waits takes for settling. */
const TAKEN_WITHIN_MS = 3000;

/** Watches over all jobs that end from now on. */
export function keepResults(jobs: Jobs, log: (line: string) => void): void {
  const kept = new Set<JobId>();
  jobs.subscribe(({ id, status, directory }) => {
    if (status.state !== 'completed' || kept.has(id)) return;
    kept.add(id);
    setTimeout(() => {
      const isAtHome = jobs.list().every((job) => job.id !== id || job.deliveredAt !== undefined);
      if (!isAtHome) void syncEnvelope(directory, log);
    }, TAKEN_WITHIN_MS);
  });
}

async function syncEnvelope(directory: string, log: (line: string) => void): Promise<void> {
  try {
    await using file = await open(join(directory, ENVELOPE_FILE), 'r');
    await file.sync();
  } catch (error) {
    if (!isMissing(error)) log(`the result in ${directory} may not be on the disk yet: ${String(error)}`);
  }
}
