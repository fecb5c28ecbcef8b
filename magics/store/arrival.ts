// A content that comes in. Every chunk is checked before it is written, and noted after; what was noted in an earlier life of the agent is checked
// again, since only a process that lives can vouch for what it wrote. In its place it appears whole, by rename. Its list may be told in parts, while the
// other side still reads: then its bytes come before its id is known.
import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { AgentError, ProtocolError } from '../protocol/errors';
import {
  DIGEST_BYTES,
  digestAt,
  encodeList,
  idOf,
  parseRanges,
  type ChunkList,
  type ContentId,
  type ContentKind,
} from '../protocol/chunks';
import type { Contents } from './contents';
import { ArrivalFile, type OpenArrival, type Target } from './arrival-file';
import { GrowingList, partOf } from './growing-list';
import { isZero } from './zeros';

/** How far it has come. */
export type Gathered = { readonly state: 'whole' } | { readonly state: 'lacks'; readonly indices: readonly number[] };

/** Bytes that were put together of what is here already, of so many. */
export type GatherProgress = (bytes: number, of: number) => void;

export interface ArrivalOptions {
  /** By what it is known until it is whole: the content's id, or what its sender calls the transfer. */
  readonly name: string;
  readonly kind: ContentKind;
  readonly bytes: number;
  /** Where it is to be; undefined: in the store. */
  readonly target?: Target;
}

interface Chunk {
  readonly index: number;
  readonly bytes: Buffer;
}

export class Arrival {
  readonly #contents: Contents;
  readonly #name: string;
  readonly #kind: ContentKind;
  readonly #bytes: number;
  readonly #chunks: GrowingList;
  readonly #file: ArrivalFile;
  /** Of an earlier life of the agent. */
  readonly #noted: ReadonlySet<number>;
  /** By digest: all places that the chunk has in this content. */
  readonly #places = new Map<string, number[]>();
  /** 1: written and checked in this life, 2: noted in an earlier one. */
  readonly #have: number[] = [];
  /** Copies that turned out not to be what they should. */
  readonly #bad = new Set<string>();
  #gathering: Promise<Gathered> | undefined;

  constructor(contents: Contents, { name, kind, bytes, target }: ArrivalOptions) {
    this.#contents = contents;
    this.#name = name;
    this.#kind = kind;
    this.#bytes = bytes;
    this.#chunks = new GrowingList(kind);
    this.#file = new ArrivalFile(contents.directory, name, bytes, target);
    this.#noted = new Set(this.#file.open());
  }

  get kind(): ContentKind {
    return this.#kind;
  }

  get target(): Target | undefined {
    return this.#file.target;
  }

