// What a job has made of what it was to write: listed at its end, where it ran.
import { existsSync, lstatSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../protocol/errors';
import type { FileEntry, InputList, NamedPath, OutputList } from '../protocol/job-files';
import { isAsGiven } from './place';
import { depthOf, isNamed, pathIn } from './tree';
import { NOT_UTF8, toEntry, walk, type Seen } from './walk';

/** Everything in `work` that was named, but for inputs as they came. Never throws for what cannot be read: that is told as left. */
export function listOutputs(work: string, named: readonly NamedPath[], inputs: InputList): OutputList {
  const left: { path: string; reason: string }[] = [];
  const missing: string[] = [];
  const entries = new Map<string, FileEntry>();
  const given = new Map(inputs.entries.map((entry) => [entry.path, entry]));
  const real = realpathSync(work);
  for (const name of named) {
    if (name.glob === undefined && lstatSync(join(work, name.base), { throwIfNoEntry: false }) === undefined)
      missing.push(name.base);
    for (const seen of expand(work, name, left)) {
      const entry = toEntry(work, seen);
      const reason = entry === undefined ? whyNot(seen) : reasonToStay(real, work, entry, given.get(entry.path));
      if (entry !== undefined && reason === undefined) entries.set(entry.path, entry);
      else if (reason !== undefined && reason !== UNCHANGED) left.push({ path: seen.path, reason });
    }
  }
  return { entries: [...entries.values()], missing, left };
}

function whyNot({ raw }: Seen): string {
  return raw === undefined ? 'it is no file' : NOT_UTF8;
}

const UNCHANGED = 'unchanged';

function reasonToStay(real: string, work: string, entry: FileEntry, given: FileEntry | undefined): string | undefined {
  if (given?.kind === 'file' && entry.kind === 'file') {
    const isSame = isAsGiven({ size: entry.size, mtimeMs: entry.modifiedAt }, given);
    return isSame ? UNCHANGED : undefined;
  }
  if (entry.kind !== 'link') return given?.kind === 'folder' ? UNCHANGED : undefined;
  // A link in the place of an input is how we put it there.
  if (given !== undefined) return UNCHANGED;
  const place = join(work, entry.path);
  const isInside = existsSync(place) && pathIn(real, realpathSync(place)) !== undefined;
  return isInside && !entry.target.startsWith('/')
    ? undefined
    : `it is a symbolic link to ${entry.target}, which is not in the working directory of the job`;
}

function* expand(work: string, name: NamedPath, left: { path: string; reason: string }[]): Generator<Seen> {
  const failed = (path: string, error: unknown): void => {
    left.push({ path, reason: messageOf(error) });
  };
  const start = join(work, name.base);
  const stats = lstatSync(start, { throwIfNoEntry: false });
  if (stats === undefined) return;
  const { glob, base } = name;
  if (glob === undefined) yield { path: base, stats };
  if (!stats.isDirectory()) return;
  const depth = glob === undefined ? Infinity : depthOf(glob);
  for (const seen of walk(work, base, { depth, skips: () => false, failed }))
    if (glob === undefined || (!seen.stats.isDirectory() && isNamed(name, seen.path))) yield seen;
}
