// The bytes of array buffers in a graph: small ones are copied together, large ones stay where they are until they are written out.
import { ByteColumn, DoubleColumn, IntColumn } from './columns';
import { OUT_OF_BAND_BYTES } from './graph-format';
import { byteLengthOf } from './intrinsics';

/** In bytes. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

interface BufferRecord {
  readonly number: number;
  readonly buffer: ArrayBuffer;
  readonly shared: boolean;
  /** The parts to be sent, where that is not the whole. */
  readonly ranges: readonly ByteRange[] | undefined;
}

export interface BufferColumns {
  readonly ints: Int32Array;
  readonly doubles: Float64Array;
  readonly small: Uint8Array;
  readonly blobs: readonly Uint8Array[];
}

export class BufferTable {
  readonly #records: BufferRecord[] = [];
  readonly #covered = new Map<number, ByteRange[]>();
  readonly #pools = new Set<number>();

  add(number: number, buffer: ArrayBuffer, shared: boolean, ranges: readonly ByteRange[] | undefined): void {
    this.#records.push({ number, buffer, shared, ranges });
  }

  /**
   * Notes what a view shows. Node cuts small Buffers from a pool of its own: of a pool only what is shown travels, since the rest
   * belongs to strangers.
   */
  cover(number: number, range: ByteRange, fromPool: boolean): void {
    const ranges = this.#covered.get(number);
    if (ranges === undefined) this.#covered.set(number, [range]);
    else ranges.push(range);
    if (fromPool) this.#pools.add(number);
  }

  /** Where the sent part of a pool begins, by number of the buffer. */
  starts(): Map<number, number> {
    const starts = new Map<number, number>();
    for (const number of this.#pools) starts.set(number, extentOf(this.#covered.get(number) ?? []).offset);
    return starts;
  }

  done(): BufferColumns {
    const ints = new IntColumn();
    const doubles = new DoubleColumn();
    const small = new ByteColumn();
    const blobs: Uint8Array[] = [];
    for (const record of this.#records) {
      // A reply counts from the beginning of the buffer that the other side knows.
      const isPart = record.ranges === undefined && this.#pools.has(record.number);
      const pool = isPart ? merged(this.#covered.get(record.number) ?? []) : undefined;
      const whole = { offset: 0, length: byteLengthOf(record.buffer, record.shared) };
      const extent = pool === undefined ? whole : extentOf(pool);
      const chunks = record.ranges ?? pool ?? [whole];
      ints.push(record.shared ? 1 : 0);
      ints.push(chunks.length);
      doubles.push(extent.length);
      doubles.push(extent.offset);
      for (const { offset, length } of chunks) {
        const bytes = new Uint8Array(record.buffer, offset, length);
        doubles.push(offset - extent.offset);
        doubles.push(length);
        ints.push(length < OUT_OF_BAND_BYTES ? -1 : blobs.push(bytes) - 1);
        if (length < OUT_OF_BAND_BYTES) for (const byte of bytes) small.push(byte);
      }
    }
    return { ints: ints.done(), doubles: doubles.done(), small: small.done(), blobs };
  }
}

function extentOf(ranges: readonly ByteRange[]): ByteRange {
  let low = Infinity;
  let high = 0;
  for (const { offset, length } of ranges) {
    low = Math.min(low, offset);
    high = Math.max(high, offset + length);
  }
  return low === Infinity ? { offset: 0, length: 0 } : { offset: low, length: high - low };
}

/** Sorted, without overlaps. */
function merged(ranges: readonly ByteRange[]): ByteRange[] {
  const result: { offset: number; length: number }[] = [];
  for (const { offset, length } of [...ranges].sort((a, b) => a.offset - b.offset)) {
    const last = result[result.length - 1];
    if (last === undefined || offset > last.offset + last.length) result.push({ offset, length });
    else last.length = Math.max(last.length, offset + length - last.offset);
  }
  return result;
}
