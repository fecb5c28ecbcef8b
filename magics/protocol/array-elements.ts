// Cheap answers about long arrays: have they keys beside their indices, have they elements that are not plain values?
// Asking each of 2e7 elements for its descriptor takes seconds, and listing the keys makes 2e7 strings.
import { inspect } from 'node:util';
import { ATTRIBUTE, DEFAULT_ATTRIBUTES, INTEGRITY } from './graph-format';
import { withNatives } from './likeness';

/** Below this, the straight way is quick enough. */
const LONG = 2048;

/**
 * True when every element is known to be a plain value or a hole; false says nothing, and each has to be looked at. V8 keeps accessors and
 * read-only elements in "dictionary" arrays only.
 */
export function hasPlainElements(array: readonly unknown[]): boolean {
  if (array.length < LONG) return false;
  return withNatives((natives) => natives?.hasDictionaryElements(array) === false);
}

const ONLY_ITEMS = /\[ \.\.\. \d+ more items?(, \[length\]: \d+)? \]$/;

/** The own keys that are no index and not `length`, in order. */
export function namedKeys(value: ArrayLike<unknown>): (string | symbol)[] {
  if (value.length >= LONG) {
    const text = inspect(value, {
      maxArrayLength: 0,
      depth: 0,
      customInspect: false,
      breakLength: Infinity,
      showHidden: Array.isArray(value),
    });
    if (ONLY_ITEMS.test(text)) return [];
  }
  const keys = Reflect.ownKeys(value);
  // A dense array has its indices and `length`, and then no more.
  if (Array.isArray(value) && keys.length === value.length + 1 && keys[value.length] === 'length') return [];
  return keys.filter((key) => key !== 'length' && !isIndex(key));
}

/** A canonical array index: "0", "17", and below 2^32 - 1. */
export function isIndex(key: string | symbol): boolean {
  if (typeof key === 'symbol' || key === '' || key.length > 10) return false;
  const index = Number(key);
  return Number.isInteger(index) && index >= 0 && index < 0xffff_ffff && String(index) === key;
}

/** The attributes that properties have when nothing but the integrity level has changed them. */
export function attributesOf(integrity: number): number {
  if (integrity === INTEGRITY.frozen) return ATTRIBUTE.enumerable;
  if (integrity === INTEGRITY.sealed) return ATTRIBUTE.enumerable | ATTRIBUTE.writable;
  return DEFAULT_ATTRIBUTES;
}

function isPlain(value: object, key: string | number, attributes: number): boolean {
  const descriptor = Object.getOwnPropertyDescriptor(value, key);
  return (
    descriptor !== undefined &&
    descriptor.get === undefined &&
    descriptor.set === undefined &&
    descriptor.enumerable === true &&
    descriptor.writable === ((attributes & ATTRIBUTE.writable) !== 0) &&
    descriptor.configurable === ((attributes & ATTRIBUTE.configurable) !== 0)
  );
}

export type Elements = 'numbers' | 'dense' | 'sparse' | 'mixed';

/** From here on it is asked whether there are more holes than elements. */
export const MANY = 1024;
/** Below this an array of numbers is smaller as tagged values. */
export const FEW_NUMBERS = 8;

/** How an array is best written: all numbers, item by item, as pairs of index and value, or (accessors among them) property by property. */
export function formOf(value: readonly unknown[], integrity: number): Elements {
  return hasPlainElements(value) ? plainForm(value) : checkedForm(value, attributesOf(integrity));
}

/** For arrays whose elements are known to be plain values or holes. */
export function plainForm(value: readonly unknown[]): Elements {
  let numbers = 0;
  let missing = 0;
  for (const item of value) {
    if (typeof item === 'number') numbers += 1;
    else if (item === undefined) missing += 1;
  }
  if (numbers === value.length) return 'numbers';
  return missing * 2 > value.length && Object.keys(value).length * 2 < value.length ? 'sparse' : 'dense';
}

/** Looks at each element's descriptor, by index; by key where there are more holes than elements. */
function checkedForm(value: readonly unknown[], attributes: number): Elements {
  const { length } = value;
  if (length > MANY && Object.keys(value).length * 2 < length) {
    const keys = Object.keys(value).filter(isIndex);
    return keys.every((key) => isPlain(value, key, attributes)) ? 'sparse' : 'mixed';
  }
  const writable = (attributes & ATTRIBUTE.writable) !== 0;
  const configurable = (attributes & ATTRIBUTE.configurable) !== 0;
  let numbers = length >= FEW_NUMBERS;
  for (let index = 0; index < length; index++) {
    const own = Object.getOwnPropertyDescriptor(value, index);
    if (own === undefined) numbers = false;
    else if (own.writable !== writable || own.enumerable !== true || own.configurable !== configurable) return 'mixed';
    else if (typeof own.value !== 'number') numbers = false;
  }
  return numbers ? 'numbers' : 'dense';
}
