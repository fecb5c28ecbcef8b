// What a job takes along: from the names that a person gave to the list of files, in a tree whose root holds them all and the working directory.
// Nothing outside of what was named is ever listed; what is named and cannot be sent is a mistake that is told before anything is submitted.
import { accessSync, constants, existsSync, lstatSync, readdirSync, realpathSync, type Stats } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { closest, distance } from 'fastest-levenshtein';
import { UsageError, messageOf, systemCode } from '../protocol/errors';
import type { FileEntry, InputList, JobFiles, NamedPath } from '../protocol/job-files';
import { commonRoot, depthOf, isNamed, pathIn, readTyped, type TypedPath } from './tree';
import { NOT_UTF8, Slices, toEntry, walk, type Seen } from './walk';

/** A name, and where it was given: `--in`, `input(…)`. */
export interface GivenName {
  readonly text: string;
  readonly by: string;
}

export interface FileRequest {
  /** Absolute: the working directory that names begin from. */
  readonly directory: string;
  readonly inputs: readonly GivenName[];
  readonly outputs: readonly GivenName[];
}

export interface GatheredInputs {
  readonly files: JobFiles;
  readonly list: InputList;
  /** What lies among the named and stays here, each with the reason. */
  readonly left: readonly { readonly path: string; readonly reason: string }[];
}

const MOST_ENTRIES = 2_000_000;
/** What a pattern does not go into unless it says so: packages travel another way. */
const SKIPPED = 'node_modules';

/** Throws UsageError for what is not there or cannot be sent. */
export async function gatherInputs(request: FileRequest, signal: AbortSignal): Promise<GatheredInputs> {
  const { directory } = request;
  const read = ({ text, by }: GivenName) => ({ by, typed: readTyped(text, directory, existsSync) });
  const inputs = request.inputs.map(read);
  const outputs = request.outputs.map(read);
  const root = commonRoot(
    directory,
    [...inputs, ...outputs].map(({ typed }) => typed),
  );
  const found = new Map<string, FileEntry>();
  const left: { path: string; reason: string }[] = [];
  const slices = new Slices();
  for (const { typed, by } of inputs) {
    const before = found.size;
    let matched = 0;
    for (const seen of expand(root, typed, by)) {
      matched += 1;
      if (seen.raw !== undefined)
        throw new UsageError(
          `${JSON.stringify(seen.path)} (${by}) cannot be sent, since ${NOT_UTF8}. Rename it, or name the others.`,
        );
      const entry = toEntry(root, seen);
      if (entry === undefined) left.push({ path: seen.path, reason: 'it is no file' });
      else found.set(seen.path, checked(root, entry, by));
      if (found.size > MOST_ENTRIES)
        throw new UsageError(`${by} ${typed.text} names more than ${MOST_ENTRIES} files. Put them into an archive.`);
      await slices.pause(signal);
    }
    if (matched === 0 && typed.glob !== undefined && found.size === before)
      throw new UsageError(`Nothing in ${directory} matches ${typed.text} (${by}).`);
  }
  const entries = withoutStrayLinks(root, found, left);
  const sizes = entries.map((entry) => (entry.kind === 'file' ? entry.size : 0));
  return {
    files: {
      inputs: 'here',
      root,
      folder: pathIn(root, directory) ?? '.',
      outputs: outputs.map(({ typed }) => toNamed(root, typed)),
      count: entries.filter(({ kind }) => kind === 'file').length,
      bytes: sizes.reduce((sum, size) => sum + size, 0),
      links: [],
    },
    list: { entries },
    left,
  };
}

export function toNamed(root: string, { path, glob }: TypedPath): NamedPath {
  const base = pathIn(root, path) ?? '.';
  return glob === undefined ? { base } : { base, glob };
}

