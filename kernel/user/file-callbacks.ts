// The functions of `fs` that answer later, by ones that remember their cell, on Nodes that carry no context along by themselves: a file is read in several
// steps, each asked for by the one before, so numbers alone do not lead back to the cell.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { types } from 'node:util';
import type { Attribution } from './attribution';

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/** Once, before any user code. Does nothing where it is not needed. */
export function installFileCallbacks(attribution: Attribution): void {
  if (attribution.carriesContext) return;
  for (const name of Object.keys(fs)) {
    if (Object.hasOwn(fs, `${name}Sync`)) replace(fs, name, (original) => withCallback(original, attribution));
  }
  for (const name of Object.keys(fs.promises))
    replace(fs.promises, name, (original) => withPromise(original, attribution));
  syncBuiltinESMExports();
}

function replace(module: object, name: string, wrap: (original: AnyFunction) => AnyFunction): void {
  const original: unknown = Reflect.get(module, name);
  // `fs.constants` and classes stay what they are.
  if (typeof original !== 'function' || /^[A-Z]/.test(name)) return;
  const wrapped = wrap(original as AnyFunction);
  // Name, length, and how util.promisify sees it.
  Object.defineProperties(wrapped, Object.getOwnPropertyDescriptors(original));
  Reflect.set(module, name, wrapped);
}

function withCallback(original: AnyFunction, attribution: Attribution): AnyFunction {
  return function (...args) {
    const callback = args.at(-1);
    if (typeof callback === 'function') {
      const { turn } = attribution;
      args[args.length - 1] = function (this: unknown, ...results: unknown[]) {
        attribution.fromLoop(turn, () => {
          Reflect.apply(callback, this, results);
        });
      };
    }
    return Reflect.apply(original, this, args);
  };
}

/** What is chained to the promise runs after this, in the same go of microtasks. */
function withPromise(original: AnyFunction, attribution: Attribution): AnyFunction {
  return function (...args) {
    const promise: unknown = Reflect.apply(original, this, args);
    if (!types.isPromise(promise)) return promise;
    const { turn } = attribution;
    return promise.then(
      (value) => {
        attribution.goOn(turn);
        return value;
      },
      (error: unknown) => {
        attribution.goOn(turn);
        throw error;
      },
    );
  };
}
