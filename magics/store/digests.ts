// Digests of many chunks at once, for whoever compares lists. Pure.
import { DIGEST_BYTES, digestAt, type ChunkList } from '../protocol/chunks';

/** Enough to pass most others by. */
export function beginningOf({ digests }: ChunkList, index: number): number {
  return digests.readUInt32LE(index * DIGEST_BYTES);
}

/** Made when it is asked for first. */
export function digestsOf(list: ChunkList): () => ReadonlySet<string> {
  let made: Set<string> | undefined;
  return () => (made ??= new Set(Array.from(list.sizes, (_, index) => digestAt(list, index))));
}

/** Of the chunks that are among these. */
export function bytesOf(list: ChunkList, among: ReadonlySet<string>): number {
  return list.sizes.reduce((sum, size, index) => (among.has(digestAt(list, index)) ? sum + size : sum), 0);
}
