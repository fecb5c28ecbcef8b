// Writes a job's output to its spool, whatever comes: head and tail of it are kept, what lies between is dropped and counted.
// The layout is protocol/spool.ts. Writes are synchronous: a slow disk slows the job that prints, through its pipes, and nothing else.
import { closeSync, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SEGMENT_BYTES, SPOOL_CAP_BYTES, segmentName } from '../protocol/spool';

/** A disk that was full is tried again after this time. */
const RETRY_MS = 1000;

interface OpenSegment {
  readonly fd: number;
  readonly start: number;
  size: number;
}

export interface SpoolSizes {
  readonly capBytes: number;
  readonly segmentBytes: number;
}

export class Spool {
  readonly #directory: string;
  readonly #headBytes: number;
  readonly #tailBytes: number;
  readonly #segmentBytes: number;
  #open: OpenSegment | undefined;
  /** Closed segments of the tail that are still there, oldest first. */
  readonly #tail: { readonly start: number; readonly size: number }[] = [];
  #written = 0;
  #dropped = 0;
  #retryAt = 0;
  /** Why output cannot be written right now. */
  problem: Error | undefined;

  constructor(directory: string, sizes: SpoolSizes = { capBytes: SPOOL_CAP_BYTES, segmentBytes: SEGMENT_BYTES }) {
    this.#directory = directory;
    this.#headBytes = Math.floor(sizes.capBytes / 2);
    this.#tailBytes = sizes.capBytes - this.#headBytes;
    this.#segmentBytes = Math.min(sizes.segmentBytes, this.#tailBytes);
    this.#attempt(0, () => {
      this.#roll();
    });
  }

  /** All bytes that were ever handed over: the offset at which the next record begins. */
  get outputBytes(): number {
    return this.#written;
  }

  get droppedBytes(): number {
    return this.#dropped;
  }

  /** Takes one or more whole records. */
  write(records: Buffer): void {
    if (records.length === 0) return;
    if (this.problem === undefined || Date.now() >= this.#retryAt) {
      this.#attempt(records.length, () => {
        this.#append(records);
      });
    } else {
      this.#dropped += records.length;
    }
    this.#written += records.length;
  }

  close(): void {
    if (this.#open !== undefined) closeSync(this.#open.fd);
    this.#open = undefined;
  }

  #append(records: Buffer): void {
    if (this.#open === undefined || this.problem !== undefined || !this.#fits(this.#open, records.length)) this.#roll();
    const segment = this.#open;
    if (segment === undefined) return;
    for (let at = 0; at < records.length;) at += writeSync(segment.fd, records, at);
    segment.size += records.length;
    this.problem = undefined;
  }

  #fits(segment: OpenSegment, length: number): boolean {
    return segment.size === 0 || segment.size + length <= (segment.start === 0 ? this.#headBytes : this.#segmentBytes);
  }

  #roll(): void {
    const last = this.#open;
    if (last !== undefined) {
      this.close();
      if (last.start > 0) this.#tail.push({ start: last.start, size: last.size });
    }
    const start = this.#written;
    this.#open = { fd: openSync(join(this.#directory, segmentName(start)), 'a', 0o600), start, size: 0 };
    this.#trim();
  }

  /** Keeps room for one more segment in the tail. */
  #trim(): void {
    let total = this.#tail.reduce((sum, segment) => sum + segment.size, 0);
    while (total + this.#segmentBytes > this.#tailBytes) {
      const oldest = this.#tail.shift();
      if (oldest === undefined) return;
      unlinkSync(join(this.#directory, segmentName(oldest.start)));
      total -= oldest.size;
      this.#dropped += oldest.size;
    }
  }

  /** A full disk costs output, never the job: what cannot be written is counted as dropped, and later output is tried again. */
  #attempt(length: number, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.problem = error instanceof Error ? error : new Error(String(error));
      this.#retryAt = Date.now() + RETRY_MS;
      this.#dropped += length;
      const segment = this.#open;
      // Half a record must not stay behind; shrinking a file needs no space.
      if (segment !== undefined) ftruncateSync(segment.fd, segment.size);
    }
  }
}
