// Records of plain objects, instances and arrays: what there is most of, so written with care for speed.
import { FEW_NUMBERS, MANY, attributesOf, formOf, isIndex, namedKeys, plainForm } from './array-elements';
import { ATTRIBUTE, INTEGRITY, KIND, TAG } from './graph-format';
import type { PrivateState } from './graph-hooks';
import type { GraphWriter } from './graph-writer';
import { integrityOf } from './integrity';
import * as intrinsics from './intrinsics';
import type { Forms } from './likeness';

export interface PlainForm {
  readonly keys: readonly string[];
  /** Id in the graph. */
  readonly shape: number;
}

export class ObjectRecords {
  readonly #to: GraphWriter;
  readonly #scratch: unknown[] = [];

  /** By form: the keys of plain objects whose properties are all plain values. */
  readonly #forms: Forms<PlainForm>;

  constructor(writer: GraphWriter, forms: Forms<PlainForm>) {
    this.#to = writer;
    this.#forms = forms;
  }

  /** An array as literals make it, which is written at once; false for any other. */
  arrayAsUsual(value: readonly unknown[]): boolean {
    const form = this.#forms.arrayForm(value);
    if (form === undefined) return false;
    const { length } = value;
    const isNumbers = length >= FEW_NUMBERS && (form === 'numbers' || plainForm(value) === 'numbers');
    // What is mostly holes is told apart by whoever looks closely.
    if (!isNumbers && form !== 'numbers' && length > MANY) return false;
    this.#to.kinds.push(isNumbers ? KIND.numbers : KIND.array);
    this.#to.headInts.push(length);
    if (isNumbers) this.#to.doubles.pushAll(value as readonly number[]);
    else this.#elements(value);
    return true;
  }

  /** What was looked at may have changed. */
  forget(): void {
    this.#forms.forget();
  }

  /** An object that is like one that was looked at, which is written at once; false for any other. */
  likeAnother(value: object): boolean {
    const form = this.#forms.recall(value);
    // Indices among its keys are not part of the form.
    if (form === undefined || Object.getOwnPropertyNames(value).length !== form.keys.length) return false;
    this.#to.kinds.push(KIND.object);
    this.#to.ints.push(form.shape);
    const from = value as Readonly<Record<string, unknown>>;
    for (const key of form.keys) this.#to.value(from[key]);
    return true;
  }

