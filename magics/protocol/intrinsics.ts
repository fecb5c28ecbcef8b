// The builtins of the main context, taken once: what a graph is written and read with never calls a method that a notebook has replaced or overridden.
import { types } from 'node:util';
import { MAIN, unbound } from './main-context';

function getterOf(owner: object, key: string | symbol): unknown {
  return Reflect.getOwnPropertyDescriptor(owner, key)?.get;
}

const typedArrayPrototype = Reflect.getPrototypeOf(MAIN.Int8Array.prototype) as object;

export const ObjectPrototype = MAIN.Object.prototype;
export const ArrayPrototype = MAIN.Array.prototype;
export const FunctionPrototype = MAIN.Function.prototype;
const prototypeOfFunction = (source: string): object => Reflect.getPrototypeOf(MAIN.eval(source) as object) as object;
/** What functions of the four kinds inherit from. */
export const FUNCTION_PROTOTYPES: ReadonlySet<object | null> = new Set<object | null>([
  FunctionPrototype,
  prototypeOfFunction('(async () => {})'),
  prototypeOfFunction('(function* () {})'),
  prototypeOfFunction('(async function* () {})'),
]);

/** What builtin objects inherit from that travel as they are, and that there may be millions of. */
export const CARRIED_PROTOTYPES: ReadonlySet<object | null> = new Set<object | null>([
  MAIN.Array.prototype,
  MAIN.Map.prototype,
  MAIN.Set.prototype,
  MAIN.Date.prototype,
  MAIN.RegExp.prototype,
  MAIN.Error.prototype,
  MAIN.ArrayBuffer.prototype,
  MAIN.Uint8Array.prototype,
  MAIN.Float64Array.prototype,
  MAIN.Buffer.prototype,
]);

export const mapEach = unbound<[(value: unknown, key: unknown) => void], unknown>(MAIN.Map.prototype.forEach);
export const mapSet = unbound<[unknown, unknown], unknown>(MAIN.Map.prototype.set);
export const mapClear = unbound<[], unknown>(MAIN.Map.prototype.clear);
export const setEach = unbound<[(value: unknown) => void], unknown>(MAIN.Set.prototype.forEach);
export const setAdd = unbound<[unknown], unknown>(MAIN.Set.prototype.add);
export const setClear = unbound<[], unknown>(MAIN.Set.prototype.clear);
export const dateTime = unbound<[], number>(MAIN.Date.prototype.getTime);
export const setDateTime = unbound<[number], number>(MAIN.Date.prototype.setTime);
export const regexpSource = unbound<[], string>(getterOf(MAIN.RegExp.prototype, 'source'));
export const viewBuffer = unbound<[], ArrayBuffer>(getterOf(typedArrayPrototype, 'buffer'));
export const viewOffset = unbound<[], number>(getterOf(typedArrayPrototype, 'byteOffset'));
export const viewLength = unbound<[], number>(getterOf(typedArrayPrototype, 'length'));
export const viewName = unbound<[], string | undefined>(getterOf(typedArrayPrototype, Symbol.toStringTag));
export const dataViewBuffer = unbound<[], ArrayBuffer>(getterOf(MAIN.DataView.prototype, 'buffer'));
export const dataViewOffset = unbound<[], number>(getterOf(MAIN.DataView.prototype, 'byteOffset'));
export const dataViewLength = unbound<[], number>(getterOf(MAIN.DataView.prototype, 'byteLength'));
const bufferLength = unbound<[], number>(getterOf(MAIN.ArrayBuffer.prototype, 'byteLength'));
const sharedLength = unbound<[], number>(getterOf(MAIN.SharedArrayBuffer.prototype, 'byteLength'));
export const promiseThen = unbound<[undefined, () => void], unknown>(MAIN.Promise.prototype.then);
export const textOfFunction = unbound<[], string>(MAIN.Function.prototype.toString);
export const bind = unbound<unknown[], unknown>(MAIN.Function.prototype.bind);
export const hrefOf = unbound<[], string>(getterOf(MAIN.URL.prototype, 'href'));
export const searchParamsOf = unbound<[], object>(getterOf(MAIN.URL.prototype, 'searchParams'));
export const searchText = unbound<[], string>(MAIN.URLSearchParams.prototype.toString);
const valueOfNumber = unbound<[], number>(MAIN.Number.prototype.valueOf);
const valueOfString = unbound<[], string>(MAIN.String.prototype.valueOf);
const valueOfBoolean = unbound<[], boolean>(MAIN.Boolean.prototype.valueOf);
const valueOfBigInt = unbound<[], bigint>(MAIN.BigInt.prototype.valueOf);
const valueOfSymbol = unbound<[], symbol>(MAIN.Symbol.prototype.valueOf);

