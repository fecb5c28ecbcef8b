// How much room there is for what is to come, in words for people.
import { existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { AgentError } from '../protocol/errors';

export function gb(bytes: number): string {
  return `${(bytes / 1e9).toPrecision(3)} GB`;
}

/** Bytes that an ordinary user may still write there. */
export function leftIn(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

/** Throws AgentError when so much does not fit in a folder, which need not be there yet. */
export function refuseFull(folder: string, diskBytes: number): void {
  // What is not there yet will be on the disk of what is.
  let at = folder;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  const left = leftIn(at);
  if (diskBytes <= left) return;
  throw new AgentError(
    `There is no room for ${gb(diskBytes)} in ${folder}: ${gb(left)} are left there. Free some space, or name another place.`,
  );
}
