// A file or a tree of this machine on its way to a cluster, as the home agent sends it. What has to be read anyway goes while it is read; what is known from
// last time is only asked for.
import type { ContentReference } from '../protocol/chunks';
import type { StreamEvent, StreamParams } from '../protocol/messages';
import {
  Reading,
  nameTransfer,
  putFound,
  readAll,
  send,
  sendWhileReading,
  type ContentSource,
  type LookedAt,
  type Receiver,
  type SendProgress,
  type Sent,
  type StreamReceiver,
} from '../store';
import type { StoreVerbs } from '../client';
import type { Turns } from './turns';

type Target = NonNullable<StreamParams<'send'>['to']>;
type Tell = (news: Exclude<StreamEvent<'send'>, { kind: 'content' }>) => void;

/** Less is read before the first questions are answered. */
const STREAM_BYTES = 16 * 1024 * 1024;

/** Another agent, or this one's own store, which only takes what was read. */
type To = Receiver & Partial<StreamReceiver> & Partial<Pick<StoreVerbs, 'place'>>;

export class Sending {
  readonly #looked: LookedAt;
  readonly #path: string;
  readonly #target: Target | undefined;
  readonly #tell: Tell;
  readonly #turns: Turns;
  readonly #reading: Reading | undefined;
  #source: ContentSource | undefined;

  /** `turns`: of all that is sent from here. */
  constructor(looked: LookedAt, path: string, target: Target | undefined, tell: Tell, turns: Turns) {
    this.#looked = looked;
    this.#path = path;
    this.#target = target;
    this.#tell = tell;
    this.#turns = turns;
    if (looked.unreadBytes >= STREAM_BYTES) this.#reading = new Reading(looked.found);
  }

  /** Called again after the connection was lost (`isAgain`), it goes on where it was. */
  async sendTo(to: To, isAgain: boolean, signal: AbortSignal): Promise<Sent> {
    const options = { signal, progress: toNews(this.#tell) };
    if (this.#reading !== undefined && this.#source === undefined && canStream(to)) {
      const sent = await this.#stream(this.#reading, to, options);
      if (this.#isFile) return sent;
      await this.#place(sent, to, isAgain, signal);
      return sent;
    }
    const sent = await send(await this.#read(signal), to, options);
    await this.#place(sent, to, isAgain, signal);
    return sent;
  }

  /** To a path of this machine, without a copy in the store. */
  async putHere(target: Target, signal: AbortSignal): Promise<Sent> {
    const { content, kind, bytes } = await this.#read(signal);
    const { path, replace = false } = target;
    await putFound(this.#looked, this.#path, { path, replace, mode: this.#looked.mode ?? 0o644 }, signal);
    return { content, kind, bytes, sentBytes: 0 };
  }

  get #isFile(): boolean {
    return this.#looked.found.kind === 'file';
  }

  async #stream(
    reading: Reading,
    to: StreamReceiver,
    options: { readonly signal: AbortSignal; readonly progress: (progress: SendProgress) => void },
  ): Promise<Sent> {
    const { found, bytes, diskBytes, mode } = this.#looked;
    // A tree is put together in the store, and placed then.
    const target =
      this.#target === undefined || !this.#isFile
        ? undefined
        : { ...this.#target, ...(mode === undefined ? {} : { mode }) };
    const what = { kind: found.kind, bytes, diskBytes, ...(target === undefined ? {} : { target }) };
    const name = nameTransfer(this.#path, found, target);
    // Two notebooks may send the same: the second one finds it there.
    const sent = await this.#turns.take(name, options.signal, () => sendWhileReading(reading, what, name, to, options));
    this.#looked.save();
    return sent;
  }

  async #place({ content }: ContentReference, to: To, isAgain: boolean, signal: AbortSignal): Promise<void> {
    const target = this.#target;
    if (target === undefined || to.place === undefined) return;
    const { mode } = this.#looked;
    const what = { content, ...target, ...(mode === undefined ? {} : { mode }), ...(isAgain ? { again: true } : {}) };
    await to.place(what, signal);
  }

  async #read(signal: AbortSignal): Promise<ContentSource> {
    return (this.#source ??= await readAll(this.#looked, {
      signal,
      progress: (bytes) => this.#tell({ kind: 'read', bytes }),
    }));
  }
}

function canStream(to: To): to is To & StreamReceiver {
  return to.announce !== undefined && to.tell !== undefined && to.complete !== undefined;
}

export function toNews(
  tell: (news: { kind: 'sent' | 'copied'; bytes: number; of: number }) => void,
): (progress: SendProgress) => void {
  return (progress) => {
    if (progress.kind === 'copied') tell(progress);
    else tell({ kind: 'sent', bytes: progress.sentBytes, of: progress.toSendBytes });
  };
}
