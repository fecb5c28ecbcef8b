// One stream of events on a connection, as an iterable that tells the agent how much of it was used up.
import { STREAM_WINDOW_BYTES } from '../protocol/messages';
import type { Link, LinkEvent } from './link';

/** Told to the agent in steps of this size. */
const CREDIT_BYTES = STREAM_WINDOW_BYTES / 8;

type End = { readonly kind: 'open' } | { readonly kind: 'ended' } | { readonly kind: 'failed'; readonly error: Error };

/** Ends without an error when the signal is aborted; throws LinkClosed when the connection is lost. */
export async function* readEvents(
  link: Link,
  request: { readonly method: string; readonly params: unknown },
  signal: AbortSignal,
): AsyncGenerator<LinkEvent> {
  const queue = new EventQueue();
  const id = link.request(request.method, request.params, queue);
  const onAbort = (): void => {
    queue.end();
  };
  signal.addEventListener('abort', onAbort);
  let used = 0;
  try {
    while (!signal.aborted) {
      const event = await queue.next();
      if (event === undefined) return;
      yield event;
      used += event.bytes?.length ?? 0;
      if (used < CREDIT_BYTES) continue;
      link.credit(id, used);
      used = 0;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    link.stop(id);
  }
}

class EventQueue {
  readonly #events: LinkEvent[] = [];
  #end: End = { kind: 'open' };
  #wake: () => void = () => undefined;

  readonly event = (event: LinkEvent): void => {
    this.#events.push(event);
    this.#wake();
  };

  readonly end = (): void => {
    this.#finish({ kind: 'ended' });
  };

  readonly fail = (error: Error): void => {
    this.#finish({ kind: 'failed', error });
  };

  /** undefined: there are no more. */
  async next(): Promise<LinkEvent | undefined> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) return event;
      if (this.#end.kind === 'failed') throw this.#end.error;
      if (this.#end.kind === 'ended') return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #finish(end: End): void {
    if (this.#end.kind === 'open') this.#end = end;
    this.#wake();
  }
}
