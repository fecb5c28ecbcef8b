// Something that several processes, on several machines perhaps, want made, and that one of them makes: a folder as a lock, and a lease on it, so that
// the death of the maker holds nobody up for long.
import { existsSync, lstatSync, mkdirSync, readlinkSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemCode } from '../protocol/errors';
import { isMissing, readIfThere } from '../protocol/files';
import { hostName, identify, isAlive } from '../protocol/platform';
import { processIdentity, type ProcessIdentity } from '../protocol/run';
import { parseJson, record, text } from '../protocol/shape';

/** The maker says within this time that it is alive; clocks of nodes may differ by less. */
const LEASE_MS = 60_000;
const RENEWAL_MS = 5000;
const LOOK_MS = 50;
/** In the lock: who has it. */
const OWNER_FILE = 'owner.json';

/** Resolves when `path` is there: made by `make`, which has it appear whole, or by somebody else. What `make` throws is thrown; others try in turn. */
export async function once(path: string, signal: AbortSignal, make: () => Promise<void>): Promise<void> {
  const lock = `${path}.lock`;
  while (!existsSync(path)) {
    signal.throwIfAborted();
    // Somebody may have been quicker between the look and the lock.
    const isOurs = await locked(lock, async () => {
      if (!existsSync(path)) await make();
    });
    if (!isOurs) await sleep(LOOK_MS, undefined, { signal });
  }
}

/** One after another: `act` is called when nobody else is at it. */
export async function inTurn(lock: string, signal: AbortSignal, act: () => Promise<void>): Promise<void> {
  while (!(await locked(lock, act))) await sleep(LOOK_MS, undefined, { signal });
}

/** False: somebody else has the lock. */
async function locked(lock: string, act: () => Promise<void>): Promise<boolean> {
  if (!takeLock(lock)) return false;
  const renewal = setInterval(() => {
    touch(lock);
  }, RENEWAL_MS);
  try {
    await act();
  } finally {
    clearInterval(renewal);
    rmSync(lock, { recursive: true, force: true });
  }
  return true;
}

/** By a folder, since its making is one step on every file system. */
function takeLock(lock: string): boolean {
  try {
    mkdirSync(lock);
    writeFileSync(join(lock, OWNER_FILE), JSON.stringify(ownerOf(process.pid)));
    return true;
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
  const held = lstatSync(lock, { throwIfNoEntry: false });
  if (held === undefined || (Date.now() - held.mtimeMs < LEASE_MS && !isOwnerDead(lock))) return false;
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

interface Owner {
  readonly host: string;
  /** Numbers of processes mean something within one namespace: in a container they are others. */
  readonly namespace: string;
  readonly process: ProcessIdentity;
}

function ownerOf(pid: number): Owner {
  return { host: hostName(), namespace: readLinkIfThere('/proc/self/ns/pid'), process: identify(pid) };
}

function readLinkIfThere(path: string): string {
  return existsSync(path) ? readlinkSync(path) : '';
}

/** Of a maker on this node it is known at once that it is gone. */
function isOwnerDead(lock: string): boolean {
  const source = readIfThere(join(lock, OWNER_FILE));
  // Just made, or half written.
  if (source === undefined || !source.endsWith('}')) return false;
  const here = ownerOf(process.pid);
  const owner = parseJson(source, record({ host: text, namespace: text, process: processIdentity }), lock);
  return owner.host === here.host && owner.namespace === here.namespace && !isAlive(owner.process);
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
