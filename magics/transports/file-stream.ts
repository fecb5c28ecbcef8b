// A byte stream through a folder that two machines see, for nodes that cannot be reached in any other way: each piece is a file that appears whole, and
// goes when it was read. As slow as looking is: the pace is quick while something moves.
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { isMissing, readIfThere, writeWhole } from '../protocol/files';

/** The longest time that something lies unread. */
export const LOOK_MS = 500;
const QUICK_MS = 20;
/** Looks in a row that find nothing, before they become rarer. */
const QUICK_LOOKS = 100;
/** Pieces that may lie unread: whoever writes waits. */
const MOST_UNREAD = 16;

export class FileStream extends Duplex {
  readonly #folder: string;
  readonly #out: string;
  readonly #in: string;
  #written = 0;
  #read = 0;
  #idle = 0;
  #timers = new Set<NodeJS.Timeout>();

  /** `call`: the side that has made the folder. */
  constructor(folder: string, side: 'call' | 'answer') {
    super();
    this.#folder = folder;
    [this.#out, this.#in] = side === 'call' ? ['up', 'down'] : ['down', 'up'];
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#put(chunk, done);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#put(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _read(): void {
    this.#attempt(() => this.#take());
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#guard(done, () => {
      this.#end();
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#guard(
      (problem) => {
        done(error ?? problem);
      },
      () => {
        if (existsSync(this.#folder)) this.#end();
      },
    );
  }

  #end(): void {
    writeWhole(this.#path(this.#out, 'end'), String(this.#written));
  }

  #put(bytes: Buffer, done: (error?: Error | null) => void): void {
    this.#attempt(() => {
      if (existsSync(this.#path(this.#out, this.#written - MOST_UNREAD))) return false;
      writeWhole(this.#path(this.#out, this.#written), bytes);
      this.#written += 1;
      this.#idle = 0;
      done();
      return true;
    });
  }

  /** true: something was read, or there will be nothing any more. */
  #take(): boolean {
    const path = this.#path(this.#in, this.#read);
    // NFS shows what is new in a folder when the folder is read.
    readdirSync(this.#folder);
    const bytes = readBytes(path);
    if (bytes !== undefined) {
      rmSync(path, { force: true });
      this.#read += 1;
      this.#idle = 0;
      this.push(bytes);
      return true;
    }
    const end = readIfThere(this.#path(this.#in, 'end'));
    if (end === undefined || Number(end) > this.#read) return false;
    this.push(null);
    return true;
  }

  /** Until it succeeds. A folder that is gone is the end of the stream. */
  #attempt(action: () => boolean): void {
    if (this.destroyed) return;
    try {
      if (action()) return;
    } catch (error) {
      this.destroy(isMissing(error) ? undefined : error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#idle += 1;
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        this.#attempt(action);
      },
      this.#idle < QUICK_LOOKS ? QUICK_MS : LOOK_MS,
    );
    this.#timers.add(timer);
  }

  #guard(done: (error?: Error | null) => void, action: () => void): void {
    try {
      action();
      done();
    } catch (error) {
      done(isMissing(error) ? null : error instanceof Error ? error : new Error(String(error)));
    }
  }

  #path(way: string, piece: number | string): string {
    return join(this.#folder, `${way}.${piece}`);
  }
}

function readBytes(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
