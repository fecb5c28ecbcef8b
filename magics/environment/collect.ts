// From the files that a cell reaches to all that has to travel with them: what says how they are read, the links on the way to them, and for packages
// that look for files of their own while they run, all of those.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModuleRoot } from '../protocol/environment';
import { Installed, filesOf, findPackage, followLinks, type InstalledPackage, type Link } from './installed';
import type { Reached } from './reach';
import { layOut } from './tree';

export interface CollectedPackage {
  readonly name: string;
  readonly version: string | undefined;
  /** Real path at home. */
  readonly folder: string;
  /** Why all of it travels, not only what is reached. */
  readonly wholeBecause: string | undefined;
  /** Why it is bound to a kind of machine. */
  readonly nativeBecause: string | undefined;
}

export interface Collected {
  /** Absolute paths, sorted. */
  readonly files: readonly string[];
  readonly links: readonly Link[];
  /** Sorted by name. */
  readonly packages: readonly CollectedPackage[];
}

/** Code that asks where it lies looks for files beside it. */
const LOOKS_BESIDE = /\b__dirname\b|\b__filename\b|\bimport\.meta\b/;
/** A module whose name is made while the program runs, or resolved by hand. */
const LOADS_BY_NAME =
  /\brequire\s*\(\s*(?!["'`\s])|\bimport\s*\(\s*(?!["'`\s])|\bcreateRequire\b|\brequire\.resolve\b|\b(?:require|import)\s*\(\s*(?:`[^`]*\$\{|(?:"[^"\n]*"|'[^'\n]*')\s*\+)/;
/** Who needs one of these builds or finds a binary. */
const BUILDERS = new Set([
  'bindings',
  'node-gyp-build',
  'node-gyp-build-optional-packages',
  'prebuild-install',
  'node-pre-gyp',
  '@mapbox/node-pre-gyp',
  'node-addon-api',
  'nan',
  'cmake-js',
  'cmake-ts',
]);

/** Reads the reached files; throws what the system throws for one that cannot be read. */
export function collect(reached: Reached): Collected {
  const collector = new Collector();
  for (const { name, folder } of reached.lookups) collector.addLookup(name, folder);
  for (const file of reached.files) collector.addFile(file);
  return collector.finish();
}

/** Of what cannot be looked into: all that is installed for it. */
export function collectAll(roots: readonly ModuleRoot[], directory: string): Collected {
  const placed = layOut(roots, directory, []).map((one) => one.package);
  const packages = placed.map((found) => ({
    name: found.name ?? found.folder,
    version: found.version,
    folder: found.folder,
    wholeBecause: undefined,
    nativeBecause: evidenceOfBinary(found),
  }));
  return { files: placed.flatMap(({ folder }) => filesOf(folder)).sort(), links: [], packages };
}

class Collector {
  readonly #installed = new Installed();
  readonly #files = new Set<string>();
  readonly #links = new Map<string, Link>();
  readonly #packages = new Map<string, CollectedPackage>();
  /** Packages whose dependencies are all taken. */
  readonly #closed = new Set<string>();

  addLookup(name: string, folder: string): string | undefined {
    const place = findPackage(name, folder);
    if (place === undefined) return undefined;
    const { links, end } = followLinks(place);
    for (const link of links) this.#links.set(link.path, link);
    const manifest = join(end, 'package.json');
    if (existsSync(manifest)) this.#files.add(manifest);
    return end;
  }

  addFile(file: string): void {
    this.#files.add(file);
    for (const manifest of this.#installed.manifestsAbove(file)) this.#files.add(manifest);
    const owner = this.#installed.ownerOf(file);
    if (owner === undefined) return;
    this.#note(owner, file.endsWith('.node') ? `${file} is a binary` : undefined);
    if (!/\.[cm]?js$/.test(file)) return;
    const text = readFileSync(file, 'latin1');
    if (LOADS_BY_NAME.test(text))
      this.#takeClosure(owner, `${file} loads modules by names that it makes while it runs`);
    else if (LOOKS_BESIDE.test(text)) this.#takeWhole(owner, `${file} looks for files beside it`);
  }

  finish(): Collected {
    const packages = [...this.#packages.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const links = [...this.#links.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
    return { files: [...this.#files].sort(), links, packages };
  }

  #note(owner: InstalledPackage, nativeBecause: string | undefined, wholeBecause?: string): void {
    const known = this.#packages.get(owner.folder);
    if (known !== undefined && nativeBecause === undefined && wholeBecause === undefined) return;
    this.#packages.set(owner.folder, {
      name: owner.name ?? owner.folder,
      version: owner.version,
      folder: owner.folder,
      wholeBecause: known?.wholeBecause ?? wholeBecause,
      nativeBecause:
        known?.nativeBecause ?? nativeBecause ?? (known === undefined ? evidenceOfBinary(owner) : undefined),
    });
  }

  #takeWhole(owner: InstalledPackage, because: string): void {
    if (this.#packages.get(owner.folder)?.wholeBecause !== undefined) return;
    this.#note(owner, undefined, because);
    for (const file of filesOf(owner.folder)) {
      this.#files.add(file);
      if (file.endsWith('.node')) this.#note(owner, `${file} is a binary`);
    }
  }

  /** What it may name it depends on, if it was written with care. */
  #takeClosure(owner: InstalledPackage, because: string): void {
    if (this.#closed.has(owner.folder)) return;
    this.#closed.add(owner.folder);
    this.#takeWhole(owner, because);
    for (const name of owner.dependencies) {
      const folder = this.addLookup(name, owner.folder);
      const dependency = folder === undefined ? undefined : this.#installed.packageIn(folder);
      if (dependency !== undefined) this.#takeClosure(dependency, `${owner.name ?? owner.folder} may load it`);
    }
  }
}

export function evidenceOfBinary({ folder, dependencies, machine }: InstalledPackage): string | undefined {
  // A variant for one kind of machine: a program in it is no `.node` file.
  const kind = [...(machine?.os ?? []), ...(machine?.cpu ?? []), ...(machine?.libc ?? [])].join(' ');
  if (machine !== undefined && machine.cpu.length + machine.libc.length > 0) return `it is for ${kind} alone`;
  if (existsSync(join(folder, 'binding.gyp'))) return `${join(folder, 'binding.gyp')} builds a binary`;
  const builder = dependencies.find((name) => BUILDERS.has(name));
  return builder === undefined ? undefined : `it depends on ${builder}, which builds or finds a binary`;
}
