// The output of a job that runs on another machine, as it comes, at its offsets: whoever reads the job's directory here sees no difference. It can be
// gone on with after a lost connection or a dead agent.
import { closeSync, openSync, readFileSync, readdirSync, statSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { OutputPiece } from '../client';
import { ProtocolError } from '../protocol/errors';
import { RECORD_HEADER_BYTES } from '../protocol/output';
import { SEGMENT_BYTES, segmentName, toSegments } from '../protocol/spool';

/** A spool here that follows a spool there. Gaps stay gaps: a piece that stands for one is not written, and its place has no file. */
export class OutputMirror {
  readonly #directory: string;
  #segment: { readonly fd: number; readonly start: number; size: number } | undefined;
  #next: number;

  constructor(directory: string) {
    this.#directory = directory;
    this.#next = wholeEnd(directory);
  }

  /** Where to go on. */
  get next(): number {
    return this.#next;
  }

  write({ offset, next, bytes }: OutputPiece): void {
    if (offset !== this.#next)
      throw new ProtocolError(`Output came from ${offset} on, and ${this.#next} was asked for.`);
    this.#next = next;
    if (next - offset !== bytes.length) {
      this.close();
      return;
    }
    if (this.#segment !== undefined && this.#segment.size >= SEGMENT_BYTES && this.#segment.start > 0) this.close();
    this.#segment ??= this.#open(offset);
    for (let at = 0; at < bytes.length;) at += writeSync(this.#segment.fd, bytes, at);
    this.#segment.size += bytes.length;
  }

  close(): void {
    if (this.#segment !== undefined) closeSync(this.#segment.fd);
    this.#segment = undefined;
  }

  #open(offset: number) {
    const last = toSegments(readdirSync(this.#directory)).at(-1);
    const size = last === undefined ? 0 : statSync(join(this.#directory, last.file)).size;
    // The file that ends where we go on, or a new one.
    const start = last !== undefined && last.start + size === offset ? last.start : offset;
    const path = join(this.#directory, segmentName(start));
    return { fd: openSync(path, 'a', 0o600), start, size: start === offset ? 0 : size };
  }
}

/** The end of the output that is here. An agent that died while it wrote may have left half a record: that is cut off. */
function wholeEnd(directory: string): number {
  const last = toSegments(readdirSync(directory)).at(-1);
  if (last === undefined) return 0;
  const path = join(directory, last.file);
  const bytes = readFileSync(path);
  let end = 0;
  while (end + RECORD_HEADER_BYTES <= bytes.length) {
    const next = end + RECORD_HEADER_BYTES + bytes.readUInt32LE(end);
    if (next > bytes.length) break;
    end = next;
  }
  if (end < bytes.length) truncateSync(path, end);
  return last.start + end;
}
