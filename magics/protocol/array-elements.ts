// Cheap answers about long arrays: have they keys beside their indices, have they elements that are not plain values?
// Asking each of 2e7 elements for its descriptor takes seconds, and listing the keys makes 2e7 strings.
import { runInThisContext } from 'node:vm';
import { setFlagsFromString } from 'node:v8';
import { inspect } from 'node:util';

/** Below this, the straight way is quick enough. */
const LONG = 2048;

type Question = (value: object) => boolean;
let question: Question | undefined;

/**
 * True when every element is known to be a plain value or a hole; false says nothing, and each has to be looked at. V8 keeps accessors and
 * read-only elements in "dictionary" arrays only. The flag that lets one ask is on for this one call: the engine may throw compiled
 * functions away and parse them again.
 */
export function hasPlainElements(array: readonly unknown[]): boolean {
  if (array.length < LONG) return false;
  setFlagsFromString('--allow-natives-syntax');
  try {
    question ??= runInThisContext('(value) => %HasDictionaryElements(value)') as Question;
    return !question(array);
  } catch {
    // Another engine, or flags that cannot be changed.
    return false;
  } finally {
    setFlagsFromString('--no-allow-natives-syntax');
  }
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
