// What can be asked about bytes. Four verbs are for everyone at the home agent: `send` to a cluster, `place` there, `fetch` from there, `compare` what is there. The others are
// what two agents say to each other for that (magics/store).
import { ProtocolError } from '../protocol/errors';
import type { ContentId, ContentReference } from '../protocol/chunks';
import {
  STREAMS,
  type CallName,
  type CallParams,
  type CallResult,
  type Readable,
  type StreamEvent,
  type StreamName,
  type StreamParams,
} from '../protocol/messages';
import { LinkClosed, type LinkEvent } from './link';

/** How a connection asks. */
export interface Asks {
  call<M extends CallName>(method: M, params: CallParams<M>, bytes?: Buffer): Promise<CallResult<M>>;
  events(method: StreamName, params: unknown, signal: AbortSignal): AsyncGenerator<LinkEvent>;
}

type Known = CallResult<'offer'>;

/** Bytes that were read here, bytes that went over the connection, or bytes that were there already and are put together; of so many. */
export type Progress =
  | { readonly kind: 'read'; readonly bytes: number }
  | { readonly kind: 'sent' | 'copied'; readonly bytes: number; readonly of: number };

export interface Transferred extends ContentReference {
  /** What had to go over the connection; the rest was there. */
  readonly sentBytes: number;
  /** Of a file, its lowest nine bits; a tree has those of its entries. */
  readonly mode?: number;
}

export interface TransferOptions {
  readonly signal: AbortSignal;
  readonly progress?: (progress: Progress) => void;
}

export type Described =
  | { readonly kind: 'content'; readonly content: ContentReference; readonly list: Buffer; readonly mode?: number }
  /** A small file, as it is. */
  | { readonly kind: 'whole'; readonly sha256: string; readonly bytes: Buffer };

const ATTEMPTS = 4;

export class StoreVerbs {
  readonly #asks: Asks;

  constructor(asks: Asks) {
    this.#asks = asks;
  }

  /**
   * A file or a directory of this machine to a cluster's store; of a directory all, or `only` these relative paths. What is there already is not
   * sent, and a lost connection is gone on with. The content's id is for `place`, or a job's `inputs`; it stays for an hour at least. With `to` it goes to an
   * absolute path of the cluster (`~/` is the home there), whole, by rename, without a copy in between.
   * Throws UsageError for a path that cannot be sent, or when there is something at `to` already (with `replace` a file takes the place of a file),
   * TransportError, AgentError when there is no room.
   */
  send(
    what: {
      readonly cluster: string;
      readonly path: string;
      readonly only?: readonly string[];
      readonly to?: { readonly path: string; readonly replace?: boolean };
    },
    options: TransferOptions,
  ): Promise<Transferred> {
    return this.#transfer('send', what, options);
  }

  /**
   * The other way: a file or a directory of a cluster to a path of this machine, whole, by rename. Both paths are absolute; `~/` is the home there.
   * Throws UsageError when there is something at `to` already; with `replace` a file takes the place of a file.
   */
  fetch(
    what: {
      readonly cluster: string;
      readonly path: string;
      readonly to: string;
      readonly only?: readonly string[];
      readonly replace?: boolean;
    },
    options: TransferOptions,
  ): Promise<Transferred> {
    return this.#transfer('fetch', what, options);
  }

