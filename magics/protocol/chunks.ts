// Bytes by their digests, as two agents speak of them. A *content* is a file or a tree of files, cut into *chunks*; its *list* has each chunk's
// SHA-256 and size, in order, and its id is the SHA-256 of kind and list. Who knows the id can say what they lack, and check every byte they get.
import { createHash } from 'node:crypto';
import { ProtocolError } from './errors';
import { oneOf, text, type Shape } from './shape';

/** 64 hexadecimal digits. */
export type ContentId = string & { readonly __contentId: never };

/** `bundle` and `envelope` belong to one job and are kept only to save sending the next one; the others are kept for who asked for them. */
export const CONTENT_KINDS = ['bundle', 'envelope', 'file', 'tree'] as const;
export type ContentKind = (typeof CONTENT_KINDS)[number];
export const contentKind: Shape<ContentKind> = oneOf(CONTENT_KINDS);

/** What a job, or whoever sent a content, names it by. */
export interface ContentReference {
  readonly content: ContentId;
  readonly kind: ContentKind;
  readonly bytes: number;
}

export interface ChunkList {
  readonly kind: ContentKind;
  /** SHA-256 of each chunk, one after the other. */
  readonly digests: Buffer;
  /** Bytes of each chunk. */
  readonly sizes: Uint32Array;
}

export const DIGEST_BYTES = 32;
/** A chunk lies in memory while it is checked. */
export const MAX_CHUNK_BYTES = 4 * 1024 * 1024;
const ENTRY_BYTES = DIGEST_BYTES + 4;
/** 1.8 million chunks: a list crosses in one frame. */
const MAX_LIST_BYTES = 64 * 1024 * 1024;
const ID = /^[0-9a-f]{64}$/;

export const contentId: Shape<ContentId> = (value, path) => {
  const id = text(value, path);
  if (!ID.test(id))
    throw new ProtocolError(`Cannot read ${path}: ${JSON.stringify(id.slice(0, 80))} names no content.`);
  return id as ContentId;
};

/** u32 size, little-endian, and digest of each chunk. */
export function encodeList({ digests, sizes }: ChunkList): Buffer {
  const bytes = Buffer.allocUnsafe(sizes.length * ENTRY_BYTES);
  sizes.forEach((size, index) => {
    const at = index * ENTRY_BYTES;
    bytes.writeUInt32LE(size, at);
    digests.copy(bytes, at + 4, index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES);
  });
  return bytes;
}

/** Throws ProtocolError for what is no list, or not the one that `id` names. */
export function decodeList(kind: ContentKind, bytes: Buffer, id: ContentId): ChunkList {
  const list = decodePart(kind, bytes);
  if (idOf(kind, bytes) !== id) throw new ProtocolError('A list of chunks is not the one that its content names.');
  return list;
}

/** A list, or a part of one. Throws ProtocolError for what is none. */
export function decodePart(kind: ContentKind, bytes: Buffer): ChunkList {
  if (bytes.length % ENTRY_BYTES !== 0 || bytes.length > MAX_LIST_BYTES)
    throw new ProtocolError(`${bytes.length} bytes are no list of chunks.`);
  const count = bytes.length / ENTRY_BYTES;
  const sizes = new Uint32Array(count);
  const digests = Buffer.allocUnsafe(count * DIGEST_BYTES);
  for (let index = 0; index < count; index++) {
    const at = index * ENTRY_BYTES;
    const size = bytes.readUInt32LE(at);
    if (size < 1 || size > MAX_CHUNK_BYTES) throw new ProtocolError(`A chunk cannot have ${size} bytes.`);
    sizes[index] = size;
    bytes.copy(digests, index * DIGEST_BYTES, at + 4, at + ENTRY_BYTES);
  }
  return { kind, digests, sizes };
}

/** `encoded` is what encodeList gives. */
export function idOf(kind: ContentKind, encoded: Buffer): ContentId {
  return createHash('sha256').update(`cellburst ${kind} 1\n`).update(encoded).digest('hex') as ContentId;
}

export function bytesIn({ sizes }: ChunkList): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The digest of a chunk as a key of a Map. */
export function digestAt({ digests }: ChunkList, index: number): string {
  return digests.toString('latin1', index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES);
}

/** Where each chunk begins, and behind the last the end. */
export function offsetsOf({ sizes }: ChunkList): Float64Array {
  const offsets = new Float64Array(sizes.length + 1);
  sizes.forEach((size, index) => {
    offsets[index + 1] = (offsets[index] ?? 0) + size;
  });
  return offsets;
}

/** Ascending indices as text: `0-3,7`. */
export function toRanges(indices: Iterable<number>): string {
  const ranges: [number, number][] = [];
  for (const index of indices) {
    const last = ranges.at(-1);
    if (last?.[1] === index - 1) last[1] = index;
    else ranges.push([index, index]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}

/** Indices below `count`. Throws ProtocolError for anything but what toRanges writes. */
export function parseRanges(source: string, count: number): number[] {
  const indices: number[] = [];
  for (const range of source === '' ? [] : source.split(',')) {
    const found = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(range);
    const from = Number(found?.[1]);
    const to = Number(found?.[2] ?? found?.[1]);
    if (found === null || from > to || to >= count || from <= (indices.at(-1) ?? -1))
      throw new ProtocolError(
        `Cannot read ${JSON.stringify(source.slice(0, 80))}: it does not name chunks of ${count}.`,
      );
    for (let index = from; index <= to; index++) indices.push(index);
  }
  return indices;
}
