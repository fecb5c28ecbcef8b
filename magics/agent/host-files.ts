// Files of the machine that this agent is on, as `%cluster fs` asks for them. Links are seen and not followed (but for one that is named itself),
// so that nothing happens outside of what was named.
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readlinkSync, rmdirSync, statSync, unlinkSync, type Stats } from 'node:fs';
import { open, statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, parse, resolve } from 'node:path';
import { settleTree } from '../files/settle';
import { depthOf, isNamed, joinTree, pathIn, readTyped, type TypedPath } from '../files/tree';
import { Slices, walk, type Seen } from '../files/walk';
import { AgentError, ClusterError, UsageError, messageOf, systemCode } from '../protocol/errors';
import type { Listed, OnHost } from '../protocol/job-files';
import type { CallParams, CallResult, StreamEvent, StreamParams } from '../protocol/messages';
import { hostName } from '../protocol/platform';
import type { StreamItem } from './answers';

const BATCH = 500;
const PIECE_BYTES = 1024 * 1024;

export async function* listFiles(
  { place, recursive = false }: StreamParams<'listFiles'>,
  signal: AbortSignal,
): AsyncGenerator<StreamItem> {
  const typed = read(place);
  const slices = new Slices();
  const { root, kind, seen } = find(typed, recursive ? Infinity : 1);
  let entries: Listed[] = [];
  const take = (): StreamItem => {
    const event: StreamEvent<'listFiles'> = { root, kind, entries };
    entries = [];
    return { event };
  };
  let isTold = false;
  for (const one of seen) {
    entries.push(toListed(root, one));
    if (entries.length >= BATCH) {
      isTold = true;
      yield take();
    }
    await slices.pause(signal);
  }
  if (entries.length > 0 || !isTold) yield take();
}

export async function* readFile(
  { place, from, bytes: limit = Infinity }: StreamParams<'readFile'>,
  signal: AbortSignal,
): AsyncGenerator<StreamItem> {
  const { path } = plain(place, 'read');
  await using file = await open(path, 'r').catch((error: unknown) => refuse('read', path, error));
  const stats = await file.stat();
  if (stats.isDirectory()) throw new UsageError(`Cannot read ${path} on ${hostName()}: it is a folder.`);
  const total = stats.size;
  const end = Math.min(total, from + limit);
  let offset = from;
  do {
    signal.throwIfAborted();
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(PIECE_BYTES, end - offset)));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, offset);
    if (bytesRead < bytes.length) throw new UsageError(`${path} on ${hostName()} became shorter while it was read.`);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    yield { event: { path, offset, total, sha256 } satisfies StreamEvent<'readFile'>, bytes };
    offset += bytesRead;
  } while (offset < end);
}

/** Whoever watches a long removal hears of it as often. */
const NEWS_MS = 250;

export async function* removeFiles(
  { place, recursive = false }: StreamParams<'removeFiles'>,
  signal: AbortSignal,
): AsyncGenerator<StreamItem> {
  const typed = read(place);
  const { root, named } = toRemove(typed, recursive);
  const slices = new Slices();
  const gone = { files: 0, folders: 0, bytes: 0 };
  let toldAt = performance.now();
  for (const { path, stats } of named) {
    const all = stats.isDirectory() ? [{ path, stats }, ...walk(root, path, WHOLE)] : [{ path, stats }];
    // What is in a folder goes before it.
    for (const one of all.reverse()) {
      removeOne(one.raw ?? join(root, one.path), one.stats);
      if (one.stats.isDirectory()) gone.folders += 1;
      else {
        gone.files += 1;
        gone.bytes += one.stats.isFile() ? one.stats.size : 0;
      }
      await slices.pause(signal);
      if (performance.now() - toldAt < NEWS_MS) continue;
      toldAt = performance.now();
      yield { event: { root, ...gone } };
    }
  }
  yield { event: { root, ...gone } satisfies StreamEvent<'removeFiles'> };
}

export async function* fileUsage(
  { place }: StreamParams<'fileUsage'>,
  signal: AbortSignal,
): AsyncGenerator<StreamItem> {
  const { root, seen } = find(read(place), Infinity);
  const slices = new Slices();
  const sum = { files: 0, folders: 0, bytes: 0, diskBytes: 0 };
  let toldAt = performance.now();
  for (const { stats } of seen) {
    if (stats.isDirectory()) sum.folders += 1;
    else sum.files += 1;
    if (stats.isFile()) sum.bytes += stats.size;
    // Blocks are of 512 bytes whatever the file system's are (stat(2)).
    sum.diskBytes += stats.blocks * 512;
    await slices.pause(signal);
    if (performance.now() - toldAt < NEWS_MS) continue;
    toldAt = performance.now();
    yield { event: { root, ...sum } };
  }
  yield { event: { root, ...sum } satisfies StreamEvent<'fileUsage'> };
}

