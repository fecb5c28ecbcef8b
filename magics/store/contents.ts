// The contents that an agent keeps: each a file beside its list, found by its id, and chunk by chunk by whoever puts together another one. Only
// the agent that holds the lock of the state directory writes here.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AgentError, messageOf } from '../protocol/errors';
import { parseJson, record, text } from '../protocol/shape';
import {
  CONTENT_KINDS,
  bytesIn,
  contentId,
  decodeList,
  offsetsOf,
  type ChunkList,
  type ContentId,
  type ContentKind,
} from '../protocol/chunks';
import { Arrival } from './arrival';
import { FILE_CUT } from './cutting';
import { ChunkIndex, type ChunkPlace } from './chunk-index';
import { bytesOf, digestsOf } from './digests';
import { superseded, toDrop, type Kept } from './keeping';
import { removeArrival, type Target } from './arrival-file';
import { LIST, arrivalFile, contentFile, journalFile, lentFile, listFile, writeList, writeNote } from './places';
import { stampOf } from './seen';
import { unfinishedIn } from './unfinished';
import { gb, leftIn, refuseFull } from './room';
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
  /**
   * By what its file is known again, when that is not the store's but somebody's, who may change it: whoever makes anything of its bytes looks at their
   * digests first.
   */
  readonly lent?: string;
}

/** A content that is told while it is being read. */
export interface Announced {
  readonly kind: ContentKind;
  readonly bytes: number;
  /** What it takes without its holes. */
  readonly diskBytes: number;
  /** Where it is to be; undefined: in the store. */
  readonly target?: Target;
}

const lentNote = record({ path: text, stamp: text });

const NAME = new RegExp(`^([0-9a-f]{64})\\.(${CONTENT_KINDS.join('|')})\\.${LIST}$`);

export class Contents {
  readonly #options: ContentsOptions;
  #contents: Map<ContentId, Content> | undefined;
  readonly #chunks = new ChunkIndex<Content>();
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
    const stats = statSync(found.path, { throwIfNoEntry: false });
    // Much of it may still be as it was, for whoever copies chunk by chunk.
    if (found.lent !== undefined && stats !== undefined && stampOf(stats).text !== found.lent) return undefined;
    if (stats?.size !== found.bytes) {
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
  placeOf(list: ChunkList, index: number): ChunkPlace<Content> | undefined {
    // What is on the disk is known first.
    const contents = this.#all;
    const place = this.#chunks.find(list, index);
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
    const offsets = offsetsOf(list);
    const holes = holesIn(list, offsets, FILE_CUT.largest);
    const needed = holes.reduce((sum, [from, to]) => sum - (to - from), bytesIn(list));
    this.#makeRoom(id, bytesIn(list), needed);
    const arrival = new Arrival(this, { name: id, kind: list.kind, bytes: bytesIn(list) });
    arrival.grow(0, list);
    this.#arrivals.set(id, arrival);
    return arrival;
  }

  /**
   * One whose list comes in parts, and whose id at the end: `transfer` is what its sender calls it, the same when it is begun again. Throws AgentError when
   * there is no room for it.
   */
  announce(transfer: ContentId, { kind, bytes, diskBytes, target }: Announced): void {
    const known = this.#arrivals.get(transfer);
    const isSame = known?.target?.path === target?.path && known?.target?.mode === target?.mode;
    if (known !== undefined && isSame && known.target?.replace === target?.replace) return;
    this.#open();
    if (target === undefined) this.#makeRoom(transfer, bytes, diskBytes);
    else refuseFull(dirname(target.path), diskBytes);
    const arrival = new Arrival(this, { name: transfer, kind, bytes, ...(target === undefined ? {} : { target }) });
    this.#arrivals.set(transfer, arrival);
  }

  /**
   * What its sender has called by a name of its own is this content, and gathered by its id from now on. Gives whether it is where it should be already.
   * Throws AgentError when nobody has announced it, ProtocolError when it is another one.
   */
  complete(transfer: ContentId, id: ContentId): boolean {
    const arrival = this.#arrivals.get(transfer);
    // Said again after a lost answer.
    if (arrival === undefined) return !this.isArriving(id) && this.get(id).id === id;
    const here = this.find(id);
    const isThere = arrival.target === undefined ? here !== undefined : here?.path === arrival.target.path;
    if (isThere) {
      this.#forgetArrival(transfer);
      return true;
    }
    this.#arrivals.delete(transfer);
    arrival.complete(id);
    // Another sender's may be under way: they are the same by now.
    this.#arrivals.set(id, arrival);
    return false;
  }

  isArriving(id: ContentId): boolean {
    return this.#arrivals.has(id);
  }

  /** A content that lies at a place of somebody's, as it was put there. */
  lentAt(path: string): Content | undefined {
    const found = [...this.#all.values()].find((one) => one.lent !== undefined && one.path === path);
    return found === undefined ? undefined : this.find(found.id);
  }

  /** One that has begun in this life of the agent. Throws AgentError when there is none. */
  arriving(id: ContentId): Arrival {
    const arrival = this.#arrivals.get(id);
    if (arrival !== undefined) return arrival;
    throw new AgentError(`Nobody has said what content ${id.slice(0, 12)} is. Send it again.`);
  }

  /** It lies in its place, whole and checked: in the store, or at a target. */
  add(id: ContentId, list: ChunkList, target?: Target): Content {
    this.#arrivals.delete(id);
    const known = this.#all.get(id);
    if (target !== undefined && known !== undefined && known.lent === undefined) return known;
    const content = target === undefined ? this.#keep(id, list) : this.#note(id, list, target.path);
    const own = digestsOf(list);
    for (const old of superseded(content, [...this.#all.values()], (one) => bytesOf(one.list, own())))
      this.#drop(old, undefined);
    return content;
  }

  #keep(id: ContentId, list: ChunkList): Content {
    rmSync(lentFile(this.directory, id), { force: true });
    return this.#know(id, list);
  }

  /** What lies there is of use for what is sent later, and belongs to somebody else. */
  #note(id: ContentId, list: ChunkList, path: string): Content {
    const lent = stampOf(statSync(path)).text;
    // What lay there before is gone.
    for (const other of [...this.#all.values()])
      if (other.lent !== undefined && other.path === path && other.id !== id) this.#drop(other, undefined);
    writeNote(lentFile(this.directory, id), JSON.stringify({ path, stamp: lent }));
    writeList(this.directory, id, list);
    return this.#know(id, list, { path, lent });
  }

  /** Removes what has not been used for long, and the oldest beyond the limit of size; transfers that nobody went on with as well. */
  sweep(nowMs: number): void {
    if (existsSync(this.directory)) this.#clear(this.#options.limits, nowMs);
  }

  #clear(limits: StoreLimits, nowMs: number, except?: ContentId): void {
    // What lies elsewhere takes nothing here.
    const contents = Array.from(this.#all.values(), ({ id, kind, bytes, usedAt, lent }) => ({
      ...{ id, kind, usedAt },
      bytes: lent === undefined ? bytes : 0,
    }));
    const unfinished = unfinishedIn(this.directory).filter(({ id }) => id !== except);
    for (const { id } of toDrop<Kept>([...contents, ...unfinished], limits, nowMs)) {
      const content = this.#all.get(id);
      if (content === undefined) this.#forgetArrival(id);
      else this.#drop(content, undefined);
    }
  }

  #forgetArrival(id: ContentId): void {
    this.#arrivals.delete(id);
    removeArrival(arrivalFile(this.directory, id));
    rmSync(journalFile(this.directory, id), { force: true });
  }

  get #all(): Map<ContentId, Content> {
    return this.#open();
  }