/** The `arguments` of a call without any, as strict code has them. */
export const strictArguments = MAIN.eval('(function () { "use strict"; return arguments; })') as () => object;

/** In sloppy code they share their values with the parameters of a running call. */
export function isStrictArguments(value: object): boolean {
  return Reflect.getOwnPropertyDescriptor(value, 'callee')?.get !== undefined;
}

/**
 * Node 20 gives `stack` as a value; later ones as an accessor of the engine's own on each error, behind which the text is state all the same.
 */
const engineStack = Reflect.getOwnPropertyDescriptor(new MAIN.Error(), 'stack');

/** Is it what the engine puts on an error as `stack`, when that is an accessor? */
export function isEngineStack(key: string | symbol, descriptor: PropertyDescriptor): boolean {
  if (key !== 'stack' || descriptor.get === undefined) return false;
  return descriptor.get === engineStack?.get || textOfFunction(descriptor.get).includes('[native code]');
}

/**
 * Is it the prototype that Node 20 puts between one of its errors and the builtin class? It holds nothing but how the error prints its code, and no
 * name leads to it.
 */
export function isNodeErrorPrototype(prototype: object | null): boolean {
  if (prototype === null || types.isProxy(prototype)) return false;
  const parent = Reflect.getPrototypeOf(prototype);
  return (
    parent !== null &&
    isInChain(MAIN.Error.prototype, prototype) &&
    Reflect.getOwnPropertyDescriptor(prototype, 'constructor')?.get !== undefined &&
    Object.getOwnPropertySymbols(prototype).some((symbol) => symbol.description === 'kIsNodeError')
  );
}

/** Gives an error its `stack` in the form of this engine. */
export function defineStack(error: object, stack: unknown, enumerable: boolean, configurable: boolean): boolean {
  if (engineStack?.get === undefined) {
    return Reflect.defineProperty(error, 'stack', { value: stack, writable: true, enumerable, configurable });
  }
  return (
    Reflect.defineProperty(error, 'stack', { ...engineStack, enumerable, configurable }) &&
    Reflect.set(error, 'stack', stack)
  );
}

/** The text behind an engine's accessor; undefined where `stack` is a plain value, or not there. */
export function hiddenStack(error: object): unknown {
  const own = Reflect.getOwnPropertyDescriptor(error, 'stack');
  return own !== undefined && isEngineStack('stack', own) ? Reflect.get(error, 'stack') : undefined;
}

/** Does the object inherit from `prototype`? */
export const isInChain: (prototype: unknown, value: unknown) => boolean = unbound<[unknown], boolean>(
  MAIN.Object.prototype.isPrototypeOf,
);

export function byteLengthOf(buffer: object, shared: boolean): number {
  return shared ? sharedLength(buffer) : bufferLength(buffer);
}

const FLAGS: readonly (readonly [string, (self: unknown) => unknown])[] = (
  [
    ['d', 'hasIndices'],
    ['g', 'global'],
    ['i', 'ignoreCase'],
    ['m', 'multiline'],
    ['s', 'dotAll'],
    ['u', 'unicode'],
    ['v', 'unicodeSets'],
    ['y', 'sticky'],
  ] as const
).flatMap(([letter, name]) => {
  const getter = getterOf(MAIN.RegExp.prototype, name);
  return getter === undefined ? [] : [[letter, unbound<[], unknown>(getter)] as const];
});

export function regexpFlags(value: object): string {
  return FLAGS.map(([letter, get]) => (get(value) === true ? letter : '')).join('');
}

/** Would resolving a Promise with it look for a method `then` and find one, or run code while it looks? Asks nobody. */
export function leadsToThen(value: unknown): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  for (let p: object | null = value; p !== null; p = Reflect.getPrototypeOf(p)) {
    if (types.isProxy(p)) return true;
    const own = Reflect.getOwnPropertyDescriptor(p, 'then');
    if (own !== undefined) return own.get !== undefined || typeof own.value === 'function';
  }
  return false;
}

/** What Node's async_hooks write on every Promise while somebody uses them; it means something in this process only. */
export function isBookkeeping(key: string | symbol): boolean {
  return typeof key === 'symbol' && Symbol.keyFor(key) === undefined && ASYNC_HOOKS.has(key.description ?? '');
}

const ASYNC_HOOKS = new Set(['kResourceStore', 'async_id_symbol', 'trigger_async_id_symbol']);

export type Primitive = number | string | boolean | bigint | symbol;

export function unboxed(value: object, name: string): Primitive {
  if (name === 'Number') return valueOfNumber(value);
  if (name === 'String') return valueOfString(value);
  if (name === 'Boolean') return valueOfBoolean(value);
  return name === 'BigInt' ? valueOfBigInt(value) : valueOfSymbol(value);
}
