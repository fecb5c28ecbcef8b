// Paths inside a tree of files: how what a person types becomes one, and what lies where. Pure, but for the question where home is.
import { homedir } from 'node:os';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import type Picomatch from 'picomatch';
import type { NamedPath } from '../protocol/job-files';

/** Loaded when there is a pattern: it takes milliseconds of every start, and most cells name no files. */
function patterns(): typeof Picomatch {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- an import() would make all of its callers wait
  return require('picomatch') as typeof Picomatch;
}

/** A name as typed: where it begins, absolute, and the pattern from there on, if it is one. */
export interface TypedPath {
  readonly text: string;
  readonly path: string;
  readonly glob?: string;
}

/** `data/*.csv` from a working directory. `~/` is the home directory. A name that is there as it stands is no pattern, whatever is in it. */
export function readTyped(text: string, directory: string, isThere: (path: string) => boolean): TypedPath {
  const whole = text === '~' || text.startsWith('~/') ? `${homedir()}${text.slice(1)}` : text;
  const plain = resolve(directory, whole);
  if (!/[*?[\](){}!+@]/.test(whole)) return { text, path: plain };
  const { base, glob, isGlob } = patterns().scan(whole);
  if (!isGlob || isThere(plain)) return { text, path: plain };
  return { text, path: resolve(directory, base), glob };
}

/** The innermost folder that `directory` and all of these lie in. */
export function commonRoot(directory: string, typed: readonly TypedPath[]): string {
  let root = directory;
  for (const { path, glob } of typed) {
    const folder = glob === undefined ? dirname(path) : path;
    while (!isWithin(root, path === root ? path : folder)) root = dirname(root);
  }
  return root;
}

function isWithin(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

/** From `root` to an absolute path in it, with `/`; `.` for the root. undefined: it lies outside. */
export function pathIn(root: string, path: string): string | undefined {
  if (!isWithin(root, path)) return undefined;
  const way = relative(root, path);
  return way === '' ? '.' : way.split(sep).join('/');
}

export function joinTree(folder: string, name: string): string {
  if (folder === '.') return name;
  return name === '.' ? folder : `${folder}/${name}`;
}

/** Is a path of the tree what was named, or does it lie in it? */
export function isNamed(named: NamedPath, path: string): boolean {
  if (named.glob === undefined) return named.base === '.' || path === named.base || path.startsWith(`${named.base}/`);
  const rest = named.base === '.' ? path : path.startsWith(`${named.base}/`) ? path.slice(named.base.length + 1) : '';
  return rest !== '' && matcherOf(named.glob)(rest);
}

const matchers = new Map<string, (path: string) => boolean>();

function matcherOf(glob: string): (path: string) => boolean {
  const known = matchers.get(glob);
  if (known !== undefined) return known;
  // Names may hold line breaks.
  const made = patterns()(glob, { flags: 's' });
  const matcher = (path: string): boolean => made(path);
  matchers.set(glob, matcher);
  return matcher;
}

/** How many folders deep a pattern can match; Infinity for `**`. */
export function depthOf(glob: string): number {
  return glob.includes('**') ? Infinity : glob.split('/').length;
}
