// A content of the store becomes a file or a tree of somebody's: whole, by rename. Our own files are links to it; what a user may write to is a copy.
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { AgentError, ClusterError, UsageError, systemCode } from '../protocol/errors';
import { hostName } from '../protocol/platform';
import type { Content } from './contents';
import { copyRange, copySparse } from './copying';
import { FILE_CUT } from './cutting';
import { NO_LINKS, putAt, type Target } from './arrival-file';
import type { LookedAt } from './finding';
import { isThis } from './likeness';
import { scan } from './source';
import { copyTree, countTree, findTree, unpackTree, type Unpacked } from './tree';
import { holesIn } from './zeros';

export interface PlaceOptions {
  readonly signal: AbortSignal;
  /** A file may take the place of a file. */
  readonly replace?: boolean;
  /** Of a file. */
  readonly mode?: number;
  /** This was asked before, and no answer came: what lies there already may be this. */
  readonly isAgain?: boolean;
}

/** Throws UsageError when there is something at `path` already, and what the system throws. */
export async function place(
  content: Content,
  path: string,
  { signal, replace = false, mode = 0o644, isAgain = false }: PlaceOptions,
): Promise<Unpacked> {
  try {
    if (isAgain && existsSync(path) && (await liesAt(content, path, signal))) return countOf(content);
    return await placeAt(content, path, { signal, replace, mode });
  } catch (error) {
    throw toPlaceError(error, path);
  }
}

/** A file or a tree of this machine to another place of it, as `place` does it, without the store. */
export async function putFound({ found }: LookedAt, from: string, target: Target, signal: AbortSignal): Promise<void> {
  const { path } = target;
  try {
    if (found.kind === 'tree') {
      await copyTree(found.parts, path, signal);
      return;
    }
    refuseTaken(target);
    await putWhole(target, (part) => copySparse(from, part, signal));
  } catch (error) {
    throw toPlaceError(error, path);
  }
}

/** Throws UsageError when there is something that may not be replaced, or by nobody's leave. */
export function refuseTaken({ path, replace }: Target, mayBeThere = false): void {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there !== undefined && !((replace || mayBeThere) && there.isFile()))
    throw new UsageError(`Cannot put a file to ${path}: there is something already.`);
}

async function liesAt({ id, kind, list }: Content, path: string, signal: AbortSignal): Promise<boolean> {
  if (kind === 'file') return statSync(path).isFile() && (await isThis(path, list, signal));
  if (kind !== 'tree' || !statSync(path).isDirectory()) return false;
  const { parts } = await findTree(path, undefined, signal);
  return (await scan('tree', parts, { signal })).content === id;
}

function countOf(content: Content): Unpacked {
  return content.kind === 'tree' ? countTree(content) : { files: 1, bytes: content.bytes };
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied, or the file system there has no such things as links and modes',
  EROFS: 'the file system cannot be written to',
  ENOTDIR: 'a part of the path is no folder',
  ENAMETOOLONG: 'a name is too long for the file system there',
  // The place of a tree is new: within it there is only what comes with it.
  EEXIST: 'two of its names are one name on the file system there, which does not tell upper case from lower',
};

function toPlaceError(error: unknown, path: string): unknown {
  const reason = REASONS[systemCode(error) ?? ''];
  if (reason === undefined || ClusterError.is(error)) return error;
  const at = error instanceof Error && 'path' in error && typeof error.path === 'string' ? ` (${error.path})` : '';
  return new UsageError(`Cannot write ${path} on ${hostName()}: ${reason}${at}.`, { cause: error });
}

async function placeAt(
  content: Content,
  path: string,
  { signal, replace, mode }: Required<Pick<PlaceOptions, 'signal' | 'replace' | 'mode'>>,
): Promise<Unpacked> {
  if (content.kind === 'tree') return await unpackTree(content, path, signal);
  if (content.kind !== 'file') throw new UsageError(`A ${content.kind} of a job cannot be put to ${path}.`);
  const target = { path, replace, mode };
  refuseTaken(target);
  await putWhole(target, (part) => copyContent(content, part, signal));
  return { files: 1, bytes: content.bytes };
}

/** Made beside its place, by `make`. */
async function putWhole(target: Target, make: (part: string) => Promise<void>): Promise<void> {
  const { path, mode } = target;
  mkdirSync(dirname(path), { recursive: true });
  const part = `${path}.part-${randomBytes(4).toString('hex')}`;
  try {
    await make(part);
    chmodSync(part, mode & 0o777);
    putAt(part, target);
  } finally {
    await rm(part, { force: true });
  }
}

/** What lies at somebody's place is looked through after it was copied: only then nobody can change it any more. */
async function copyContent(content: Content, to: string, signal: AbortSignal): Promise<void> {
  await copyBytes(content, to, signal);
  if (content.lent !== undefined && !(await isThis(to, content.list, signal)))
    throw new AgentError(
      `Content ${content.id.slice(0, 12)} is not in the store any more: it lay at ${content.path}, which was changed since. Send it again.`,
    );
}

/** Where the file system can, both share their blocks until one is written to; what has holes keeps them. */
async function copyBytes({ path, bytes, list, offsets }: Content, to: string, signal: AbortSignal): Promise<void> {
  if (statSync(path).blocks * 512 >= bytes) {
    await copyFile(path, to, constants.COPYFILE_FICLONE);
    return;
  }
  const source = openSync(path, 'r');
  const target = openSync(to, 'wx', 0o600);
  try {
    const blocks = copyRange(source, holesIn(list, offsets, FILE_CUT.largest), { from: 0, bytes }, target);
    while (blocks.next().done !== true) await turn(undefined, { signal });
  } finally {
    closeSync(target);
    closeSync(source);
  }
}

/** For files that only we read. The content may then be removed from the store at any time. */
export async function linkTo(content: Content, path: string): Promise<void> {
  if (existsSync(path)) return;
  const part = `${path}.part`;
  rmSync(part, { force: true });
  try {
    if (content.lent === undefined) linkSync(content.path, part);
    else await copyContent(content, part, new AbortController().signal);
  } catch (error) {
    // File systems without links, or with too many already.
    if (!NO_LINKS.has(systemCode(error) ?? '')) throw error;
    await copyFile(content.path, part, constants.COPYFILE_FICLONE);
  }
  renameSync(part, path);
}