  /** What is on the disk is known from then on, and the folder is there. */
  #open(): Map<ContentId, Content> {
    if (this.#contents === undefined) {
      this.#contents = new Map();
      mkdirSync(this.directory, { recursive: true, mode: 0o700 });
      const names = readdirSync(this.directory);
      for (const name of names) this.#load(name);
      // What a crash has left without its list.
      const known = new Set<string>();
      for (const { id, path, lent } of this.#contents.values())
        known.add(basename(lent === undefined ? path : lentFile(this.directory, id)));
      for (const name of names)
        if (/\.(?:content|lent)$/.test(name) && !known.has(name)) rmSync(join(this.directory, name), { force: true });
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
      const note = lentFile(this.directory, id);
      if (existsSync(note)) {
        const { path, stamp: lent } = parseJson(readFileSync(note, 'utf8'), lentNote, note);
        if (!existsSync(path)) throw new AgentError(`${path} is gone`);
        this.#know(id, list, { path, lent });
        return;
      }
      if (statSync(contentFile(this.directory, id), { throwIfNoEntry: false })?.size !== bytesIn(list))
        throw new AgentError('its file is gone, or has another size');
      this.#know(id, list);
    } catch (error) {
      // A crash between two steps: it is sent again.
      this.#options.log(`store: ${name} was left away: ${messageOf(error)}`);
      rmSync(join(this.directory, name), { force: true });
      for (const path of [contentFile(this.directory, hex), lentFile(this.directory, hex)])
        rmSync(path, { force: true });
    }
  }

  #know(id: ContentId, list: ChunkList, elsewhere?: { readonly path: string; readonly lent: string }): Content {
    const usedAt = statSync(listFile(this.directory, id, list.kind)).mtimeMs;
    const content: Content = {
      id,
      kind: list.kind,
      bytes: bytesIn(list),
      usedAt,
      ...(elsewhere ?? { path: contentFile(this.directory, id) }),
      list,
      offsets: offsetsOf(list),
    };
    (this.#contents ??= new Map()).set(id, content);
    this.#chunks.add(content);
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
    rmSync(content.lent === undefined ? content.path : lentFile(this.directory, content.id), { force: true });
    this.#chunks.remove(content, this.#all.values());
  }

  /** The limit is for what is kept: what somebody sends now may be more, if there is room for it, and goes again later. */
  #makeRoom(id: ContentId, bytes: number, diskBytes: number): void {
    const { limits } = this.#options;
    this.#clear({ ...limits, bytes: limits.bytes - bytes }, Date.now(), id);
    const used = [...this.#all.values()].reduce((sum, each) => (each.lent === undefined ? sum + each.bytes : sum), 0);
    if (used + bytes <= limits.bytes) return;
    const left = leftIn(this.directory);
    if (diskBytes <= left) return;
    throw new AgentError(
      `There is no room for ${gb(diskBytes)} in the store ${this.directory}: ${gb(left)} are left there, and ${gb(used)} in the store were used within the last hour. ` +
        `Free some space, or set \`store\` of the cluster to another place.`,
    );
  }
}

export type { ContentKind };
