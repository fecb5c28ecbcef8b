// The inputs of a job that runs where they lie. They appear in its working directory as copies, as they do on another machine: what a cell does to them
// is done to them there, and to nothing else. Where the file system can share blocks a copy costs nothing; where it cannot, very large inputs are links,
// and what happened to them is told.
import {
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  rmSync,
  rmdirSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { systemCode } from '../protocol/errors';
import { hostName } from '../protocol/platform';
import { areOneName, describeTwins, findTwins } from '../protocol/twins';
import type { FileEntry, InputList } from '../protocol/job-files';
import type { FileOrders } from '../protocol/run';
import { isNamed } from './tree';
import { Slices } from './walk';

/** An input that this machine does not see, or cannot tell from another one. */
export class UnseenInput extends Error {}

type File = FileEntry & { readonly kind: 'file' };

/** Inputs of a job with more bytes than this are not copied: a second or two is what a cell may wait for that. */
export const MOST_COPIED_BYTES = 2 ** 30;
/** A file system may keep times less exactly than they were given to it. */
const SAME_TIME_MS = 2;

/** `work` exists. Gives those that are links to the files themselves. Throws UnseenInput, and what the system throws. */
export function placeInputs(work: string, { root, outputs }: FileOrders, { entries }: InputList): readonly File[] {
  const twins = findTwins(entries.map(({ path }) => path));
  if (twins !== undefined && areOneName(twins, work)) throw new UnseenInput(describeTwins(twins, work));
  const folders = new Set<string>();
  const makeFolder = (path: string): void => {
    if (folders.has(path)) return;
    mkdirSync(join(work, path), { recursive: true });
    folders.add(path);
  };
  const bytes = entries.reduce((sum, entry) => sum + (entry.kind === 'file' ? entry.size : 0), 0);
  const copy = bytes > MOST_COPIED_BYTES ? shareBlocks() : copyFile;
  const linked: File[] = [];
  for (const entry of entries) {
    makeFolder(entry.kind === 'folder' ? entry.path : dirname(entry.path));
    const [from, to] = [join(root, entry.path), join(work, entry.path)];
    if (entry.kind === 'link') symlinkSync(entry.target, to);
    if (entry.kind !== 'file') continue;
    if (!existsSync(from))
      throw new UnseenInput(
        `${from} cannot be seen on ${hostName()}. It was there when the job was submitted: is it on a file system that the nodes share, and there still?`,
      );
    // What the job may write as well is its own in any case: the original changes only when the output comes home.
    const isOwn = outputs.some((named) => isNamed(named, entry.path)) ? copyFile(from, to) : copy(from, to);
    if (isOwn) utimesSync(to, entry.modifiedAt / 1000, entry.modifiedAt / 1000);
    else {
      symlinkSync(from, to);
      linked.push(entry);
    }
  }
  return linked;
}

function copyFile(from: string, to: string): true {
  copyFileSync(from, to, constants.COPYFILE_FICLONE);
  return true;
}

/** Tells by its first try whether the file system can. */
function shareBlocks(): (from: string, to: string) => boolean {
  let isPossible = true;
  return (from, to) => {
    if (!isPossible) return false;
    try {
      copyFileSync(from, to, constants.COPYFILE_FICLONE_FORCE);
    } catch (error) {
      const code = systemCode(error) ?? '';
      if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EACCES') throw error;
      isPossible = false;
      rmSync(to, { force: true });
    }
    return isPossible;
  };
}

/** Of those that are links, the ones that are no longer what they were when the job was made. */
export function changedMeanwhile(root: string, linked: readonly File[]): string[] {
  return linked
    .filter((entry) => {
      const now = statSync(join(root, entry.path), { throwIfNoEntry: false });
      return now === undefined || !isAsGiven(now, entry);
    })
    .map(({ path }) => path);
}

export function isAsGiven(now: { readonly size: number; readonly mtimeMs: number }, given: File): boolean {
  return now.size === given.size && Math.abs(now.mtimeMs - given.modifiedAt) < SAME_TIME_MS;
}

/** Removes the job's copies of its inputs, but for those that it has made something else of. */
export async function removeInputs(work: string, { entries }: InputList, signal: AbortSignal): Promise<void> {
  const slices = new Slices();
  const folders = new Set<string>();
  for (const entry of entries) {
    for (let at = entry.path; at !== '.'; at = dirname(at)) folders.add(at);
    await slices.pause(signal);
    if (entry.kind === 'folder') continue;
    folders.delete(entry.path);
    const path = join(work, entry.path);
    const now = lstatSync(path, { throwIfNoEntry: false });
    if (now?.isSymbolicLink() === true || (now?.isFile() === true && entry.kind === 'file' && isAsGiven(now, entry)))
      rmSync(path, { force: true });
  }
  for (const folder of [...folders].sort().reverse()) {
    removeEmpty(join(work, folder));
    await slices.pause(signal);
  }
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    // Something of the job's own is in it, or it is gone.
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) throw error;
  }
}