  /**
   * More of its list, from chunk `from` on. Told again after a lost connection, it says the same. Gives those of them that have to come from the other
   * side: each once, at its first place. Throws AgentError when they are others than were told before.
   */
  grow(from: number, part: ChunkList): number[] {
    if (from > this.#chunks.length)
      throw new ProtocolError(
        `Chunks from ${from} on were told of a content of which ${this.#chunks.length} are known.`,
      );
    const repeated = this.#chunks.repeats(from, part);
    if (repeated === undefined)
      throw new AgentError('A file was changed while it was sent. Send it again when nothing writes to it.');
    const first = this.#chunks.length;
    this.#chunks.append(partOf(part, repeated));
    if (this.#chunks.offsetAt(this.#chunks.length) > this.#bytes)
      throw new ProtocolError(`More than ${this.#bytes} bytes were told of a content of that size.`);
    for (let index = first; index < this.#chunks.length; index++) {
      const key = digestAt(this.#list, index);
      const places = this.#places.get(key);
      if (places === undefined) this.#places.set(key, [index]);
      else places.push(index);
      this.#have[index] = this.#noted.has(index) ? 2 : 0;
    }
    return part.sizes.reduce<number[]>((lacking, _, index) => {
      if (this.#lacks(from + index)) lacking.push(from + index);
      return lacking;
    }, []);
  }

  /** Chunks that have to come from the other side: each once, at its first place. */
  lacks(): number[] {
    return Array.from(this.#places.values(), ([first = 0]) => first).filter((index) => this.#lacks(index));
  }

  #lacks(index: number): boolean {
    const key = digestAt(this.#list, index);
    if (this.#places.get(key)?.[0] !== index || this.#have[index] !== 0) return false;
    return this.#bad.has(key) || this.#contents.placeOf(this.#list, index) === undefined;
  }

  /** What was told in parts is all of this content. Throws ProtocolError when it is another one. */
  complete(id: ContentId): void {
    if (idOf(this.#kind, encodeList(this.#list)) !== id || this.#chunks.offsetAt(this.#chunks.length) !== this.#bytes)
      throw new ProtocolError('A list of chunks is not the one that its content names.');
    this.#file.rename(id);
  }

  get #list(): ChunkList {
    return this.#chunks.list;
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
    this.#check(chunks);
    await using file = await this.#file.use();
    await file.note(await this.#writeAll(file, chunks, bytes));
    return indices.length;
  }

  #check(chunks: readonly Chunk[]): void {
    const wrong = chunks.find(({ index, bytes }) => !this.#matches(index, bytes));
    if (wrong !== undefined)
      throw new AgentError(
        `Chunk ${wrong.index} of content ${this.#name.slice(0, 12)} arrived with other bytes than were announced: its file was changed while it was sent, or the connection damages bytes. Run it again.`,
      );
  }

  /** Copies what is here already, and puts the content in its place; or tells what has to come. `id`: of its whole list. */
  gather(id: ContentId, signal: AbortSignal, progress: GatherProgress): Promise<Gathered> {
    // Asked twice after a lost connection: it is done once.
    this.#gathering ??= this.#gather(id, signal, progress).finally(() => {
      this.#gathering = undefined;
    });
    return this.#gathering;
  }

  async #gather(id: ContentId, signal: AbortSignal, progress: GatherProgress): Promise<Gathered> {
    const lacking = this.lacks();
    if (lacking.length > 0) return { state: 'lacks', indices: lacking };
    const of = this.#have.reduce((sum, state, index) => sum + (state === 1 ? 0 : this.#sizeOf(index)), 0);
    let done = 0;
    const tell = (bytes: number): void => progress((done += bytes), of);
    {
      await using file = await this.#file.use();
      await this.#checkEarlier(file, signal, tell);
      await this.#copyKnown(file, signal, tell);
      const lost = this.lacks();
      if (lost.length > 0) return { state: 'lacks', indices: lost };
      // What lies at somebody's place is looked through whenever it is used.
      if (this.target === undefined) await file.sync();
    }
    await this.#file.close();
    this.#file.finish(id, this.#list);
    this.#contents.add(id, this.#list, this.target);
    return { state: 'whole' };
  }

  #sizeOf(index: number): number {
    return this.#list.sizes[index] ?? 0;
  }

  async #copyKnown(file: OpenArrival, signal: AbortSignal, tell: (bytes: number) => void): Promise<void> {
    let from: { readonly path: string; readonly file: FileHandle } | undefined;
    const buffer = Buffer.allocUnsafe(this.#list.sizes.reduce((most, size) => Math.max(most, size), 0));
    try {
      for (const [key, places] of this.#places) {
        const index = places.find((one) => this.#have[one] === 0);
        if (index === undefined) continue;
        signal.throwIfAborted();
        const chunk = buffer.subarray(0, this.#sizeOf(index));
        // One that came before this place of it was told.
        const own = places.find((one) => this.#have[one] === 1);
        const place = own === undefined ? this.#contents.placeOf(this.#list, index) : undefined;
        let bytesRead = 0;
        if (own !== undefined) bytesRead = await file.readAt(chunk, this.#chunks.offsetAt(own));
        else if (place !== undefined) {
          const { path, offsets } = place.content;
          if (from?.path !== path) {
            await from?.file.close();
            from = undefined;
            from = { path, file: await open(path, 'r') };
          }
          ({ bytesRead } = await from.file.read(chunk, 0, chunk.length, offsets[place.index] ?? 0));
        } else continue;
        if (bytesRead === chunk.length && this.#matches(index, chunk)) await this.#write(file, index, chunk);
        else this.#bad.add(key);
        tell(chunk.length * places.length);
      }
    } finally {
      await from?.file.close();
    }
  }

  async #checkEarlier(file: OpenArrival, signal: AbortSignal, tell: (bytes: number) => void): Promise<void> {
    for (const [index, state] of this.#have.entries()) {
      if (state !== 2) continue;
      signal.throwIfAborted();
      const chunk = Buffer.allocUnsafe(this.#sizeOf(index));
      const bytesRead = await file.readAt(chunk, this.#chunks.offsetAt(index));
      const isRight = bytesRead === chunk.length && this.#matches(index, chunk);
      this.#have[index] = isRight ? 1 : 0;
      if (!isRight) this.#bad.add(digestAt(this.#list, index));
      tell(chunk.length);
    }
  }

  #matches(index: number, chunk: Buffer): boolean {
    // Not by another thread: it would be given a copy, which costs as much as the digest.
    const digest = createHash('sha256').update(chunk).digest();
    return digest.equals(this.#list.digests.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES));
  }

  /**
   * `bytes` holds all of them, one after the other. What lies together is written together: a tree has a chunk for each of its small files. Gives the
   * places that were written.
   */
  async #writeAll(file: OpenArrival, chunks: readonly Chunk[], bytes: Buffer): Promise<number[]> {
    const written: number[] = [];
    let run: { readonly first: number; readonly from: number; to: number; readonly indices: number[] } | undefined;
    const writeRun = async (): Promise<void> => {
      if (run === undefined) return;
      const { first, from, to, indices } = run;
      run = undefined;
      await file.writeAt(bytes.subarray(from, to), this.#chunks.offsetAt(first));
      for (const index of indices) this.#vouch(index, [index]);
      written.push(...indices);
    };
    let at = 0;
    for (const { index, bytes: chunk } of chunks) {
      const from = at;
      at += chunk.length;
      const isAlone = this.#places.get(digestAt(this.#list, index))?.length === 1;
      if (run !== undefined && run.indices.at(-1) !== index - 1) await writeRun();
      if (isAlone && !isZero(chunk)) {
        run ??= { first: index, from, to: from, indices: [] };
        run.to = at;
        run.indices.push(index);
      } else {
        await writeRun();
        written.push(...(await this.#write(file, index, chunk)));
      }
    }
    await writeRun();
    return written;
  }

  /** At every place that it has by now. Zeros are what a hole reads as, so sparse files stay sparse. */
  async #write(file: OpenArrival, index: number, chunk: Buffer): Promise<readonly number[]> {
    const key = digestAt(this.#list, index);
    const places = [...(this.#places.get(key) ?? [])];
    if (!isZero(chunk) || this.#bad.has(key))
      for (const place of places) await file.writeAt(chunk, this.#chunks.offsetAt(place));
    this.#vouch(index, places);
    return places;
  }

  /** Places that are told only now are not among them. */
  #vouch(index: number, places: readonly number[]): void {
    for (const place of places) this.#have[place] = 1;
    this.#bad.delete(digestAt(this.#list, index));
  }
}
