// Values that are the same thing in every process: builtins and exports of modules. They travel as a path (`Math.max`, `node:path#join`), not as content.
import { EventEmitter } from 'node:events';
import { PACKAGE_REGISTRATIONS } from './package-codecs';
import { strictArguments } from '../protocol/intrinsics';
import { BUILTIN_REGISTRATIONS } from './builtin-codecs';
import { ModuleStates } from './module-states';
import { MAIN } from '../protocol/main-context';

/** Where the names are looked for, in this order; the first path found for a value is its path. */
const ECMASCRIPT = [
  'Object Function Array Number Boolean String Symbol BigInt Math JSON Reflect Promise Proxy RegExp Date Map Set WeakMap WeakSet WeakRef',
  'FinalizationRegistry Error EvalError RangeError ReferenceError SyntaxError TypeError URIError AggregateError ArrayBuffer',
  'SharedArrayBuffer DataView Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array Float32Array',
  'Float64Array BigInt64Array BigUint64Array Atomics Intl WebAssembly Iterator Float16Array SuppressedError DisposableStack AsyncDisposableStack parseFloat parseInt isNaN isFinite eval decodeURI',
  'decodeURIComponent encodeURI encodeURIComponent escape unescape',
];
const NODE = [
  'Buffer URL URLSearchParams TextEncoder TextDecoder AbortController AbortSignal Event EventTarget Blob structuredClone queueMicrotask',
  'setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate console process performance fetch atob btoa',
  'MessageChannel MessagePort BroadcastChannel File DOMException Headers Request Response FormData ReadableStream WritableStream TransformStream',
];
const NAMES = [...ECMASCRIPT, ...NODE].flatMap((line) => line.split(' '));
/** `process` and `console` mean those of the process one is in, with everything that hangs on them. */
const OPAQUE = new Set(['process', 'console', 'performance']);

/** Builtins that no global name leads to. */
const HIDDEN: Readonly<Record<string, () => unknown>> = {
  TypedArray: () => Reflect.getPrototypeOf(MAIN.Int8Array),
  AsyncFunction: () => constructorOf('async () => {}'),
  GeneratorFunction: () => constructorOf('(function* () {})'),
  /** How `arguments` are iterated: what arrays began with, whatever became of theirs. */
  ArgumentsIterator: (): unknown => Reflect.get(strictArguments(), Symbol.iterator),
  AsyncGeneratorFunction: () => constructorOf('(async function* () {})'),
  // Every EventEmitter has these keys; without them its subclasses could not travel.
  EventEmitterShape: () => symbolIn(new EventEmitter(), 'shapeMode'),
  EventEmitterCapture: () => symbolIn(new EventEmitter(), 'kCapture'),
  ...Object.fromEntries(PACKAGE_REGISTRATIONS.map((codec) => [`codec ${codec.package} ${codec.type}`, () => codec])),
  ...Object.fromEntries(Object.entries(BUILTIN_REGISTRATIONS).map(([name, codec]) => [`codec ${name}`, () => codec])),
};

function symbolIn(value: object, description: string): unknown {
  return Object.getOwnPropertySymbols(value).find((symbol) => symbol.description === description);
}

function constructorOf(source: string): unknown {
  const sample: unknown = MAIN.eval(source);
  return typeof sample === 'function' ? sample.constructor : undefined;
}

const SEPARATOR = '#';
const GLOBAL = '';

type Step = string | symbol;

export class References {
  #paths: Map<object | symbol, string> | undefined;
  readonly #modules = new Map<string, unknown>();
  readonly states = new ModuleStates();
  readonly #pending: [string, unknown][] = [];

