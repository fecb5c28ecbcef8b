// A part of one file becomes the beginning of another one, with holes where there are zeros.
import { ftruncateSync, readSync, writeSync } from 'node:fs';
import { ProtocolError } from '../protocol/errors';
import { isZero, type Hole } from './zeros';

const BLOCK_BYTES = 1024 * 1024;
/** What a file system keeps at least: a shorter hole would be none. */
const SHORTEST_HOLE = 4096;

export interface Range {
  readonly from: number;
  readonly bytes: number;
}

/**
 * Yields how many bytes each step has copied. `holes` of the source, in order, are not even read: reading a hole costs memory and time like anything else.
 * Throws ProtocolError when the source ends before.
 */
export function* copyRange(
  source: number,
  holes: readonly Hole[],
  { from, bytes }: Range,
  to: number,
): Generator<number> {
  const block = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, bytes));
  let next = firstBehind(holes, from);
  for (let at = 0; at < bytes;) {
    const [start, end] = holes[next] ?? [Infinity, Infinity];
    if (start <= from + at) {
      const skipped = Math.min(end - from, bytes) - at;
      at += skipped;
      next += 1;
      yield 0;
      continue;
    }
    const wanted = Math.min(block.length, bytes - at, start - from - at);
    const read = readSync(source, block, 0, wanted, from + at);
    if (read === 0) throw new ProtocolError('A content of the store is shorter than its list says.');
    if (read < SHORTEST_HOLE || !isZero(block.subarray(0, read)))
      for (let written = 0; written < read;) written += writeSync(to, block, written, read - written, at + written);
    at += read;
    yield read;
  }
  ftruncateSync(to, bytes);
}

/** The first hole that ends behind a position. */
function firstBehind(holes: readonly Hole[], position: number): number {
  let low = 0;
  let high = holes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((holes[middle]?.[1] ?? Infinity) > position) high = middle;
    else low = middle + 1;
  }
  return low;
}
