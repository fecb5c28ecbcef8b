// Something that several processes, on several machines perhaps, want made, and that one of them makes: a folder as a lock, and a lease on it, so that
// the death of the maker holds nobody up for long.
import { existsSync, lstatSync, mkdirSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemCode } from '../protocol/errors';
import { isMissing } from '../protocol/files';

/** The maker says within this time that it is alive; clocks of nodes may differ by less. */
const LEASE_MS = 60_000;
const RENEWAL_MS = 5000;
const LOOK_MS = 50;

/** Resolves when `path` is there: made by `make`, which has it appear whole, or by somebody else. What `make` throws is thrown; others try in turn. */
export async function once(path: string, signal: AbortSignal, make: () => Promise<void>): Promise<void> {
  const lock = `${path}.lock`;
  while (!existsSync(path)) {
    signal.throwIfAborted();
    if (!takeLock(lock)) {
      await sleep(LOOK_MS, undefined, { signal });
      continue;
    }
    const renewal = setInterval(() => {
      touch(lock);
    }, RENEWAL_MS);
    try {
      // Somebody may have been quicker between the look and the lock.
      if (!existsSync(path)) await make();
    } finally {
      clearInterval(renewal);
      rmSync(lock, { recursive: true, force: true });
    }
  }
}

/** By a folder, since its making is one step on every file system. */
function takeLock(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
  const held = lstatSync(lock, { throwIfNoEntry: false });
  if (held === undefined || Date.now() - held.mtimeMs < LEASE_MS) return false;
  // Of several that see a dead one, the one whose rename succeeds clears it away.
  const dead = `${lock}.${process.pid}`;
  try {
    renameSync(lock, dead);
  } catch (error) {
    if (!isMissing(error)) throw error;
    return false;
  }
  rmSync(dead, { recursive: true, force: true });
  return false;
}

/** Says that it is in use. */
export function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch (error) {
    // Cleared away by somebody: whoever needs it will say what is missing.
    if (!isMissing(error)) throw error;
  }
}
