// The packages of a job, unpacked once on each node: an archive of the store becomes a folder of the node's own disk, whole or not at all, that later
// jobs find there. Thousands of small files never touch a shared file system.
import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { userInfo, tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import type { PackageOrders } from '../protocol/environment';
import { EnvironmentSetupError, systemCode } from '../protocol/errors';
import { isMissing } from '../protocol/files';
import { TarReader, type TarSink } from '../protocol/tar';

/** Whoever unpacks says so anew within this time; later it counts as dead. */
const LEASE_MS = 30_000;
const RENEWAL_MS = 5000;
const LOOK_MS = 50;
const HOUR_MS = 3_600_000;
/** Folders that no job has used for so long are cleared away. */
const KEPT_MS = 7 * 24 * HOUR_MS;

/**
 * Gives the folder that stands for the root of the notebook's machine. Throws EnvironmentSetupError for an archive that is missing or damaged, and what
 * the system throws (a full disk).
 */
export async function unpackPackages({ archive, sha256 }: PackageOrders, signal: AbortSignal): Promise<string> {
  const scratch = openScratch();
  const place = join(scratch, sha256);
  const lock = `${place}.lock`;
  for (;;) {
    if (existsSync(place)) break;
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
      if (!existsSync(place)) await unpack({ archive, sha256 }, place, signal);
      clearAway(scratch, Date.now() - KEPT_MS);
    } finally {
      clearInterval(renewal);
      rmSync(lock, { recursive: true, force: true });
    }
  }
  touch(place);
  setInterval(() => {
    touch(place);
  }, HOUR_MS).unref();
  return place;
}

/** On the node's own disk, and nobody else's to write. */
function openScratch(): string {
  const { uid } = userInfo();
  const base = join(process.env['CELLBURST_SCRATCH'] || tmpdir(), `cellburst-${uid}`);
  const scratch = join(base, 'environments');
  mkdirSync(scratch, { recursive: true, mode: 0o700 });
  const { uid: owner, mode } = lstatSync(base);
  if (uid >= 0 && (owner !== uid || (mode & 0o022) !== 0))
    throw new EnvironmentSetupError(
      `Cannot unpack packages in ${base}: others may write there. Set CELLBURST_SCRATCH to a folder of your own, by \`prologue:\` of this cluster.`,
    );
  return scratch;
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

async function unpack({ archive, sha256 }: PackageOrders, place: string, signal: AbortSignal): Promise<void> {
  if (!existsSync(archive))
    throw new EnvironmentSetupError(
      `The archive of the cell's packages, ${archive}, is not there. Is the store of this cluster visible on its compute nodes? (\`store:\` in its entry)`,
    );
  const part = `${place}.part-${process.pid}`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { mode: 0o700 });
  const links: (readonly [path: string, target: string])[] = [];
  const reader = new TarReader(sinkInto(part, links));
  const hash = createHash('sha256');
  try {
    await pipeline(
      createReadStream(archive, { highWaterMark: 1 << 20 }),
      async function* (pieces: AsyncIterable<Buffer>) {
        for await (const piece of pieces) {
          hash.update(piece);
          yield piece;
        }
      },
      createGunzip({ chunkSize: 1 << 18 }),
      async function (pieces: AsyncIterable<Buffer>) {
        for await (const piece of pieces) reader.push(piece);
      },
      { signal },
    );
    reader.end();
    if (hash.digest('hex') !== sha256)
      throw new EnvironmentSetupError(
        `The archive of the cell's packages, ${archive}, is damaged: its digest differs.`,
      );
    // Last: no file is written through a link.
    for (const [path, target] of links) makeLink(part, path, target);
    renameSync(part, place);
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    throw error;
  }
}

function sinkInto(root: string, links: (readonly [string, string])[]): TarSink {
  const made = new Set<string>();
  return {
    file(path, isExecutable) {
      const whole = join(root, path);
      const folder = dirname(whole);
      if (!made.has(folder)) {
        mkdirSync(folder, { recursive: true });
        made.add(folder);
      }
      const file = openSync(whole, 'wx', isExecutable ? 0o700 : 0o600);
      return {
        write(bytes) {
          for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
        },
        close() {
          closeSync(file);
        },
      };
    },
    link(path, target) {
      links.push([path, target]);
    },
  };
}

function makeLink(root: string, path: string, target: string): void {
  const place = join(root, path);
  const end = resolve(dirname(place), target);
  if (relative(root, end).startsWith('..'))
    throw new EnvironmentSetupError(`The archive of the cell's packages has a link that leads out of it: ${path}.`);
  mkdirSync(dirname(place), { recursive: true });
  symlinkSync(target, place);
}

function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch (error) {
    // Cleared away by somebody: the job has loaded what it needs, or will say what is missing.
    if (!isMissing(error)) throw error;
  }
}

function clearAway(scratch: string, before: number): void {
  for (const name of readdirSync(scratch)) {
    const path = join(scratch, name);
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found !== undefined && found.mtimeMs < before) rmSync(path, { recursive: true, force: true });
  }
}
