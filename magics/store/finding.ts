// A file or a directory of the user's, read as a content; what has not changed since the last time is not read again.
import { statSync, type Stats } from 'node:fs';
import { UsageError } from '../protocol/errors';
import { filePart } from './parts';
import { Seen, stampOf, type Stamp } from './seen';
import { scan, type ContentSource, type Part } from './source';
import { findTree } from './tree';

export interface ReadOptions {
  readonly signal: AbortSignal;
  /** Of a directory: these paths relative to it. */
  readonly only?: readonly string[];
  /** Bytes so far. */
  readonly progress?: (bytes: number) => void;
}

export interface FoundContent {
  readonly source: ContentSource;
  /** Of a file; a tree has those of its entries. */
  readonly mode?: number;
}

/** `seenDirectory`: where is noted what was read. Throws UsageError for what cannot travel. */
export async function readAsContent(
  path: string,
  seenDirectory: string,
  { signal, only, progress }: ReadOptions,
): Promise<FoundContent> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new UsageError(`Cannot send ${path}: there is nothing of that name.`);
  const isTree = found.isDirectory();
  if (!isTree && !found.isFile()) throw new UsageError(`Cannot send ${path}: it is neither a file nor a directory.`);
  const seen = new Seen(seenDirectory, path);
  const { parts, stamps } = isTree ? await findTree(path, only, signal) : singleFile(path, found);
  const stamped = (part: Part): { readonly path: string; readonly stamp: Stamp } | undefined => {
    const stamp = stamps.get(part);
    return part.kind === 'file' && stamp !== undefined ? { path: part.path, stamp } : undefined;
  };
  let read = 0;
  const source = await scan(isTree ? 'tree' : 'file', parts, {
    signal,
    known: (part) => {
      const file = stamped(part);
      return file && seen.find(file.path, file.stamp);
    },
    seen: (part, chunks) => {
      const file = stamped(part);
      if (file !== undefined) seen.note(file.path, file.stamp, chunks);
    },
    progress: (bytes) => progress?.((read += bytes)),
  });
  seen.save();
  return isTree ? { source } : { source, mode: found.mode & 0o777 };
}

function singleFile(path: string, found: Stats): { parts: Part[]; stamps: Map<Part, Stamp> } {
  const part = filePart(path, found.size);
  return { parts: [part], stamps: new Map([[part, stampOf(found)]]) };
}
