// A content that comes in. Every chunk is checked before it is written, and noted after; what was noted in an earlier life of the agent is checked
// again, since only a process that lives can vouch for what it wrote. In its place it appears whole, by rename.
import { createHash, webcrypto } from 'node:crypto';
import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { AgentError, ProtocolError, messageOf, systemCode } from '../protocol/errors';
import {
  DIGEST_BYTES,
  bytesIn,
  digestAt,
  encodeList,
  offsetsOf,
  parseRanges,
  type ChunkList,
  type ContentId,
} from '../protocol/chunks';
import type { Contents } from './contents';
import { arrivalFile, contentFile, journalFile, listFile } from './places';
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
    list.sizes.forEach((_, index) => {
      const key = digestAt(list, index);
      const places = this.#places.get(key);
      if (places === undefined) this.#places.set(key, [index]);
      else places.push(index);
    });
    this.#open();
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
    await using file = await this.#file();
    await this.#writeAll(file, chunks, bytes);
    this.#note(indices);
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
    try {
      await using file = await this.#file();
      await this.#copyKnown(file, signal, progress);
      await this.#checkEarlier(file, signal, progress);
      const lost = this.lacks();
      if (lost.length > 0) return { state: 'lacks', indices: lost };
      await file.sync();
    } catch (error) {
      throw this.#toError(error);
    }
    const { directory } = this.#contents;
    const list = listFile(directory, this.#id, this.#list.kind);
    renameSync(arrivalFile(directory, this.#id), contentFile(directory, this.#id));
    writeList(list, encodeList(this.#list));
    rmSync(journalFile(directory, this.#id), { force: true });
    this.#contents.add(this.#id, this.#list);
    return { state: 'whole' };
  }

  async #copyKnown(file: FileHandle, signal: AbortSignal, progress: (bytes: number) => void): Promise<void> {
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

  async #checkEarlier(file: FileHandle, signal: AbortSignal, progress: (bytes: number) => void): Promise<void> {
    for (const [index, state] of this.#have.entries()) {
      if (state !== 2) continue;
      signal.throwIfAborted();
      const chunk = Buffer.allocUnsafe(this.#list.sizes[index] ?? 0);
      const { bytesRead } = await file.read(chunk, 0, chunk.length, this.#offsets[index] ?? 0);
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
  async #writeAll(file: FileHandle, chunks: readonly Chunk[], bytes: Buffer): Promise<void> {
    let from = 0;
    let to = 0;
    let first: number | undefined;
    const writeRun = async (): Promise<void> => {
      if (first !== undefined) await this.#writeAt(file, bytes.subarray(from, to), this.#offsets[first] ?? 0);
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
  async #write(file: FileHandle, index: number, chunk: Buffer): Promise<void> {
    const key = digestAt(this.#list, index);
    if (!isZero(chunk) || this.#bad.has(key))
      for (const place of this.#places.get(key) ?? []) await this.#writeAt(file, chunk, this.#offsets[place] ?? 0);
    this.#vouch(index);
  }

  async #writeAt(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) {
        const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at);
        at += bytesWritten;
      }
    } catch (error) {
      throw this.#toError(error);
    }
  }

  #vouch(index: number): void {
    const key = digestAt(this.#list, index);
    for (const place of this.#places.get(key) ?? []) this.#have[place] = 1;
    this.#bad.delete(key);
  }

  #note(indices: readonly number[]): void {
    const noted = Uint32Array.from(indices.flatMap((index) => this.#places.get(digestAt(this.#list, index)) ?? []));
    const journal = openSync(journalFile(this.#contents.directory, this.#id), 'a', 0o600);
    try {
      writeSync(journal, Buffer.from(noted.buffer));
    } finally {
      closeSync(journal);
    }
  }

  #open(): void {
    const { directory } = this.#contents;
    const path = arrivalFile(directory, this.#id);
    const journal = journalFile(directory, this.#id);
    if (existsSync(path) && existsSync(journal)) {
      const bytes = readFileSync(journal);
      for (let at = 0; at + 4 <= bytes.length; at += 4) {
        const index = bytes.readUInt32LE(at);
        if (index < this.#have.length) this.#have[index] = 2;
      }
    }
    const file = openSync(path, existsSync(path) ? 'r+' : 'w', 0o600);
    try {
      ftruncateSync(file, bytesIn(this.#list));
    } catch (error) {
      throw this.#toError(error);
    } finally {
      closeSync(file);
    }
  }

  #file(): Promise<FileHandle> {
    return open(arrivalFile(this.#contents.directory, this.#id), 'r+');
  }

  #toError(error: unknown): unknown {
    const code = systemCode(error);
    if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
    const why = code === 'ENOSPC' ? 'the disk is full' : 'the quota is used up';
    return new AgentError(
      `Cannot write ${bytesIn(this.#list)} bytes to the store ${this.#contents.directory}: ${why} (${messageOf(error)}). Free some space there, or set \`store\` of the cluster to another place.`,
      { cause: error },
    );
  }
}

function writeList(path: string, bytes: Buffer): void {
  const part = `${path}.part`;
  const file = openSync(part, 'w', 0o600);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
  } finally {
    closeSync(file);
  }
  renameSync(part, path);
}
