// A tree that lies beside takes its place in a folder that has other things already: nothing of those goes away, and nothing is replaced unless
// that was said.
import { lstatSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../protocol/errors';
import { refuseTwins } from '../protocol/twins';
import { move } from './moving';
import { Slices, toEntry, walk } from './walk';

export interface Settled {
  readonly files: number;
  readonly bytes: number;
}

const NAMED = 5;

/** `from` is gone then. Throws UsageError, before anything is moved, for what is there already; what the system throws. */
export async function settleTree(from: string, to: string, replace: boolean, signal: AbortSignal): Promise<Settled> {
  const failed = (_path: string, error: unknown): never => {
    throw error;
  };
  const entries = [...walk(from, '.', { depth: Infinity, skips: () => false, failed })].flatMap(
    (seen) => toEntry(from, seen) ?? [],
  );
  refuseTwins(
    entries.map(({ path }) => path),
    to,
  );
  const slices = new Slices();
  const taken: string[] = [];
  for (const entry of entries) {
    const there = lstatSync(join(to, entry.path), { throwIfNoEntry: false });
    if (there === undefined) continue;
    const isFolder = there.isDirectory();
    if (entry.kind === 'folder' ? !isFolder : isFolder || !replace) taken.push(join(to, entry.path));
    await slices.pause(signal);
  }
  if (taken.length > 0) throw refusal(taken, replace);
  mkdirSync(to, { recursive: true });
  let files = 0;
  let bytes = 0;
  for (const entry of entries) {
    if (entry.kind === 'folder') mkdirSync(join(to, entry.path), { recursive: true, mode: entry.mode });
    else {
      if (!move(entry, join(from, entry.path), join(to, entry.path), replace))
        throw refusal([join(to, entry.path)], replace);
      files += 1;
      bytes += entry.kind === 'file' ? entry.size : 0;
    }
    await slices.pause(signal);
  }
  rmSync(from, { recursive: true, force: true });
  return { files, bytes };
}

function refusal(taken: readonly string[], replace: boolean): UsageError {
  const shown = taken.slice(0, NAMED).join(', ');
  const more = taken.length > NAMED ? ` and ${taken.length - NAMED} more` : '';
  return new UsageError(
    replace
      ? `A folder is not replaced by a file, nor a file by a folder: ${shown}${more}.`
      : `There is something already: ${shown}${more}. To replace files: -f`,
  );
}