export function lookAt(place: OnHost): CallResult<'lookAt'> {
  const { path } = plain(place, 'look at');
  let stats: Stats | undefined;
  try {
    stats = statSync(path, { throwIfNoEntry: false }) ?? lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (systemCode(error) !== 'ENOTDIR') refuse('look at', path, error);
  }
  if (stats === undefined) return { path, kind: 'absent' };
  return { path, kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other' };
}

export async function settleHere(
  { from, to, replace }: CallParams<'settleTree'>,
  signal: AbortSignal,
): Promise<CallResult<'settleTree'>> {
  const target = plain(to, 'write to').path;
  try {
    return await settleTree(plain(from, 'move').path, target, replace, signal);
  } catch (error) {
    if (systemCode(error) !== undefined && !ClusterError.is(error)) refuse('write to', target, error);
    throw error;
  }
}

export async function fileSpace(place: OnHost): Promise<CallResult<'fileSpace'>> {
  const { path } = plain(place, 'look at');
  const found = await statfs(path).catch((error: unknown) => refuse('look at', path, error));
  return {
    path,
    totalBytes: found.blocks * found.bsize,
    availableBytes: found.bavail * found.bsize,
    totalFiles: found.files,
    availableFiles: found.ffree,
  };
}

const WHOLE = {
  depth: Infinity,
  skips: () => false,
  failed: (path: string, error: unknown): never => refuse('look into', path, error),
};

function read({ path, directory = homedir() }: OnHost): TypedPath {
  if (path.includes('\0')) throw new UsageError('A path cannot hold a NUL.');
  return readTyped(path === '' ? '.' : path, isAbsolute(directory) ? directory : homedir(), existsSync);
}

/** One thing, and no pattern. */
function plain(place: OnHost, what: string): { readonly path: string } {
  const { path, glob } = read(place);
  if (glob === undefined) return { path };
  throw new UsageError(`Cannot ${what} ${place.path} on ${hostName()}: one path is needed, and this is a pattern.`);
}

function find(
  { text, path, glob }: TypedPath,
  depth: number,
): { readonly root: string; readonly kind: 'file' | 'folder' | 'pattern'; readonly seen: Iterable<Seen> } {
  if (glob !== undefined) {
    const found = matching(path, glob, text);
    return { root: path, kind: 'pattern', seen: depth > 1 ? wholeTrees(path, outermost(found)) : found };
  }
  const stats = statOf(path, statSync);
  if (stats.isDirectory()) return { root: path, kind: 'folder', seen: walk(path, '.', { ...WHOLE, depth }) };
  const root = dirname(path);
  return { root, kind: 'file', seen: [{ path: basename(path), stats: lstatSync(path) }] };
}

function* wholeTrees(root: string, found: readonly Seen[]): Generator<Seen> {
  for (const one of found) {
    yield one;
    if (isTree(one)) yield* walk(root, one.path, WHOLE);
  }
}

function isTree({ stats }: Seen): boolean {
  return stats.isDirectory();
}

function matching(root: string, glob: string, text: string): Seen[] {
  const found: Seen[] = [];
  const skips = (name: string) => name.startsWith('.') && !glob.includes('.');
  if (existsSync(root))
    for (const one of walk(root, '.', { ...WHOLE, depth: depthOf(glob), skips }))
      if (isNamed({ base: '.', glob }, one.path)) found.push(one);
  if (found.length === 0) throw new UsageError(`Nothing on ${hostName()} matches ${text}.`);
  return found;
}

/** What lies in another one that was matched as well is part of that. */
function outermost(found: readonly Seen[]): Seen[] {
  const folders = new Set(found.filter(isTree).map(({ path }) => path));
  return found.filter(({ path }) => {
    for (let at = dirname(path); at !== '.'; at = dirname(at)) if (folders.has(at)) return false;
    return true;
  });
}

function toRemove({ text, path, glob }: TypedPath, recursive: boolean): { root: string; named: Seen[] } {
  if (glob !== undefined) {
    const found = matching(path, glob, text);
    const named = recursive ? outermost(found) : found.filter((one) => !isTree(one));
    if (named.length > 0) return { root: path, named };
    throw new UsageError(`${text} matches folders only on ${hostName()}. To remove them with all in them: rm -r`);
  }
  const stats = statOf(path, lstatSync);
  if (stats.isDirectory()) refuseFolder(path, recursive);
  return { root: dirname(path), named: [{ path: basename(path), stats }] };
}

function refuseFolder(path: string, recursive: boolean): void {
  const home = homedir();
  // Nobody means that, and there is no way back.
  if (path === parse(path).root || pathIn(path, home) !== undefined)
    throw new UsageError(`${path} on ${hostName()} is not removed: the home directory is in it.`);
  if (!recursive)
    throw new UsageError(`${path} on ${hostName()} is a folder. To remove it with all that is in it: rm -r`);
}

function removeOne(path: string | Buffer, stats: Stats): void {
  try {
    if (stats.isDirectory()) rmdirSync(path);
    else unlinkSync(path);
  } catch (error) {
    // Somebody else was quicker.
    if (systemCode(error) !== 'ENOENT') refuse('remove', String(path), error);
  }
}

function statOf(path: string, look: (path: string) => Stats): Stats {
  try {
    return look(path);
  } catch (error) {
    // A broken link is something, too.
    const link = lstatSync(path, { throwIfNoEntry: false });
    return link?.isSymbolicLink() === true ? link : refuse('find', path, error);
  }
}

function toListed(root: string, { path, stats, raw }: Seen): Listed {
  const { size, mode, mtimeMs: modifiedAt } = stats;
  const common = { path, size, mode: mode & 0o7777, modifiedAt };
  if (raw !== undefined) return { ...common, kind: 'other' };
  if (stats.isSymbolicLink())
    return { ...common, kind: 'link', target: readlinkSync(resolve(root, joinTree('.', path))) };
  return { ...common, kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other' };
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of the path is no folder',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EROFS: 'the file system cannot be written to',
  ENAMETOOLONG: 'a name is too long',
  ELOOP: 'its links lead in a circle',
};

function refuse(what: string, path: string, error: unknown): never {
  const code = systemCode(error) ?? '';
  const where = `${path} on ${hostName()}`;
  if (code === 'ENOSPC') throw new AgentError(`Cannot ${what} ${where}: the disk is full.`, { cause: error });
  if (code === 'EDQUOT') throw new AgentError(`Cannot ${what} ${where}: your quota is used up.`, { cause: error });
  throw new UsageError(`Cannot ${what} ${where}: ${REASONS[code] ?? messageOf(error)}.`, { cause: error });
}
