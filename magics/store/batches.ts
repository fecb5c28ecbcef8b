// A content as it is read: batch by batch, each read once, cut, digested, and handed on while its bytes are still in memory. What was read stays known, so
// that whoever begins again reads only what is asked for.
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { DIGEST_BYTES, type ChunkList, type ContentKind } from '../protocol/chunks';
import { nextCut, type Cut } from './cutting';
import { readSmall } from './reading';
import { stampOf, type Stamp } from './seen';
import { ContentSource, SMALL_BYTES, changed, fill, readFrom, sizeOf, type Chunks, type Part } from './source';
import { readerOf, type ReadAt } from './sparse';
import { digestOfZeros, isZero } from './zeros';

/** Read, cut and sent together. */
const WINDOW_BYTES = 4 * 1024 * 1024;
/** The list of a batch crosses in one message, and takes no time to look through. */
const BATCH_CHUNKS = 4096;
/** Bytes of small files between two turns of the loop. */
const TURN_BYTES = 1024 * 1024;

export interface Found {
  readonly kind: ContentKind;
  readonly parts: readonly Part[];
  readonly stamps: ReadonlyMap<Part, Stamp>;
  /** Chunks of a part that are known without reading it. */
  readonly known: (part: Part) => Chunks | undefined;
  /** Chunks of a part that was read. */
  readonly seen: (part: Part, chunks: Chunks) => void;
}

interface Place {
  readonly part: Part;
  /** Where the chunk begins in its part. */
  readonly position: number;
  /** Where it lies in the window; undefined: it has to be read. */
  readonly at?: number;
}

/** Some chunks of a content, one after the other. Its memory is used for a later one when it is `released`. */
export class Batch {
  /** Number of its first chunk. */
  readonly from: number;
  readonly window: Buffer;
  readonly #sizes: number[] = [];
  readonly #digests: Buffer[] = [];
  readonly #places: Place[] = [];
  filled = 0;

  constructor(from: number, window: Buffer) {
    this.from = from;
    this.window = window;
  }

  get length(): number {
    return this.#sizes.length;
  }

  get isFull(): boolean {
    return this.length >= BATCH_CHUNKS;
  }

  list(kind: ContentKind): ChunkList {
    return { kind, sizes: Uint32Array.from(this.#sizes), digests: Buffer.concat(this.#digests) };
  }

  /** By its number in the content. */
  sizeOf(index: number): number {
    return this.#sizes[index - this.from] ?? 0;
  }

  add(size: number, digest: Buffer, place: Place): void {
    this.#sizes.push(size);
    this.#digests.push(digest);
    this.#places.push(place);
  }

  /** The bytes of ascending chunks, by their numbers in the content. What lies together is not copied. */
  async read(indices: readonly number[]): Promise<Buffer> {
    const runs: Buffer[] = [];
    for (let next = 0; next < indices.length;) {
      const first = this.#places[(indices[next] ?? 0) - this.from];
      if (first === undefined) break;
      let bytes = 0;
      for (; next < indices.length; next++) {
        const place = this.#places[(indices[next] ?? 0) - this.from];
        const follows =
          place?.part === first.part && place.position === first.position + bytes
            ? first.at === undefined || place.at === first.at + bytes
            : first.at !== undefined && place?.at === first.at + bytes;
        if (!follows) break;
        bytes += this.sizeOf(indices[next] ?? 0);
      }
      if (first.at !== undefined) runs.push(this.window.subarray(first.at, first.at + bytes));
      else runs.push(await readPart(first, bytes));
    }
    return runs.length === 1 && runs[0] !== undefined ? runs[0] : Buffer.concat(runs);
  }
}

async function readPart({ part, position }: Place, bytes: number): Promise<Buffer> {
  if (part.kind === 'memory') return part.bytes.subarray(position, position + bytes);
  const into = Buffer.allocUnsafe(bytes);
  await readFrom(part, into, position);
  return into;
}

export class Reading {
  readonly #found: Found;
  /** Of the parts that were read whole. */
  readonly #whole: Chunks[] = [];
  /** Of the one after these, as far as it was read. */
  #sizes: number[] = [];
  #digests: Buffer[] = [];
  readonly #free: Buffer[] = [];
  /** Of the current walk. */
  #next = 0;
  #batch: Batch | undefined;

  constructor(found: Found) {
    this.#found = found;
  }

  /** What it is, once all of it was read. */
  get source(): ContentSource {
    return new ContentSource(this.#found.kind, this.#found.parts, this.#whole);
  }

  /** Nobody looks at its bytes any more. */
  release(batch: Batch): void {
    this.#free.push(batch.window);
  }

  /** From the beginning. Throws AgentError when a file is changed meanwhile, and what the system throws. */
  async *batches(signal: AbortSignal): AsyncGenerator<Batch> {
    this.#next = 0;
    this.#batch = undefined;
    let sinceTurn = 0;
    for (const [number, part] of this.#found.parts.entries()) {
      signal.throwIfAborted();
      const known = this.#whole[number] ?? this.#take(part);
      if (known !== undefined) yield* this.#addKnown(part, known, 0);
      else {
        yield* this.#read(part, signal);
        sinceTurn += sizeOf(part);
      }
      if (sinceTurn < TURN_BYTES) continue;
      sinceTurn = 0;
      await turn();
    }
    yield* this.#close();
  }

  #take(part: Part): Chunks | undefined {
    const known = part.kind === 'memory' ? ofMemory(part.bytes, part.cut) : this.#found.known(part);
    if (known !== undefined) this.#whole.push(known);
    return known;
  }

  *#close(): Generator<Batch> {
    if (this.#batch === undefined || this.#batch.length === 0) return;
    yield this.#batch;
    this.#batch = undefined;
  }

  #open(): Batch {
    return (this.#batch ??= new Batch(this.#next, this.#free.pop() ?? Buffer.allocUnsafeSlow(WINDOW_BYTES)));
  }

  *#add(size: number, digest: Buffer, place: Place): Generator<Batch> {
    const batch = this.#open();
    batch.add(size, digest, place);
    this.#next += 1;
    if (batch.isFull) yield* this.#close();
  }

  *#addKnown(part: Part, { sizes, digests }: Chunks, from: number): Generator<Batch> {
    let position = from;
    for (const [index, size] of sizes.entries()) {
      yield* this.#add(size, digests.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES), { part, position });
      position += size;
    }
  }

