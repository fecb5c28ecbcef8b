// What lies in a tree of files, as it is: symbolic links are seen and never followed, and names that are no text are told of instead of being missed.
import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FileEntry } from '../protocol/job-files';
import { joinTree } from './tree';

/** Something in a tree, by its path there. */
export interface Seen {
  readonly path: string;
  readonly stats: Stats;
  /** Its absolute path, where its name is no UTF-8 and `path` can only show it. Such things can be told of and removed, not sent. */
  readonly raw?: Buffer;
}

export const NOT_UTF8 = 'its name is no UTF-8';

export interface WalkOptions {
  /** How many folders deep; 1 is the folder itself. */
  readonly depth: number;
  /** Folders that are not gone into, by their name. */
  readonly skips: (name: string) => boolean;
  /** For a folder that cannot be read, or something that vanished while we looked; what it throws ends the walk. */
  readonly failed: (path: string, error: unknown) => void;
}

/** All below `start` (a folder of the tree), parents before what is in them, in the order of their names. */
export function* walk(root: string, start: string, options: WalkOptions): Generator<Seen> {
  const { depth, skips, failed } = options;
  if (depth < 1) return;
  let names: string[];
  try {
    // Two names that are no UTF-8 may look the same.
    names = [...new Set(readdirSync(join(root, start)))].sort();
  } catch (error) {
    failed(start, error);
    return;
  }
  for (const name of names) {
    const path = joinTree(start, name);
    let stats: Stats;
    try {
      stats = lstatSync(join(root, path));
    } catch (error) {
      const raw = name.includes(REPLACED) ? unreadable(join(root, start), name) : [];
      for (const one of raw) yield { path, ...one };
      if (raw.length === 0) failed(path, error);
      continue;
    }
    yield { path, stats };
    if (stats.isDirectory() && !skips(name)) yield* walk(root, path, { ...options, depth: depth - 1 });
  }
}

/** What stands in a text for bytes that are no UTF-8. */
const REPLACED = '\uFFFD';

/** All of a folder whose names look so as text. */
function unreadable(folder: string, name: string): { stats: Stats; raw: Buffer }[] {
  return readdirSync(folder, { encoding: 'buffer' })
    .filter((bytes) => bytes.toString() === name)
    .map((bytes) => {
      const raw = Buffer.concat([Buffer.from(`${folder}/`), bytes]);
      return { stats: lstatSync(raw), raw };
    });
}

/** Of anything that can be sent; undefined for a socket, a pipe, a device, and for what has no name. */
export function toEntry(root: string, { path, stats, raw }: Seen): FileEntry | undefined {
  if (raw !== undefined) return undefined;
  const mode = stats.mode & 0o7777;
  if (stats.isFile()) return { kind: 'file', path, size: stats.size, mode, modifiedAt: stats.mtimeMs };
  if (stats.isDirectory()) return { kind: 'folder', path, mode };
  if (stats.isSymbolicLink()) return { kind: 'link', path, target: readlinkSync(join(root, path)) };
  return undefined;
}

const SLICE_MS = 10;

/** Lets others have a turn now and then: for long work on a thread that also answers. */
export class Slices {
  #until = performance.now() + SLICE_MS;

  async pause(signal: AbortSignal): Promise<void> {
    if (performance.now() < this.#until) return;
    signal.throwIfAborted();
    await nextTurn();
    this.#until = performance.now() + SLICE_MS;
  }
}
