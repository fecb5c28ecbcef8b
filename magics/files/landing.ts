// Outputs of a job take their places at home. Each appears whole, by a rename; what was changed at home after the job was made, by a person or by
// another job, is never overwritten: the job's version is put beside it under a name that tells the job.
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  readlinkSync,
  rmSync,
  utimesSync,
  type Stats,
} from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { LandedFiles } from '../protocol/chores';
import { ProtocolError, UsageError, messageOf, systemCode } from '../protocol/errors';
import type { FileEntry, JobFiles, OutputList } from '../protocol/job-files';
import { areOneName, laterTwins } from '../protocol/twins';
import { move } from './moving';
import { isNamed, joinTree, pathIn } from './tree';
import { Slices } from './walk';

export interface LandingRequest {
  /** Where the outputs lie, as a tree. */
  readonly from: string;
  readonly files: JobFiles;
  readonly list: OutputList;
  readonly jobId: string;
  /** ms since the epoch: what has changed at home after this was not seen by the job. */
  readonly since: number;
}

/** May be called again after it failed, or was cut: what has landed stays, the rest follows. Throws UsageError where the system refuses (a full disk). */
export async function landOutputs(request: LandingRequest, signal: AbortSignal): Promise<LandedFiles> {
  const { files, list } = request;
  const conflicts: { path: string; kept: string; reason: string }[] = [];
  const stayed: { path: string; reason: string }[] = [];
  const links = new LinksOnTheWay();
  const slices = new Slices();
  const shown = (path: string): string => fromFolder(files.folder, path);
  let landed = 0;
  let bytes = 0;
  const twins = twinsHere(request);
  for (const entry of list.entries) {
    // The other machine's word alone must not write anywhere.
    const names = files.outputs.filter((named) => isNamed(named, entry.path));
    if (names.length === 0)
      throw new ProtocolError(`The job brings ${entry.path}, which was never named as an output of it.`);
    if (links.before(request.from, entry.path, '.') !== undefined)
      throw new ProtocolError(`The job brings ${entry.path} by way of a symbolic link.`);
    const here = names.map(({ base }) => links.before(files.root, entry.path, base));
    if (here[0] !== undefined && here.every((link) => link !== undefined)) {
      const reason = `${shown(here[0])} is a symbolic link here, which is not followed; it stays at ${join(request.from, entry.path)}`;
      stayed.push({ path: shown(entry.path), reason });
      continue;
    }
    const end = tryLanding(request, entry, twins.get(entry.path));
    if (end.as === 'conflict') conflicts.push({ path: shown(entry.path), kept: shown(end.kept), reason: end.reason });
    if (entry.kind !== 'folder' && end.as === 'there') {
      landed += 1;
      bytes += entry.kind === 'file' ? entry.size : 0;
    }
    await slices.pause(signal);
  }
  return {
    files: landed,
    bytes,
    conflicts,
    missing: list.missing.map(shown),
    left: [...list.left.map(({ path, reason }) => ({ path: shown(path), reason })), ...stayed],
  };
}

/** Outputs whose name is that of an earlier one on the file system of this machine, each with that one: they are put beside. */
function twinsHere({ list, files }: LandingRequest): ReadonlyMap<string, string> {
  const later = laterTwins(list.entries.flatMap(({ kind, path }) => (kind === 'folder' ? [] : [path])));
  const [pair] = later;
  if (pair !== undefined && areOneName(pair, files.root)) return later;
  return new Map();
}

/** Where a person named a place, the way there may lead through links of theirs. Behind it, where only the job says what there is, none is followed. */
class LinksOnTheWay {
  readonly #known = new Map<string, string | undefined>();

  /** The innermost folder of `path` that is a link, behind `base`. undefined: there is none. */
  before(root: string, path: string, base: string): string | undefined {
    const folder = dirname(path);
    if (folder === '.' || folder === base || base.startsWith(`${folder}/`)) return undefined;
    const key = `${root}\0${base}\0${folder}`;
    if (!this.#known.has(key)) {
      const isLink = lstatSync(join(root, folder), { throwIfNoEntry: false })?.isSymbolicLink() === true;
      this.#known.set(key, isLink ? folder : this.before(root, folder, base));
    }
    return this.#known.get(key);
  }
}

