// Where each chunk of a store can be read: by its digest, in one of the contents that have it.
import { digestAt, type ChunkList } from '../protocol/chunks';
import { beginningOf } from './digests';

interface Listed {
  readonly list: ChunkList;
}

/** Where a chunk can be read. */
export interface ChunkPlace<Content extends Listed> {
  readonly content: Content;
  readonly index: number;
}

export class ChunkIndex<Content extends Listed> {
  readonly #places = new Map<string, ChunkPlace<Content>>();

  find(list: ChunkList, index: number): ChunkPlace<Content> | undefined {
    return this.#places.get(digestAt(list, index));
  }

  add(content: Content): void {
    const { list } = content;
    for (let index = 0; index < list.sizes.length; index++) this.#places.set(digestAt(list, index), { content, index });
  }

  /** Chunks that one of the others has as well are found there from now on. */
  remove(content: Content, others: Iterable<Content>): void {
    // By their first bytes, which are quickly compared: a store may hold a million chunks.
    const lost = new Set<number>();
    content.list.sizes.forEach((_, index) => {
      const key = digestAt(content.list, index);
      if (this.#places.get(key)?.content !== content) return;
      this.#places.delete(key);
      lost.add(beginningOf(content.list, index));
    });
    if (lost.size === 0) return;
    for (const other of others)
      for (let index = 0; index < other.list.sizes.length; index++) {
        if (!lost.has(beginningOf(other.list, index))) continue;
        const key = digestAt(other.list, index);
        if (!this.#places.has(key)) this.#places.set(key, { content: other, index });
      }
  }
}
