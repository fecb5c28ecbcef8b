// Files of this machine as one archive in the state directory, named by its content: what agents send to each other and runners unpack.
import { createHash } from 'node:crypto';
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { IMPORT_FILE, IMPORT_TEXT, type ArchiveReference } from '../protocol/environment';
import { archivePath, environmentsFolder } from '../protocol/layout';
import { TAR_END, tarHeader, tarPadding, type TarMember } from '../protocol/tar';
import type { Link } from './installed';

export interface ArchiveContent {
  /** Absolute paths. */
  readonly files: readonly string[];
  readonly links: readonly Link[];
  /** Files that are not on the disk: content by absolute path. */
  readonly made?: ReadonlyMap<string, Buffer>;
  /** The notebook's folder: what is imported is imported as from there. */
  readonly directory: string;
}

/** Level 1: an archive is written once and sent once, and whoever is waiting is a person. */
const LEVEL = 1;

/** Writes the archive if it is not there. What the system throws says why it cannot be: a full disk, a file that is gone meanwhile. */
export async function writeArchive(
  content: ArchiveContent,
  state: string,
  signal: AbortSignal,
): Promise<ArchiveReference> {
  const folder = environmentsFolder(state);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const part = join(folder, `.part-${process.pid}-${Date.now().toString(36)}`);
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    await pipeline(
      Readable.from(members(content)),
      createGzip({ level: LEVEL }),
      async function* (pieces: AsyncIterable<Buffer>) {
        for await (const piece of pieces) {
          hash.update(piece);
          bytes += piece.length;
          yield piece;
        }
      },
      createWriteStream(part, { mode: 0o600, flush: true }),
      { signal },
    );
    const sha256 = hash.digest('hex');
    const path = archivePath(state, sha256);
    // The same content from another notebook: it counts as fresh.
    if (existsSync(path)) utimesSync(path, new Date(), new Date());
    else renameSync(part, path);
    return { sha256, bytes };
  } finally {
    rmSync(part, { force: true });
  }
}

/** Is what was written still there? It counts as used then. */
export function hasArchive(state: string, { sha256, bytes }: ArchiveReference): boolean {
  const path = archivePath(state, sha256);
  if (statSync(path, { throwIfNoEntry: false })?.size !== bytes) return false;
  utimesSync(path, new Date(), new Date());
  return true;
}

function* members({ files, links, made, directory }: ArchiveContent): Generator<Buffer> {
  yield* file(inArchive(join(directory, IMPORT_FILE)), Buffer.from(IMPORT_TEXT), false);
  for (const [path, content] of made ?? []) yield* file(inArchive(path), content, false);
  for (const path of files) {
    const isExecutable = (statSync(path).mode & 0o100) !== 0;
    yield* file(inArchive(path), readFileSync(path), isExecutable);
  }
  for (const { path, target } of links)
    yield tarHeader({ kind: 'link', path: inArchive(path), target: relative(dirname(path), target) });
  yield TAR_END;
}

function* file(path: string, content: Buffer, isExecutable: boolean): Generator<Buffer> {
  const member: TarMember = { kind: 'file', path, isExecutable, size: content.length };
  yield tarHeader(member);
  if (content.length > 0) yield content;
  yield tarPadding(content.length);
}

function inArchive(path: string): string {
  return path.replace(/^\/+/, '');
}
