// A file or a directory of the user's, read as a content; what has not changed since the last time is not read again.
import { statSync, type Stats } from 'node:fs';
import { UsageError } from '../protocol/errors';
import type { Found } from './batches';
import { filePart } from './parts';
import { Seen, stampOf, type Stamp } from './seen';
import { scan, sizeOf, type ContentSource, type Part } from './source';
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

export interface LookedAt {
  readonly found: Found;
  readonly bytes: number;
  /** Of files that have to be read, since they have changed or were never sent. */
  readonly unreadBytes: number;
  /** What they take on the disk. */
  readonly diskBytes: number;
  readonly mode?: number;
  /** Notes what was read meanwhile. */
  readonly save: () => void;
}

/** `seenDirectory`: where is noted what was read. Throws UsageError for what cannot travel. */
export async function readAsContent(
  path: string,
  seenDirectory: string,
  { signal, only, progress }: ReadOptions,
): Promise<FoundContent> {
  const looked = await lookAt(path, seenDirectory, { signal, ...(only === undefined ? {} : { only }) });
  const source = await readAll(looked, { signal, ...(progress === undefined ? {} : { progress }) });
  return looked.mode === undefined ? { source } : { source, mode: looked.mode };
}

export async function readAll(
  { found, save }: LookedAt,
  { signal, progress }: Pick<ReadOptions, 'signal' | 'progress'>,
): Promise<ContentSource> {
  let read = 0;
  const { kind, parts, known, seen } = found;
  const source = await scan(kind, parts, { signal, known, seen, progress: (bytes) => progress?.((read += bytes)) });
  save();
  return source;
}

/** What there is at a path, before it is read. Throws UsageError for what cannot travel. */
export async function lookAt(
  path: string,
  seenDirectory: string,
  { signal, only }: Pick<ReadOptions, 'signal' | 'only'>,
): Promise<LookedAt> {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new UsageError(`Cannot send ${path}: there is nothing of that name.`);
  const isTree = stats.isDirectory();
  if (!isTree && !stats.isFile()) throw new UsageError(`Cannot send ${path}: it is neither a file nor a directory.`);
  const seen = new Seen(seenDirectory, path);
  const { parts, stamps } = isTree ? await findTree(path, only, signal) : singleFile(path, stats);
  const known = (part: Part) => {
    const stamp = stamps.get(part);
    return part.kind === 'file' && stamp !== undefined ? seen.find(part.path, stamp) : undefined;
  };
  const unread = parts.filter((part) => part.kind === 'file' && known(part) === undefined);
  return {
    found: {
      ...{ kind: isTree ? 'tree' : 'file', parts, stamps, known },
      seen: (part, chunks) => {
        const stamp = stamps.get(part);
        if (part.kind === 'file' && stamp !== undefined) seen.note(part.path, stamp, chunks);
      },
    },
    bytes: sum(parts),
    unreadBytes: sum(unread),
    diskBytes: isTree ? sum(parts) : Math.min(stats.size, stats.blocks * 512),
    ...(isTree ? {} : { mode: stats.mode & 0o777 }),
    save: () => {
      seen.save();
    },
  };
}

function sum(parts: readonly Part[]): number {
  return parts.reduce((all, part) => all + sizeOf(part), 0);
}

function singleFile(path: string, found: Stats): { parts: Part[]; stamps: Map<Part, Stamp> } {
  const part = filePart(path, found.size);
  return { parts: [part], stamps: new Map([[part, stampOf(found)]]) };
}