  ordinary(value: object): void {
    const keys = keysOf(value);
    if (keys[0] === 'constructor' && this.#prototype(value, keys)) return;
    const integrity = integrityOf(value);
    const plain = this.#readPlain(value, keys, attributesOf(integrity));
    const prototype = Reflect.getPrototypeOf(value);
    const privates = isPlainPrototype(prototype) ? NO_PRIVATES : this.#to.hooks.privatesOf(value);
    const hasExtras = plain === undefined || integrity !== INTEGRITY.none || privates.length > 0;
    const [newest] = privates;
    this.#to.begin(newest === undefined ? KIND.object : KIND.revived, value, intrinsics.ObjectPrototype, hasExtras);
    if (newest !== undefined) this.#to.headInts.push(this.#to.number(newest.owner));
    const shape = this.#to.shapes.id(plain ?? NO_KEYS);
    this.#to.ints.push(shape);
    if (plain !== undefined && !hasExtras && prototype === intrinsics.ObjectPrototype && plain.length > 0)
      if (!plain.some(isIndex)) this.#forms.remember(value, { keys: plain, shape });
    if (plain !== undefined) this.#writeScratch(plain.length);
    if (hasExtras) this.#to.extras(value, plain === undefined ? keys : NO_KEYS, integrity, false, privates);
  }

  /** The keys, when all properties are plain values of text keys; those are in the scratch array then, read without a getter. */
  #readPlain(value: object, keys: readonly (string | symbol)[], attributes: number): readonly string[] | undefined {
    const scratch = this.#scratch;
    const writable = (attributes & ATTRIBUTE.writable) !== 0;
    const configurable = (attributes & ATTRIBUTE.configurable) !== 0;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (typeof key !== 'string') return undefined;
      const own = Object.getOwnPropertyDescriptor(value, key);
      // An accessor has no `writable` at all.
      if (own?.writable !== writable || own.enumerable !== true || own.configurable !== configurable) return undefined;
      scratch[i] = own.value;
    }
    return keys as readonly string[];
  }

  #writeScratch(count: number): void {
    const scratch = this.#scratch;
    for (let i = 0; i < count; i++) {
      this.#to.value(scratch[i]);
      scratch[i] = undefined;
    }
  }

  /** Is it the `prototype` of a function that travels? Then it comes with the function. */
  #prototype(value: object, keys: readonly (string | symbol)[]): boolean {
    const owner: unknown = Reflect.getOwnPropertyDescriptor(value, 'constructor')?.value;
    if (typeof owner !== 'function') return false;
    if (Reflect.getOwnPropertyDescriptor(owner, 'prototype')?.value !== value) return false;
    const isForeign = this.#to.hooks.pathOf(owner) !== undefined;
    if (isForeign) this.#to.kinds.push(KIND.prototype);
    else this.#to.begin(KIND.prototype, value, intrinsics.ObjectPrototype, true);
    this.#to.headInts.push(this.#to.number(owner));
    if (!isForeign) this.#to.extras(value, keys, integrityOf(value), true);
    return true;
  }

  array(value: unknown[]): void {
    const integrity = integrityOf(value);
    const { length } = value;
    const named = namedKeys(value);
    const isFixed = Reflect.getOwnPropertyDescriptor(value, 'length')?.writable === false;
    const content = formOf(value, integrity);
    const extraKeys = content === 'mixed' ? Reflect.ownKeys(value).filter((key) => key !== 'length') : named;
    if (isFixed && integrity !== INTEGRITY.frozen) extraKeys.push('length');
    const privates = this.#to.privatesOf(value);
    const hasExtras = extraKeys.length > 0 || integrity !== INTEGRITY.none || privates.length > 0;
    if (content === 'numbers') {
      this.#to.begin(KIND.numbers, value, intrinsics.ArrayPrototype, hasExtras);
      this.#to.bear(privates);
      this.#to.headInts.push(length);
      this.#to.doubles.pushAll(value as number[]);
    } else if (content === 'dense') {
      this.#to.begin(KIND.array, value, intrinsics.ArrayPrototype, hasExtras);
      this.#to.bear(privates);
      this.#to.headInts.push(length);
      this.#elements(value);
    } else {
      this.#to.begin(KIND.sparse, value, intrinsics.ArrayPrototype, hasExtras);
      this.#to.bear(privates);
      this.#entries(value, content === 'mixed');
    }
    if (hasExtras) this.#to.extras(value, extraKeys, integrity, false, privates);
  }

  #elements(value: readonly unknown[]): void {
    const { length } = value;
    for (let index = 0; index < length; index++) {
      const item = value[index];
      if (item === undefined && !Object.hasOwn(value, index)) this.#to.tags.push(TAG.hole);
      else this.#to.value(item);
    }
  }

  /** A sparse array as pairs of index and value; one with accessors among its elements has all of them in the extras. */
  #entries(value: readonly unknown[], mixed: boolean): void {
    this.#to.doubles.push(value.length);
    const keys = mixed ? [] : Object.keys(value).filter(isIndex);
    this.#to.ints.push(keys.length);
    for (const key of keys) {
      this.#to.doubles.push(Number(key));
      this.#to.value(value[Number(key)]);
    }
  }
}

const NO_KEYS: readonly string[] = [];
const NO_PRIVATES: readonly PrivateState[] = [];

/** Reflect.ownKeys, at a third of its cost where there are no symbols. */
function keysOf(value: object): readonly (string | symbol)[] {
  return Object.getOwnPropertySymbols(value).length === 0 ? Object.getOwnPropertyNames(value) : Reflect.ownKeys(value);
}

export function isPlainPrototype(prototype: object | null): boolean {
  return prototype === null || prototype === intrinsics.ObjectPrototype;
}
