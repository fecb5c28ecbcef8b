// Whether a file is a content, by the digests of its chunks: what lies at somebody's place may have been changed without a trace.
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { DIGEST_BYTES, bytesIn, type ChunkList } from '../protocol/chunks';

/** Reads the file once. Throws what the system throws. */
export async function isThis(path: string, list: ChunkList, signal: AbortSignal): Promise<boolean> {
  await using file = await open(path, 'r');
  if ((await file.stat()).size !== bytesIn(list)) return false;
  const chunk = Buffer.allocUnsafe(list.sizes.reduce((most, size) => Math.max(most, size), 0));
  let position = 0;
  for (const [index, size] of list.sizes.entries()) {
    signal.throwIfAborted();
    const { bytesRead } = await file.read(chunk, 0, size, position);
    const digest = createHash('sha256').update(chunk.subarray(0, bytesRead)).digest();
    if (!digest.equals(list.digests.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES))) return false;
    position += size;
  }
  return true;
}
