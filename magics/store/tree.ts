// A tree of files as one content, so that ten thousand files cost one list and a few pieces; and out of it again, whole, by rename.
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  readdirSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  type Stats,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { ChunkList } from '../protocol/chunks';
import { ProtocolError, UsageError, systemCode } from '../protocol/errors';
import { leadsOut } from '../protocol/links';
import { refuseTwins } from '../protocol/twins';
import { copyRange, copySparse } from './copying';
import { FILE_CUT, RECORD_CUT } from './cutting';
import { filePart } from './parts';
import { stampOf, type Stamp } from './seen';
import type { Part } from './source';
import { encodeHead, linksOf, readHead, type TreeEntry, type TreeHead } from './tree-head';
import { holesIn } from './zeros';

export interface FoundTree {
  readonly parts: readonly Part[];
  /** Of the parts that are files. */
  readonly stamps: ReadonlyMap<Part, Stamp>;
  readonly files: number;
}

/** Entries between two turns of the loop. */
const TURN_ENTRIES = 256;
const TURN_BYTES = 4 * 1024 * 1024;
const MODE_BITS = 0o777;

/**
 * What lies under `root`: all of it, or `only` these paths relative to it, and the directories they are in. Throws UsageError for what cannot
 * travel: sockets, devices, links that lead out.
 */
