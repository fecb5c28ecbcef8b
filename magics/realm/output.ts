// How output leaves a process that runs cells: synchronous, whole writes on a pipe, so that a busy loop's lines are live and a slow reader
// slows the writer down instead of filling its memory. The same at home (user process) and on a worker (cell process).
import { writeSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { Writable } from 'node:stream';
import { encodeOutput } from '../protocol/output';
import type { OutputRecord } from '../protocol/output';

export interface OutputSink {
  write(record: OutputRecord): void;
}

/** A sink that writes records of protocol/output.ts to `fd`. A reader that went away ends the output, not the cell. */
export function recordSink(fd: number): OutputSink {
  const pipe = new BlockingPipe(fd);
  return {
    write: (record) => {
      pipe.write(encodeOutput(record, Date.now()));
    },
  };
}

const RETRY_MILLISECONDS = 2;

/** A pipe written synchronously. Once its reader is gone, writes vanish. */
export class BlockingPipe {
  readonly #fd: number;
  readonly #pause = new Int32Array(new SharedArrayBuffer(4));
  #open = true;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Writes all parts, in order and without anything between them; returns when the pipe has taken the last byte. */
  write(parts: readonly Uint8Array[]): void {
    if (!this.#open) return;
    // One write for one record: half a system call per line of output.
    const bytes = Buffer.concat(parts);
    for (let offset = 0; offset < bytes.length;) {
      try {
        offset += writeSync(this.#fd, bytes, offset, bytes.length - offset);
      } catch (error) {
        if (hasCode(error, 'EAGAIN')) Atomics.wait(this.#pause, 0, 0, RETRY_MILLISECONDS);
        else if (hasCode(error, 'EPIPE') || hasCode(error, 'EBADF')) {
          this.#open = false;
          return;
        } else throw error;
      }
    }
  }
}

/**
 * Puts streams of ours in the place of `process.stdout` and `process.stderr`. Node's own are never made: they would switch the
 * descriptors to non-blocking for native code and for children that inherit them.
 */
export function redirectStandardStreams(sink: OutputSink): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const stream = new StandardStream(name, sink);
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => stream });
  }
}

class StandardStream extends Writable {
  readonly fd: 1 | 2;
  readonly #name: 'stdout' | 'stderr';
  readonly #sink: OutputSink;
  /** A character may be cut in two between two writes of bytes. */
  readonly #decoder = new StringDecoder('utf8');

  constructor(name: 'stdout' | 'stderr', sink: OutputSink) {
    super({ decodeStrings: false });
    this.#name = name;
    this.#sink = sink;
    this.fd = name === 'stdout' ? 1 : 2;
  }

  override _write(chunk: unknown, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const text = chunk instanceof Uint8Array ? this.#decoder.write(Buffer.from(chunk)) : String(chunk);
    if (text !== '') this.#sink.write({ type: this.#name, text });
    done();
  }

  /** Like Node's own: `end()` and `destroy()` of a standard stream leave it open, since the next cell prints as well. */
  override end(chunk?: unknown, encoding?: unknown, callback?: unknown): this {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) this.write(chunk);
    const done = [chunk, encoding, callback].find((value) => typeof value === 'function');
    if (typeof done === 'function')
      process.nextTick(() => {
        Reflect.apply(done, this, []);
      });
    return this;
  }

  override destroy(): this {
    return this;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
