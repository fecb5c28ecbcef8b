// What a set of modules needs of the disk, found once and believed as long as no file of it has changed.
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ArchiveReference, ModuleRoot } from '../protocol/environment';
import { EnvironmentSetupError } from '../protocol/errors';
import { hasArchive, writeArchive, type ArchiveContent } from './archive';
import { collect, collectAll, type Collected } from './collect';
import { findReached, type Reached } from './reach';

export interface Look extends Collected {
  /** Which packages are asked for by name, and from where. */
  readonly lookups: Reached['lookups'];
  /** Modules that are not installed here. */
  readonly missing: readonly string[];
  /** Why what is reached cannot be told: then it is all of each package. */
  readonly unreadable?: EnvironmentSetupError;
}

interface Known {
  readonly look: Look;
  readonly stamps: readonly Stamp[];
  /** The cell for which its files were seen to be unchanged. */
  seenFor: number;
  /** Made of it so far, by what else their content depends on. */
  readonly archives: Map<string, ArchiveReference>;
}

/** Looks of different cells that are kept. */
const KEPT = 50;

export class Looks {
  readonly #state: string;
  readonly #known = new Map<string, Known>();
  #last: Known | undefined;
  #cell = 0;

  /** `state`: where archives are kept. */
  constructor(state: string) {
    this.#state = state;
  }

  /** From here on it is about another cell: what was seen before may have changed. */
  begin(): void {
    this.#cell += 1;
  }

  /** Looks whether the files of the cell before have changed, while something else is waited for anyway: most cells use the same packages. */
  anticipate(): void {
    this.begin();
    if (this.#last !== undefined) this.#isBelieved(this.#last);
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

  #isBelieved(known: Known): boolean {
    if (known.seenFor === this.#cell) return true;
    if (!isFresh(known.stamps)) return false;
    known.seenFor = this.#cell;
    return true;
  }

  async #find(roots: readonly ModuleRoot[], directory: string): Promise<Known> {
    const key = JSON.stringify([directory, roots]);
    const known = this.#known.get(key);
    if (known !== undefined && this.#isBelieved(known)) {
      this.#last = known;
      return known;
    }
    this.#known.delete(key);
    const look = await lookAt(roots, directory);
    const places = [...look.files, ...foldersOf(directory), ...look.packages.map(({ folder }) => dirname(folder))];
    const found: Known = {
      look,
      stamps: [...new Set(places)].map(stampOf),
      seenFor: this.#cell,
      archives: new Map(),
    };
    this.#known.set(key, found);
    this.#last = found;
    const [oldest] = this.#known.keys();
    if (this.#known.size > KEPT && oldest !== undefined) this.#known.delete(oldest);
    return found;
  }
}

async function lookAt(roots: readonly ModuleRoot[], directory: string): Promise<Look> {
  try {
    const reached = await findReached(roots, directory);
    return { ...collect(reached), lookups: reached.lookups, missing: reached.missing };
  } catch (error) {
    if (!(error instanceof EnvironmentSetupError)) throw error;
    return { ...collectAll(roots, directory), lookups: [], missing: [], unreadable: error };
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

interface Stamp {
  readonly path: string;
  /** All 0 for what is not there. */
  readonly mtimeMs: number;
  readonly size: number;
  readonly ino: number;
}

function isFresh(stamps: readonly Stamp[]): boolean {
  return stamps.every(({ path, mtimeMs, size, ino }) => {
    const now = statSync(path, { throwIfNoEntry: false }) ?? ABSENT;
    return now.mtimeMs === mtimeMs && now.size === size && now.ino === ino;
  });
}

const ABSENT = { mtimeMs: 0, size: 0, ino: 0 };

function stampOf(path: string): Stamp {
  const { mtimeMs, size, ino } = statSync(path, { throwIfNoEntry: false }) ?? ABSENT;
  return { path, mtimeMs, size, ino };
}
