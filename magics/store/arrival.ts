// A content that comes in. Every chunk is checked before it is written, and noted after; what was noted in an earlier life of the agent is checked
// again, since only a process that lives can vouch for what it wrote. In its place it appears whole, by rename.
import { createHash, webcrypto } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { AgentError, ProtocolError } from '../protocol/errors';
import { DIGEST_BYTES, digestAt, offsetsOf, parseRanges, type ChunkList, type ContentId } from '../protocol/chunks';
import type { Contents } from './contents';
import { ArrivalFile, type OpenArrival } from './arrival-file';
import { isZero } from './zeros';

const SMALL_BYTES = 64 * 1024;

/** How far it has come. */
export type Gathered = { readonly state: 'whole' } | { readonly state: 'lacks'; readonly indices: readonly number[] };

interface Chunk {
  readonly index: number;
  readonly bytes: Buffer;
}

export class Arrival {
  readonly #contents: Contents;
  readonly #id: ContentId;
  readonly #list: ChunkList;
  readonly #offsets: Float64Array;
  readonly #file: ArrivalFile;
  /** By digest: all places that the chunk has in this content. */
  readonly #places = new Map<string, number[]>();
  /** 1: written and checked in this life, 2: noted in an earlier one. */
  readonly #have: Uint8Array;
  /** Copies that turned out not to be what they should. */
  readonly #bad = new Set<string>();
  #gathering: Promise<Gathered> | undefined;