export async function findTree(
  root: string,
  only: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<FoundTree> {
  const entries: TreeEntry[] = [];
  const parts: Part[] = [];
  const stamps = new Map<Part, Stamp>();
  const todo = only === undefined ? readdirSync(root).sort().reverse() : withParents(only).reverse();
  for (let path = todo.pop(), count = 0; path !== undefined; path = todo.pop(), count++) {
    if (count % TURN_ENTRIES === TURN_ENTRIES - 1) await turn(undefined, { signal });
    const full = join(root, path);
    const found = look(full);
    const mode = found.mode & MODE_BITS;
    if (found.isDirectory()) {
      entries.push({ kind: 'directory', path, mode });
      if (only === undefined) for (const name of readdirSync(full).sort().reverse()) todo.push(`${path}/${name}`);
    } else if (found.isSymbolicLink()) {
      entries.push({ kind: 'link', path, target: readlinkSync(full) });
    } else if (found.isFile()) {
      const bytes = found.size;
      const part = filePart(full, bytes);
      entries.push({ kind: 'file', path, mode, bytes });
      parts.push(part);
      stamps.set(part, stampOf(found));
    } else throw new UsageError(`Cannot send ${full}: it is neither a file nor a directory nor a link. Leave it out.`);
  }
  refuseStrayLinks(root, entries);
  const files = parts.length;
  parts.unshift({ kind: 'memory', bytes: encodeHead(entries), cut: RECORD_CUT });
  return { parts, stamps, files };
}

function look(path: string): Stats {
  try {
    return lstatSync(path);
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT') throw cause;
    throw new UsageError(
      `Cannot send ${JSON.stringify(path)}: ${path.includes('\uFFFD') ? 'its name is no UTF-8. Rename it.' : 'it went away while it was looked at. Run it again.'}`,
      { cause },
    );
  }
}

function refuseStrayLinks(root: string, entries: readonly TreeEntry[]): void {
  const links = linksOf(entries);
  for (const [path, target] of links)
    if (leadsOut(path, target, links))
      throw new UsageError(
        `Cannot send ${join(root, path)}: it is a link that leads out of ${root}, to ${target}. Copy what it points to.`,
      );
}

/** Sorted, each directory before what is in it. */
function withParents(paths: readonly string[]): string[] {
  const all = new Set<string>();
  for (const path of paths) {
    const steps = path.split('/');
    if (path === '' || steps.some((step) => step === '' || step === '.' || step === '..'))
      throw new UsageError(`Cannot send ${JSON.stringify(path)}: a path below the directory was expected.`);
    steps.forEach((_, index) => all.add(steps.slice(0, index + 1).join('/')));
  }
  return [...all].sort((a, b) => (a.split('/').join('\0') < b.split('/').join('\0') ? -1 : 1));
}

/** What is known of a tree in the store. */
export interface StoredTree {
  readonly path: string;
  readonly list: ChunkList;
  readonly offsets: Float64Array;
}

export interface Unpacked {
  readonly files: number;
  readonly bytes: number;
}

/** Makes the tree beside its place and renames it there. The place must be free. Throws UsageError when it is not, ProtocolError for a bad tree. */
export async function unpackTree(
  { path: content, list, offsets }: StoredTree,
  place: string,
  signal: AbortSignal,
): Promise<Unpacked> {
  const source = openSync(content, 'r');
  try {
    const { entries, bytes: start } = headOf(source);
    const holes = holesIn(list, offsets, FILE_CUT.largest);
    let at = start;
    let sinceTurn = 0;
    return await makeTree(entries, place, async (path, { bytes, mode }) => {
      const file = openSync(path, 'wx', mode & MODE_BITS);
      try {
        for (const written of copyRange(source, holes, { from: at, bytes }, file)) {
          sinceTurn += written;
          if (sinceTurn < TURN_BYTES) continue;
          sinceTurn = 0;
          await turn(undefined, { signal });
        }
      } finally {
        closeSync(file);
      }
      at += bytes;
      sinceTurn += TURN_BYTES / TURN_ENTRIES;
    });
  } finally {
    closeSync(source);
  }
}

/** A tree that findTree has found, as it lies, to another place that must be free. */
export async function copyTree(parts: readonly Part[], place: string, signal: AbortSignal): Promise<Unpacked> {
  const [head, ...files] = parts;
  if (head?.kind !== 'memory') throw new ProtocolError('A tree begins with its head.');
  const { entries } = readHead((position, bytes) => head.bytes.subarray(position, position + bytes));
  let next = 0;
  return await makeTree(entries, place, async (path) => {
    const part = files[next++];
    signal.throwIfAborted();
    if (part?.kind === 'file') await copySparse(part.path, path, signal);
  });
}

/** What is in a tree of the store. */
export function countTree({ path }: StoredTree): Unpacked {
  const source = openSync(path, 'r');
  try {
    return count(headOf(source).entries);
  } finally {
    closeSync(source);
  }
}

function count(entries: readonly TreeEntry[]): Unpacked {
  const files = entries.flatMap((entry) => (entry.kind === 'file' ? [entry.bytes] : []));
  return { files: files.length, bytes: files.reduce((sum, bytes) => sum + bytes, 0) };
}

function headOf(source: number): TreeHead {
  return readHead((position, bytes) => readExactly(source, position, bytes));
}

async function makeTree(
  entries: readonly TreeEntry[],
  place: string,
  writeFile: (path: string, entry: TreeEntry & { kind: 'file' }) => Promise<void>,
): Promise<Unpacked> {
  if (existsSync(place)) throw new UsageError(`Cannot put a tree to ${place}: there is something already.`);
  mkdirSync(dirname(place), { recursive: true });
  refuseTwins(
    entries.map(({ path }) => path),
    place,
  );
  const root = `${place}.part-${randomBytes(4).toString('hex')}`;
  try {
    mkdirSync(root, { mode: 0o700 });
    for (const entry of entries) {
      const path = join(root, entry.path);
      // Directories can be written until all is in them; links come last, so that nothing is written through one.
      if (entry.kind === 'directory') mkdirSync(path, { mode: 0o700 });
      if (entry.kind !== 'file') continue;
      await writeFile(path, entry);
      // Where the umask has taken nothing, it has its mode: to look is much cheaper than to write it once more.
      const mode = entry.mode & MODE_BITS;
      if ((lstatSync(path).mode & MODE_BITS) !== mode) chmodSync(path, mode);
    }
    for (const entry of entries) if (entry.kind === 'link') symlinkSync(entry.target, join(root, entry.path));
    for (const entry of [...entries].reverse())
      if (entry.kind === 'directory') chmodSync(join(root, entry.path), entry.mode & MODE_BITS);
    chmodSync(root, 0o755);
    renameSync(root, place);
    return count(entries);
  } catch (error) {
    await rm(root, { recursive: true, force: true });
    throw error;
  }
}

function readExactly(file: number, position: number, bytes: number): Buffer {
  const into = Buffer.allocUnsafe(bytes);
  for (let at = 0; at < bytes;) {
    const read = readSync(file, into, at, bytes - at, position + at);
    if (read === 0) throw new ProtocolError('A tree is shorter than its head says.');
    at += read;
  }
  return into;
}
