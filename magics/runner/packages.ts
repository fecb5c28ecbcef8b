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
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { userInfo, tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { PackageOrders } from '../protocol/environment';
import { EnvironmentSetupError, messageOf, systemCode } from '../protocol/errors';
import { writeWhole } from '../protocol/files';
import { ownFacts, platformTag } from '../protocol/host-facts';
import { parseJson, record, text } from '../protocol/shape';
import { TarReader, type TarSink } from '../protocol/tar';
import { installPackages } from './install';
import { once, touch } from './once';
import { packTree } from './pack-tree';
import { USE_MS, clearScratch, noteSize } from './scratch';

const SCRATCH_GB = 10;

function scratchBytes(): number {
  return Number(process.env['CELLBURST_SCRATCH_GB'] || SCRATCH_GB) * 1e9;
}

/**
 * Gives the folder that stands for the root of the notebook's machine. `say` is told, in a line, what takes long. Throws EnvironmentSetupError for an archive
 * that is missing or damaged and for packages that cannot be installed, and what the system throws (a full disk).
 */
export async function placePackages(
  orders: PackageOrders,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const scratch = openScratch();
  const { archive, sha256, install } = orders;
  const place = join(scratch, nameOf(sha256, install !== undefined));
  await once(place, signal, async () => {
    const part = `${place}.part-${process.pid}`;
    rmSync(part, { recursive: true, force: true });
    try {
      if (install === undefined) await unpack({ archive, sha256 }, part, signal);
      else await unpackInstalled({ ...orders, install }, part, say, signal);
      renameSync(part, place);
    } catch (error) {
      rmSync(part, { recursive: true, force: true });
      throw error;
    }
    noteSize(place);
    clearScratch(scratch, scratchBytes(), Date.now());
  });
  touch(place);
  setInterval(() => {
    touch(place);
  }, USE_MS).unref();
  return place;
}

/** Installed by the first job that needs it, wherever it runs, and kept in the store as one archive for all others. */
async function unpackInstalled(
  orders: PackageOrders & { readonly install: string },
  part: string,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { archive, install } = orders;
  const stem = `${archive.replace(/\.tgz$/, '')}.${platformTag(ownFacts())}`;
  const built = { archive: `${stem}.tgz`, note: `${stem}.json` };
  await once(built.note, signal, async () => {
    say(`Installing the packages of this cell (npm ci), once for this cluster ...`);
    const startedAt = Date.now();
    await unpack(orders, part, signal);
    await installPackages(part, install, signal);
    const sha256 = await packTree(part, built.archive, signal);
    writeWhole(built.note, `${JSON.stringify({ sha256 })}\n`);
    say(`Installed in ${Math.round((Date.now() - startedAt) / 1000)} s.`);
  });
  // Made here just now.
  if (existsSync(part)) return;
  const { sha256 } = parseJson(readFileSync(built.note, 'utf8'), record({ sha256: text }), built.note);
  for (const path of [built.archive, built.note]) touch(path);
  await unpack({ archive: built.archive, sha256 }, part, signal);
}

/**
 * Short, since it stands before every path that is looked up: with names of twice the length two thousand modules take 30 ms longer. What is installed is
 * of one kind of machine.
 */
const PLACES = 'e';
const NAME_CHARACTERS = 24;

function nameOf(sha256: string, isInstalled: boolean): string {
  if (!isInstalled) return sha256.slice(0, NAME_CHARACTERS);
  const both = createHash('sha256')
    .update(`${sha256} ${platformTag(ownFacts())}`)
    .digest('hex');
  return both.slice(0, NAME_CHARACTERS);
}

/** On the node's own disk: where the folders of packages are. */
export function scratchBase(): string {
  return join(process.env['CELLBURST_SCRATCH'] || tmpdir(), `cellburst-${userInfo().uid}`);
}

/** Nobody else's to write. */
function openScratch(): string {
  const { uid } = userInfo();
  const base = scratchBase();
  const scratch = join(base, PLACES);
  mkdirSync(scratch, { recursive: true, mode: 0o700 });
  const { uid: owner, mode } = lstatSync(base);
  if (uid >= 0 && (owner !== uid || (mode & 0o022) !== 0))
    throw new EnvironmentSetupError(
      `Cannot unpack packages in ${base}: others may write there. Set CELLBURST_SCRATCH to a folder of your own, by \`prologue:\` of this cluster.`,
    );
  return scratch;
}

async function unpack({ archive, sha256 }: PackageOrders, part: string, signal: AbortSignal): Promise<void> {
  if (!existsSync(archive))
    throw new EnvironmentSetupError(
      `The archive of the cell's packages, ${archive}, is not there. Is the store of this cluster visible on its compute nodes? (\`store:\` in its entry)`,
    );
  mkdirSync(part, { mode: 0o700 });
  const links: (readonly [path: string, target: string])[] = [];
  const reader = new TarReader(sinkInto(part, links));
  const hash = createHash('sha256');
  const damaged = (how: string, cause?: unknown) =>
    new EnvironmentSetupError(`The archive of the cell's packages, ${archive}, is damaged: ${how}.`, { cause });
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
  ).catch((error: unknown) => {
    throw isOfZlib(error) ? damaged(messageOf(error), error) : error;
  });
  reader.end();
  if (hash.digest('hex') !== sha256) throw damaged('its digest differs');
  // Last: no file is written through a link.
  for (const [path, target] of links) makeLink(part, path, target);
}

function isOfZlib(error: unknown): boolean {
  return systemCode(error)?.startsWith('Z_') === true;
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
      const file = openNew(whole, isExecutable ? 0o700 : 0o600);
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

/** Nothing is there yet but what has come before. Throws EnvironmentSetupError for a name that the file system takes for another one. */
function openNew(path: string, mode: number): number {
  try {
    return openSync(path, 'wx', mode);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    throw new EnvironmentSetupError(
      `Cannot unpack the cell's packages: ${path} has the same name as another file of them on the file system there, which tells no upper case from lower. Set CELLBURST_SCRATCH to a folder on another one, by \`prologue:\` of this cluster.`,
      { cause: error },
    );
  }
}

function makeLink(root: string, path: string, target: string): void {
  const place = join(root, path);
  const end = resolve(dirname(place), target);
  if (relative(root, end).startsWith('..'))
    throw new EnvironmentSetupError(`The archive of the cell's packages has a link that leads out of it: ${path}.`);
  mkdirSync(dirname(place), { recursive: true });
  symlinkSync(target, place);
}
