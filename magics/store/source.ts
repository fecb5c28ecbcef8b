// A content that is here and may be sent: the files it is made of, its list, and its chunks read again when the other side asks for them.
import { createHash, webcrypto } from 'node:crypto';
import { open } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { AgentError } from '../protocol/errors';
import {
  DIGEST_BYTES,
  bytesIn,
  encodeList,
  idOf,
  offsetsOf,
  type ChunkList,
  type ContentId,
  type ContentKind,
  type ContentReference,
} from '../protocol/chunks';
import { nextCut, type Cut, type Section } from './cutting';
import { readSmall } from './reading';
import { readerOf, type ReadAt } from './sparse';
import { digestOfZeros, isZero } from './zeros';

/** One of the files that make a content, in order. Chunks do not reach from one into the next. */
export type Part =
  | { readonly kind: 'memory'; readonly bytes: Buffer; readonly cut: Cut }
  | { readonly kind: 'file'; readonly path: string; readonly bytes: number; readonly sections: readonly Section[] };

export interface Chunks {
  readonly sizes: readonly number[];
  /** One after the other. */
  readonly digests: Buffer;
}

export interface ScanOptions {
  readonly signal: AbortSignal;
  /** Chunks of a part that are known without reading it. */
  readonly known?: (part: Part) => Chunks | undefined;
  /** Chunks of a part that was read. */
  readonly seen?: (part: Part, chunks: Chunks) => void;
  /** Bytes that were read, or known. */
  readonly progress?: (bytes: number) => void;
}

/** Smaller ones are not worth a turn in the pool of threads. */
export const SMALL_BYTES = 64 * 1024;
const WINDOW_BYTES = 4 * 1024 * 1024;
/** Digests under way at once. */
const AHEAD = 4;
/** Bytes of small files between two turns of the loop. */
const TURN_BYTES = 1024 * 1024;

export class ContentSource implements ContentReference {
  readonly kind: ContentKind;
  readonly content: ContentId;
  readonly list: ChunkList;
  readonly bytes: number;
  readonly #parts: readonly Part[];
  /** By part: its first chunk. */
  readonly #first: readonly number[];
  readonly #offsets: Float64Array;

  constructor(kind: ContentKind, parts: readonly Part[], chunks: readonly Chunks[]) {
    this.kind = kind;
    const sizes = Uint32Array.from(chunks.flatMap((each) => each.sizes));
    this.list = { kind, sizes, digests: Buffer.concat(chunks.map((each) => each.digests)) };
    this.content = idOf(kind, encodeList(this.list));
    this.bytes = bytesIn(this.list);
    this.#parts = parts;
    let first = 0;
    this.#first = chunks.map((each) => (first += each.sizes.length) - each.sizes.length);
    this.#offsets = offsetsOf(this.list);
  }

