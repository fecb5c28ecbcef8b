// What the agent answers about bytes (protocol/messages.ts): those of its own store, and for clients of this machine those of any cluster's.
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { LinkClosed, type AgentConnection } from '../client';
import {
  bytesIn,
  decodeList,
  decodePart,
  encodeList,
  offsetsOf,
  parseRanges,
  toRanges,
  type ContentId,
} from '../protocol/chunks';
import { AgentError, TransportError, UsageError } from '../protocol/errors';
import type { JobRecord } from '../protocol/job';
import type { CallParams, CallResult, StreamEvent, StreamParams } from '../protocol/messages';
import {
  containerPart,
  filePart,
  lookAt,
  place,
  readAsContent,
  readPiece,
  receive,
  refuseTaken,
  scan,
  toPieces,
  type ContentSource,
  type Contents,
  type Receiver,
} from '../store';
import type { StreamItem } from './answers';
import { here } from './host-paths';
import { readJobFile } from './files';
import { relay } from './relay';
import { Sending, toNews } from './sending';
import { Turns } from './turns';

export interface StoreFacts {
  readonly contents: Contents;
  readonly seenDirectory: string;
  readonly job: (id: string) => JobRecord;
  /** The agent of a cluster's machine; undefined: this one. Throws UsageError when there is no such cluster. */
  readonly agentOf: (cluster: string, signal: AbortSignal) => Promise<AgentConnection | undefined>;
}

/** Described contents that may be asked for. */
const OFFERED = 64;
const PAUSES_MS = [500, 1000, 2000, 4000, 8000, 16_000] as const;

type Known = CallResult<'offer'>;

export class StoreAnswers {
  readonly #facts: StoreFacts;
  readonly #described = new Map<ContentId, ContentSource>();
  readonly #turns = new Turns();

  constructor(facts: StoreFacts) {
    this.#facts = facts;
  }

  offer({ content, kind, bytes }: CallParams<'offer'>, list: Buffer | undefined): Known {
    const { contents } = this.#facts;
    if (contents.find(content) !== undefined) return { state: 'whole' };
    // The empty content has an empty list, and an empty frame has no bytes beside.
    if (list === undefined && bytes > 0) return { state: 'unknown' };
    const chunks = decodeList(kind, list ?? Buffer.alloc(0), content);
    if (bytesIn(chunks) !== bytes)
      throw new UsageError(`Content ${content.slice(0, 12)} has another size than its list.`);
    return { state: 'lacks', chunks: toRanges(contents.arrival(content, chunks).lacks()) };
  }