  /** The exports of a module that has been loaded, under the specifier that loads it again. */
  addModule(specifier: string, exports: unknown): void {
    if (this.#modules.get(specifier) === exports) return;
    this.#modules.set(specifier, exports);
    this.#pending.push([specifier, exports]);
    this.states.note(specifier, exports);
  }

  /** `Math.max`, `node:path#join`; undefined for a value that is no builtin and no export. */
  pathOf(value: object | symbol): string | undefined {
    const paths = (this.#paths ??= globalPaths());
    if (this.#pending.length > 0)
      quietly(() => {
        for (const [specifier, exports] of this.#pending.splice(0)) addExports(paths, specifier, exports);
      });
    return paths.get(value);
  }

  /** The specifier of the module a path leads into; undefined for a global. */
  static moduleOf(path: string): string | undefined {
    const specifier = path.slice(0, path.lastIndexOf(SEPARATOR));
    return specifier === GLOBAL ? undefined : specifier;
  }

  /** For people: `map of 'lodash'`. */
  static shown(path: string): string {
    const steps = path.slice(path.lastIndexOf(SEPARATOR) + 1).split('/');
    const names = steps.map((step) => decodeURIComponent(step.slice(1))).filter((name) => name !== '');
    const module = (References.moduleOf(path) ?? '').replace(/^require:/, '');
    return `${names.length === 0 ? 'all' : names.join('.')} of '${module}'`;
  }

  get moduleCount(): number {
    return this.#modules.size;
  }

  /** What a module that was loaded here exports. */
  exportsOf(specifier: string): unknown {
    return this.#modules.get(specifier);
  }

  /** The value at a path here. Modules must have been loaded before. */
  resolve(path: string): unknown {
    const at = path.lastIndexOf(SEPARATOR);
    const specifier = path.slice(0, at);
    const steps = path.slice(at + 1);
    let value: unknown = specifier === GLOBAL ? MAIN : this.#modules.get(specifier);
    // No getter of the user's is called on the way: only globals of the list and exports of modules are read, all else is looked up.
    steps.split('/').forEach((text, depth) => {
      if (steps !== '') value = depth === 0 ? first(value, text, specifier === GLOBAL) : take(value, text);
    });
    // Whatever else lies behind a path is not the same thing in every process.
    return isReferable(value) && this.pathOf(value) !== undefined ? value : undefined;
  }
}

/** Some exports of Node warn when they are looked at; nobody here means to use them. */
function quietly(action: () => void): void {
  const { process } = MAIN;
  const before = process.noDeprecation;
  // By `--no-deprecation` it is so already, and cannot be set.
  if (before === true) {
    action();
    return;
  }
  process.noDeprecation = true;
  try {
    action();
  } finally {
    if (before === undefined) Reflect.deleteProperty(process, 'noDeprecation');
    else process.noDeprecation = before;
  }
}

/** A step is `.key` (a property), `@iterator` (a well-known symbol), `<key` or `>key` (getter, setter); keys are percent-encoded. */
function first(owner: unknown, text: string, isGlobal: boolean): unknown {
  if (!isReferable(owner) || typeof owner === 'symbol') return undefined;
  const word = decodeURIComponent(text.slice(1));
  if (!isGlobal) return text.startsWith('.') ? exportedValue(owner, word) : take(owner, text);
  if (Object.hasOwn(HIDDEN, word)) return HIDDEN[word]?.();
  return NAMES.includes(word) ? Reflect.get(MAIN, word) : undefined;
}

function take(value: unknown, text: string): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  const word = decodeURIComponent(text.slice(1));
  const key: Step | undefined = text.startsWith('@') || text.startsWith('{') ? wellKnown(word) : word;
  if (key === undefined) return undefined;
  if (text.startsWith('<') || text.startsWith('{')) return Reflect.getOwnPropertyDescriptor(value, key)?.get;
  if (text.startsWith('>')) return Reflect.getOwnPropertyDescriptor(value, key)?.set;
  return Reflect.getOwnPropertyDescriptor(value, key)?.value;
}

function wellKnown(name: string): symbol | undefined {
  const symbol: unknown = Reflect.get(MAIN.Symbol, name);
  return typeof symbol === 'symbol' ? symbol : undefined;
}

function stepTo(key: Step, getter: boolean): string | undefined {
  if (typeof key === 'string') return (getter ? '<' : '.') + encodeURIComponent(key);
  const name = key.description?.replace(/^Symbol\./, '');
  return name !== undefined && wellKnown(name) === key ? (getter ? '{' : '@') + name : undefined;
}

function globalPaths(): Map<object | symbol, string> {
  const paths = new Map<object | symbol, string>([[MAIN, GLOBAL + SEPARATOR]]);
  // Before the methods of arrays, which somebody may have replaced here and not there.
  const iterator: unknown = HIDDEN['ArgumentsIterator']?.();
  if (isReferable(iterator)) paths.set(iterator, `${GLOBAL}${SEPARATOR}.ArgumentsIterator`);
  const roots: [string, unknown][] = [];
  for (const name of NAMES) if (name in MAIN) roots.push([name, Reflect.get(MAIN, name)]);
  for (const [name, find] of Object.entries(HIDDEN)) roots.push([name, find()]);
  for (const [name, value] of roots) {
    const path = `${GLOBAL}${SEPARATOR}.${encodeURIComponent(name)}`;
    if (!isReferable(value)) continue;
    if (!paths.has(value)) paths.set(value, path);
    if (typeof value === 'symbol') continue;
    addMembers(paths, path, value, 1);
    if (OPAQUE.has(name) || typeof value !== 'function') continue;
    const prototype: unknown = Reflect.getOwnPropertyDescriptor(value, 'prototype')?.value;
    if (isReferable(prototype) && typeof prototype !== 'symbol') addMembers(paths, `${path}/.prototype`, prototype, 1);
  }
  return paths;
}

/** The functions, objects and symbols that are properties of `owner`. No getter is called. */
function addMembers(paths: Map<object | symbol, string>, path: string, owner: object, depth: number): void {
  for (const key of Reflect.ownKeys(owner)) {
    const descriptor = Reflect.getOwnPropertyDescriptor(owner, key);
    if (descriptor?.get !== undefined) addPath(paths, path, key, true, descriptor.get);
    const value: unknown = descriptor?.value;
    if (!isReferable(value) || key === 'constructor') continue;
    const added = addPath(paths, path, key, false, value);
    if (added !== undefined && depth > 1 && typeof value === 'object') addMembers(paths, added, value, depth - 1);
  }
}

function addPath(
  paths: Map<object | symbol, string>,
  path: string,
  key: Step,
  getter: boolean,
  value: object | symbol,
): string | undefined {
  const step = stepTo(key, getter);
  if (step === undefined || paths.has(value)) return undefined;
  const whole = path.endsWith(SEPARATOR) ? path + step : `${path}/${step}`;
  paths.set(value, whole);
  return whole;
}

/**
 * Functions and classes of a module, and objects that carry functions, are the module's own. An exported object of mere data is not:
 * the notebook may have changed it, so it travels by content.
 */
function addExports(paths: Map<object | symbol, string>, specifier: string, exports: unknown): void {
  if (!isReferable(exports) || typeof exports === 'symbol') return;
  const root = `${specifier}${SEPARATOR}`;
  if (!paths.has(exports)) paths.set(exports, root);
  for (const key of Reflect.ownKeys(exports)) {
    const value = exportedValue(exports, key);
    if (!isReferable(value) || !carriesCode(value)) continue;
    const path = addPath(paths, root, key, false, value);
    if (path === undefined || typeof value === 'symbol') continue;
    addNested(paths, path, value);
    if (typeof value === 'function') addPrototype(paths, path, value);
  }
}

/** What instances of an exported class inherit from is the module's own as well; not every class names itself in it. */
function addPrototype(paths: Map<object | symbol, string>, path: string, owner: object): void {
  const prototype: unknown = Reflect.getOwnPropertyDescriptor(owner, 'prototype')?.value;
  if (isReferable(prototype) && typeof prototype !== 'symbol') addPath(paths, path, 'prototype', false, prototype);
}

function addNested(paths: Map<object | symbol, string>, path: string, owner: object): void {
  for (const key of Reflect.ownKeys(owner)) {
    const value: unknown = Reflect.getOwnPropertyDescriptor(owner, key)?.value;
    if (key !== 'prototype' && isReferable(value) && carriesCode(value)) addPath(paths, path, key, false, value);
  }
}

function exportedValue(exports: object, key: Step): unknown {
  try {
    return Reflect.get(exports, key);
  } catch {
    // An export still in its dead zone, or a getter that throws: not to be referred to.
    return undefined;
  }
}

function carriesCode(value: object | symbol): boolean {
  if (typeof value === 'symbol') return value.description !== undefined;
  if (typeof value === 'function') return true;
  if (Array.isArray(value)) return false;
  return Reflect.ownKeys(value).some(
    (key) => typeof Reflect.getOwnPropertyDescriptor(value, key)?.value === 'function',
  );
}

function isReferable(value: unknown): value is object | symbol {
  return (typeof value === 'object' && value !== null) || typeof value === 'function' || typeof value === 'symbol';
}
