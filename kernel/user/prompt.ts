// The browser's `prompt`, `alert` and `confirm`: they return when the person has answered. The main thread stands still meanwhile; the answer comes by the
// pipe that the thread beside it reads (interrupt.ts), and so does an interrupt.
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { KeyboardInterrupt } from '../../magics/realm';
import type { Control } from '../pipe';
import type { Attribution } from './attribution';
import type { FrameWriter } from './frames';
import type { PromptEnd } from './prompt-end';

export class Prompt {
  readonly #frames: FrameWriter;
  readonly #attribution: Attribution;
  readonly #port: MessagePort;
  readonly #posted = new Int32Array(new SharedArrayBuffer(4));
  readonly end: PromptEnd;

  constructor(frames: FrameWriter, attribution: Attribution) {
    this.#frames = frames;
    this.#attribution = attribution;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    // Nobody listens on it, and it must not keep the process alive.
    port1.unref();
    this.end = { port: port2, posted: this.#posted };
  }

  /** Puts the three functions on globalThis, as Deno and browsers have them. */
  install(): void {
    const define = (name: string, value: unknown): void => {
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true, enumerable: false });
    };
    define('prompt', (message: unknown = '', initial: unknown = ''): string => {
      const fallback = String(initial);
      const answer = this.#ask(withBlank(message, fallback === '' ? '' : `[${fallback}]`));
      return answer === '' ? fallback : answer;
    });
    define('confirm', (message: unknown = ''): boolean =>
      /^\s*y(es)?\s*$/i.test(this.#ask(withBlank(message, '[y/N]'))),
    );
    define('alert', (message: unknown = ''): void => {
      this.#ask(withBlank(message, '[Enter]'));
    });
  }

  #ask(prompt: string): string {
    const { turn } = this.#attribution;
    this.#frames.notice({ type: 'input', question: { turn, prompt, password: false, isBlocking: true } });
    for (;;) {
      const posted = Atomics.load(this.#posted, 0);
      for (let next = receiveMessageOnPort(this.#port); next; next = receiveMessageOnPort(this.#port)) {
        // The other end is our own thread.
        const control = next.message as Control;
        // Of an earlier question, which was interrupted: nobody waits for it.
        if (control.turn === turn) return answerOf(control);
      }
      Atomics.wait(this.#posted, 0, posted);
    }
  }
}

function answerOf(control: Control): string {
  switch (control.type) {
    case 'input':
      return control.value;
    case 'input-refused':
      throw new Error(`Cannot ask for input: ${control.reason}`);
    case 'interrupt':
      throw new KeyboardInterrupt();
  }
}

function withBlank(message: unknown, hint: string): string {
  const text = [String(message), hint].filter((part) => part !== '').join(' ');
  return /\s$|^$/.test(text) ? text : `${text} `;
}
