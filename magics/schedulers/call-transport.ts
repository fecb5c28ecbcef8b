// The way to the agent of an allocation whose batch system has no way into a running job: it calls us, or it is spoken to through files.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { CALLS_FOLDER } from '../protocol/layout';
import { FileStream, LOOK_MS, type Callers, type Transport } from '../transports';

/** A worker that can call does so within this. */
const CALL_MS = 4000;

export class CallTransport implements Transport {
  readonly host: string;
  readonly #job: string;
  readonly #directory: string;
  readonly #callers: Callers;
  #through: FileStream | undefined;

  /** `directory`: of the allocation's job. `name`: for people. */
  constructor(name: string, job: string, directory: string, callers: Callers) {
    this.host = name;
    this.#job = job;
    this.#directory = directory;
    this.#callers = callers;
  }

  /** Of a way that is slow: for people. */
  get slowness(): string | undefined {
    return this.#through?.destroyed === false ? `through files, looked at every ${LOOK_MS / 1000} s` : undefined;
  }

  async open(signal: AbortSignal): Promise<{ readonly stream: Duplex }> {
    const line = await this.#callers.take(this.#job, CALL_MS, signal);
    if (line !== undefined) return { stream: line };
    signal.throwIfAborted();
    const folder = join(this.#directory, CALLS_FOLDER, randomBytes(6).toString('hex'));
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const stream = new FileStream(folder, 'call');
    this.#through = stream;
    // The quicker way is taken as soon as there is one: whoever uses this one connects again.
    this.#callers.whenCalled(this.#job, () => {
      stream.destroy();
    });
    return { stream };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#through?.destroy();
    this.#callers.forget(this.#job);
    return Promise.resolve();
  }
}