  async *#read(part: Part, signal: AbortSignal): AsyncGenerator<Batch> {
    if (part.kind === 'memory') return;
    const { path, bytes } = part;
    // What was read of it before the connection was lost.
    yield* this.#addKnown(part, { sizes: this.#sizes, digests: Buffer.concat(this.#digests) }, 0);
    if (bytes <= SMALL_BYTES) {
      yield* this.#readWith(part, (into, position) => Promise.resolve(readSmall(path, into, position)), signal);
    } else {
      await using file = await open(path, 'r');
      await using reader = await readerOf(file, path);
      yield* this.#readWith(part, reader.read, signal);
    }
    const stamp = this.#found.stamps.get(part);
    const now = statSync(path, { throwIfNoEntry: false });
    if (stamp !== undefined && (now === undefined || stampOf(now).text !== stamp.text)) {
      [this.#sizes, this.#digests] = [[], []];
      throw changed(path);
    }
    const chunks = { sizes: this.#sizes, digests: Buffer.concat(this.#digests) };
    [this.#sizes, this.#digests] = [[], []];
    this.#whole.push(chunks);
    this.#found.seen(part, chunks);
  }

  async *#readWith(part: Part & { kind: 'file' }, read: ReadAt, signal: AbortSignal): AsyncGenerator<Batch> {
    let position = this.#sizes.reduce((sum, size) => sum + size, 0);
    for (const { offset, bytes, cut } of part.sections) {
      const end = offset + bytes;
      while (position < end) {
        signal.throwIfAborted();
        const batch = this.#open();
        const wanted = Math.min(end - position, batch.window.length - batch.filled);
        if (wanted < Math.min(cut.largest, end - position)) {
          yield* this.#close();
          continue;
        }
        const window = batch.window.subarray(batch.filled, batch.filled + wanted);
        await fill(read, part.path, window, position);
        const isLast = position + wanted === end;
        for (let at = 0; window.length - at >= cut.largest || (isLast && at < window.length);) {
          const size = nextCut(window.subarray(at), cut, isLast);
          const digest = digestOf(window.subarray(at, at + size));
          const place: Place = { part, position, at: batch.filled };
          this.#sizes.push(size);
          this.#digests.push(digest);
          batch.filled += size;
          position += size;
          at += size;
          yield* this.#add(size, digest, place);
          // The window belongs to what was handed on: the rest is read again.
          if (this.#batch !== batch) break;
        }
      }
    }
  }
}

function ofMemory(bytes: Buffer, cut: Cut): Chunks {
  const sizes: number[] = [];
  const digests: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = nextCut(bytes.subarray(at), cut, true);
    sizes.push(size);
    digests.push(digestOf(bytes.subarray(at, at + size)));
    at += size;
  }
  return { sizes, digests: Buffer.concat(digests) };
}

/** Here, and not by another thread: that would be given a copy, which costs as much as the digest. */
function digestOf(bytes: Buffer): Buffer {
  return isZero(bytes) ? digestOfZeros(bytes.length) : createHash('sha256').update(bytes).digest();
}
