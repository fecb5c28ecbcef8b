// A list of chunks that may be told in parts, while whoever has the content is still reading it.
import { DIGEST_BYTES, digestAt, type ChunkList, type ContentKind } from '../protocol/chunks';

const FIRST_CHUNKS = 1024;

export class GrowingList {
  readonly #kind: ContentKind;
  #digests = Buffer.alloc(FIRST_CHUNKS * DIGEST_BYTES);
  #sizes = new Uint32Array(FIRST_CHUNKS);
  /** Where each chunk begins, and the next one will. */
  #offsets = new Float64Array(FIRST_CHUNKS + 1);
  #list: ChunkList;

  constructor(kind: ContentKind) {
    this.#kind = kind;
    this.#list = this.#look(0);
  }

  get list(): ChunkList {
    return this.#list;
  }

  get length(): number {
    return this.#list.sizes.length;
  }

  offsetAt(index: number): number {
    return this.#offsets[index] ?? 0;
  }

  append({ sizes, digests }: ChunkList): void {
    const from = this.length;
    const length = from + sizes.length;
    this.#makeRoom(length);
    this.#sizes.set(sizes, from);
    this.#digests.set(digests, from * DIGEST_BYTES);
    sizes.forEach((size, index) => {
      this.#offsets[from + index + 1] = this.offsetAt(from + index) + size;
    });
    this.#list = this.#look(length);
  }

  /** How many of these are the chunks from `from` on, as far as they are known here. undefined: some are others. */
  repeats(from: number, part: ChunkList): number | undefined {
    const known = Math.min(part.sizes.length, this.length - from);
    for (let index = 0; index < known; index++)
      if (digestAt(part, index) !== digestAt(this.#list, from + index)) return undefined;
    return known;
  }

  #look(length: number): ChunkList {
    return {
      kind: this.#kind,
      digests: this.#digests.subarray(0, length * DIGEST_BYTES),
      sizes: this.#sizes.subarray(0, length),
    };
  }

  /** Twice as much as before: what is told in a thousand parts is not copied a thousand times. */
  #makeRoom(length: number): void {
    if (length <= this.#sizes.length) return;
    const room = Math.max(length, 2 * this.#sizes.length);
    const [digests, sizes, offsets] = [this.#digests, this.#sizes, this.#offsets];
    this.#digests = Buffer.alloc(room * DIGEST_BYTES);
    this.#sizes = new Uint32Array(room);
    this.#offsets = new Float64Array(room + 1);
    this.#digests.set(digests);
    this.#sizes.set(sizes);
    this.#offsets.set(offsets);
  }
}

/** The chunks from an index on. */
export function partOf({ kind, digests, sizes }: ChunkList, from: number): ChunkList {
  return { kind, digests: digests.subarray(from * DIGEST_BYTES), sizes: sizes.subarray(from) };
}
