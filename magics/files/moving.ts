// One file or link takes another place: whole, by a rename or a link where both are on one file system, else by a copy beside.
import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { systemCode } from '../protocol/errors';
import type { FileEntry } from '../protocol/job-files';

/** False when something is there that must not be overwritten. Within a file system this costs no copy. */
export function move(entry: FileEntry, source: string, target: string, overwrites: boolean): boolean {
  try {
    if (overwrites) renameSync(source, target);
    // link(2) fails where rename(2) would overwrite; a symbolic link itself cannot be linked everywhere.
    else if (entry.kind === 'link') {
      symlinkSync(readlinkSync(source), target);
      rmSync(source);
    } else {
      linkSync(source, target);
      rmSync(source);
    }
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EEXIST' && !overwrites) return false;
    if (code !== 'EXDEV' && code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EMLINK') throw error;
  }
  return copyOver(entry, source, target, overwrites);
}

/** Beside the target first, so that it appears whole. */
function copyOver(entry: FileEntry, source: string, target: string, overwrites: boolean): boolean {
  if (!overwrites && lstatSync(target, { throwIfNoEntry: false }) !== undefined) return false;
  const part = join(dirname(target), `.${basename(target)}.cellburst-${process.pid}.part`);
  try {
    rmSync(part, { force: true });
    if (entry.kind === 'link') symlinkSync(readlinkSync(source), part);
    else if (entry.kind === 'file') {
      copyFileSync(source, part, constants.COPYFILE_FICLONE);
      utimesSync(part, entry.modifiedAt / 1000, entry.modifiedAt / 1000);
      const file = openSync(part, 'r');
      fsyncSync(file);
      closeSync(file);
    }
    renameSync(part, target);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
  rmSync(source);
  return true;
}
