// Reads what a graph says of its array buffers: lengths and chunks, each checked, the bytes to be read when they are needed.
import { ColumnReader } from './columns';
import type { BufferChunk, BufferContent, ReadableGraph } from './graph-decode';
import { broken, size } from './graph-heads';

export class BufferReader {
  readonly #ints: ColumnReader;
  readonly #doubles: ColumnReader;
  readonly #small: ColumnReader;
  readonly #graph: ReadableGraph;
  /** Every blob belongs to one buffer: a graph must not ask for more memory than it has bytes. */
  readonly #used = new Set<number>();

  constructor(graph: ReadableGraph) {
    this.#graph = graph;
    this.#ints = new ColumnReader(graph.columns.bufferInts, 'buffers');
    this.#doubles = new ColumnReader(graph.columns.bufferDoubles, 'buffers');
    this.#small = new ColumnReader(graph.columns.small, 'bytes');
  }

  /** The next buffer, and where it began in the buffer it was cut from. */
  next(): { readonly content: BufferContent; readonly start: number } {
    const shared = this.#ints.next() === 1;
    const count = this.#ints.count(this.#ints);
    const byteLength = size(this.#doubles.next());
    const start = size(this.#doubles.next());
    const chunks: BufferChunk[] = [];
    for (let i = 0; i < count; i++) {
      const offset = size(this.#doubles.next());
      const length = size(this.#doubles.next());
      if (offset + length > byteLength) throw broken('bytes lie beyond the end of their buffer');
      chunks.push({ offset, length, read: this.#chunkReader(this.#ints.next(), length) });
    }
    return { content: { byteLength, shared, chunks }, start };
  }

  #chunkReader(blob: number, length: number): BufferChunk['read'] {
    if (blob === -1) {
      const bytes = this.#small.take(length) as Uint8Array;
      return (offset, into) => {
        into.set(bytes.subarray(offset, offset + into.length));
      };
    }
    const { blobs } = this.#graph;
    if (this.#used.has(blob)) throw broken(`blob ${blob} belongs to two buffers`);
    this.#used.add(blob);
    if (blobs.lengths[blob] !== length) throw broken(`blob ${blob} has not the length that is claimed`);
    return (offset, into) => {
      blobs.read(blob, offset, into);
    };
  }
}
