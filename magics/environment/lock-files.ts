// Lock files of npm, pnpm and yarn: which versions they name, to tell where something else is installed. What is installed is what the notebook runs with, and
// what travels. Formats: package-lock.json (npm 11 documentation), pnpm-lock.yaml 5.4 to 9.0, yarn.lock of Yarn 1 and of Yarn 2 and later.
import { isObject } from '../protocol/shape';
import type { PackageManager } from '../protocol/package-manager';
import type { SpecPackage } from './spec';

/** Does the lock file name this version of the package? undefined: it does not name the package. */
type Names = (one: Pick<SpecPackage, 'place' | 'name'>) => readonly string[] | undefined;

const READERS: Readonly<Record<PackageManager, (source: string) => Names>> = {
  npm: (source) => {
    const content: unknown = JSON.parse(source);
    const packages = isObject(content) && isObject(content['packages']) ? content['packages'] : {};
    return ({ place }) => {
      const entry = packages[place];
      return isObject(entry) && typeof entry['version'] === 'string' ? [entry['version']] : undefined;
    };
  },
  // `/yaml@2.8.0:`, `'@scope/name@1.0.0(peer@2.0.0)':`; up to 5.4 `/yaml/2.8.0:`.
  pnpm: (source) => byName(source, /^ {2}['"]?\/?(@?[^@'"\s][^@'"\s]*?)[@/](\d[^('":\s_]*)/gm),
  // `yaml@^2.0.0, yaml@~2.8.0:` or `"yaml@npm:^2.0.0":`, and below it `version "2.8.0"` or `version: 2.8.0`.
  yarn: (source) => byName(source, /^"?(@?[^@"\s]+)@[^\n]*:\r?\n\s+version:? "?([^"\s]+)"?/gm),
};

function byName(source: string, entry: RegExp): Names {
  // pnpm tells of a package twice, yarn of one that it patches.
  const versions = new Map<string, Set<string>>();
  for (const [, name = '', version = ''] of source.matchAll(entry))
    versions.set(name, (versions.get(name) ?? new Set()).add(version));
  return ({ name }) => {
    const found = versions.get(name);
    return found === undefined ? undefined : [...found];
  };
}

/** One line for each package that is installed in another version than the lock file names. Throws SyntaxError for a package-lock.json that is no JSON. */
export function compareLockFile(manager: PackageManager, source: string, packages: readonly SpecPackage[]): string[] {
  const namesOf = READERS[manager](source);
  return packages
    .filter(({ from }) => from === 'installed')
    .flatMap((one) => {
      const named = namesOf(one);
      return named === undefined || named.includes(one.version)
        ? []
        : [`${one.name} ${one.version} is installed, and ${named.join(' or ')} is locked`];
    });
}

/** The line that installs what a lock file says, and changes nothing of it. */
export function restoreBy(manager: PackageManager, source: string): string {
  if (manager === 'npm') return '%npm ci';
  if (manager === 'pnpm') return '!pnpm install --frozen-lockfile';
  // Yarn 1 takes any option, and does nothing about those that it does not know.
  return source.includes('# yarn lockfile v1') ? '!yarn install --frozen-lockfile' : '!yarn install --immutable';
}