  /** The bytes of chunks `from` to `to` (exclusive). Whoever gets them checks them. Throws AgentError when a file became shorter. */
  async read(from: number, to: number): Promise<Buffer> {
    const start = this.#offsets[from] ?? 0;
    const bytes = Buffer.allocUnsafe((this.#offsets[to] ?? 0) - start);
    for (let part = this.#partOf(from); part < this.#parts.length && (this.#first[part] ?? 0) < to; part++) {
      const begin = this.#offsets[this.#first[part] ?? 0] ?? 0;
      const end = this.#offsets[this.#first[part + 1] ?? this.list.sizes.length] ?? 0;
      const low = Math.max(start, begin);
      const into = bytes.subarray(low - start, Math.min(start + bytes.length, end) - start);
      const found = this.#parts[part];
      if (found?.kind === 'memory') found.bytes.copy(into, 0, low - begin);
      else if (found !== undefined && into.length > 0) await readFrom(found, into, low - begin);
    }
    return bytes;
  }

  #partOf(chunk: number): number {
    let low = 0;
    let high = this.#first.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#first[middle] ?? 0) <= chunk) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Reads all parts that are not known, and gives the content. Digests are made by other threads. Throws what the system throws. */
export async function scan(kind: ContentKind, parts: readonly Part[], options: ScanOptions): Promise<ContentSource> {
  const chunks: Chunks[] = [];
  let sinceTurn = 0;
  for (const part of parts) {
    options.signal.throwIfAborted();
    const known = options.known?.(part);
    const found = known ?? (await readPart(part, options));
    if (known === undefined) {
      options.seen?.(part, found);
      sinceTurn += sizeOf(part);
    }
    chunks.push(found);
    if (known !== undefined || !isLarge(part)) options.progress?.(sizeOf(part));
    if (sinceTurn < TURN_BYTES) continue;
    sinceTurn = 0;
    await turn();
  }
  return new ContentSource(kind, parts, chunks);
}

export function sizeOf(part: Part): number {
  return part.kind === 'memory' ? part.bytes.length : part.bytes;
}

/** One that tells by itself how far it is. */
function isLarge(part: Part): part is Part & { kind: 'file' } {
  return part.kind === 'file' && (part.bytes > SMALL_BYTES || part.sections.length > 1);
}

function readPart(part: Part, options: ScanOptions): Chunks | Promise<Chunks> {
  if (part.kind === 'memory') return chunksOfMemory(part.bytes, part.cut);
  if (isLarge(part)) return readSections(part.path, part.sections, options);
  const [section] = part.sections;
  if (part.bytes === 0 || section === undefined) return { sizes: [], digests: Buffer.alloc(0) };
  return chunksOfSmall(part.path, part.bytes, section.cut);
}

function chunksOfSmall(path: string, bytes: number, cut: Cut): Chunks {
  const into = Buffer.allocUnsafe(bytes);
  if (readSmall(path, into, 0) < bytes) throw changed(path);
  return chunksOfMemory(into, cut);
}

function chunksOfMemory(bytes: Buffer, cut: Cut): Chunks {
  const sizes: number[] = [];
  const digests: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = nextCut(bytes.subarray(at), cut, true);
    sizes.push(size);
    digests.push(
      createHash('sha256')
        .update(bytes.subarray(at, at + size))
        .digest(),
    );
    at += size;
  }
  return { sizes, digests: Buffer.concat(digests) };
}

async function readSections(
  path: string,
  sections: readonly Section[],
  { signal, progress }: ScanOptions,
): Promise<Chunks> {
  const sizes: number[] = [];
  const digests: (Buffer | Promise<ArrayBuffer>)[] = [];
  await using file = await open(path, 'r');
  await using reader = await readerOf(file, path);
  for (const section of sections) {
    for await (const chunk of cutSection(reader.read, path, section)) {
      signal.throwIfAborted();
      sizes.push(chunk.length);
      progress?.(chunk.length);
      if (isZero(chunk)) {
        digests.push(digestOfZeros(chunk.length));
        continue;
      }
      // The bytes are copied before this returns.
      const digest = webcrypto.subtle.digest('SHA-256', chunk);
      digest.catch(() => undefined);
      digests.push(digest);
      if (digests.length > AHEAD) await digests[digests.length - 1 - AHEAD];
    }
  }
  const all = Buffer.allocUnsafe(digests.length * DIGEST_BYTES);
  let at = 0;
  for (const digest of digests) {
    all.set(new Uint8Array(await digest), at);
    at += DIGEST_BYTES;
  }
  return { sizes, digests: all };
}

/** Each chunk is to be used before the next one is asked for. */
async function* cutSection(read: ReadAt, path: string, { offset, bytes, cut }: Section): AsyncGenerator<Buffer> {
  const window = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, bytes));
  let filled = 0;
  for (let done = 0; done < bytes || filled > 0;) {
    const wanted = Math.min(window.length - filled, bytes - done);
    if (wanted > 0) await fill(read, path, window.subarray(filled, filled + wanted), offset + done);
    done += wanted;
    filled += wanted;
    const isLast = done === bytes;
    let at = 0;
    while (filled - at >= cut.largest || (isLast && at < filled)) {
      const size = nextCut(window.subarray(at, filled), cut, isLast);
      yield window.subarray(at, at + size);
      at += size;
    }
    window.copyWithin(0, at, filled);
    filled -= at;
  }
}

export async function readFrom(
  { path, bytes }: Part & { kind: 'file' },
  into: Buffer,
  position: number,
): Promise<void> {
  if (bytes <= SMALL_BYTES) {
    if (readSmall(path, into, position) < into.length) throw changed(path);
    return;
  }
  await using file = await open(path, 'r');
  await fill(async (rest, at) => (await file.read(rest, 0, rest.length, at)).bytesRead, path, into, position);
}

export async function fill(read: ReadAt, path: string, into: Buffer, position: number): Promise<void> {
  for (let at = 0; at < into.length;) {
    const more = await read(into.subarray(at), position + at);
    if (more === 0) throw changed(path);
    at += more;
  }
}

export function changed(path: string): AgentError {
  return new AgentError(`${path} was changed while it was read. Run it again when nothing writes to it.`);
}