function* expand(root: string, typed: TypedPath, by: string): Generator<Seen> {
  const path = pathIn(root, typed.path) ?? '.';
  const failed = (place: string, error: unknown): void => {
    throw new UsageError(`Cannot read ${join(root, place)} (${by} ${typed.text}): ${messageOf(error)}.`, {
      cause: error,
    });
  };
  if (typed.glob !== undefined) {
    const named = toNamed(root, typed);
    const { glob } = typed;
    const skips = (name: string) =>
      (name.startsWith('.') && !glob.includes('.')) || (name === SKIPPED && !glob.includes(SKIPPED));
    if (!existsSync(typed.path)) return;
    for (const seen of walk(root, path, { depth: depthOf(glob), skips, failed }))
      if (!seen.stats.isDirectory() && isNamed(named, seen.path)) yield seen;
    return;
  }
  const stats = statNamed(root, typed, by);
  yield { path, stats };
  if (stats.isDirectory()) yield* walk(root, path, { depth: Infinity, skips: () => false, failed });
}

/** What was named plainly has to be there, and to be what can be sent. */
function statNamed(root: string, { text, path }: TypedPath, by: string): Stats {
  let stats: Stats;
  try {
    stats = lstatSync(path);
  } catch (cause) {
    const code = systemCode(cause);
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new UsageError(`There is no ${text} (${by}): ${path} does not exist.${likely(path)}`, { cause });
    throw new UsageError(`Cannot look at ${text} (${by}): ${messageOf(cause)}.`, { cause });
  }
  if (stats.isSymbolicLink()) {
    const target = realPath(path);
    if (target === undefined)
      throw new UsageError(`${text} (${by}) is a symbolic link to something that is not there.`);
    if (pathIn(root, target) === undefined)
      throw new UsageError(
        `${text} (${by}) is a symbolic link out of ${root}, which is not followed. Name what it leads to: ${target}`,
      );
  } else if (!stats.isFile() && !stats.isDirectory())
    throw new UsageError(`${text} (${by}) is neither a file nor a folder: it cannot be sent.`);
  return stats;
}

/** What may have been meant: the name beside that differs least. */
function likely(path: string): string {
  const wanted = basename(path);
  const folder = dirname(path);
  if (!existsSync(folder)) return '';
  const best = closest(wanted, readdirSync(folder));
  const isNear = best !== '' && distance(wanted, best) <= Math.ceil(wanted.length / 3);
  return isNear ? ` Did you mean ${best}?` : '';
}

function checked(root: string, entry: FileEntry, by: string): FileEntry {
  if (entry.kind !== 'file') return entry;
  try {
    accessSync(join(root, entry.path), constants.R_OK);
  } catch (cause) {
    throw new UsageError(`Cannot read ${join(root, entry.path)} (${by}): ${messageOf(cause)}.`, { cause });
  }
  return entry;
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    // It leads nowhere, or in a circle.
    return undefined;
  }
}

/** A link stays one if what it leads to travels as well; any other would be broken there, or lead where nobody meant. */
function withoutStrayLinks(
  root: string,
  found: ReadonlyMap<string, FileEntry>,
  left: { path: string; reason: string }[],
): FileEntry[] {
  const known = new Set(found.keys());
  for (const path of found.keys()) for (const folder of foldersOf(path)) known.add(folder);
  const kept = [...found.values()].flatMap((entry): FileEntry[] => {
    if (entry.kind !== 'link') return [entry];
    const place = dirname(join(root, entry.path));
    const target = pathIn(root, resolve(place, entry.target));
    const real = realPath(join(root, entry.path));
    const isKept = target !== undefined && known.has(target) && real !== undefined && pathIn(root, real) !== undefined;
    if (!isKept) {
      left.push({ path: entry.path, reason: `it is a symbolic link to ${entry.target}, which is not sent` });
      return [];
    }
    return [{ ...entry, target: relativeLink(entry.path, target) }];
  });
  const links = new Set(kept.filter(({ kind }) => kind === 'link').map(({ path }) => path));
  // What was named once more by way of a link is there already.
  return links.size === 0 ? kept : kept.filter(({ path }) => !foldersOf(path).some((folder) => links.has(folder)));
}

function foldersOf(path: string): string[] {
  const folders: string[] = [];
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) folders.push(folder);
  return folders;
}

/** A link that means the same wherever the tree lies. */
function relativeLink(path: string, target: string): string {
  const up = path.split('/').length - 1;
  return `${'../'.repeat(up)}${target}`;
}
