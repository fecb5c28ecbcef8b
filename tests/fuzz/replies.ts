// `npm run fuzz -- replies`: envelopes that a hostile or broken worker might send, through the real reading and settling. None may run code, hang,
// or take memory that its bytes do not account for; each is settled or refused with a ProtocolError.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { captureCell, settleCell } from '../../magics/capture';
import { recall, remember, type Capture } from '../../magics/capture/captures';
import { openContainer, writeContainer } from '../../magics/protocol/container';
import { ProtocolError, messageOf } from '../../magics/protocol/errors';
import type { Graph } from '../../magics/protocol/graph';
import { ENVELOPE_FILE } from '../../magics/protocol/layout';
import { MAIN } from '../../magics/protocol/main-context';
import { Notebook, runCell } from '../capture/notebook';
import type { Failure, FuzzOptions } from './protocol';
import { Random } from './random';
import { damage, distort, type Distorted } from './reply-damage';

/** Every piece of code that a reply could make run counts here. */
const CANARY = '__repliesRan';
const CELLS = [
  `globalThis.${CANARY} = 0;
   const ran = () => { globalThis.${CANARY} += 1; };
   class Point { #x = 1; static made = 0; y = 2; get x() { ran(); return this.#x } set x(v) { ran(); this.#x = v }
     move() { ran(); return this } toString() { ran(); return 'p' } then(f) { ran(); f(1) } toJSON() { ran() }
     [Symbol.for('Jupyter.display')]() { ran(); return { 'text/plain': 'p' } } [Symbol.for('nodejs.util.inspect.custom')]() { ran(); return 'p' } }
   class Sub extends Point { z = [1]; }
   class Trouble extends Error { #code = 1; constructor(code) { super('t'); ran(); this.#code = code } get code() { ran(); return this.#code } }
   class Stack extends Array { #top = 0; put = (x) => { ran(); this.#top = x; return this.push(x) } }
   class Vault { #v = 1; open() { let k = 0; return { get: () => { ran(); return this.#v + k }, put: (x) => { ran(); k++; this.#v = x }, more: () => () => { ran(); return this.#v } } } }
   class Low { hi() { ran(); return 1 } } class High extends Low { late() { return () => { ran(); return super.hi() } } }
   function counter() { let n = 0; return { up: () => { ran(); return ++n }, get: () => { ran(); return n } } }`,
  `const point = new Point(), sub = new Sub(), steps = counter(), list = [point, sub, , 'x', -0, 2n ** 70n];
   const map = new Map([[point, { deep: [true] }], ['k', new Set([1, list])]]), when = new Date(5), re = /a/gy;
   const numbers = new Float64Array(600), bytes = new Uint8Array(numbers.buffer, 8, 16), shared = new SharedArrayBuffer(16);
   const error = Object.assign(new TypeError('m', { cause: new Error('c') }), { code: 7 }), frozen = Object.freeze({ q: 1 });
   const bare = Object.create(null, { hidden: { get: () => ran(), enumerable: true, configurable: true } });
   const many = Array.from({ length: 40 }, (_, i) => ({ i, name: 'n' + i, at: i / 3 }));
   const bound = counter.bind({ self: point }, 2), url = new URL('http://a/b?c=d'), unique = Symbol('u'), boxed = Object(3);
   const trouble = new Trouble(3), stack = Stack.of(1, 2), vault = new Vault().open(), high = new High().late(), done = Promise.resolve(many), format = new Intl.NumberFormat('en');`,
];
const CELL = `point.y = 5; sub.z.push(many[3]); list[2] = map; map.set(unique, [re, when]); numbers[3] = 7; bytes[2] = 9; when.setTime(9);
  trouble.note = 1; stack[1] = 9; stack.push(trouble); done.note = point; high; format; const give = vault.more(), trouble2 = new Trouble(4), stack2 = Stack.of(3), failed = Promise.reject(trouble), later = Promise.resolve(bytes), up = new High().late();
  failed.catch(() => {}); re.lastIndex = 1; many[5].i = 99; many.push({ fresh: sub, of: boxed }); frozen; error.code = url; shared; bound; bare;
  class Born extends Point { w = new Map([[this, 1]]) } const born = new Born(), other = counter(), holes = [1, , 3], wide = 'é\\u{1F600}', narrow = 'plain';
  [point, born, steps.get, other, new Float64Array(700), { then: 1 }, failed, give, up, vault, stack2, new Intl.Collator('de'), Symbol.iterator, Math.max, error]`;

/** So many replies are settled in one notebook: they leave it as they like. */
const REPLIES_PER_NOTEBOOK = 2000;
const MAX_FAILURES = 10;
const MAX_MS = 10_000;
/** A reply of 20 kB: its own size counts for nothing beside what reading costs. */
const MAX_BYTES = 64 * 1024 * 1024;

