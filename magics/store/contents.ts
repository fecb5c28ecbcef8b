// The contents that an agent keeps: each a file beside its list, found by its id, and chunk by chunk by whoever puts together another one. Only
// the agent that holds the lock of the state directory writes here.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, statfsSync, utimesSync } from 'node:fs';
import { basename, join } from 'node:path';
import { AgentError, messageOf } from '../protocol/errors';
import {
  CONTENT_KINDS,
  bytesIn,
  contentId,
  decodeList,
  digestAt,
  offsetsOf,
  type ChunkList,
  type ContentId,
  type ContentKind,
} from '../protocol/chunks';
import { Arrival } from './arrival';
import { FILE_CUT } from './cutting';
import { beginningOf, bytesOf, digestsOf } from './digests';
import { superseded, toDrop, type Kept } from './keeping';
import { LIST, arrivalFile, contentFile, journalFile, listFile } from './places';
import { unfinishedIn } from './unfinished';
import { holesIn } from './zeros';

export interface StoreLimits {
  readonly bytes: number;
  readonly days: number;
}

export interface ContentsOptions {
  readonly directory: string;
  readonly limits: StoreLimits;
  readonly log: (line: string) => void;
}

export interface Content extends Kept {
  readonly path: string;
  readonly list: ChunkList;
  readonly offsets: Float64Array;
}

/** Where a chunk can be read. */
export interface ChunkPlace {
  readonly content: Content;
  readonly index: number;
}

const NAME = new RegExp(`^([0-9a-f]{64})\\.(${CONTENT_KINDS.join('|')})\\.${LIST}$`);

export class Contents {
  readonly #options: ContentsOptions;
  #contents: Map<ContentId, Content> | undefined;
  readonly #chunks = new Map<string, ChunkPlace>();
  readonly #arrivals = new Map<ContentId, Arrival>();

  constructor(options: ContentsOptions) {
    this.#options = options;
  }

  get directory(): string {
    return this.#options.directory;
  }

  /** A content that is here, whole. It counts as used now. */
  find(id: ContentId): Content | undefined {
    const found = this.#all.get(id);
    if (found === undefined) return undefined;
    if (statSync(found.path, { throwIfNoEntry: false })?.size !== found.bytes) {
      this.#drop(found, 'it is gone, or has another size');
      return undefined;
    }
    this.#touch(found);
    return found;
  }

  /** As `find`. Throws AgentError when it is not here. */
  get(id: ContentId): Content {
    const found = this.find(id);
    if (found !== undefined) return found;
    throw new AgentError(
      `Content ${id.slice(0, 12)} is not in the store ${this.directory}: it was never sent there, or was removed by age or size. Send it again.`,
    );
  }

  /** Where a chunk can be read, if it is anywhere here. */
  placeOf(list: ChunkList, index: number): ChunkPlace | undefined {
    // What is on the disk is known first.
    const contents = this.#all;
    const place = this.#chunks.get(digestAt(list, index));
    return place !== undefined && contents.get(place.content.id) === place.content ? place : undefined;
  }

  /** Chunks that are in no content here. */
  lacking(list: ChunkList): number[] {
    return Array.from(list.sizes.keys()).filter((index) => this.placeOf(list, index) === undefined);
  }

  /** A content that comes in; what has come of it earlier is there still. Throws AgentError when there is no room for it. */
  arrival(id: ContentId, list: ChunkList): Arrival {
    const known = this.#arrivals.get(id);
    if (known !== undefined) return known;
    this.#makeRoom(id, list);
    const arrival = new Arrival(this, id, list);
    this.#arrivals.set(id, arrival);
    return arrival;
  }

  /** One that has begun in this life of the agent. Throws AgentError when there is none. */
  arriving(id: ContentId): Arrival {
    const arrival = this.#arrivals.get(id);
    if (arrival !== undefined) return arrival;
    throw new AgentError(`Nobody has said what content ${id.slice(0, 12)} is. Send it again.`);
  }

