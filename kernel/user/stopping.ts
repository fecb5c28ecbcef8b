// Interrupts, on the main thread of the user process. Three ways to stop a cell, the gentle ones first:
// the flag that lowered code checks, the epoch that ends what comes back from an await, and abandoning the cell that waits. The fourth,
// termination of library code that has no checks, comes from the interrupt thread and is made safe here.
import asyncHooks from 'node:async_hooks';
import { syncBuiltinESMExports } from 'node:module';
// Node's own, not the globals that know of cells: an interrupted cell's timers do not fire any more, ours do.
import { setImmediate, setTimeout } from 'node:timers';
import { RUNTIME } from '../../magics/protocol/code';
import { clearStop, KeyboardInterrupt } from '../../magics/realm';
import type { Turn } from '../pipe';
import { DISARM, STOP_TURN } from './stop-keys';
import { isUserCodeOnStack } from './user-code';

const UNWIND = Symbol('cellburst.unwind');
const UNWIND_MILLISECONDS = 10;

/** The error thrown after a termination so that Node empties its stack of async ids. To be swallowed. */
export function isUnwinding(error: unknown): boolean {
  return typeof error === 'object' && error !== null && UNWIND in error;
}

export class Stopping {
  /** Counts the answers to interrupts, for the interrupt thread: see `interrupt.ts`. */
  readonly answered = new SharedArrayBuffer(4);
  readonly #answers = new Int32Array(this.answered);
  readonly #endAwaits: (turn: Turn) => void;
  #started: Turn = 0;
  #running: Turn = 0;
  /** The turn that was stopped before it came. */
  #stoppedAhead: Turn = 0;
  #terminated = false;
  #cell: AbortController | undefined;
  #abandon: ((reason: Error) => void) | undefined;

  /** `endAwaits`: what of this turn waits shall throw when it goes on. Called on top of whatever the main thread does. */
  constructor(endAwaits: (turn: Turn) => void) {
    this.#endAwaits = endAwaits;
  }

  /** Once, before any user code: later AsyncLocalStorage classes would not be known here. */
  install(): void {
    const storages = trackStorages();
    defineHidden(STOP_TURN, (turn: Turn) => {
      this.#raise(turn);
      return true;
    });
    defineHidden(DISARM, () => {
      if (!isUserCodeOnStack(__filename)) return false;
      // A termination inside `storage.run` leaves Node's async bookkeeping on a stack that is gone; disabled storages have none.
      for (const storage of storages()) storage.disable();
      this.#terminated = true;
      return true;
    });
  }

  /**
   * Runs a cell so that it can be stopped. An interrupt aborts `cell`, and `work` should then end; when it does not, because its stack is
   * gone, this rejects with KeyboardInterrupt.
   */
  async run<T>(turn: Turn, cell: AbortController, work: () => Promise<T>): Promise<T> {
    this.#started = turn;
    this.#lower();
    if (this.#stoppedAhead === turn) throw new KeyboardInterrupt('The cell was interrupted before it began.');
    this.#running = turn;
    this.#cell = cell;
    const abandoned = new Promise<never>((_, reject) => {
      this.#abandon = reject;
    });
    try {
      // In a microtask of its own: a termination takes down the whole stack, and must not find our frames there.
      return await Promise.race([Promise.resolve().then(work), abandoned]);
    } finally {
      this.#running = 0;
      this.#cell = this.#abandon = undefined;
      this.#lower();
      if (this.#terminated) await this.#unwind();
      Atomics.add(this.#answers, 0, 1);
    }
  }

  /** The interrupt thread has raised the flag for this turn. */
  hear(turn: Turn): void {
    const abandon = this.#abandon;
    if (turn === this.#running && abandon) {
      this.#cell?.abort();
      // A cell that waits ends within these turns of the loop.
      setImmediate(() =>
        setImmediate(() => {
          abandon(new KeyboardInterrupt());
        }),
      );
      return;
    }
    // Nothing of this turn runs: a callback of an earlier cell was stopped, or the request has not been read yet.
    if (turn > this.#started) this.#stoppedAhead = turn;
    if (turn >= this.#started) this.#lower();
    if (this.#terminated) void this.#unwind();
    Atomics.add(this.#answers, 0, 1);
  }

  /** Runs on top of whatever the main thread does, by the inspector. */
  #raise(turn: Turn): void {
    if (turn < this.#started) return;
    Reflect.set(globalThis, RUNTIME.stop, true);
    if (turn === this.#running) this.#endAwaits(turn);
  }

  #lower(): void {
    if (Reflect.get(globalThis, RUNTIME.stop) === true) clearStop();
  }

  async #unwind(): Promise<void> {
    this.#terminated = false;
    setImmediate(() => {
      throw Object.assign(new Error('unwinding after a termination'), { [UNWIND]: true });
    });
    await new Promise((resolve) => setTimeout(resolve, UNWIND_MILLISECONDS));
  }
}

/** Every AsyncLocalStorage made from now on, as long as it lives. */
function trackStorages(): () => Iterable<asyncHooks.AsyncLocalStorage<unknown>> {
  const live = new Set<WeakRef<asyncHooks.AsyncLocalStorage<unknown>>>();
  const gone = new FinalizationRegistry<WeakRef<asyncHooks.AsyncLocalStorage<unknown>>>((ref) => live.delete(ref));
  const Original = asyncHooks.AsyncLocalStorage;
  class AsyncLocalStorage<T> extends Original<T> {
    constructor(...options: ConstructorParameters<typeof Original<T>>) {
      super(...options);
      const ref = new WeakRef<asyncHooks.AsyncLocalStorage<unknown>>(this);
      live.add(ref);
      gone.register(this, ref);
    }
  }
  // Getter-only on Node 22: an assignment would be lost.
  Object.defineProperty(asyncHooks, 'AsyncLocalStorage', {
    value: AsyncLocalStorage,
    configurable: true,
    writable: true,
    enumerable: true,
  });
  syncBuiltinESMExports();
  return function* () {
    for (const ref of live) {
      const storage = ref.deref();
      if (storage) yield storage;
    }
  };
}

function defineHidden(key: string, value: (argument: Turn) => boolean): void {
  Object.defineProperty(globalThis, Symbol.for(key), {
    value,
    configurable: false,
    writable: false,
    enumerable: false,
  });
}
