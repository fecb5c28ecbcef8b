// The inputs of a job that runs where they lie: they appear in its working directory as links, so nothing is copied. What the job may write
// as well gets a copy of its own: the original changes only when the output comes home.
import { constants, copyFileSync, existsSync, mkdirSync, symlinkSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hostName } from '../protocol/platform';
import type { FileEntry, InputList } from '../protocol/job-files';
import type { FileOrders } from '../protocol/run';
import { isNamed } from './tree';

/** An input that this machine does not see. */
export class UnseenInput extends Error {}

/** `work` exists. Throws UnseenInput, and what the system throws. */
export function placeInputs(work: string, { root, outputs }: FileOrders, { entries }: InputList): void {
  const folders = new Set<string>();
  const makeFolder = (path: string): void => {
    if (folders.has(path)) return;
    mkdirSync(join(work, path), { recursive: true });
    folders.add(path);
  };
  for (const entry of entries) {
    makeFolder(entry.kind === 'folder' ? entry.path : dirname(entry.path));
    if (entry.kind === 'link') symlinkSync(entry.target, join(work, entry.path));
    else if (entry.kind === 'file') {
      const isChanged = outputs.some((named) => isNamed(named, entry.path));
      placeFile(join(root, entry.path), join(work, entry.path), entry, isChanged);
    }
  }
}

function placeFile(from: string, to: string, entry: FileEntry & { kind: 'file' }, isCopied: boolean): void {
  if (!existsSync(from))
    throw new UnseenInput(
      `${from} cannot be seen on ${hostName()}. It was there when the job was submitted: is it on a file system that the nodes share, and there still?`,
    );
  if (!isCopied) {
    symlinkSync(from, to);
    return;
  }
  copyFileSync(from, to, constants.COPYFILE_FICLONE);
  utimesSync(to, entry.modifiedAt / 1000, entry.modifiedAt / 1000);
}
