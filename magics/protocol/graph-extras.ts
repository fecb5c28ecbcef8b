// Reads what a record says beyond its kind: properties that are not plain, integrity, private fields.
import { types } from 'node:util';
import { defineStack } from './intrinsics';
import { ATTRIBUTE, INTEGRITY, KIND } from './graph-format';
import { broken } from './graph-heads';
import { UNINITIALISED } from './graph-hooks';
import type { DecodeHooks, PrivateState } from './graph-hooks';
import { HOLE, IMPLIED } from './graph-values';
import type { ValueReader } from './graph-values';

/** Kinds whose own properties are all listed in the extras: what a fresh one has beyond the list was deleted. */
const LISTED: ReadonlySet<number> = new Set([
  KIND.function,
  KIND.class,
  KIND.prototype,
  KIND.error,
  KIND.bound,
  KIND.source,
  KIND.arguments,
]);

export interface Extras {
  readonly integrity: number;
  readonly implied: ReadonlySet<string | symbol>;
  readonly privates: readonly PrivateState[];
}

export class ExtrasReader {
  readonly #from: ValueReader;
  readonly #hooks: DecodeHooks;
  /** Is the graph read to be compared with what is here? */
  readonly #compare: boolean;

  constructor(values: ValueReader, hooks: DecodeHooks, compare: boolean) {
    this.#from = values;
    this.#hooks = hooks;
    this.#compare = compare;
  }

  /** `shell` absent: what is read belongs to nothing that can be filled. */
  read(shell: object | undefined, kind: number, describes: boolean): Extras {
    const integrity = this.#from.ints.next();
    const implied = new Set<string | symbol>();
    const listed = new Set<string | symbol>();
    for (let left = this.#from.ints.count(this.#from.tags, 2); left > 0; left--) {
      const key = this.#from.plain();
      if (typeof key !== 'string' && typeof key !== 'symbol') throw broken('a key is neither text nor symbol');
      listed.add(key);
      const attributes = this.#from.ints.next();
      if ((attributes & ATTRIBUTE.stack) !== 0) {
        this.#stack(shell, attributes);
        continue;
      }
      const descriptor = this.#descriptor(attributes);
      if (descriptor === undefined) implied.add(key);
      else if (shell !== undefined) define(shell, key, descriptor);
    }
    const privates = this.#privates();
    if (shell !== undefined && !describes) {
      for (const state of privates)
        if (!this.#hooks.setPrivates(shell, state)) throw broken('an object has not the private fields it should have');
    }
    if (shell !== undefined && !describes && LISTED.has(kind)) dropUnlisted(shell, listed);
    // What is compared looks as it did; what is to be patched is filled first and made rigid after.
    if (shell !== undefined && (!describes || this.#compare)) applyIntegrity(shell, integrity);
    return { integrity, implied, privates };
  }

  #stack(shell: object | undefined, attributes: number): void {
    const stack = this.#from.plain();
    const enumerable = (attributes & ATTRIBUTE.enumerable) !== 0;
    const configurable = (attributes & ATTRIBUTE.configurable) !== 0;
    if (shell === undefined || !types.isNativeError(shell)) throw broken('a stack belongs to no error');
    if (!defineStack(shell, stack, enumerable, configurable)) throw broken('the stack of an error cannot be set');
  }

  #privates(): PrivateState[] {
    const states: PrivateState[] = [];
    for (let left = this.#from.ints.count(this.#from.tags); left > 0; left--) {
      const owner = this.#from.plain();
      if (typeof owner !== 'function') throw broken('private fields belong to no class');
      const isStatic = this.#from.ints.next() === 1;
      const values = Object.create(null) as Record<string, unknown>;
      for (let names = this.#from.ints.count(this.#from.tags, 2); names > 0; names--) {
        const name = this.#from.plain();
        if (typeof name !== 'string') throw broken('a private field has no name');
        values[name] = this.#from.plain();
      }
      states.push({ owner, isStatic, values });
    }
    return states;
  }

  #descriptor(attributes: number): PropertyDescriptor | undefined {
    const enumerable = (attributes & ATTRIBUTE.enumerable) !== 0;
    const configurable = (attributes & ATTRIBUTE.configurable) !== 0;
    const first = this.#from.next();
    if (first === IMPLIED) return undefined;
    if (first === HOLE || first === UNINITIALISED) throw broken('a mark stands where a value is needed');
    if ((attributes & ATTRIBUTE.accessor) === 0) {
      return { value: first, writable: (attributes & ATTRIBUTE.writable) !== 0, enumerable, configurable };
    }
    const get = accessorPart(first);
    const set = accessorPart(this.#from.plain());
    return { ...(get ? { get } : {}), ...(set ? { set } : {}), enumerable, configurable };
  }
}

function accessorPart(value: unknown): (() => unknown) | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'function') throw broken('an accessor is no function');
  return value as () => unknown;
}

export function define(target: object, key: string | symbol, descriptor: PropertyDescriptor): void {
  if (!Reflect.defineProperty(target, key, descriptor)) throw broken(`the property ${String(key)} cannot be defined`);
}

function dropUnlisted(target: object, listed: ReadonlySet<string | symbol>): void {
  for (const key of Reflect.ownKeys(target)) if (!listed.has(key)) Reflect.deleteProperty(target, key);
}

/** Levels as in INTEGRITY. */
export function applyIntegrity(target: object, level: number): void {
  // Elements of typed arrays can never be closed; engines differ in whether they call such an array sealed, and none lets it be.
  const isView = level !== INTEGRITY.none && ArrayBuffer.isView(target);
  if (level === INTEGRITY.nonExtensible || isView) Object.preventExtensions(target);
  else if (level === INTEGRITY.sealed) Object.seal(target);
  else if (level === INTEGRITY.frozen) Object.freeze(target);
  else if (level !== INTEGRITY.none) throw broken('an object has an unknown integrity level');
}

/** May the keys of a shape be assigned, which is quick, or would that find a setter, `__proto__` or a read-only property in the prototypes? */
export class KeySafety {
  #shape = -1;
  #prototype: object | null | undefined = undefined;
  #safe = false;

  mayAssign(shape: number, keys: readonly string[], prototype: object | null): boolean {
    if (shape !== this.#shape || prototype !== this.#prototype) {
      this.#shape = shape;
      this.#prototype = prototype;
      this.#safe = prototype === null || !keys.some((key) => hasInChain(prototype, key));
    }
    return this.#safe;
  }
}

/** Walks by hand: a Proxy among the prototypes must not be asked. */
function hasInChain(prototype: object, key: string): boolean {
  for (let p: object | null = prototype; p !== null; p = Reflect.getPrototypeOf(p)) {
    if (types.isProxy(p) || Object.hasOwn(p, key)) return true;
  }
  return false;
}
