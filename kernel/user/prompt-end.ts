// The way by which the thread beside the main one hands over an answer that the main thread stands still for (prompt.ts).
import type { MessagePort } from 'node:worker_threads';
import type { Control } from '../pipe';

/** What the thread beside the main one needs to answer. */
export interface PromptEnd {
  readonly port: MessagePort;
  /** Counts what was posted: the main thread waits for it to change. */
  readonly posted: Int32Array<SharedArrayBuffer>;
}

/** On the thread beside the main one: passes on what the main thread may be waiting for. */
export function postTo({ port, posted }: PromptEnd, control: Control): void {
  port.postMessage(control);
  Atomics.add(posted, 0, 1);
  Atomics.notify(posted, 0);
}