/** As a person sees it from the working directory. */
function fromFolder(folder: string, path: string): string {
  const inside = pathIn(`/${folder}`, `/${path}`);
  return folder === '.' ? path : (inside ?? `${'../'.repeat(folder.split('/').length)}${path}`);
}

type End = { readonly as: 'there' } | { readonly as: 'conflict'; readonly kept: string; readonly reason: string };

const THERE: End = { as: 'there' };

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'your quota is used up',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EROFS: 'the file system cannot be written to',
  ENOTDIR: 'a part of its path is a file here',
  EEXIST: 'a part of its path is a file here',
};

function tryLanding(request: LandingRequest, entry: FileEntry, twin: string | undefined): End {
  try {
    return landEntry(request, entry, twin);
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    const path = fromFolder(request.files.folder, entry.path);
    throw new UsageError(
      `Cannot put ${path} into its place: ${REASONS[code] ?? messageOf(error)}. The result of the job is kept; take it when that is mended: %cluster attach ${request.jobId}`,
      { cause: error },
    );
  }
}

function landEntry({ from, files, jobId, since }: LandingRequest, entry: FileEntry, twin: string | undefined): End {
  const source = join(from, entry.path);
  const target = join(files.root, entry.path);
  const before = lstatSync(target, { throwIfNoEntry: false });
  if (entry.kind === 'folder') {
    if (before === undefined) mkdirSync(target, { recursive: true });
    return THERE;
  }
  mkdirSync(dirname(target), { recursive: true });
  // Landed before something failed.
  if (lstatSync(source, { throwIfNoEntry: false }) === undefined) return THERE;
  if (entry.kind === 'file') keepTime(source, entry);
  if (twin !== undefined)
    return putBeside(files, entry, source, jobId, `${twin} has the same name on the file system here`);
  if (before !== undefined && isSame(entry, source, target, before)) {
    rmSync(source);
    return THERE;
  }
  const reason = before === undefined ? undefined : whyKept(before, since);
  if (before === undefined || reason === undefined) {
    if (move(entry, source, target, before !== undefined)) return THERE;
    // Somebody made it this very moment.
    return putBeside(files, entry, source, jobId, 'it was made here meanwhile');
  }
  return putBeside(files, entry, source, jobId, reason);
}

/** A tree that crossed to another machine has no times. */
function keepTime(source: string, { modifiedAt }: FileEntry & { kind: 'file' }): void {
  if (Math.abs(lstatSync(source).mtimeMs - modifiedAt) > 1) utimesSync(source, modifiedAt / 1000, modifiedAt / 1000);
}

function whyKept(before: Stats, since: number): string | undefined {
  if (before.isDirectory()) return 'there is a folder of that name here';
  return Math.max(before.mtimeMs, before.ctimeMs) > since ? 'it was changed here meanwhile' : undefined;
}

function putBeside(files: JobFiles, entry: FileEntry, source: string, jobId: string, reason: string): End {
  const folder = dirname(entry.path);
  const suffix = extname(entry.path);
  const stem = basename(entry.path, suffix);
  for (let again = 1; ; again++) {
    const name = `${stem}.job-${jobId}${again === 1 ? '' : `-${again}`}${suffix}`;
    const kept = joinTree(folder, name);
    if (move(entry, source, join(files.root, kept), false)) return { as: 'conflict', kept, reason };
  }
}

const BLOCK_BYTES = 1 << 20;

function isSame(entry: FileEntry, source: string, target: string, before: Stats): boolean {
  if (entry.kind === 'link') return before.isSymbolicLink() && readlinkSync(target) === readlinkSync(source);
  if (entry.kind !== 'file' || !before.isFile() || before.size !== entry.size) return false;
  if ((before.mode & 0o777) !== (entry.mode & 0o777)) return false;
  return hasSameBytes(source, target);
}

function hasSameBytes(first: string, second: string): boolean {
  const files = [openSync(first, 'r'), openSync(second, 'r')] as const;
  const [a, b] = [Buffer.allocUnsafe(BLOCK_BYTES), Buffer.allocUnsafe(BLOCK_BYTES)];
  try {
    for (;;) {
      const read = readSync(files[0], a);
      if (readSync(files[1], b) !== read || a.compare(b, 0, read, 0, read) !== 0) return false;
      if (read === 0) return true;
    }
  } finally {
    for (const file of files) closeSync(file);
  }
}
