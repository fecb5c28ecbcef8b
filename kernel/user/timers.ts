// The global timers, by ones that remember their cell: what they print belongs to it, and those of an interrupted cell do not fire any more.
import { promisify } from 'node:util';
import type { Turn } from '../pipe';
import type { Attribution } from './attribution';

const NAMES = ['setTimeout', 'setInterval', 'setImmediate'] as const;

export function installTimers(attribution: Attribution): void {
  for (const name of NAMES) wrapTimer(name, attribution);
}

function wrapTimer(name: (typeof NAMES)[number], attribution: Attribution): void {
  const original: (...args: unknown[]) => unknown = globalThis[name] as (...args: unknown[]) => unknown;
  const wrapped = function (callback: unknown, ...rest: unknown[]): unknown {
    if (typeof callback !== 'function') return original(callback, ...rest);
    const { turn } = attribution;
    return original(
      function (this: NodeJS.Timeout, ...args: unknown[]) {
        fire(attribution, turn, this, () => {
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

function fire(
  attribution: Attribution,
  turn: Turn,
  timer: NodeJS.Timeout | NodeJS.Immediate,
  callback: () => void,
): void {
  // Timers that would not keep a process alive are a library's housekeeping: an interrupt leaves them alone.
  if (attribution.isAbandoned(turn) && timer.hasRef()) {
    if ('refresh' in timer) clearInterval(timer);
    return;
  }
  attribution.fromLoop(turn, callback);
}
