// What is installed, as the disk tells: the package that a file belongs to, the links on the way to it, and what of it travels.
import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { isObject } from '../protocol/shape';

/** Words of a package.json; an empty list leaves it open. */
export interface Machine {
  readonly os: readonly string[];
  readonly cpu: readonly string[];
  readonly libc: readonly string[];
}

export interface Manifest {
  readonly name: string | undefined;
  readonly version: string | undefined;
  /** Names it asks for at run time, optional ones and peers among them. */
  readonly dependencies: readonly string[];
  readonly hasInstallScript: boolean;
  /** The kind of machine it is for, where it says so. */
  readonly machine: Machine | undefined;
  /** Names that it can do without, with their versions: variants for kinds of machines, mostly. */
  readonly optional: Readonly<Record<string, string>>;
  /** Its binary goes by Node-API, which is the same for every Node. */
  readonly usesNodeApi: boolean;
}

/** A package folder, by its real path. */
export interface InstalledPackage extends Manifest {
  readonly folder: string;
}

/** Reads of one look at the disk are shared. */
export class Installed {
  readonly #manifests = new Map<string, Manifest | undefined>();
  readonly #owners = new Map<string, InstalledPackage | undefined>();

  /** undefined: there is no readable package.json. */
  manifestIn(folder: string): Manifest | undefined {
    if (!this.#manifests.has(folder)) this.#manifests.set(folder, readManifest(join(folder, 'package.json')));
    return this.#manifests.get(folder);
  }

  /** The package whose file this is. */
  ownerOf(file: string): InstalledPackage | undefined {
    return this.#ownerOfFolder(dirname(file));
  }

  /** The folders between a file and its package that say how it is to be read: those with a package.json, the package's own among them. */
  manifestsAbove(file: string): string[] {
    const owner = this.ownerOf(file);
    const found: string[] = [];
    for (let folder = dirname(file); ; folder = dirname(folder)) {
      const path = join(folder, 'package.json');
      if (this.manifestIn(folder) !== undefined) found.push(path);
      if (folder === dirname(folder) || folder === owner?.folder) return found;
    }
  }

  #ownerOfFolder(folder: string): InstalledPackage | undefined {
    if (this.#owners.has(folder)) return this.#owners.get(folder);
    const installed = packageFolder(folder);
    const owner = installed ?? (this.manifestIn(folder)?.name === undefined ? undefined : folder);
    const found =
      owner !== undefined
        ? this.packageIn(owner)
        : folder === dirname(folder)
          ? undefined
          : this.#ownerOfFolder(dirname(folder));
    this.#owners.set(folder, found);
    return found;
  }

  packageIn(folder: string): InstalledPackage | undefined {
    const manifest = this.manifestIn(folder);
    return manifest === undefined ? undefined : { ...manifest, folder };
  }
}

/** Of a path in it: `…/node_modules/name`, `…/node_modules/@scope/name`. A package may have folders with a package.json and a name of their own. */
function packageFolder(path: string): string | undefined {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
}

function readManifest(path: string): Manifest | undefined {
  return existsSync(path) ? parseManifest(readFileSync(path, 'utf8')) : undefined;
}

/** undefined: it is no package.json. */
export function parseManifest(source: string): Manifest | undefined {
  const content = parse(source);
  if (content === undefined) return undefined;
  const words = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  const keys = (value: unknown): string[] => (isObject(value) ? Object.keys(value) : []);
  const scripts = keys(content['scripts']);
  return {
    name: words(content['name']),
    version: words(content['version']),
    dependencies: ['dependencies', 'optionalDependencies', 'peerDependencies'].flatMap((key) => keys(content[key])),
    hasInstallScript: scripts.some((script) => ['preinstall', 'install', 'postinstall'].includes(script)),
    machine:
      content['os'] === undefined && content['cpu'] === undefined
        ? undefined
        : { os: listOfWords(content['os']), cpu: listOfWords(content['cpu']), libc: listOfWords(content['libc']) },
    optional: recordOfWords(content['optionalDependencies']),
    usesNodeApi:
      content['napi'] !== undefined ||
      (isObject(content['binary']) && content['binary']['napi_versions'] !== undefined) ||
      keys(content['dependencies']).includes('node-addon-api'),
  };
}

function listOfWords(value: unknown): string[] {
  return [value].flat().filter((word) => typeof word === 'string');
}

function recordOfWords(value: unknown): Record<string, string> {
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === 'string'))
    : {};
}

/** A package.json that is none (a test of some package's own, mostly) tells nothing. */
function parse(text: string): Record<string, unknown> | undefined {
  try {
    const content: unknown = JSON.parse(text);
    return isObject(content) ? content : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Where Node finds a package from a folder: `…/node_modules/name`, whether a link or not; undefined: nowhere. */
export function findPackage(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const place = join(folder, 'node_modules', name);
    if (!folder.endsWith(`${sep}node_modules`) && existsSync(place)) return place;
    if (folder === dirname(folder)) return undefined;
  }
}

export interface Link {
  readonly path: string;
  /** Absolute. */
  readonly target: string;
}

/** The symbolic links that a path leads through, in order, and where it ends. */
export function followLinks(path: string): { readonly links: readonly Link[]; readonly end: string } {
  const links: Link[] = [];
  let here: string = sep;
  const todo = path.split(sep).filter(Boolean);
  for (let step = todo.shift(); step !== undefined; step = todo.shift()) {
    const next = resolve(here, step);
    if (lstatSync(next, { throwIfNoEntry: false })?.isSymbolicLink() !== true) {
      here = next;
      continue;
    }
    const target = resolve(here, readlinkSync(next));
    links.push({ path: next, target });
    todo.unshift(...target.split(sep).filter(Boolean));
    here = sep;
    if (links.length > 100) throw new Error(`${path} leads through links without end.`);
  }
  return { links, end: here };
}

/** What no running program reads. */
const IDLE = /(\.map|\.d\.[cm]?ts|\.tsbuildinfo|\.md|\.markdown)$/i;

/** All files of a package but those that no program reads; with `deep` those of packages inside it too. */
export function filesOf(folder: string, { deep = false } = {}): string[] {
  const found: string[] = [];
  const todo = [folder];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    for (const entry of readdirSync(next, { withFileTypes: true })) {
      const path = join(next, entry.name);
      if (entry.isDirectory()) {
        if ((deep || entry.name !== 'node_modules') && entry.name !== '.git') todo.push(path);
      } else if (!IDLE.test(entry.name) && statSync(path, { throwIfNoEntry: false })?.isFile() === true)
        found.push(path);
    }
  }
  return found.sort();
}
