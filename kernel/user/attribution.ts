// Which cell does this line of output belong to? Known exactly where Node carries context along for nothing (24 and later); before
// that by the timers, since tracking every promise would make each `await` several times dearer. What is unknown belongs to the newest cell.
import { AsyncLocalStorage } from 'node:async_hooks';
import { promisify } from 'node:util';
import type { Turn } from '../pipe';

/** From this version on AsyncLocalStorage is part of V8's own promises instead of a hook on each of them. */
const CHEAP_CONTEXT_FROM = 24;

export class Attribution {
  readonly #context: AsyncLocalStorage<Turn> | undefined;
  readonly #abandoned = new Set<Turn>();
  #newest: Turn = 0;
  /** Set while a timer of an older cell runs, with the microtasks it leads to. */
  #ofTimer: Turn | undefined;

  constructor() {
    const major = Number(process.versions.node.split('.')[0]);
    this.#context = major >= CHEAP_CONTEXT_FROM ? new AsyncLocalStorage() : undefined;
  }

  /** The cell whose code runs now, as far as it can be known. */
  get turn(): Turn {
    return this.#context?.getStore() ?? this.#ofTimer ?? this.#newest;
  }

  /** Nothing it does is shown any more, and its timers do not fire. */
  abandon(turn: Turn): void {
    this.#abandoned.add(turn);
  }

  isAbandoned(turn: Turn): boolean {
    return this.#abandoned.has(turn);
  }

  run<T>(turn: Turn, work: () => T): T {
    this.#newest = turn;
    this.#ofTimer = undefined;
    return this.#context ? this.#context.run(turn, work) : work();
  }

  /** Replaces the global timers by ones that remember their cell. */
  install(): void {
    for (const name of ['setTimeout', 'setInterval', 'setImmediate'] as const) this.#wrapTimer(name);
  }

  #wrapTimer(name: 'setTimeout' | 'setInterval' | 'setImmediate'): void {
    const original: (...args: unknown[]) => unknown = globalThis[name] as (...args: unknown[]) => unknown;
    const turnNow = () => this.turn;
    const fire = (turn: Turn, timer: NodeJS.Timeout | NodeJS.Immediate, fired: () => void) => {
      this.#fire(turn, timer, fired);
    };
    const wrapped = function (callback: unknown, ...rest: unknown[]): unknown {
      if (typeof callback !== 'function') return original(callback, ...rest);
      const turn = turnNow();
      return original(
        function (this: NodeJS.Timeout, ...args: unknown[]) {
          fire(turn, this, () => {
            Reflect.apply(callback, this, args);
          });
        },
        ...rest,
      );
    };
    Object.defineProperty(wrapped, 'name', { value: name });
    const promised: unknown = Reflect.get(original, promisify.custom);
    if (promised) Object.defineProperty(wrapped, promisify.custom, { value: promised });
    Object.defineProperty(globalThis, name, { value: wrapped, configurable: true, writable: true, enumerable: true });
  }

  #fire(turn: Turn, timer: NodeJS.Timeout | NodeJS.Immediate, callback: () => void): void {
    // Timers that would not keep a process alive are a library's housekeeping: an interrupt leaves them alone.
    if (this.#abandoned.has(turn) && timer.hasRef()) {
      if ('refresh' in timer) clearInterval(timer);
      return;
    }
    if (this.#context) {
      callback();
      return;
    }
    this.#ofTimer = turn;
    try {
      callback();
    } finally {
      // A tick queued by a microtask runs once all microtasks are done: until then it is this timer's doing.
      void Promise.resolve().then(() => {
        process.nextTick(() => {
          this.#ofTimer = undefined;
        });
      });
    }
  }
}
