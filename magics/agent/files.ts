// Files of a job that cross to another machine: the bundle that comes in pieces, envelope and outcome that go out. Any piece is a place to go on from.
import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { AgentError, UsageError } from '../protocol/errors';
import { isFinal, type JobRecord } from '../protocol/job';
import { archivePath, BUNDLE_FILE, ENVELOPE_FILE, environmentsFolder, OUTCOME_FILE } from '../protocol/layout';
import type { StreamItem } from './answers';

interface Piece {
  readonly offset: number;
  readonly total: number;
  readonly sha256: string;
}

/** Gives how many bytes of the bundle are there now. */
export function putBundle(job: JobRecord, piece: Piece, bytes: Buffer): number {
  const path = join(job.directory, BUNDLE_FILE);
  if (existsSync(path)) return piece.total;
  if (job.status.state !== 'preparing')
    throw new UsageError(`Job ${job.id} was submitted: it takes no bundle any more.`);
  return putPiece({ path, what: `The bundle of job ${job.id}` }, piece, bytes);
}

/** Gives how many bytes of the archive are there now. One that is there counts as used. */
export function putArchive(state: string, piece: Piece, bytes: Buffer): number {
  if (!/^[0-9a-f]{64}$/.test(piece.sha256)) throw new UsageError(`${piece.sha256} is no SHA-256.`);
  const path = archivePath(state, piece.sha256);
  if (existsSync(path)) {
    utimesSync(path, new Date(), new Date());
    return piece.total;
  }
  mkdirSync(environmentsFolder(state), { recursive: true, mode: 0o700 });
  return putPiece({ path, what: 'The archive of packages' }, piece, bytes);
}

interface Target {
  readonly path: string;
  /** Begins a sentence. */
  readonly what: string;
}

function putPiece({ path, what }: Target, { offset, total, sha256 }: Piece, bytes: Buffer): number {
  const part = `${path}.part`;
  const size = statSync(part, { throwIfNoEntry: false })?.size ?? 0;
  if (offset !== size) return size;
  const file = openSync(part, 'a', 0o600);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    if (size + bytes.length < total) return size + bytes.length;
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  if (digestOf(part) !== sha256) {
    rmSync(part);
    throw new AgentError(`${what} arrived damaged: its digest differs. Run the cell again.`);
  }
  renameSync(part, path);
  return total;
}

const BLOCK_BYTES = 1024 * 1024;

function digestOf(path: string): string {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(BLOCK_BYTES);
  const file = openSync(path, 'r');
  try {
    for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer))
      hash.update(buffer.subarray(0, read));
  } finally {
    closeSync(file);
  }
  return hash.digest('hex');
}

const FILES = { envelope: ENVELOPE_FILE, outcome: OUTCOME_FILE } as const;

export async function* streamFile(job: JobRecord, file: keyof typeof FILES, from: number): AsyncGenerator<StreamItem> {
  if (!isFinal(job.status)) throw new UsageError(`Job ${job.id} has not ended: there is no ${file} yet.`);
  const path = join(job.directory, FILES[file]);
  if (!existsSync(path)) return;
  const { size: total } = statSync(path);
  let offset = from;
  if (offset >= total) yield { event: { offset, total } };
  for await (const bytes of createReadStream(path, { start: from, highWaterMark: BLOCK_BYTES })) {
    if (!Buffer.isBuffer(bytes)) continue;
    yield { event: { offset, total }, bytes };
    offset += bytes.length;
  }
}
