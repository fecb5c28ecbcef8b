// What can be asked about files on a cluster's host. Asked of the home agent, which knows the way.
import { createHash } from 'node:crypto';
import { ProtocolError } from '../protocol/errors';
import type { OnHost } from '../protocol/job-files';
import {
  STREAMS,
  type CallName,
  type CallParams,
  type CallResult,
  type StreamEvent,
  type StreamName,
} from '../protocol/messages';
import { LinkClosed, type LinkEvent } from './link';

/** How a connection asks. */
interface Asks {
  call<M extends CallName>(method: M, params: CallParams<M>): Promise<CallResult<M>>;
  events(method: StreamName, params: unknown, signal: AbortSignal): AsyncGenerator<LinkEvent>;
}

const ATTEMPTS = 4;

/** The next agent can be asked the same: nothing was changed by asking. */
function isWorthAnother(error: unknown, attempt: number): boolean {
  return error instanceof LinkClosed && attempt < ATTEMPTS;
}

export class FileVerbs {
  readonly #asks: Asks;

  constructor(asks: Asks) {
    this.#asks = asks;
  }

  /** One piece at least; throws UsageError when there is nothing. */
  async *list(
    place: OnHost,
    options: { readonly recursive?: boolean; readonly signal: AbortSignal },
  ): AsyncGenerator<StreamEvent<'listFiles'>> {
    const { signal, recursive = false } = options;
    // What was told once is not told again: then a lost connection is for whoever asked.
    for (let attempt = 1, isTold = false; ; attempt++) {
      try {
        for await (const { value } of this.#asks.events('listFiles', { place, recursive }, signal)) {
          isTold = true;
          yield STREAMS.listFiles.event(value, 'listFiles');
        }
        signal.throwIfAborted();
        return;
      } catch (error) {
        if (isTold || !isWorthAnother(error, attempt)) throw error;
      }
    }
  }

  /** The bytes from an offset on, checked. */
  async *read(
    place: OnHost,
    options: { readonly from?: number; readonly bytes?: number; readonly signal: AbortSignal },
  ): AsyncGenerator<StreamEvent<'readFile'> & { readonly bytes: Buffer }> {
    const { signal, from: start = 0, bytes: limit } = options;
    let from = start;
    for (let attempt = 1; ; attempt++) {
      try {
        const params = { place, from, ...(limit === undefined ? {} : { bytes: limit - (from - start) }) };
        for await (const { value, bytes = Buffer.alloc(0) } of this.#asks.events('readFile', params, signal)) {
          const event = STREAMS.readFile.event(value, 'readFile');
          if (createHash('sha256').update(bytes).digest('hex') !== event.sha256)
            throw new ProtocolError(`A piece of ${event.path} arrived damaged. Read it again.`);
          from = event.offset + bytes.length;
          yield { ...event, bytes };
        }
        signal.throwIfAborted();
        return;
      } catch (error) {
        if (!isWorthAnother(error, attempt)) throw error;
      }
    }
  }

  async *remove(
    place: OnHost,
    options: { readonly recursive?: boolean; readonly signal: AbortSignal },
  ): AsyncGenerator<StreamEvent<'removeFiles'>> {
    const { signal, recursive = false } = options;
    for await (const { value } of this.#asks.events('removeFiles', { place, recursive }, signal))
      yield STREAMS.removeFiles.event(value, 'removeFiles');
    signal.throwIfAborted();
  }

  async *usage(place: OnHost, signal: AbortSignal): AsyncGenerator<StreamEvent<'fileUsage'>> {
    for (let attempt = 1; ; attempt++) {
      try {
        for await (const { value } of this.#asks.events('fileUsage', { place }, signal))
          yield STREAMS.fileUsage.event(value, 'fileUsage');
        signal.throwIfAborted();
        return;
      } catch (error) {
        if (!isWorthAnother(error, attempt)) throw error;
      }
    }
  }

  lookAt(place: OnHost): Promise<CallResult<'lookAt'>> {
    return this.#asks.call('lookAt', { place });
  }

  /** Moves what lies in a folder there into another one that is there. Throws UsageError for what is there already, unless it may be replaced. */
  settle(from: OnHost, to: OnHost, replace: boolean): Promise<CallResult<'settleTree'>> {
    return this.#asks.call('settleTree', { from, to, replace });
  }

  space(place: OnHost): Promise<CallResult<'fileSpace'>> {
    return this.#asks.call('fileSpace', { place });
  }
}
