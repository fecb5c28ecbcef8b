// Has the notebook changed what a package exports, or what the language brings: settings on a class (`Decimal.set`), methods that a plugin adds, a method
// put on `Array.prototype`? A job loads the package anew and does not know of it, which would be a silent difference. Told from what the exports looked like
// when they were loaded.
import { isLocalSpecifier } from './local-sources';
import { isBuiltin } from 'node:module';
import { MAIN } from '../protocol/main-context';

/** Stands among specifiers for the globals of the language. */
export const LANGUAGE = 'the language';
const WATCHED = [
  'Object Function Array Number Boolean String Symbol BigInt Math JSON Reflect Promise RegExp Date Map Set WeakMap WeakSet Error RangeError TypeError',
  'ArrayBuffer DataView Uint8Array Int32Array Float32Array Float64Array Intl',
].flatMap((line) => line.split(' '));

type State = ReadonlyMap<string, unknown>;

/** What functions have from the start, and what the language may change behind one's back. */
const USUAL = new Set(['length', 'name', 'prototype', 'arguments', 'caller', 'constructor', 'default', '__esModule']);
/** Of one module; those beyond are not watched. */
const MOST_EXPORTS = 5_000;

export class ModuleStates {
  readonly #states = new Map<
    string,
    { readonly owners: Map<object, { readonly name: string; readonly state: State }> }
  >();

  /** Of packages: the local modules that have changed them. A job that loads those has the changes as well. */
  readonly #changers = new Map<string, Set<string>>();

  /** To be called before anything of the user's runs. */
  watchLanguage(): void {
    const owners = new Map<object, string>();
    for (const name of WATCHED) addOwner(owners, Reflect.get(MAIN, name), name);
    this.#renew(LANGUAGE, owners);
  }

  /** To be called after a module has run: one of the notebook's own may have changed packages. */
  note(specifier: string, exports: unknown): void {
    if (isLocalSpecifier(specifier)) this.#attribute(specifier);
    else if (!isBuiltin(bare(specifier))) {
      this.#renew(specifier, ownersIn(exports, bare(specifier)));
      // What a package does to the language, it does in the job as well.
      this.#renew(LANGUAGE, this.#states.get(LANGUAGE)?.owners ?? new Map());
    }
  }

  /** What was changed since, as one would write it: `Decimal.precision`. */
  changesOf(specifier: string): string[] {
    const changes: string[] = [];
    for (const [owner, { name, state }] of this.#states.get(specifier)?.owners ?? []) {
      const now = stateOf(owner);
      for (const key of new Set([...state.keys(), ...now.keys()]))
        if (!Object.is(state.get(key), now.get(key))) changes.push(`${name}.${key}`);
    }
    return changes;
  }

  /** The local modules without which the packages would be others. */
  changersOf(specifiers: Iterable<string>): string[] {
    return [...new Set([...specifiers].flatMap((specifier) => [...(this.#changers.get(specifier) ?? [])]))];
  }

  #attribute(local: string): void {
    for (const [specifier, { owners }] of this.#states) {
      if (this.changesOf(specifier).length === 0) continue;
      this.#changers.set(specifier, (this.#changers.get(specifier) ?? new Set()).add(local));
      this.#renew(specifier, owners);
    }
  }

  #renew(specifier: string, owners: ReadonlyMap<object, string | { readonly name: string }>): void {
    const states = new Map<object, { readonly name: string; readonly state: State }>();
    for (const [owner, named] of owners) {
      const name = typeof named === 'string' ? named : named.name;
      states.set(owner, { name, state: stateOf(owner) });
    }
    this.#states.set(specifier, { owners: states });
  }
}

function bare(specifier: string): string {
  return specifier.replace(/^require:/, '');
}

/** Exported functions and what their instances inherit from. */
function ownersIn(exports: unknown, specifier: string): Map<object, string> {
  const owners = new Map<object, string>();
  const add = (value: unknown, name: string): void => {
    if (typeof value === 'function') addOwner(owners, value, name);
  };
  add(exports, specifier);
  if ((typeof exports !== 'object' && typeof exports !== 'function') || exports === null) return owners;
  for (const key of Object.keys(exports).slice(0, MOST_EXPORTS)) {
    // Lazy exports stay lazy: no getter is called. Those of ES modules are values.
    const value: unknown = Reflect.getOwnPropertyDescriptor(exports, key)?.value;
    add(value, key === 'default' ? specifier : key);
  }
  return owners;
}

function addOwner(owners: Map<object, string>, value: unknown, name: string): void {
  if ((typeof value !== 'function' && typeof value !== 'object') || value === null || owners.has(value)) return;
  owners.set(value, name);
  const prototype: unknown = Reflect.getOwnPropertyDescriptor(value, 'prototype')?.value;
  if (typeof prototype === 'object' && prototype !== null) owners.set(prototype, `${name}.prototype`);
}

/** Plain values only: what lies behind accessors is not to be had without running it. */
function stateOf(owner: object): State {
  const state = new Map<string, unknown>();
  for (const key of Object.getOwnPropertyNames(owner)) {
    if (USUAL.has(key)) continue;
    const descriptor = Reflect.getOwnPropertyDescriptor(owner, key);
    if (descriptor !== undefined && 'value' in descriptor) state.set(key, descriptor.value);
  }
  return state;
}
