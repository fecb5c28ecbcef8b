// Names that are two on one file system and one on another: most of macOS and Windows tell no upper case from lower, nor two ways to write é in Unicode.
// What comes from elsewhere would be written over itself there, and nobody would be told.
import { lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UsageError } from './errors';
import { hostName } from './platform';

export type Twins = readonly [first: string, second: string];

/** The first two of the paths, or of the folders on the way to them, that are one name where neither case nor form counts. Pure. */
export function findTwins(paths: Iterable<string>): Twins | undefined {
  const names = new Map<string, string>();
  for (const path of paths)
    // From the file up, to the first folder that is known: those above it are as well.
    for (let at = path; at !== '.' && at !== '/'; at = dirname(at)) {
      const key = plain(at);
      const known = names.get(key);
      if (known === at) break;
      if (known !== undefined) return [known, at];
      names.set(key, at);
    }
  return undefined;
}

/** The paths that are one name with another one before them, each with that. Pure. */
export function laterTwins(paths: Iterable<string>): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const later = new Map<string, string>();
  for (const path of paths) {
    const key = plain(path);
    const first = names.get(key);
    if (first === undefined) names.set(key, path);
    else if (first !== path) later.set(path, first);
  }
  return later;
}

/** Are both one name in this folder? `folder` may be one that is yet to be made. Asks the file system, by a file that is gone when this returns. */
export function areOneName([first, second]: Twins, folder: string): boolean {
  const place = mkdtempSync(join(nearest(folder), '.cellburst-names-'));
  try {
    // They differ in one step: what is above it is the same, or another pair.
    const [a, b] = stepsApart(first, second);
    writeFileSync(join(place, a), '');
    return lstatSync(join(place, b), { throwIfNoEntry: false }) !== undefined;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** Before the first of them is written. Throws UsageError, and what the system throws. */
export function refuseTwins(paths: Iterable<string>, folder: string): void {
  const twins = findTwins(paths);
  if (twins !== undefined && areOneName(twins, folder)) throw new UsageError(describeTwins(twins, folder));
}

export function describeTwins([first, second]: Twins, folder: string): string {
  return `Cannot put both ${first} and ${second} to ${folder} on ${hostName()}: they are one name on the file system there. Rename one of them, or leave it out; nothing was written.`;
}

function plain(path: string): string {
  // By both ways, since ß and SS, ſ and s meet in one of them only.
  return path.normalize('NFC').toUpperCase().toLowerCase();
}

function stepsApart(first: string, second: string): Twins {
  const [left, right] = [first.split('/'), second.split('/')];
  const at = left.findIndex((step, index) => step !== right[index]);
  return [left[at] ?? first, right[at] ?? second];
}

function nearest(folder: string): string {
  for (let at = folder; ; at = dirname(at))
    if (lstatSync(at, { throwIfNoEntry: false }) !== undefined || at === dirname(at)) return at;
}
