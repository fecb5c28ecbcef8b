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
import { ClusterError, UsageError, systemCode } from '../protocol/errors';
import { hostName } from '../protocol/platform';
import type { Content } from './contents';
import { copyRange } from './copying';
import { FILE_CUT } from './cutting';
import { unpackTree, type Unpacked } from './tree';
import { holesIn } from './zeros';

export interface PlaceOptions {
  readonly signal: AbortSignal;
  /** A file may take the place of a file. */
  readonly replace?: boolean;
  /** Of a file. */
  readonly mode?: number;
}

/** Throws UsageError when there is something at `path` already, and what the system throws. */
export async function place(
  content: Content,
  path: string,
  { signal, replace = false, mode = 0o644 }: PlaceOptions,
): Promise<Unpacked> {
  try {
    return await placeAt(content, path, { signal, replace, mode });
  } catch (error) {
    throw toPlaceError(error, path);
  }
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
  { signal, replace, mode }: Required<PlaceOptions>,
): Promise<Unpacked> {
  if (content.kind === 'tree') return await unpackTree(content, path, signal);
  if (content.kind !== 'file') throw new UsageError(`A ${content.kind} of a job cannot be put to ${path}.`);
  const there = statSync(path, { throwIfNoEntry: false });
  if (there !== undefined && !(replace && there.isFile()))
    throw new UsageError(`Cannot put a file to ${path}: there is something already.`);
  mkdirSync(dirname(path), { recursive: true });
  const part = `${path}.part-${randomBytes(4).toString('hex')}`;
  try {
    await copyContent(content, part, signal);
    chmodSync(part, mode & 0o777);
    if (!replace) linkSync(part, path);
    else renameSync(part, path);
  } catch (error) {
    if (systemCode(error) === 'EEXIST')
      throw new UsageError(`Cannot put a file to ${path}: there is something already.`, { cause: error });
    throw error;
  } finally {
    await rm(part, { force: true });
  }
  return { files: 1, bytes: content.bytes };
}

/** Where the file system can, both share their blocks until one is written to; what has holes keeps them. */
async function copyContent({ path, bytes, list, offsets }: Content, to: string, signal: AbortSignal): Promise<void> {
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
    linkSync(content.path, part);
  } catch (error) {
    // File systems without links, or with too many already.
    if (!['EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV'].includes(systemCode(error) ?? '')) throw error;
    await copyFile(content.path, part, constants.COPYFILE_FICLONE);
  }
  renameSync(part, path);
}
