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

/** The current epoch. Every interrupt raises it; an activation of an older epoch throws at its next await. */
export function epoch(): number {
  return Reflect.get(MAIN, RUNTIME.epoch) as number;
}

/** Ends what waits: activations of the present epoch throw when their awaits come back. */
export function raiseEpoch(): void {
  Reflect.set(MAIN, RUNTIME.epoch, epoch() + 1);
  for (const listener of [...listeners]) listener();
}

const listeners = new Set<() => void>();

/** Tells of interrupts, for work that goes on outside of this thread. Gives the way to stop listening. */
export function onInterrupt(listener: () => void): () => void {
  listeners.add(listener);
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
  Object.defineProperty(MAIN, RUNTIME.epoch, { value: 0, writable: true, configurable: true });
  define(RUNTIME.throw, () => {
    throw new KeyboardInterrupt();
  });
  define(RUNTIME.awaited, (started: number, value: unknown) => {
    if (started !== epoch()) throw new KeyboardInterrupt();
    return value;
  });
}

function defineStop(): void {
  Object.defineProperty(MAIN, RUNTIME.stop, { value: false, writable: true, configurable: true });
}

function define(name: string, value: unknown): void {
  Object.defineProperty(MAIN, name, { value, configurable: true });
}