  lacking({ content, kind }: CallParams<'lacking'>, list: Buffer | undefined): CallResult<'lacking'> {
    return { chunks: toRanges(this.#facts.contents.lacking(decodeList(kind, list ?? Buffer.alloc(0), content))) };
  }

  announce({ transfer, target, ...what }: CallParams<'announce'>): void {
    const { contents } = this.#facts;
    if (target === undefined) {
      contents.announce(transfer, what);
      return;
    }
    const { path, replace = false, mode = 0o644 } = target;
    const place = { path: here(path), replace, mode };
    // It may have been sent before, and only the last answer was lost: that is seen when all is told.
    refuseTaken(place, contents.lentAt(place.path)?.bytes === what.bytes);
    contents.announce(transfer, { ...what, target: place });
  }

  tell({ transfer, from }: CallParams<'tell'>, list: Buffer = Buffer.alloc(0)): CallResult<'tell'> {
    const arrival = this.#facts.contents.arriving(transfer);
    return { chunks: toRanges(arrival.grow(from, decodePart(arrival.kind, list))) };
  }

  complete({ transfer, content }: CallParams<'complete'>): Known {
    return this.#facts.contents.complete(transfer, content)
      ? { state: 'whole' }
      : { state: 'lacks', chunks: toRanges(this.#facts.contents.arriving(content).lacks()) };
  }

  async bring({ content, chunks }: CallParams<'bring'>, bytes: Buffer | undefined): Promise<void> {
    const { contents } = this.#facts;
    // Brought again after a lost answer, when it was the last piece.
    if (contents.find(content) === undefined) await contents.arriving(content).take(chunks, bytes ?? Buffer.alloc(0));
  }

  gather({ content }: StreamParams<'gather'>, stop: AbortSignal): AsyncIterable<StreamItem> {
    return relay<StreamEvent<'gather'>>(stop, async (tell) => {
      const known = await this.#gather(content, stop, (bytes, of) => tell({ kind: 'copied', bytes, of }));
      return { event: { kind: 'known', known } satisfies StreamEvent<'gather'> };
    });
  }

  describe({ what }: StreamParams<'describe'>, stop: AbortSignal): AsyncIterable<StreamItem> {
    return relay<StreamEvent<'describe'>>(stop, async (tell) => {
      const options = { signal: stop, progress: (bytes: number) => tell({ kind: 'read', bytes }) };
      if (what.kind === 'path') {
        const { source, mode } = await readAsContent(here(what.path), this.#facts.seenDirectory, {
          ...options,
          ...(what.only === undefined ? {} : { only: what.only }),
        });
        return this.#toItem(source, mode);
      }
      const file = await readJobFile(this.#facts.job(what.id), what.file, options);
      if (file === undefined) return undefined;
      if (file.kind === 'content') return this.#toItem(file.source, undefined);
      return {
        event: { kind: 'whole', sha256: file.sha256 } satisfies StreamEvent<'describe'>,
        bytes: file.bytes,
      };
    });
  }

  async *give({ content, chunks }: StreamParams<'give'>): AsyncGenerator<StreamItem> {
    const source = this.#described.get(content);
    if (source === undefined)
      throw new AgentError(`Nobody has asked lately what content ${content.slice(0, 12)} is. Ask for it again.`);
    for (const piece of toPieces(parseRanges(chunks, source.list.sizes.length), source.list.sizes))
      yield { event: { chunks: toRanges(piece) }, bytes: await readPiece(source, piece) };
  }

  send(params: StreamParams<'send'>, stop: AbortSignal): AsyncIterable<StreamItem> {
    const { cluster, path, only, to } = params;
    return relay<StreamEvent<'send'>>(stop, async (tell) => {
      const looked = await lookAt(here(path), this.#facts.seenDirectory, {
        signal: stop,
        ...(only === undefined ? {} : { only }),
      });
      const sending = new Sending(looked, here(path), to, tell, this.#turns);
      const sent = await this.#persistently(cluster, stop, async (agent, isAgain) => {
        if (agent !== undefined) return await sending.sendTo(agent.store, isAgain, stop);
        // Nothing has to come over: no copy in between is of any use.
        if (to !== undefined) return await sending.putHere({ ...to, path: here(to.path) }, stop);
        return await sending.sendTo(this.#own(), isAgain, stop);
      });
      return contentItem(sent, sent.sentBytes, looked.mode);
    });
  }

  compare({ cluster, path, kind }: StreamParams<'compare'>, stop: AbortSignal): AsyncIterable<StreamItem> {
    return relay<StreamEvent<'compare'>>(stop, async (tell) => {
      let read = 0;
      const progress = (bytes: number): void => {
        tell({ kind: 'read', bytes: (read += bytes) });
      };
      const part = kind === 'bundle' ? containerPart(here(path)) : filePart(here(path), statSync(here(path)).size);
      const source = await scan(kind, [part], { signal: stop, progress });
      const agent = await this.#facts.agentOf(cluster, stop);
      const lacks = agent === undefined ? [] : await lackingOf(source, agent);
      return { event: { kind: 'compared', bytes: source.bytes, lacks } satisfies StreamEvent<'compare'> };
    });
  }

  fetch(params: StreamParams<'fetch'>, stop: AbortSignal): AsyncIterable<StreamItem> {
    const { cluster, path, only } = params;
    const { contents } = this.#facts;
    return relay<StreamEvent<'fetch'>>(stop, async (tell) =>
      this.#persistently(cluster, stop, async (agent) => {
        if (agent === undefined) return await this.#copyHere(params, stop, tell);
        const what = { kind: 'path' as const, path, ...(only === undefined ? {} : { only }) };
        const found = await agent.store.describe(what, stop, (bytes) => tell({ kind: 'read', bytes }));
        if (found?.kind !== 'content') throw new UsageError(`Cannot fetch ${path}: there is nothing of that name.`);
        const list = decodeList(found.content.kind, found.list, found.content.content);
        const options = { signal: stop, progress: toNews(tell) };
        const received = await receive(found.content.content, list, agent.store, contents, options);
        await place(received.content, here(params.to), toPlaceOptions(params, found.mode, stop));
        return contentItem(
          { content: received.content.id, kind: list.kind, bytes: received.content.bytes },
          received.sentBytes,
          found.mode,
        );
      }),
    );
  }

  place(params: StreamParams<'place'>, stop: AbortSignal): AsyncIterable<StreamItem> {
    const { cluster, ...rest } = params;
    const placeHere = async (): Promise<StreamItem> => {
      const content = this.#facts.contents.get(params.content);
      const options = { ...toPlaceOptions(params, params.mode, stop), isAgain: params.again === true };
      return { event: await place(content, here(params.path), options) };
    };
    if (cluster === undefined) return relay(stop, placeHere);
    return relay(stop, () =>
      this.#persistently(cluster, stop, async (agent, isAgain) => {
        if (agent === undefined) return await placeHere();
        return { event: await agent.store.place(isAgain ? { ...rest, again: true } : rest, stop) };
      }),
    );
  }

  async #gather(id: ContentId, signal: AbortSignal, progress: (bytes: number, of: number) => void): Promise<Known> {
    const { contents } = this.#facts;
    if (!contents.isArriving(id) && contents.find(id) !== undefined) return { state: 'whole' };
    const gathered = await contents.arriving(id).gather(id, signal, progress);
    return gathered.state === 'whole' ? gathered : { state: 'lacks', chunks: toRanges(gathered.indices) };
  }

  /** This agent's own store, as another agent sees it. */
  #own(): Receiver {
    return {
      offer: (content, list) => Promise.resolve(this.offer(content, list)),
      bring: async (content, chunks, bytes) => {
        await this.bring({ content, chunks }, bytes);
      },
      gather: (content, signal, progress) => this.#gather(content, signal, progress),
    };
  }

  /** What lies on this machine is copied as it is. */
  async #copyHere(
    { path, to, only, replace = false }: StreamParams<'fetch'>,
    signal: AbortSignal,
    tell: (news: StreamEvent<'fetch'>) => void,
  ): Promise<StreamItem> {
    const options = { signal, ...(only === undefined ? {} : { only }) };
    const looked = await lookAt(here(path), this.#facts.seenDirectory, options);
    const sending = new Sending(looked, here(path), undefined, tell, this.#turns);
    const source = await sending.putHere({ path: here(to), replace }, signal);
    return contentItem(source, 0, looked.mode);
  }

  #toItem(source: ContentSource, mode: number | undefined): StreamItem {
    const { content, kind, bytes } = source;
    this.#described.delete(content);
    this.#described.set(content, source);
    const [oldest] = this.#described.keys();
    if (this.#described.size > OFFERED && oldest !== undefined) this.#described.delete(oldest);
    const event = {
      kind: 'content' as const,
      content: { content, kind, bytes },
      ...(mode === undefined ? {} : { mode }),
    };
    return { event: event satisfies StreamEvent<'describe'>, bytes: encodeList(source.list) };
  }

  /** A lost connection is made again a few times: each try goes on where the last one was. */
  async #persistently<T>(
    cluster: string,
    signal: AbortSignal,
    work: (agent: AgentConnection | undefined, isAgain: boolean) => Promise<T>,
  ): Promise<T> {
    for (const [turn, pause] of PAUSES_MS.entries()) {
      try {
        return await work(await this.#facts.agentOf(cluster, signal), turn > 0);
      } catch (error) {
        signal.throwIfAborted();
        const isLost = error instanceof LinkClosed || (error instanceof TransportError && error.transient);
        if (!isLost) throw error;
        await sleep(pause, undefined, { signal });
      }
    }
    return await work(await this.#facts.agentOf(cluster, signal), true);
  }
}

/** Offsets and lengths, in turns, of what another agent has not; neighbours as one. */
async function lackingOf(source: ContentSource, { store }: AgentConnection): Promise<number[]> {
  const indices = parseRanges(await store.lacking(source, encodeList(source.list)), source.list.sizes.length);
  const offsets = offsetsOf(source.list);
  const lacks: number[] = [];
  for (const index of indices) {
    const start = offsets[index] ?? 0;
    const end = offsets[index + 1] ?? start;
    const [before = 0, length = 0] = lacks.slice(-2);
    if (lacks.length > 0 && before + length === start) lacks[lacks.length - 1] = end - before;
    else lacks.push(start, end - start);
  }
  return lacks;
}

function toPlaceOptions({ replace }: { readonly replace?: boolean }, mode: number | undefined, signal: AbortSignal) {
  return { signal, ...(replace === undefined ? {} : { replace }), ...(mode === undefined ? {} : { mode }) };
}

function contentItem(
  { content, kind, bytes }: Pick<ContentSource, 'content' | 'kind' | 'bytes'>,
  sentBytes: number,
  mode: number | undefined,
): StreamItem {
  const event = { kind: 'content', content: { content, kind, bytes }, sentBytes };
  return { event: { ...event, ...(mode === undefined ? {} : { mode }) } };
}
