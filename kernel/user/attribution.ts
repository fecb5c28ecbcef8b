// Which cell does this line of output belong to? Cell code says it itself: each activation notes the epoch it began in, and shows it after each await
// (realm/interrupts.ts); our timers and the listeners of comms are called as the cell that made them. For what Node calls by itself, a file's callback or
// a socket's listener, Node 24 carries context along for nothing. Before that the number of what calls tells: Node numbers all that it will call back
// for, whether anybody listens or not, so a number says which cell was the newest when that was asked for. Tracking promises as well would make each
// `await` dearer. What is still unknown belongs to the newest cell.
import {
  AsyncLocalStorage,
  AsyncResource,
  executionAsyncId,
  executionAsyncResource,
  triggerAsyncId,
} from 'node:async_hooks';
import { types } from 'node:util';
import { endEpoch, enterEpoch, tellEpochBy, whenResumed } from '../../magics/realm';
import type { Turn } from '../pipe';

/** From this version on AsyncLocalStorage is part of V8's own promises instead of a hook on each of them. */
const CHEAP_CONTEXT_FROM = 24;
/** Epochs of one turn: one more with each interrupt. More than that many of one cell are not told apart. */
const EPOCHS_PER_TURN = 16;
/** What older cells have asked for is not told apart any more. */
const REMEMBERED_TURNS = 1_000;

export class Attribution {
  readonly #context: AsyncLocalStorage<Turn> | undefined;
  readonly #abandoned = new Set<Turn>();
  /** How often a turn was interrupted. */
  readonly #interrupts = new Map<Turn, number>();
  /** Newest last: what has a higher number was asked for in this turn, or a later one. */
  readonly #begins: { readonly turn: Turn; readonly asyncId: number }[] = [];
  /** Below it are the kernel's own pipes. */
  #firstNumber = Infinity;
  #newest: Turn = 0;
  /** The turn whose code runs, where it has said so. */
  #entered: Turn | undefined;
  #isReturning = false;

  constructor() {
    const major = Number(process.versions.node.split('.')[0]);
    this.#context = major >= CHEAP_CONTEXT_FROM ? new AsyncLocalStorage() : undefined;
    whenResumed((noted) => {
      this.goOn(turnOf(noted));
    });
    // Asked by every call of an asynchronous function of a cell: mostly in a microtask, which has no number.
    tellEpochBy((entered) =>
      this.#entered === undefined && executionAsyncId() > this.#firstNumber ? this.#epochOf(this.turn) : entered,
    );
  }

  /** Does Node itself know whose every callback is? */
  get carriesContext(): boolean {
    return this.#context !== undefined;
  }

  /** The cell whose code runs now, as far as it can be known. */
  get turn(): Turn {
    return this.#entered ?? (this.#context ? this.#context.getStore() : this.#byNumber()) ?? this.#newest;
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
    if ((this.#entered ?? this.#newest) === turn) enterEpoch(this.#epochOf(turn));
  }

  /** The newest turn begins, or goes on. */
  run<T>(turn: Turn, work: () => T): T {
    if (turn !== this.#newest) {
      this.#newest = turn;
      this.#begins.push({ turn, asyncId: new AsyncResource('CELL').asyncId() });
      if (this.#begins.length > REMEMBERED_TURNS) this.#begins.shift();
      this.#firstNumber = this.#begins[0]?.asyncId ?? Infinity;
    }
    this.#entered = undefined;
    enterEpoch(this.#epochOf(turn));
    return this.#context ? this.#context.run(turn, work) : work();
  }

  /** A callback of any turn, called by the event loop: what follows in microtasks is its doing as well. */
  fromLoop(turn: Turn, work: () => void): void {
    this.goOn(turn);
    if (this.#context) this.#context.run(turn, work);
    else work();
  }

  /** What runs now, and what follows in microtasks, is this turn's. */
  goOn(turn: Turn): void {
    // What has not said whose it is counts as the newest turn's already.
    if (turn === this.#newest && this.#entered === undefined) return;
    this.#entered = turn;
    enterEpoch(this.#epochOf(turn));
    if (this.#isReturning) return;
    this.#isReturning = true;
    // A tick queued by a microtask runs once all microtasks are done: until then it is this turn's doing.
    void Promise.resolve().then(() => {
      process.nextTick(() => {
        this.#isReturning = false;
        this.#entered = undefined;
        enterEpoch(this.#epochOf(this.#newest));
      });
    });
  }

  /** By the number of what Node calls now, and of what that was asked for by: the earlier of the two. */
  #byNumber(): Turn | undefined {
    const own = this.#turnAt(executionAsyncId());
    // Promises have numbers too as soon as the user's code tracks them, by an AsyncLocalStorage for one. Theirs tell whom they wait for, not whose they are.
    if (own === undefined || types.isPromise(executionAsyncResource())) return undefined;
    return Math.min(own, this.#turnAt(triggerAsyncId()) ?? own);
  }

  /** Undefined before the first cell: those are the kernel's own pipes, and what runs in microtasks has no number. */
  #turnAt(asyncId: number): Turn | undefined {
    if (asyncId <= this.#firstNumber) return undefined;
    return this.#begins.findLast((begin) => asyncId > begin.asyncId)?.turn;
  }

  #epochOf(turn: Turn): number {
    return turn * EPOCHS_PER_TURN + Math.min(this.#interrupts.get(turn) ?? 0, EPOCHS_PER_TURN - 1);
  }
}

function turnOf(noted: number): Turn {
  return Math.floor(noted / EPOCHS_PER_TURN);
}
