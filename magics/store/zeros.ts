// Zeros: what a hole of a sparse file reads as. They are told from other bytes, and digested, at the speed of a comparison, and never written: so a file
// that is mostly holes costs what reading it costs, and stays mostly holes.
import { createHash } from 'node:crypto';
import { DIGEST_BYTES, type ChunkList } from '../protocol/chunks';

const ZEROS = Buffer.alloc(4 * 1024 * 1024);

/** Whether there is nothing in these bytes that a hole would not read as. */
export function isZero(bytes: Buffer): boolean {
  if (bytes[0] !== 0 || bytes[bytes.length - 1] !== 0) return false;
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const piece = bytes.subarray(at, at + ZEROS.length);
    if (!piece.equals(ZEROS.subarray(0, piece.length))) return false;
  }
  return true;
}

const digests = new Map<number, Buffer>();
/** Long zeros are cut at one length; others come once or twice. */
const MOST_KEPT = 64;

/** SHA-256 of so many zeros, at most as many as a chunk can have. */
export function digestOfZeros(bytes: number): Buffer {
  const known = digests.get(bytes);
  if (known !== undefined) return known;
  const digest = createHash('sha256').update(ZEROS.subarray(0, bytes)).digest();
  if (digests.size < MOST_KEPT) digests.set(bytes, digest);
  return digest;
}

/** A stretch of a file that holds nothing but zeros: from, to (exclusive). */
export type Hole = readonly [from: number, to: number];

/** Where a content is known to be zeros by its list alone, as far as whole chunks of `chunkBytes` tell. In order, neighbours as one. */
export function holesIn({ sizes, digests: all }: ChunkList, offsets: Float64Array, chunkBytes: number): Hole[] {
  const zeros = digestOfZeros(chunkBytes);
  const holes: [number, number][] = [];
  sizes.forEach((size, index) => {
    if (size !== chunkBytes) return;
    if (!zeros.equals(all.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES))) return;
    const [from, to] = [offsets[index] ?? 0, offsets[index + 1] ?? 0];
    const last = holes.at(-1);
    if (last?.[1] === from) last[1] = to;
    else holes.push([from, to]);
  });
  return holes;
}
