// What interrupt checks in lowered code call: a flag for code that runs, an epoch for code that waits.
// Mechanism: the flag is a *configurable* global property, whose value V8 embeds in optimised code; after an interrupt it is deleted and made
// anew, since a mere change back would leave every check three times slower for good.
import { runInThisContext } from 'node:vm';
import { RUNTIME } from '../protocol/code';
import { MAIN } from '../protocol/main-context';

/** The error an interrupted cell throws, a class of the main context so that `instanceof Error` holds in cells. */
export const KeyboardInterrupt = runInThisContext(
  `(class KeyboardInterrupt extends Error {
    constructor(message = 'The cell was interrupted.') { super(message); }
    get name() { return 'KeyboardInterrupt'; }
  })`,
  { filename: 'cellburst:interrupt' },
) as new (message?: string) => Error;

const INTERRUPT_BRAND = Symbol.for('cellburst.interrupt');
Object.defineProperty(KeyboardInterrupt.prototype, INTERRUPT_BRAND, { value: true });

export function isInterrupt(error: unknown): boolean {
  return typeof error === 'object' && error !== null && INTERRUPT_BRAND in error;
}

/**
 * Epochs are whole numbers that say whose code runs. Each activation of cell code notes the one it begins in, and shows it after each of its awaits:
 * so an interrupt can end all that began in one epoch, and whoever attributes output learns to whom the code that goes on belongs.
 */
let entered = 0;
let epochNow = (now: number): number => now;

/** The epoch of what begins now. */
export function epoch(): number {
  return epochNow(entered);
}

/** Activations of this epoch go on without being told of (see `whenResumed`). */
export function enterEpoch(number: number): void {
  entered = number;
}

/** Says in which epoch code begins that the event loop calls, given the entered one. */
export function tellEpochBy(tell: (entered: number) => number): void {
  epochNow = tell;
}

const ended = new Set<number>();
const listeners = new Map<() => void, number>();
let resumed = enterEpoch;

/** From now on activations of this epoch throw when their awaits come back. */
export function endEpoch(over: number): void {
  ended.add(over);
  for (const [listener, registered] of [...listeners]) if (registered === over) listener();
}

/** Ends the current epoch; what begins from now on is of the next one. */
export function raiseEpoch(): void {
  const over = entered;
  enterEpoch(over + 1);
  endEpoch(over);
}

/** Called with its epoch when an activation goes on that is not of the entered one. It has to enter that epoch. */
export function whenResumed(listener: (noted: number) => void): void {
  resumed = listener;
}

/** Tells of the end of the current epoch, for work that goes on outside of this thread. Gives the way to stop listening. */
export function onInterrupt(listener: () => void): () => void {
  listeners.set(listener, epoch());
  return () => {
    listeners.delete(listener);
  };
}

/** Puts the flag back, as a new property (see above). To be called on the main thread when the interrupted code has unwound. */
export function clearStop(): void {
  Reflect.deleteProperty(MAIN, RUNTIME.stop);
  defineStop();
}

/** Defines the flag, the epoch and the functions that look at them. Does nothing the second time. */
export function installInterrupts(): void {
  if (RUNTIME.stop in MAIN) return;
  defineStop();
  Object.defineProperty(MAIN, RUNTIME.epoch, { get: epoch, configurable: true });
  define(RUNTIME.throw, () => {
    throw new KeyboardInterrupt();
  });
  define(RUNTIME.awaited, (started: number, value: unknown) => {
    if (started !== entered) {
      if (ended.has(started)) throw new KeyboardInterrupt();
      resumed(started);
    }
    return value;
  });
}

function defineStop(): void {
  Object.defineProperty(MAIN, RUNTIME.stop, { value: false, writable: true, configurable: true });
}

function define(name: string, value: unknown): void {
  Object.defineProperty(MAIN, name, { value, configurable: true });
}