  /** A content that was sent, to an absolute path of its cluster (`~/` is the home there). Throws UsageError when there is something at `path` already. */
  async place(
    what: {
      readonly content: ContentId;
      readonly path: string;
      readonly cluster?: string;
      readonly replace?: boolean;
      /** Of a file; 0o644 otherwise. */
      readonly mode?: number;
      /** This was asked before, and no answer came. */
      readonly again?: boolean;
    },
    signal: AbortSignal,
  ): Promise<StreamEvent<'place'>> {
    for (let attempt = 1; ; attempt++) {
      try {
        const params = attempt === 1 ? what : { ...what, again: true };
        for await (const { value } of this.#asks.events('place', params, signal))
          return STREAMS.place.event(value, 'place');
        throw noAnswer('place', signal);
      } catch (error) {
        // It may have been done, and only its answer was lost.
        if (!(error instanceof LinkClosed) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** How much of a file of this machine a cluster has not: offsets and lengths, in turns. Nothing is sent. Throws TransportError. */
  async compare(
    what: StreamParams<'compare'>,
    { signal, progress }: TransferOptions,
  ): Promise<{ readonly bytes: number; readonly lacks: readonly number[] }> {
    for await (const { value } of this.#asks.events('compare', what, signal)) {
      const event = STREAMS.compare.event(value, 'compare');
      if (event.kind === 'compared') return event;
      progress?.(event);
    }
    throw noAnswer('compare', signal);
  }

  /** Which chunks the store has not, as toRanges writes them. */
  async lacking({ content, kind, bytes }: ContentReference, list: Buffer): Promise<string> {
    return (await this.#asks.call('lacking', { content, kind, bytes }, list)).chunks;
  }

  offer({ content, kind, bytes }: ContentReference, list?: Buffer): Promise<Known> {
    return this.#asks.call('offer', { content, kind, bytes }, list);
  }

  async bring(content: ContentId, chunks: string, bytes: Buffer): Promise<void> {
    await this.#asks.call('bring', { content, chunks }, bytes);
  }

  async announce(transfer: ContentId, what: Omit<CallParams<'announce'>, 'transfer'>): Promise<void> {
    await this.#asks.call('announce', { transfer, ...what });
  }

  async tell(transfer: ContentId, from: number, list: Buffer): Promise<string> {
    return (await this.#asks.call('tell', { transfer, from }, list)).chunks;
  }

  complete(transfer: ContentId, content: ContentId): Promise<Known> {
    return this.#asks.call('complete', { transfer, content });
  }

  async gather(content: ContentId, signal: AbortSignal, progress: (bytes: number, of: number) => void): Promise<Known> {
    for await (const { value } of this.#asks.events('gather', { content }, signal)) {
      const event = STREAMS.gather.event(value, 'gather');
      if (event.kind === 'known') return event.known;
      progress(event.bytes, event.of);
    }
    throw noAnswer('gather', signal);
  }

  /** A content of the store becomes a job's bundle. */
  async put(id: string, content: ContentId): Promise<void> {
    await this.#asks.call('put', { from: 'store', id, content });
  }

  /** A small bundle as it is. */
  async putWhole(id: string, sha256: string, bytes: Buffer): Promise<void> {
    await this.#asks.call('put', { from: 'message', id, sha256 }, bytes);
  }

  /** undefined: it is not there. */
  async describe(
    what: Readable,
    signal: AbortSignal,
    progress: (bytes: number) => void = () => undefined,
  ): Promise<Described | undefined> {
    for await (const { value, bytes = Buffer.alloc(0) } of this.#asks.events('describe', { what }, signal)) {
      const event = STREAMS.describe.event(value, 'describe');
      if (event.kind === 'content') return { ...event, list: bytes };
      if (event.kind === 'whole') return { kind: 'whole', sha256: event.sha256, bytes };
      progress(event.bytes);
    }
    signal.throwIfAborted();
    return undefined;
  }

  /** Chunks of what was described, in pieces of neighbours. Throws LinkClosed when the connection is lost. */
  async *give(
    content: ContentId,
    chunks: string,
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly chunks: string; readonly bytes: Buffer }> {
    for await (const { value, bytes = Buffer.alloc(0) } of this.#asks.events('give', { content, chunks }, signal))
      yield { ...STREAMS.give.event(value, 'give'), bytes };
    signal.throwIfAborted();
  }

  async #transfer<M extends 'send' | 'fetch'>(
    method: M,
    params: StreamParams<M>,
    { signal, progress }: TransferOptions,
  ): Promise<Transferred> {
    for (let attempt = 1; ; attempt++) {
      try {
        for await (const { value } of this.#asks.events(method, params, signal)) {
          const event = STREAMS[method].event(value, method);
          if (event.kind === 'content') {
            const { content, sentBytes, mode } = event;
            return { ...content, sentBytes, ...(mode === undefined ? {} : { mode }) };
          }
          progress?.(event);
        }
        throw noAnswer(method, signal);
      } catch (error) {
        // The next agent knows how far it has come.
        if (!(error instanceof LinkClosed) || attempt === ATTEMPTS) throw error;
      }
    }
  }
}

function noAnswer(method: string, signal: AbortSignal): unknown {
  return signal.aborted ? signal.reason : new ProtocolError(`The agent ended "${method}" without an answer.`);
}
