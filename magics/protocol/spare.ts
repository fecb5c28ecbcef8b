// To write a large file is mostly the system finding memory for it: over a file that is in memory already it takes a quarter of the time. So the files of
// a job that was delivered are kept a few seconds, each for the next job's file of the same name, which is written over it.
// They lie beside the jobs: STATE/spare/bundle.bin for STATE/jobs/ID/bundle.bin.
import { ftruncateSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Smaller files are not worth it. */
export const LARGE_BYTES = 4 << 20;
/** A file that is this many times too long costs more to cut than it saves. */
const MAX_EXCESS = 4;
const SPARE_DIRECTORY = 'spare';

/** Where a file of a job is kept for the next. */
export function sparePath(jobFile: string): string {
  return join(dirname(dirname(dirname(jobFile))), SPARE_DIRECTORY, basename(jobFile));
}

/** Puts a file of a delivered job there, in the place of an older one. */
export function keepSpare(jobFile: string): void {
  const spare = sparePath(jobFile);
  mkdirSync(dirname(spare), { recursive: true, mode: 0o700 });
  // Not by renaming over it: some file systems write a file to the disk at once that takes another's place.
  rmSync(spare, { force: true });
  renameSync(jobFile, spare);
}

export function dropSpares(stateDirectory: string): void {
  rmSync(join(stateDirectory, SPARE_DIRECTORY), { recursive: true, force: true });
}

/**
 * Opens `part` to write `bytes` that will be called `jobFile`: over a spare where there is one. All bytes have to be written. Gives a descriptor; throws what the
 * system throws.
 */
export function openForWriting(part: string, jobFile: string, bytes: number): number {
  if (bytes >= LARGE_BYTES && takeSpare(sparePath(jobFile), part, bytes)) {
    const file = openSync(part, 'r+');
    ftruncateSync(file, bytes);
    return file;
  }
  return openSync(part, 'w', 0o600);
}

function takeSpare(spare: string, part: string, bytes: number): boolean {
  const found = statSync(spare, { throwIfNoEntry: false });
  // A stranger's file could be read by that stranger.
  if (found?.isFile() !== true || found.uid !== process.getuid?.() || found.size > MAX_EXCESS * bytes) return false;
  try {
    renameSync(spare, part);
    return true;
  } catch {
    // Another job was quicker: a file of its own does as well.
    return false;
  }
}
