// Lock files of npm, pnpm and yarn: which versions they name, to tell where something else is installed. What is installed is what the notebook runs with, and
// what travels. Formats: package-lock.json (npm 11 documentation), pnpm-lock.yaml 5.4 to 9.0, yarn.lock of Yarn 1 and of Yarn 2 and later.
import { isObject } from '../protocol/shape';
import type { SpecPackage } from './spec';

export type Manager = 'npm' | 'pnpm' | 'yarn';

/** Does the lock file name this version of the package? undefined: it does not name the package. */
type Names = (one: Pick<SpecPackage, 'place' | 'name'>) => readonly string[] | undefined;

const READERS: Readonly<Record<Manager, (source: string) => Names>> = {
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
  const versions = new Map<string, string[]>();
  for (const [, name = '', version = ''] of source.matchAll(entry))
    versions.set(name, [...(versions.get(name) ?? []), version]);
  return ({ name }) => versions.get(name);
}

/** One line for each package that is installed in another version than the lock file names. Throws SyntaxError for a package-lock.json that is no JSON. */
export function compareLockFile(manager: Manager, source: string, packages: readonly SpecPackage[]): string[] {
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