  /** It lies in its place, whole and checked. */
  add(id: ContentId, list: ChunkList): Content {
    this.#arrivals.delete(id);
    const content = this.#know(id, list);
    const own = digestsOf(list);
    for (const old of superseded(content, [...this.#all.values()], (one) => bytesOf(one.list, own())))
      this.#drop(old, undefined);
    return content;
  }

  /** Removes what has not been used for long, and the oldest beyond the limit of size; transfers that nobody went on with as well. */
  sweep(nowMs: number): void {
    if (existsSync(this.directory)) this.#clear(this.#options.limits, nowMs);
  }

  #clear(limits: StoreLimits, nowMs: number, except?: ContentId): void {
    const contents = [...this.#all.values()];
    const unfinished = unfinishedIn(this.directory).filter(({ id }) => id !== except);
    for (const { id } of toDrop<Kept>([...contents, ...unfinished], limits, nowMs)) {
      const content = this.#all.get(id);
      if (content === undefined) this.#forgetArrival(id);
      else this.#drop(content, undefined);
    }
  }

  #forgetArrival(id: ContentId): void {
    this.#arrivals.delete(id);
    for (const path of [arrivalFile(this.directory, id), journalFile(this.directory, id)])
      rmSync(path, { force: true });
  }

  get #all(): Map<ContentId, Content> {
    if (this.#contents === undefined) {
      this.#contents = new Map();
      mkdirSync(this.directory, { recursive: true, mode: 0o700 });
      const names = readdirSync(this.directory);
      for (const name of names) this.#load(name);
      // What a crash has left without its list.
      const known = new Set([...this.#contents.values()].map(({ path }) => basename(path)));
      for (const name of names)
        if (name.endsWith('.content') && !known.has(name)) rmSync(join(this.directory, name), { force: true });
    }
    return this.#contents;
  }

  #load(name: string): void {
    const [, hex, kind] = NAME.exec(name) ?? [];
    if (hex === undefined || kind === undefined) return;
    try {
      const id = contentId(hex, name);
      const found = CONTENT_KINDS.find((one) => one === kind) ?? 'file';
      const list = decodeList(found, readFileSync(join(this.directory, name)), id);
      if (statSync(contentFile(this.directory, id), { throwIfNoEntry: false })?.size !== bytesIn(list))
        throw new AgentError('its file is gone, or has another size');
      this.#know(id, list);
    } catch (error) {
      // A crash between two steps: it is sent again.
      this.#options.log(`store: ${name} was left away: ${messageOf(error)}`);
      rmSync(join(this.directory, name), { force: true });
      rmSync(contentFile(this.directory, hex), { force: true });
    }
  }

  #know(id: ContentId, list: ChunkList): Content {
    const path = contentFile(this.directory, id);
    const usedAt = statSync(listFile(this.directory, id, list.kind)).mtimeMs;
    const content: Content = {
      id,
      kind: list.kind,
      bytes: bytesIn(list),
      usedAt,
      path,
      list,
      offsets: offsetsOf(list),
    };
    (this.#contents ??= new Map()).set(id, content);
    for (let index = 0; index < list.sizes.length; index++) this.#chunks.set(digestAt(list, index), { content, index });
    return content;
  }

  #touch(content: Content): void {
    const now = new Date();
    utimesSync(listFile(this.directory, content.id, content.kind), now, now);
    this.#all.set(content.id, Object.assign(content, { usedAt: now.getTime() }));
  }

  #drop(content: Content, why: string | undefined): void {
    if (why !== undefined) this.#options.log(`store: ${content.id.slice(0, 12)} is let go: ${why}`);
    this.#all.delete(content.id);
    rmSync(listFile(this.directory, content.id, content.kind), { force: true });
    rmSync(content.path, { force: true });
    // By their first bytes, which are quickly compared: a store may hold a million chunks.
    const lost = new Set<number>();
    content.list.sizes.forEach((_, index) => {
      const key = digestAt(content.list, index);
      if (this.#chunks.get(key)?.content !== content) return;
      this.#chunks.delete(key);
      lost.add(beginningOf(content.list, index));
    });
    if (lost.size === 0) return;
    // Chunks that another content has as well are found there from now on.
    for (const other of this.#all.values())
      for (let index = 0; index < other.list.sizes.length; index++) {
        if (!lost.has(beginningOf(other.list, index))) continue;
        const key = digestAt(other.list, index);
        if (!this.#chunks.has(key)) this.#chunks.set(key, { content: other, index });
      }
  }

  /** The limit is for what is kept: what somebody sends now may be more, if there is room for it, and goes again later. */
  #makeRoom(id: ContentId, list: ChunkList): void {
    const { limits } = this.#options;
    const bytes = bytesIn(list);
    this.#clear({ ...limits, bytes: limits.bytes - bytes }, Date.now(), id);
    const used = [...this.#all.values()].reduce((sum, content) => sum + content.bytes, 0);
    if (used + bytes <= limits.bytes) return;
    const holes = holesIn(list, offsetsOf(list), FILE_CUT.largest);
    const needed = holes.reduce((sum, [from, to]) => sum - (to - from), bytes);
    const { bavail, bsize } = statfsSync(this.directory);
    if (needed <= bavail * bsize) return;
    const gb = (amount: number): string => `${(amount / 1e9).toPrecision(3)} GB`;
    throw new AgentError(
      `There is no room for ${gb(needed)} in the store ${this.directory}: ${gb(bavail * bsize)} are left there, and ${gb(used)} in the store were used within the last hour. ` +
        `Free some space, or set \`store\` of the cluster to another place.`,
    );
  }
}

export type { ContentKind };
