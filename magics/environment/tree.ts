// The installed packages that a cell needs, laid out as npm would install them: which package stands in which folder of node_modules. Made from what is
// installed, whatever installed it (npm, pnpm, yarn, a link by hand), so versions and patches are those of here.
import { dirname, join } from 'node:path';
import type { ModuleRoot } from '../protocol/environment';
import { Installed, findPackage, followLinks, type InstalledPackage } from './installed';
import { packageName, type Reached } from './reach';

export interface PlacedPackage {
  /** `node_modules/a/node_modules/@scope/b` */
  readonly place: string;
  /** As it is asked for: the last part of the place. */
  readonly name: string;
  readonly package: InstalledPackage;
  /** Names it finds from its place, with the versions that are there. */
  readonly dependencies: ReadonlyMap<string, string>;
}

/**
 * Gives the packages in the order of their places; names that are asked for and not installed are left out. `lookups` tell what packages ask for without
 * saying so in their package.json: installed beside others, they find it.
 */
export function layOut(
  roots: readonly ModuleRoot[],
  directory: string,
  lookups: Reached['lookups'],
): readonly PlacedPackage[] {
  const installed = new Installed();
  const placed = new Map<string, { name: string; package: InstalledPackage; dependencies: Map<string, string> }>();
  const put = (place: string, name: string, found: InstalledPackage): void => {
    placed.set(place, { name, package: found, dependencies: new Map() });
    todo.push(place);
  };
  const todo: string[] = [];
  const unsaid = namesByPackage(installed, lookups);
  for (const { specifier } of roots) {
    const name = packageName(specifier);
    const found = name === undefined ? undefined : find(installed, name, directory);
    if (name !== undefined && found !== undefined && !placed.has(at('', name))) put(at('', name), name, found);
  }
  // Breadth first: what stands near the root is decided before those below look up to it.
  for (let place = todo.shift(); place !== undefined; place = todo.shift()) {
    const here = placed.get(place);
    if (here === undefined) continue;
    for (const name of new Set([...here.package.dependencies, ...(unsaid.get(here.package.folder) ?? [])])) {
      const wanted = find(installed, name, here.package.folder);
      if (wanted === undefined) continue;
      here.dependencies.set(name, wanted.version ?? '0.0.0');
      const seen = lookUp(placed, place, name);
      if (seen === undefined) put(at('', name), name, wanted);
      else if (seen.folder !== wanted.folder) put(at(place, name), name, wanted);
    }
  }
  return [...placed].map(([place, found]) => ({ place, ...found })).sort((a, b) => (a.place < b.place ? -1 : 1));
}

function namesByPackage(installed: Installed, lookups: Reached['lookups']): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const { name, folder } of lookups) {
    const owner = installed.ownerOf(join(folder, 'index.js'));
    if (owner !== undefined) names.set(owner.folder, [...(names.get(owner.folder) ?? []), name]);
  }
  return names;
}

function at(parent: string, name: string): string {
  return parent === '' ? `node_modules/${name}` : `${parent}/node_modules/${name}`;
}

function find(installed: Installed, name: string, from: string): InstalledPackage | undefined {
  const place = findPackage(name, from);
  return place === undefined ? undefined : installed.packageIn(followLinks(place).end);
}

/** What a package at `place` would find under a name in the layout so far. */
function lookUp(
  placed: ReadonlyMap<string, { readonly package: InstalledPackage }>,
  place: string,
  name: string,
): InstalledPackage | undefined {
  for (let folder = place; ; folder = dirname(folder)) {
    if (!folder.endsWith('node_modules') && !/node_modules\/@[^/]+$/.test(folder)) {
      const found = placed.get(folder === '.' ? at('', name) : join(folder, 'node_modules', name));
      if (found !== undefined) return found.package;
    }
    if (folder === '.') return undefined;
  }
}
