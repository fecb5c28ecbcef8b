// What a notebook runs with: Node, the machine, the packages that are installed for it. Two notebooks with the same digest run with the same.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import type { ModuleRoot } from '../protocol/environment';
import { ownFacts, type HostFacts } from '../protocol/host-facts';
import { findLockFile, type PackageManager } from '../protocol/package-manager';
import { evidenceOfBinary } from './collect';
import { needOfPackage } from './elf';
import { Installed, filesOf, type InstalledPackage } from './installed';
import { layOut, type PlacedPackage } from './tree';

export interface SpecPackage {
  readonly place: string;
  readonly name: string;
  readonly version: string;
  /** `installed`: from a registry or an archive; `workspace`: a folder outside of node_modules, linked. */
  readonly from: 'installed' | 'workspace';
  /** Why it is bound to a kind of machine; undefined: it is plain JavaScript. */
  readonly native?: string;
  /** One of several that a package has, for kinds of machines. */
  readonly isVariant: boolean;
  /** Its binary, if it has one, goes by Node-API. */
  readonly isFree: boolean;
  /** The oldest glibc that its binary runs with, '' where it needs none; undefined: not known. */
  readonly glibc?: string;
}

export interface Project {
  /** Absolute; the folder of its package.json. */
  readonly directory: string;
  readonly manager: PackageManager | undefined;
  /** Absolute: its lock file, or that of its workspace. */
  readonly lockFile: string | undefined;
}

export interface EnvironmentSpec {
  /** SHA-256 of all the rest, and of the contents of lock file and patches. */
  readonly digest: string;
  readonly host: HostFacts;
  readonly project: Project | undefined;
  readonly packages: readonly SpecPackage[];
  /** Absolute: the nearest tsconfig.json, whose aliases and options count for cells and local modules. */
  readonly tsconfig: string | undefined;
  /** Environment variables that the cluster's config asks for. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Reads the disk; `directory` is the notebook's. Packages are those that the project asks for, and without a package.json all that are installed. */
export function readSpec(directory: string, variables: EnvironmentSpec['variables'] = {}): EnvironmentSpec {
  const project = findProject(directory);
  const placed = layOut(rootsOf(project, directory), directory, []);
  const packages = placed.map(toSpecPackage);
  const { npm, ...host } = ownFacts();
  const tsconfig = findUp('tsconfig.json', directory);
  const hash = createHash('sha256');
  hash.update(JSON.stringify([host, packages.map(({ place, version, from }) => [place, version, from])]));
  const contents = [
    ...(project === undefined ? [] : contentsOf(project)),
    ...(tsconfig === undefined ? [] : [tsconfig]),
  ];
  const assignments = Object.entries(variables).sort();
  if (assignments.length > 0) hash.update(JSON.stringify(assignments));
  for (const path of contents) hash.update(basename(path)).update(readFileSync(path));
  return {
    digest: hash.digest('hex'),
    host: { ...host, ...(npm === undefined ? {} : { npm }) },
    project,
    packages,
    tsconfig,
    variables,
  };
}

function findProject(from: string): Project | undefined {
  const installed = new Installed();
  for (let folder = from; ; folder = dirname(folder)) {
    if (installed.manifestIn(folder) !== undefined) {
      const { path, manager } = findLockFile(folder) ?? {};
      return { directory: folder, lockFile: path, manager };
    }
    if (folder === dirname(folder)) return undefined;
  }
}

function findUp(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, name);
    if (existsSync(path)) return path;
    if (folder === dirname(folder)) return undefined;
  }
}

function rootsOf(project: Project | undefined, directory: string): ModuleRoot[] {
  const asked = project === undefined ? undefined : new Installed().manifestIn(project.directory)?.dependencies;
  const names = asked ?? installedNames(directory);
  return names.map((specifier) => ({ specifier, kind: 'both' }));
}

function installedNames(directory: string): string[] {
  for (let folder = directory; ; folder = dirname(folder)) {
    const modules = join(folder, 'node_modules');
    if (existsSync(modules))
      return readdirSync(modules)
        .filter((name) => !name.startsWith('.'))
        .flatMap((name) =>
          name.startsWith('@') ? readdirSync(join(modules, name)).map((part) => `${name}/${part}`) : [name],
        )
        .sort();
    if (folder === dirname(folder)) return [];
  }
}

function toSpecPackage({ place, name, package: found }: PlacedPackage): SpecPackage {
  const binary = evidenceOfBinary(found) ?? filesOf(found.folder).find((file) => file.endsWith('.node'));
  return {
    place,
    name,
    version: found.version ?? '0.0.0',
    from: found.folder.includes(`${sep}node_modules${sep}`) ? 'installed' : 'workspace',
    isVariant: found.machine !== undefined,
    isFree: found.usesNodeApi || found.machine !== undefined,
    ...(binary === undefined ? {} : glibcOf(found)),
    ...(binary === undefined
      ? {}
      : { native: relative(found.folder, binary).startsWith('..') ? binary : relative(found.folder, binary) }),
  };
}

function glibcOf({ folder }: InstalledPackage): Pick<SpecPackage, 'glibc'> {
  const need = needOfPackage(folder);
  return need === undefined ? {} : { glibc: need.glibc };
}

/** Lock file, and patches where patch-package, pnpm and yarn keep them: in the project, or in its workspace. */
function contentsOf({ directory, lockFile }: Project): string[] {
  const places = new Set([directory, ...(lockFile === undefined ? [] : [dirname(lockFile)])]);
  const folders = [...places].flatMap((place) => [join(place, 'patches'), join(place, '.yarn', 'patches')]);
  const patches = folders.filter(existsSync).flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.patch'))
      .sort()
      .map((name) => join(folder, name)),
  );
  return [...(lockFile === undefined ? [] : [lockFile]), ...patches];
}
