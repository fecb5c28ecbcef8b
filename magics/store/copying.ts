// A part of one file becomes the beginning of another one, with holes where there are zeros.
import { constants, ftruncateSync, readSync, writeSync } from 'node:fs';
import { copyFile, open, stat } from 'node:fs/promises';
import { ProtocolError } from '../protocol/errors';
import { readerOf } from './sparse';
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
  let length = 0;
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
      for (let written = 0; written < read; length = at + written)
        written += writeSync(to, block, written, read - written, at + written);
    at += read;
    yield read;
  }
  // A file that ends in a hole. Ten thousand others would only be written to once more.
  if (length < bytes) ftruncateSync(to, bytes);
}

/** A file of this machine to a path that is free. Where the file system can, both share their blocks until one is written to; holes stay holes. */
export async function copySparse(from: string, to: string, signal: AbortSignal): Promise<void> {
  const { size, blocks } = await stat(from);
  if (blocks * 512 >= size) {
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    return;
  }
  await using source = await open(from, 'r');
  await using reader = await readerOf(source, from);
  await using target = await open(to, 'wx', 0o600);
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  for (let at = 0; at < size;) {
    signal.throwIfAborted();
    const read = await reader.read(block.subarray(0, Math.min(block.length, size - at)), at);
    if (read === 0) break;
    const piece = block.subarray(0, read);
    if (read < SHORTEST_HOLE || !isZero(piece))
      for (let done = 0; done < read;) done += (await target.write(piece, done, read - done, at + done)).bytesWritten;
    at += read;
  }
  await target.truncate(size);
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
