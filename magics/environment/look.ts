// What a set of modules needs of the disk, found once and believed as long as no file of it has changed.
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ArchiveReference, ModuleRoot } from '../protocol/environment';
import { hasArchive, writeArchive, type ArchiveContent } from './archive';
import { collect, type Collected } from './collect';
import { findReached, type Reached } from './reach';

export interface Look extends Collected {
  /** Which packages are asked for by name, and from where. */
  readonly lookups: Reached['lookups'];
  /** Modules that are not installed here. */
  readonly missing: readonly string[];
}

interface Known {
  readonly look: Look;
  readonly stamps: ReadonlyMap<string, string>;
  /** Made of it so far, by what else their content depends on. */
  readonly archives: Map<string, ArchiveReference>;
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

  /** An archive made of what the modules reach: made once for each `kind`, as long as nothing has changed. */
  async archive(
    roots: readonly ModuleRoot[],
    directory: string,
    { kind, fill }: { readonly kind: string; readonly fill: (look: Look) => ArchiveContent | Promise<ArchiveContent> },
    signal: AbortSignal,
  ): Promise<ArchiveReference> {
    const { look, archives } = await this.#find(roots, directory);
    const known = archives.get(kind);
    if (known !== undefined && hasArchive(this.#state, known)) return known;
    const made = await writeArchive(await fill(look), this.#state, signal);
    archives.set(kind, made);
    return made;
  }

  async #find(roots: readonly ModuleRoot[], directory: string): Promise<Known> {
    const key = JSON.stringify([directory, roots]);
    const known = this.#known.get(key);
    if (known !== undefined && isFresh(known.stamps)) return known;
    this.#known.delete(key);
    const reached = await findReached(roots, directory);
    const look = { ...collect(reached), lookups: reached.lookups, missing: reached.missing };
    const places = [...look.files, ...foldersOf(directory), ...look.packages.map(({ folder }) => dirname(folder))];
    const found: Known = { look, stamps: new Map(places.map((path) => [path, stampOf(path)])), archives: new Map() };
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
