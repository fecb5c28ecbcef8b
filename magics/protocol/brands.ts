// What an object is by its internal slots: not by its prototype, which anyone may set.
import { types } from 'node:util';
import type { RefusalReason } from './graph-hooks';
import { MAIN } from './main-context';

export type Brand =
  | 'object'
  | 'array'
  | 'map'
  | 'set'
  | 'date'
  | 'regexp'
  | 'error'
  | 'Number'
  | 'String'
  | 'Boolean'
  | 'BigInt'
  | 'Symbol'
  | 'buffer'
  | 'shared'
  | 'view'
  | 'dataView'
  | 'url'
  | 'searchParams'
  | 'proxy'
  | 'promise'
  | 'weakMap'
  | 'weakSet'
  | 'weakRef'
  | 'finalizationRegistry'
  | 'generator'
  | 'iterator'
  | 'arguments'
  | 'namespace'
  | 'wasm'
  | 'native';

const TESTS: readonly (readonly [(value: unknown) => boolean, Brand])[] = [
  [types.isMap, 'map'],
  [types.isSet, 'set'],
  [types.isDate, 'date'],
  [types.isRegExp, 'regexp'],
  [types.isNativeError, 'error'],
  [types.isTypedArray, 'view'],
  [types.isArrayBuffer, 'buffer'],
  [types.isSharedArrayBuffer, 'shared'],
  [types.isDataView, 'dataView'],
  [types.isPromise, 'promise'],
  [types.isNumberObject, 'Number'],
  [types.isStringObject, 'String'],
  [types.isBooleanObject, 'Boolean'],
  [types.isBigIntObject, 'BigInt'],
  [types.isSymbolObject, 'Symbol'],
  [types.isArgumentsObject, 'arguments'],
  [types.isModuleNamespaceObject, 'namespace'],
  [types.isWeakMap, 'weakMap'],
  [types.isWeakSet, 'weakSet'],
  [types.isGeneratorObject, 'generator'],
  [types.isMapIterator, 'iterator'],
  [types.isSetIterator, 'iterator'],
  [types.isExternal, 'native'],
  [types.isCryptoKey, 'native'],
  [types.isKeyObject, 'native'],
];

/** Prototypes under which an ordinary-looking object has slots that `types` has no test for. */
const BY_CHAIN: readonly (readonly [string, Brand])[] = [
  ['URL', 'url'],
  ['URLSearchParams', 'searchParams'],
  ['WeakRef', 'weakRef'],
  ['FinalizationRegistry', 'finalizationRegistry'],
];

/** Of the iterators that builtins give; a class of the user's own may inherit from `Iterator` itself. */
const iteratorPrototypes: ReadonlySet<object | null> = new Set(
  [
    '[].values()',
    "''[Symbol.iterator]()",
    "''.matchAll(/a/g)",
    // From Node 22 on.
    'typeof Iterator === "function" ? [].values().map((x) => x) : undefined',
    'typeof Iterator === "function" ? Iterator.from({ next() {} }) : undefined',
  ].flatMap((source) => {
    const sample: unknown = MAIN.eval(source);
    return typeof sample === 'object' && sample !== null ? [Reflect.getPrototypeOf(sample)] : [];
  }),
);
const wasmPrototypes = ['Module', 'Instance', 'Memory', 'Table', 'Global'].map(
  (name) => (Reflect.get(Reflect.get(MAIN, 'WebAssembly') as object, name) as { prototype: object }).prototype,
);

export function brandOf(value: object): Brand {
  if (types.isProxy(value)) return 'proxy';
  if (MAIN.Array.isArray(value)) return 'array';
  for (const [test, brand] of TESTS) if (test(value)) return brand;
  return brandByChain(value);
}

function brandByChain(value: object): Brand {
  const { prototype: plain } = MAIN.Object;
  for (let p = Reflect.getPrototypeOf(value); p !== null && p !== plain; p = Reflect.getPrototypeOf(p)) {
    // A proxy in the chain must not be walked through: its trap would run.
    if (types.isProxy(p)) return 'object';
    for (const [name, brand] of BY_CHAIN) {
      // An object that *is* such a prototype has not the slots.
      if (p === (Reflect.get(MAIN, name) as { prototype: object }).prototype)
        return hasSlots(value, brand) ? brand : 'object';
    }
    if (iteratorPrototypes.has(p) || isSegmentIterator(p)) return value === p ? 'object' : 'iterator';
    if (wasmPrototypes.includes(p)) return 'wasm';
  }
  return 'object';
}

