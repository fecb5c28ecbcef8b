// `pmap(items, f)`: maps in order over worker threads. f and what it uses are gathered as for a cell; threads take items in small portions as they
// become free. Threads are kept for the next call; idle ones do not keep the process alive.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { decodeGraph } from '../protocol/graph';
import type { Graph } from '../protocol/graph';
import { memoryBlobs } from '../protocol/graph-blobs';
import { MAIN } from '../protocol/main-context';
import { Builder } from './building';
import { gather } from './bundle';
import type { Gathered } from './bundle';
import { KeyboardInterrupt, onInterrupt } from './interrupts';
import type { OutputSink } from './output';
import type { FromThread, ToThread } from './pmap-messages';
import type { Realm } from './realm';

export type Mapper = (item: unknown, index: number) => unknown;

export interface PmapOptions {
  /** How many threads; the cores of the job, or of this machine, if not given. */
  readonly cores?: number;
}

export type Pmap = (items: Iterable<unknown>, f: Mapper, options?: PmapOptions) => Promise<unknown[]>;

export interface PmapSetting {
  /** Where the output of threads goes. */
  readonly sink: OutputSink;
  /** Of a thread; `pmap.js` beside this program, if not given. */
  readonly program?: string;
}

/** Portions per thread: small enough to even out, large enough that messages do not count. */
const PORTIONS = 8;

export function makePmap(realm: () => Realm, setting: PmapSetting): Pmap {
  const program = setting.program ?? join(__dirname, 'pmap.js');
  const idle: Worker[] = [];
  return async (items, f, options = {}) => {
    const list = MAIN.Array.from(items);
    if (typeof f !== 'function') throw new MAIN.TypeError('pmap(items, f): f is no function.');
    const cores = coreCount(options.cores);
    if (list.length === 0) return new MAIN.Array<unknown>();
    const gathered = await gather(realm(), {
      names: [],
      values: [
        ['f', f],
        ['items', list],
      ],
    });
    const run = new PmapRun(realm(), gathered, list.length, setting.sink);
    const threads = Array.from(
      { length: Math.min(cores, list.length) },
      () => idle.pop() ?? new Worker(program, { stdin: false }),
    );
    return run.over(threads, (thread) => {
      thread.unref();
      idle.push(thread);
    });
  };
}

function coreCount(asked: number | undefined): number {
  const given = asked ?? Number(process.env['CELLBURST_CORES'] ?? availableParallelism());
  if (!Number.isInteger(given) || given < 1)
    throw new MAIN.RangeError(`pmap: cores must be a whole number of 1 or more, not ${given}.`);
  return given;
}

class PmapRun {
  readonly #realm: Realm;
  readonly #gathered: Gathered;
  readonly #count: number;
  readonly #sink: OutputSink;
  readonly #results: unknown[];
  #next = 0;
  #done = 0;

  constructor(realm: Realm, gathered: Gathered, count: number, sink: OutputSink) {
    this.#realm = realm;
    this.#gathered = gathered;
    this.#count = count;
    this.#sink = sink;
    this.#results = new MAIN.Array(count) as unknown[];
  }

  /** Resolves to the results; the first error, or an interrupt, ends all threads of the run. */
  async over(threads: readonly Worker[], release: (thread: Worker) => void): Promise<unknown[]> {
    const portion = Math.max(1, Math.floor(this.#count / (threads.length * PORTIONS)));
    const { packages } = this.#realm;
    const open: ToThread = {
      type: 'open',
      pack: this.#gathered.pack,
      graph: this.#gathered.encoded.graph,
      ...(packages === undefined ? {} : { packages }),
    };
    let stopListening = (): void => undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        stopListening = onInterrupt(() => {
          reject(new KeyboardInterrupt());
        });
        for (const thread of threads) {
          thread.ref();
          thread.on('error', reject);
          thread.on('exit', (code) => {
            reject(new MAIN.Error(`A thread of pmap ended with exit code ${code}.`));
          });
          thread.on('message', (message: FromThread) => {
            try {
              if (this.#hear(thread, message, portion)) resolve();
            } catch (error) {
              reject(error instanceof Error ? error : (error as Error));
            }
          });
          thread.postMessage(open);
        }
      });
    } catch (error) {
      for (const thread of threads) forget(thread);
      await Promise.all(threads.map((thread) => thread.terminate()));
      throw error;
    } finally {
      stopListening();
    }
    for (const thread of threads) {
      forget(thread);
      release(thread);
    }
    return this.#results;
  }

  /** True when everything is done. Throws what the function threw. */
  #hear(thread: Worker, message: FromThread, portion: number): boolean {
    if (message.type === 'output') {
      this.#sink.write(message.record);
      return false;
    }
    if (message.type === 'failed') throw this.#error(message.graph, message.index);
    if (message.type === 'mapped') this.#take(message.from, message.graph);
    if (this.#next < this.#count) {
      const from = this.#next;
      this.#next = Math.min(this.#count, from + portion);
      thread.postMessage({ type: 'map', from, to: this.#next } satisfies ToThread);
    }
    return this.#done === this.#count;
  }

  #take(from: number, graph: Graph): void {
    const values = this.#decode(graph);
    values.forEach((value, index) => {
      this.#results[from + index] = value;
    });
    this.#done += values.length;
  }

  #decode(graph: Graph): readonly unknown[] {
    const readable = { ...graph, blobs: memoryBlobs(graph.blobs) };
    const hooks = new Builder(this.#realm, { takesSource: false });
    // A thread that could not open what it was given shares no numbers.
    const existing = graph.base === 0 ? [] : this.#gathered.encoded.objects;
    return decodeGraph({ graph: readable, hooks, existing }).roots;
  }

  #error(graph: Graph, index: number | undefined): unknown {
    const [error] = this.#decode(graph);
    if (index === undefined || typeof error !== 'object' || error === null || !Object.isExtensible(error)) return error;
    Object.defineProperty(error, 'index', { value: index, writable: true, enumerable: true, configurable: true });
    const message = Object.getOwnPropertyDescriptor(error, 'message');
    if (typeof message?.value === 'string' && message.configurable === true) {
      Object.defineProperty(error, 'message', { ...message, value: `${message.value} (item ${index} of pmap)` });
    }
    return error;
  }
}

function forget(thread: Worker): void {
  thread.removeAllListeners('message');
  thread.removeAllListeners('exit');
  thread.removeAllListeners('error');
  // A thread that fails while it idles is not reported to anyone; the next call meets it as an exit.
  thread.on('error', () => undefined);
}
