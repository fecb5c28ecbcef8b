// Which cell does this line of output belong to? Cell code says it itself: each activation notes the epoch it began in, and shows it after each
// await (realm/interrupts.ts). What is called from outside, by a timer, a file or an emitter, is called as the cell that asked for it
// (callbacks.ts). Beyond that Node 24 carries context along for nothing; before, tracking every promise would make each `await` dearer, so what is
// still unknown belongs to the newest cell.
import { AsyncLocalStorage } from 'node:async_hooks';
import { endEpoch, enterEpoch, epoch, whenResumed } from '../../magics/realm';
import type { Turn } from '../pipe';

/** From this version on AsyncLocalStorage is part of V8's own promises instead of a hook on each of them. */
const CHEAP_CONTEXT_FROM = 24;
/** Epochs of one turn: one more with each interrupt. More than that many of one cell are not told apart. */
const EPOCHS_PER_TURN = 16;

export class Attribution {
  readonly #context: AsyncLocalStorage<Turn> | undefined;
  readonly #abandoned = new Set<Turn>();
  /** How often a turn was interrupted. */
  readonly #interrupts = new Map<Turn, number>();
  #newest: Turn = 0;
  #isReturning = false;

  constructor() {
    const major = Number(process.versions.node.split('.')[0]);
    this.#context = major >= CHEAP_CONTEXT_FROM ? new AsyncLocalStorage() : undefined;
    whenResumed((noted) => {
      this.#enter(turnOf(noted));
    });
  }

  /** The cell whose code runs now, as far as it can be known. */
  get turn(): Turn {
    return this.#context?.getStore() ?? turnOf(epoch());
  }

  /** Nothing it does is shown any more, and its timers do not fire. */
  abandon(turn: Turn): void {
    this.#abandoned.add(turn);
  }

  isAbandoned(turn: Turn): boolean {
    return this.#abandoned.has(turn);
  }

  /** Ends what of this turn waits. May be called on top of whatever the main thread does. */
  interrupt(turn: Turn): void {
    const over = this.#epochOf(turn);
    this.#interrupts.set(turn, (this.#interrupts.get(turn) ?? 0) + 1);
    endEpoch(over);
    if (epoch() === over) enterEpoch(this.#epochOf(turn));
  }

  /** The newest turn begins. */
  run<T>(turn: Turn, work: () => T): T {
    this.#newest = turn;
    enterEpoch(this.#epochOf(turn));
    return this.#context ? this.#context.run(turn, work) : work();
  }

  /** A callback of any turn, called by the event loop: what follows in microtasks is its doing as well. */
  fromLoop(turn: Turn, work: () => void): void {
    this.#enter(turn);
    if (this.#context) this.#context.run(turn, work);
    else work();
  }

  /** A callback of any turn, called by code that goes on as who it was. */
  within<T>(turn: Turn, work: () => T): T {
    const before = turnOf(epoch());
    if (before === turn) return work();
    this.#enter(turn);
    try {
      return this.#context ? this.#context.run(turn, work) : work();
    } finally {
      this.#enter(before);
    }
  }

  #enter(turn: Turn): void {
    enterEpoch(this.#epochOf(turn));
    if (turn === this.#newest || this.#isReturning) return;
    this.#isReturning = true;
    // A tick queued by a microtask runs once all microtasks are done: until then it is this turn's doing.
    void Promise.resolve().then(() => {
      process.nextTick(() => {
        this.#isReturning = false;
        enterEpoch(this.#epochOf(this.#newest));
      });
    });
  }

  #epochOf(turn: Turn): number {
    return turn * EPOCHS_PER_TURN + Math.min(this.#interrupts.get(turn) ?? 0, EPOCHS_PER_TURN - 1);
  }
}

function turnOf(noted: number): Turn {
  return Math.floor(noted / EPOCHS_PER_TURN);
}