const { Segmenter } = MAIN.Intl;
let segmentIterator: object | null | undefined;

/** Only of what says that it is one: to make the first is 10 ms of a process's start, in which ICU reads its tables. */
function isSegmentIterator(prototype: object): boolean {
  const tag: unknown = Object.getOwnPropertyDescriptor(prototype, Symbol.toStringTag)?.value;
  if (tag !== 'Segmenter String Iterator') return false;
  segmentIterator ??= Reflect.getPrototypeOf(new Segmenter().segment('')[Symbol.iterator]());
  return prototype === segmentIterator;
}

/** `Object.create(URL.prototype)` looks like a URL and is none. */
function hasSlots(value: object, brand: Brand): boolean {
  if (brand !== 'url' && brand !== 'searchParams') return true;
  try {
    const owner = brand === 'url' ? MAIN.URL.prototype : MAIN.URLSearchParams.prototype;
    Reflect.get(owner, brand === 'url' ? 'href' : 'size', value);
    return true;
  } catch {
    // The getter refuses what has not the slots; that is the answer.
    return false;
  }
}

/** Why an object of this brand stays where it is; undefined when the brand alone does not say. */
export function refusalOf(brand: Brand, value: object): RefusalReason | undefined {
  if (brand === 'buffer' && isDetached(value)) return DETACHED;
  return REFUSED_BRANDS[brand];
}

export const DETACHED: RefusalReason = {
  what: 'an ArrayBuffer that was transferred away',
  advice: 'copy it before it is transferred',
};

/** Of an ArrayBuffer. A detached one cannot have new views. */
export function isDetached(buffer: object): boolean {
  try {
    return new MAIN.Uint8Array(buffer as ArrayBuffer).length < 0;
  } catch {
    // The constructor refuses a detached buffer; that is the answer.
    return true;
  }
}

export const PROXY: RefusalReason = {
  what: 'a Proxy; its target would be copied without its traps',
  advice: 'ship the target',
};

/** What no process can read, with what to do instead. */
const REFUSED_BRANDS: Partial<Record<Brand, RefusalReason>> = {
  proxy: PROXY,
  promise: { what: 'a Promise that is still pending', advice: 'await it first' },
  weakMap: { what: 'WeakMap cannot be read', advice: 'use a Map or Set' },
  weakSet: { what: 'WeakSet cannot be read', advice: 'use a Map or Set' },
  weakRef: { what: 'WeakRef cannot be read', advice: 'use a Map or Set' },
  finalizationRegistry: { what: 'FinalizationRegistry cannot be read', advice: 'use a Map or Set' },
  generator: { what: 'it is a running generator', advice: 'collect it into an array' },
  iterator: { what: 'it is a running iterator', advice: 'collect it into an array' },
  arguments: { what: 'the arguments of a call', advice: 'use rest parameters' },
  namespace: { what: 'a module that is not known here', advice: 'import the module inside the cell' },
  wasm: { what: 'WebAssembly object is live memory of this process', advice: 'compile it inside the cell' },
  native: { what: 'it is a native handle of this process', advice: 'create it inside the cell' },
};

/** Quick answers for what there is most of. */
export function isPlainArray(value: object): value is unknown[] {
  try {
    return Array.isArray(value) && !types.isProxy(value);
  } catch {
    // A Proxy that was revoked: even this question is refused.
    return false;
  }
}

export function isPlainObject(value: object): boolean {
  return (
    !types.isProxy(value) &&
    Reflect.getPrototypeOf(value) === MAIN.Object.prototype &&
    !types.isArgumentsObject(value) &&
    (Object.getOwnPropertyNames(value).length > 0 || !SLOTTED.some((test) => test(value)))
  );
}

/** Things whose prototype someone may have set to that of plain objects; they have no keys. */
const SLOTTED = [
  types.isMap,
  types.isSet,
  types.isNativeError,
  types.isArrayBufferView,
  types.isAnyArrayBuffer,
  types.isDate,
];
