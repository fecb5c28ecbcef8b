// `paths` of a tsconfig.json: words that mean local files (`@lib/area` for `src/area.ts`). Read here once for the checker and for whoever runs cells.
import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { isObject } from './shape';

export interface Alias {
  /** With at most one `*`. */
  readonly pattern: string;
  /** Absolute, each with at most one `*`. */
  readonly targets: readonly string[];
}

/** Of the nearest tsconfig.json above a folder. A file that cannot be read as one has none: the editor shows its mistakes. */
export function readAliases(directory: string): readonly Alias[] {
  const path = findConfig(directory);
  return path === undefined ? [] : aliasesIn(path, 0);
}

export function findConfig(directory: string): string | undefined {
  for (let folder = directory; ; folder = dirname(folder)) {
    const path = join(folder, 'tsconfig.json');
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return path;
    if (folder === dirname(folder)) return undefined;
  }
}

const MAX_PARENTS = 10;

/** TypeScript takes `paths` whole from the nearest file that has them, relative to its `baseUrl` or else to itself. */
function aliasesIn(path: string, depth: number): readonly Alias[] {
  const config = readJsonWithComments(path);
  if (config === undefined) return [];
  const options = isObject(config['compilerOptions']) ? config['compilerOptions'] : {};
  const { paths, baseUrl } = options;
  if (isObject(paths)) {
    const base = resolve(dirname(path), typeof baseUrl === 'string' ? baseUrl : '.');
    return Object.entries(paths).map(([pattern, targets]) => ({
      pattern,
      targets: (Array.isArray(targets) ? targets : [])
        .filter((target) => typeof target === 'string')
        .map((target) => resolve(base, target)),
    }));
  }
  const parents = [config['extends']].flat().filter((parent) => typeof parent === 'string');
  for (const parent of parents.reverse()) {
    const place = placeOf(parent, dirname(path));
    const found = place === undefined || depth >= MAX_PARENTS ? [] : aliasesIn(place, depth + 1);
    if (found.length > 0) return found;
  }
  return [];
}

/** Those of packages define no paths of this project. */
function placeOf(parent: string, folder: string): string | undefined {
  if (!parent.startsWith('.') && !isAbsolute(parent)) return undefined;
  const path = resolve(folder, parent);
  return path.endsWith('.json') ? path : `${path}.json`;
}

/** The files that an alias may mean, best first; extensions are not added. */
export function expandAlias(aliases: readonly Alias[], specifier: string): readonly string[] {
  const matches = aliases
    .flatMap(({ pattern, targets }) => {
      const rest = match(pattern, specifier);
      return rest === undefined ? [] : [{ pattern, files: targets.map((target) => target.replace('*', () => rest)) }];
    })
    // The longest beginning wins, and a whole word over all.
    .sort((a, b) => weight(b.pattern) - weight(a.pattern));
  return matches[0]?.files ?? [];
}

function weight(pattern: string): number {
  return pattern.includes('*') ? pattern.indexOf('*') : Infinity;
}

/** What the star stands for; '' for a whole word. */
function match(pattern: string, specifier: string): string | undefined {
  const star = pattern.indexOf('*');
  if (star < 0) return pattern === specifier ? '' : undefined;
  const before = pattern.slice(0, star);
  const after = pattern.slice(star + 1);
  const fits =
    specifier.length >= before.length + after.length && specifier.startsWith(before) && specifier.endsWith(after);
  return fits ? specifier.slice(before.length, specifier.length - after.length) : undefined;
}

/** JSON as people write it in a tsconfig.json: comments, and commas at the end. */
function readJsonWithComments(path: string): Record<string, unknown> | undefined {
  try {
    const plain = readFileSync(path, 'utf8')
      .replace(/"(?:[^"\\]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (part) => (part.startsWith('"') ? part : ' '))
      .replace(/"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])/g, (part) => (part === ',' ? '' : part));
    const config: unknown = JSON.parse(plain.replace(/^\uFEFF/, ''));
    return isObject(config) ? config : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof Error && 'code' in error)) return undefined;
    throw error;
  }
}
