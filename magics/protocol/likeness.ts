// Whether two objects are of one form, asked of the engine: it keeps the names, attributes and order of an object's properties, its prototype and its
// kind of elements in one place (V8's "map"), and compares two of them in 15 ns where listing the keys of one takes 200. Whoever has looked
// closely at one object then knows all that are like it.
import { runInThisContext } from 'node:vm';
import { setFlagsFromString } from 'node:v8';
import { MAIN } from './main-context';

interface Natives {
  readonly isAlike: (a: object, b: object) => boolean;
  readonly hasFastProperties: (value: object) => boolean;
  readonly hasDictionaryElements: (value: object) => boolean;
}

let depth = 0;
let natives: Natives | undefined | 'none';

/**
 * Runs `action` while the engine can be asked. The flag is on for the whole of it, since the engine may throw compiled functions away and parse them
 * again; text that is compiled meanwhile means the same unless it is full of percent signs. undefined on an engine that cannot be asked, or flags that cannot be changed.
 */
export function withNatives<T>(action: (natives: Natives | undefined) => T): T {
  if (natives === 'none') return action(undefined);
  if (depth === 0) setFlagsFromString('--allow-natives-syntax');
  depth += 1;
  try {
    natives ??= compile();
    return action(natives === 'none' ? undefined : natives);
  } finally {
    depth -= 1;
    if (depth === 0) setFlagsFromString('--no-allow-natives-syntax');
  }
}

function compile(): Natives | 'none' {
  try {
    const isAlike = runInThisContext('(a, b) => %HaveSameMap(a, b)') as Natives['isAlike'];
    const hasFastProperties = runInThisContext('(a) => %HasFastProperties(a)') as Natives['hasFastProperties'];
    const hasDictionaryElements = runInThisContext(
      '(a) => %HasDictionaryElements(a)',
    ) as Natives['hasDictionaryElements'];
    // What an engine says that does not mean the same is worth nothing.
    const isSound =
      isAlike({ a: 1, b: 2 }, { a: 3, b: 4 }) &&
      !isAlike({ a: 1, b: 2 }, { b: 2, a: 1 }) &&
      !isAlike([1], Object.assign([1], { named: 1 })) &&
      !isAlike([1], Object.freeze([1])) &&
      hasFastProperties({ a: 1 }) &&
      !hasDictionaryElements([1]);
    return isSound ? { isAlike, hasFastProperties, hasDictionaryElements } : 'none';
  } catch {
    // Another engine, or flags that cannot be changed: then everything is looked at.
    return 'none';
  }
}

/** Elements of an array as literals make it: `numbers` has no holes. */
export type ArrayForm = 'numbers' | 'any';

/** Arrays as literals make them, of each kind of elements: no other keys, no accessors, extensible, of the usual prototype. */
const SAMPLES = (
  MAIN.eval('[[1], [1.5], ["a"], [1, , 2], [1.5, , 2.5], ["a", , "b"]]') as readonly (readonly unknown[])[]
).map((array, index) => ({ array, form: index < 2 ? ('numbers' as const) : ('any' as const) }));

const REMEMBERED = 4;
/** After so many objects unlike all others, of which few were like a remembered one, they are not compared any more. */
const TRIAL = 4096;

export interface Remembered<T> {
  readonly sample: object;
  readonly facts: T;
}

/** Forms that were met in one walk. */
export class Forms<T> {
  readonly #natives: Natives | undefined;
  readonly #remembered: Remembered<T>[] = [];
  #sample = SAMPLES[0];
  #tried = 0;
  #found = 0;

  constructor(natives: Natives | undefined) {
    this.#natives = natives;
  }

  /** undefined: it has to be looked at. */
  arrayForm(array: readonly unknown[]): ArrayForm | undefined {
    const { isAlike } = this.#natives ?? {};
    if (isAlike === undefined) return undefined;
    if (this.#sample !== undefined && isAlike(array, this.#sample.array)) return this.#sample.form;
    for (const sample of SAMPLES) {
      if (!isAlike(array, sample.array)) continue;
      this.#sample = sample;
      return sample.form;
    }
    return undefined;
  }

  /** What is remembered of an object that is like this one. Its elements (keys that are indices) may differ. */
  recall(value: object): T | undefined {
    const { isAlike } = this.#natives ?? {};
    if (isAlike === undefined || (this.#tried > TRIAL && this.#found * 2 < this.#tried)) return undefined;
    this.#tried += 1;
    for (let index = 0; index < this.#remembered.length; index++) {
      const one = this.#remembered[index];
      if (one === undefined || !isAlike(one.sample, value)) continue;
      this.#found += 1;
      if (index > 0) this.#toFront(index, one);
      return one.facts;
    }
    return undefined;
  }

  /** The most recent ones are kept. Objects with many keys are not alike by their map. */
  remember(sample: object, facts: T): void {
    if (this.#natives?.hasFastProperties(sample) !== true) return;
    this.#remembered.unshift({ sample, facts });
    if (this.#remembered.length > REMEMBERED) this.#remembered.pop();
  }

  forget(): void {
    this.#remembered.length = 0;
  }

  #toFront(index: number, one: Remembered<T>): void {
    this.#remembered.splice(index, 1);
    this.#remembered.unshift(one);
  }
}
