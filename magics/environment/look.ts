// What a set of modules needs of the disk, found once and believed as long as no file of it has changed.
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ArchiveReference, ModuleRoot } from '../protocol/environment';
import { hasArchive, writeArchive } from './archive';
import { collect, type Collected } from './collect';
import { findReached } from './reach';

export interface Look extends Collected {
  /** Modules that are not installed here. */
  readonly missing: readonly string[];
}

interface Known {
  readonly look: Look;
  readonly stamps: ReadonlyMap<string, string>;
  archive: ArchiveReference | undefined;
}

/** Looks of different cells that are kept. */
const KEPT = 50;

export class Looks {
  readonly #state: string;
  readonly #known = new Map<string, Known>();

  /** `state`: where archives are kept. */
  constructor(state: string) {
    this.#state = state;
  }

  async look(roots: readonly ModuleRoot[], directory: string): Promise<Look> {
    return (await this.#find(roots, directory)).look;
  }

  /** All that the modules reach as one archive. */
  async archive(roots: readonly ModuleRoot[], directory: string, signal: AbortSignal): Promise<ArchiveReference> {
    const known = await this.#find(roots, directory);
    if (known.archive !== undefined && hasArchive(this.#state, known.archive)) return known.archive;
    known.archive = await writeArchive({ ...known.look, directory }, this.#state, signal);
    return known.archive;
  }

  async #find(roots: readonly ModuleRoot[], directory: string): Promise<Known> {
    const key = JSON.stringify([directory, roots]);
    const known = this.#known.get(key);
    if (known !== undefined && isFresh(known.stamps)) return known;
    this.#known.delete(key);
    const reached = await findReached(roots, directory);
    const look = { ...collect(reached), missing: reached.missing };
    const places = [...look.files, ...foldersOf(directory), ...look.packages.map(({ folder }) => dirname(folder))];
    const found: Known = { look, stamps: new Map(places.map((path) => [path, stampOf(path)])), archive: undefined };
    this.#known.set(key, found);
    const [oldest] = this.#known.keys();
    if (this.#known.size > KEPT && oldest !== undefined) this.#known.delete(oldest);
    return found;
  }
}

/** Where something may be installed that is missing now. */
function foldersOf(directory: string): string[] {
  const folders: string[] = [];
  for (let folder = directory; ; folder = dirname(folder)) {
    folders.push(join(folder, 'node_modules'));
    if (folder === dirname(folder)) return folders;
  }
}

function isFresh(stamps: ReadonlyMap<string, string>): boolean {
  for (const [path, stamp] of stamps) if (stampOf(path) !== stamp) return false;
  return true;
}

function stampOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? 'none' : `${found.mtimeMs}:${found.size}:${found.ino}`;
}
