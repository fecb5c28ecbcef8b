// Follows the output of a job from its spool, while it is written and afterwards. Pieces are whole records, so that whoever goes on at the end of
// a piece, now or after a lost connection, finds a record there (protocol/spool.ts).
import { closeSync, existsSync, openSync, readSync, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { ProtocolError } from '../protocol/errors';
import { isMissing } from '../protocol/files';
import type { OutputPosition } from '../protocol/messages';
import { MAX_RECORD_BYTES, RECORD_HEADER_BYTES } from '../protocol/output';
import { gapNotice, toSegments, type Segment } from '../protocol/spool';
import { Bell } from './bell';

export interface OutputPiece extends OutputPosition {
  readonly bytes: Buffer;
}

const READ_BYTES = 256 * 1024;
/** Where a file system does not tell of changes (NFS), we look. */
const LOOK_MS = 250;

export interface Followed {
  readonly directory: string;
  /** Bytes of output, once the job is over. */
  readonly total: () => number | undefined;
  /** Calls back when `total` may have changed; gives how to stop that. */
  readonly subscribe: (wake: () => void) => () => void;
}

export interface FollowOptions {
  /** 0, or the `next` of an earlier piece. */
  readonly from: number;
  /** Wait for more until the job is over; else give what is there. */
  readonly follow: boolean;
}

/** Output from an offset on, until the job is over and all of it was given, or the signal is aborted. */
export async function* followOutput(
  job: Followed,
  { from, follow }: FollowOptions,
  signal: AbortSignal,
): AsyncGenerator<OutputPiece> {
  const bell = new Bell();
  const ring = (): void => {
    bell.ring();
  };
  const unsubscribe = job.subscribe(ring);
  const watcher = existsSync(job.directory) ? watch(job.directory, ring) : undefined;
  // A deleted directory: the job's end is told by `total`.
  watcher?.on('error', ring);
  const reader = new SpoolReader(job.directory, from);
  try {
    while (!signal.aborted) {
      const total = job.total();
      const piece = reader.read() ?? (total === undefined ? undefined : reader.skipTo(total));
      if (piece !== undefined) yield piece;
      else if (total !== undefined || !follow) return;
      else await bell.wait(LOOK_MS, signal);
    }
  } finally {
    reader.close();
    watcher?.close();
    unsubscribe();
  }
}

/** Reads from file to file. An open segment stays readable when the runner deletes it, so a step to another file is always between records. */
class SpoolReader {
  readonly #directory: string;
  #offset: number;
  #open: (Segment & { readonly fd: number }) | undefined;
  readonly #buffer = Buffer.allocUnsafe(READ_BYTES);

  constructor(directory: string, from: number) {
    this.#directory = directory;
    this.#offset = from;
  }

  /** The next piece, if there is one by now. */
  read(): OutputPiece | undefined {
    this.#open ??= this.#find((segment) => segment.start <= this.#offset, 'last');
    if (this.#open === undefined) return this.#skipGap();
    const piece = this.#readOpen(this.#open);
    if (piece !== undefined) return piece;
    const { start } = this.#open;
    const later = this.#list().find((segment) => segment.start > start);
    if (later === undefined) return undefined;
    // The runner writes to a file only as long as there is no later one: what it wrote last is there by now.
    const rest = this.#readOpen(this.#open);
    if (rest !== undefined) return rest;
    this.close();
    return later.start > this.#offset ? this.#skipGap() : this.#step(later);
  }

  /** Output that was never written (a full disk) is a gap too. */
  skipTo(total: number): OutputPiece | undefined {
    return total > this.#offset ? this.#gap(total) : undefined;
  }

  close(): void {
    if (this.#open !== undefined) closeSync(this.#open.fd);
    this.#open = undefined;
  }

  #step(segment: Segment): OutputPiece | undefined {
    this.#open = this.#tryOpen(segment);
    return this.#open === undefined ? this.#skipGap() : this.read();
  }

  #skipGap(): OutputPiece | undefined {
    const next = this.#find((segment) => segment.start > this.#offset, 'first');
    if (next === undefined) return undefined;
    this.#open = next;
    return this.#gap(next.start);
  }

  #gap(to: number): OutputPiece {
    const offset = this.#offset;
    this.#offset = to;
    return { offset, next: to, bytes: gapNotice(to - offset, Date.now()) };
  }

  #list(): Segment[] {
    return existsSync(this.#directory) ? toSegments(readdirSync(this.#directory)) : [];
  }

  #find(fits: (segment: Segment) => boolean, which: 'first' | 'last'): (Segment & { readonly fd: number }) | undefined {
    // One may be deleted between listing and opening: then the list has changed.
    for (let attempt = 0; attempt < 100; attempt++) {
      const fitting = this.#list().filter(fits);
      const segment = which === 'first' ? fitting[0] : fitting.at(-1);
      if (segment === undefined) return undefined;
      const open = this.#tryOpen(segment);
      if (open !== undefined) return open;
    }
    throw new ProtocolError(
      `Cannot read the output in ${this.#directory}: its files vanish faster than they can be opened.`,
    );
  }

  #tryOpen(segment: Segment): (Segment & { readonly fd: number }) | undefined {
    try {
      return { ...segment, fd: openSync(join(this.#directory, segment.file), 'r') };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  #readOpen(segment: Segment & { readonly fd: number }): OutputPiece | undefined {
    const at = this.#offset - segment.start;
    let bytes: Buffer = this.#buffer.subarray(0, readSync(segment.fd, this.#buffer, 0, READ_BYTES, at));
    const first = bytes.length >= RECORD_HEADER_BYTES ? RECORD_HEADER_BYTES + bytes.readUInt32LE(0) : 0;
    if (first > READ_BYTES) bytes = readLarge(segment.fd, at, first);
    const length = wholeRecords(bytes);
    if (length === 0) return undefined;
    const offset = this.#offset;
    this.#offset += length;
    return { offset, next: this.#offset, bytes: Buffer.from(bytes.subarray(0, length)) };
  }
}

function readLarge(fd: number, at: number, length: number): Buffer {
  if (length > RECORD_HEADER_BYTES + MAX_RECORD_BYTES)
    throw new ProtocolError(
      `Cannot read output from there: no record begins at this offset. Go on at the end of an earlier piece.`,
    );
  const bytes = Buffer.allocUnsafe(length);
  return bytes.subarray(0, readSync(fd, bytes, 0, length, at));
}

/** How many bytes at the front are whole records. */
function wholeRecords(bytes: Buffer): number {
  let end = 0;
  while (end + RECORD_HEADER_BYTES <= bytes.length) {
    const next = end + RECORD_HEADER_BYTES + bytes.readUInt32LE(end);
    if (next > bytes.length) break;
    end = next;
  }
  return end;
}