export async function fuzz({ seed, count, onPlayed }: FuzzOptions): Promise<readonly Failure[]> {
  const failures: Failure[] = [];
  let target: Target | undefined;
  try {
    for (let at = 0; at < count && failures.length < MAX_FAILURES; at++) {
      if (target === undefined || target.settled === REPLIES_PER_NOTEBOOK) {
        target?.notebook.close();
        target = await Target.start();
      }
      const faults = await target.play(seed + at);
      const failure = faults.length > 0 ? { seed: seed + at, faults } : undefined;
      if (failure !== undefined) {
        failures.push(failure);
        // What went wrong may have left anything behind.
        target.notebook.close();
        target = undefined;
      }
      onPlayed?.(at + 1, failure);
    }
  } finally {
    target?.notebook.close();
  }
  return failures;
}

/** What was done to the envelope, for people. */
export function describeSequence(seed: number): string {
  return lastTold.get(seed) ?? 'Play it to see what was done.';
}

const lastTold = new Map<number, string>();

class Target {
  settled = 0;
  /** How many were taken as they were. */
  accepted = 0;
  readonly notebook: Notebook;
  readonly #directory: string;
  readonly #capture: Capture;
  readonly #envelope: Buffer;
  readonly #head: unknown;
  readonly #graph: Graph;

  private constructor(notebook: Notebook, directory: string, capture: Capture) {
    this.notebook = notebook;
    this.#directory = directory;
    this.#capture = capture;
    const path = join(directory, ENVELOPE_FILE);
    this.#envelope = readFileSync(path);
    copyFileSync(path, `${path}.good`);
    const container = openContainer(path);
    const { blobs, ...graph } = container.graph;
    const copies = blobs.lengths.map((length, index) => {
      const bytes = new Uint8Array(length);
      blobs.read(index, 0, bytes);
      return bytes;
    });
    this.#graph = { ...graph, blobs: copies };
    this.#head = container.head;
    container.close();
  }

  static async start(): Promise<Target> {
    const notebook = new Notebook();
    for (const cell of CELLS) await notebook.run(cell);
    const directory = notebook.newJob();
    const cell = notebook.lower(`%%cluster\n${CELL}`);
    const { captureId } = await captureCell(notebook.realm, { cell, bundlePath: join(directory, 'bundle.bin') });
    const end = await runCell(directory);
    if (end.exitCode !== 0) throw new Error(`The cell that is to be imitated failed: ${end.stderr}`);
    const capture = recall(notebook.realm, captureId);
    if (capture === undefined) throw new Error('The capture is not remembered.');
    Reflect.set(MAIN, CANARY, 0);
    return new Target(notebook, directory, capture);
  }

  async play(seed: number): Promise<string[]> {
    this.settled += 1;
    lastTold.clear();
    const random = new Random(seed);
    const path = join(this.#directory, ENVELOPE_FILE);
    if (random.chance(0.7)) {
      const { head, graph, told }: Distorted = distort(random, this.#head, this.#graph);
      lastTold.set(seed, told.join('\n'));
      writeContainer(path, head, graph);
    } else {
      const { bytes, told } = damage(random, this.#envelope);
      lastTold.set(seed, told.join('\n'));
      writeFileSync(path, bytes);
    }
    return await this.#settle();
  }

  async #settle(): Promise<string[]> {
    const { realm } = this.notebook;
    const captureId = remember(realm, this.#capture);
    const before = {
      at: performance.now(),
      bytes: usedBytes(),
      prototype: keysOf(MAIN.Object.prototype),
      all: keysOf(MAIN),
    };
    const faults: string[] = [];
    try {
      await settleCell(realm, { captureId, directory: this.#directory, atomic: false, where: 'nowhere' });
      this.accepted += 1;
    } catch (error) {
      if (!(error instanceof ProtocolError))
        faults.push(
          `It ended with another error than a ProtocolError: ${error instanceof Error ? (error.stack ?? '') : messageOf(error)}`,
        );
    }
    if (Reflect.get(MAIN, CANARY) !== 0) faults.push('It ran code of the notebook.');
    if (keysOf(MAIN.Object.prototype) !== before.prototype || keysOf(MAIN) !== before.all)
      faults.push('It changed a prototype or the global object.');
    const took = performance.now() - before.at;
    if (took > MAX_MS) faults.push(`It took ${Math.round(took)} ms.`);
    const grown = usedBytes() - before.bytes;
    if (grown > MAX_BYTES) faults.push(`It took ${Math.round(grown / 1e6)} MB.`);
    return faults;
  }
}

function usedBytes(): number {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}

function keysOf(value: object): string {
  return Reflect.ownKeys(value).map(String).join();
}