  constructor(contents: Contents, id: ContentId, list: ChunkList) {
    this.#contents = contents;
    this.#id = id;
    this.#list = list;
    this.#offsets = offsetsOf(list);
    this.#have = new Uint8Array(list.sizes.length);
    this.#file = new ArrivalFile(contents.directory, id, list);
    list.sizes.forEach((_, index) => {
      const key = digestAt(list, index);
      const places = this.#places.get(key);
      if (places === undefined) this.#places.set(key, [index]);
      else places.push(index);
    });
    for (const index of this.#file.open()) if (index < this.#have.length) this.#have[index] = 2;
  }

  /** Chunks that have to come from the other side: each once, at its first place. */
  lacks(): number[] {
    const indices: number[] = [];
    for (const [key, places] of this.#places) {
      const [first] = places;
      if (first === undefined || this.#have[first] !== 0) continue;
      if (this.#bad.has(key) || this.#contents.placeOf(this.#list, first) === undefined) indices.push(first);
    }
    return indices;
  }

  /** Checks and keeps chunks that lie one after the other in `bytes`. Throws ProtocolError for others than were said. */
  async take(ranges: string, bytes: Buffer): Promise<number> {
    const indices = parseRanges(ranges, this.#list.sizes.length);
    const total = indices.reduce((sum, index) => sum + (this.#list.sizes[index] ?? 0), 0);
    if (total !== bytes.length)
      throw new ProtocolError(`${bytes.length} bytes came for chunks that have ${total} bytes.`);
    const chunks: Chunk[] = [];
    let at = 0;
    for (const index of indices) {
      const size = this.#list.sizes[index] ?? 0;
      chunks.push({ index, bytes: bytes.subarray(at, at + size) });
      at += size;
    }
    await this.#check(chunks);
    await using file = await this.#file.write();
    await this.#writeAll(file, chunks, bytes);
    this.#file.note(indices.flatMap((index) => this.#places.get(digestAt(this.#list, index)) ?? []));
    return indices.length;
  }

  async #check(chunks: readonly Chunk[]): Promise<void> {
    const matches = await Promise.all(chunks.map(({ index, bytes }) => this.#matches(index, bytes)));
    const wrong = chunks[matches.indexOf(false)];
    if (wrong !== undefined)
      throw new AgentError(
        `Chunk ${wrong.index} of content ${this.#id.slice(0, 12)} arrived with other bytes than were announced: its file was changed while it was sent, or the connection damages bytes. Run it again.`,
      );
  }

  /** Copies what is here already, and puts the content in its place; or tells what has to come. */
  gather(signal: AbortSignal, progress: (bytes: number) => void): Promise<Gathered> {
    // Asked twice after a lost connection: it is done once.
    this.#gathering ??= this.#gather(signal, progress).finally(() => {
      this.#gathering = undefined;
    });
    return this.#gathering;
  }

  async #gather(signal: AbortSignal, progress: (bytes: number) => void): Promise<Gathered> {
    const lacking = this.lacks();
    if (lacking.length > 0) return { state: 'lacks', indices: lacking };
    {
      await using file = await this.#file.write();
      await this.#copyKnown(file, signal, progress);
      await this.#checkEarlier(file, signal, progress);
      const lost = this.lacks();
      if (lost.length > 0) return { state: 'lacks', indices: lost };
      await file.sync();
    }
    this.#file.finish();
    this.#contents.add(this.#id, this.#list);
    return { state: 'whole' };
  }

  async #copyKnown(file: OpenArrival, signal: AbortSignal, progress: (bytes: number) => void): Promise<void> {
    let from: { readonly path: string; readonly file: FileHandle } | undefined;
    const buffer = Buffer.allocUnsafe(Math.max(0, ...this.#largest()));
    try {
      for (const [key, [index]] of this.#places) {
        if (index === undefined || this.#have[index] !== 0) continue;
        signal.throwIfAborted();
        const place = this.#contents.placeOf(this.#list, index);
        if (place === undefined) continue;
        const { content } = place;
        if (from?.path !== content.path) {
          await from?.file.close();
          from = { path: content.path, file: await open(content.path, 'r') };
        }
        const chunk = buffer.subarray(0, this.#list.sizes[index]);
        const { bytesRead } = await from.file.read(chunk, 0, chunk.length, content.offsets[place.index] ?? 0);
        if (bytesRead === chunk.length && (await this.#matches(index, chunk))) await this.#write(file, index, chunk);
        else this.#bad.add(key);
        progress(chunk.length);
      }
    } finally {
      await from?.file.close();
    }
  }

  async #checkEarlier(file: OpenArrival, signal: AbortSignal, progress: (bytes: number) => void): Promise<void> {
    for (const [index, state] of this.#have.entries()) {
      if (state !== 2) continue;
      signal.throwIfAborted();
      const chunk = Buffer.allocUnsafe(this.#list.sizes[index] ?? 0);
      const bytesRead = await file.readAt(chunk, this.#offsets[index] ?? 0);
      const isRight = bytesRead === chunk.length && (await this.#matches(index, chunk));
      this.#have[index] = isRight ? 1 : 0;
      if (!isRight) this.#bad.add(digestAt(this.#list, index));
      progress(chunk.length);
    }
  }

  *#largest(): Generator<number> {
    yield this.#list.sizes.reduce((most, size) => Math.max(most, size), 0);
  }

  async #matches(index: number, chunk: Buffer): Promise<boolean> {
    const digest =
      chunk.length <= SMALL_BYTES
        ? createHash('sha256').update(chunk).digest()
        : Buffer.from(await webcrypto.subtle.digest('SHA-256', chunk));
    return digest.equals(this.#list.digests.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES));
  }

  /** `bytes` holds all of them, one after the other. What lies together is written together: a tree has a chunk for each of its small files. */
  async #writeAll(file: OpenArrival, chunks: readonly Chunk[], bytes: Buffer): Promise<void> {
    let from = 0;
    let to = 0;
    let first: number | undefined;
    const writeRun = async (): Promise<void> => {
      if (first !== undefined) await file.writeAt(bytes.subarray(from, to), this.#offsets[first] ?? 0);
      from = to;
      first = undefined;
    };
    let previous: number | undefined;
    for (const chunk of chunks) {
      const isAlone = this.#places.get(digestAt(this.#list, chunk.index))?.length === 1;
      if (!isAlone || previous !== chunk.index - 1 || isZero(chunk.bytes)) await writeRun();
      if (isAlone && !isZero(chunk.bytes)) {
        first ??= chunk.index;
        to += chunk.bytes.length;
      } else {
        await this.#write(file, chunk.index, chunk.bytes);
        from = to += chunk.bytes.length;
      }
      previous = chunk.index;
    }
    await writeRun();
    for (const { index } of chunks) this.#vouch(index);
  }

  /** At every place it has. Zeros are what a hole reads as, so sparse files stay sparse. */
  async #write(file: OpenArrival, index: number, chunk: Buffer): Promise<void> {
    const key = digestAt(this.#list, index);
    if (!isZero(chunk) || this.#bad.has(key))
      for (const place of this.#places.get(key) ?? []) await file.writeAt(chunk, this.#offsets[place] ?? 0);
    this.#vouch(index);
  }

  #vouch(index: number): void {
    const key = digestAt(this.#list, index);
    for (const place of this.#places.get(key) ?? []) this.#have[place] = 1;
    this.#bad.delete(key);
  }
}
