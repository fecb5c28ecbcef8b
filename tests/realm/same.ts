// Are two graphs the same? By identity pattern, type, slots, descriptors, order and integrity. Gives the path of the first difference.
import { inspect, types } from 'node:util';

const HIDDEN_SLOTS: readonly [(value: unknown) => boolean, (value: never) => unknown[]][] = [
  [
    types.isMap,
    (value: Map<unknown, unknown>) => [...(Map.prototype.entries.call(value) as Iterable<[unknown, unknown]>)].flat(),
  ],
  [types.isSet, (value: Set<unknown>) => [...(Set.prototype.values.call(value) as Iterable<unknown>)]],
  [types.isDate, (value: Date) => [Date.prototype.getTime.call(value)]],
  [types.isRegExp, (value: RegExp) => [value.source, value.flags]],
  [types.isAnyArrayBuffer, (value: ArrayBuffer) => [Buffer.from(value).toString('hex')]],
  [
    types.isArrayBufferView,
    (value: ArrayBufferView) => [
      value.byteLength,
      Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex'),
    ],
  ],
  [types.isNumberObject, (value: unknown) => [Number.prototype.valueOf.call(value)]],
  [types.isStringObject, (value: unknown) => [String.prototype.valueOf.call(value)]],
  [types.isBooleanObject, (value: unknown) => [Boolean.prototype.valueOf.call(value)]],
  [types.isBigIntObject, (value: unknown) => [BigInt.prototype.valueOf.call(value)]],
  [types.isSymbolObject, (value: unknown) => [Symbol.prototype.valueOf.call(value)]],
  [(value) => value instanceof URL, (value: URL) => [value.href, value.searchParams]],
  [types.isPromise, (value: Promise<unknown>) => [inspect(value, { depth: 0 }).split('\n')[0]]],
  [
    (value) => value instanceof TextDecoder,
    ({ encoding, fatal, ignoreBOM }: TextDecoder) => [encoding, fatal, ignoreBOM],
  ],
  [
    (value) => typeof value === 'object' && value !== null && 'resolvedOptions' in value,
    (value: Intl.NumberFormat) => [JSON.stringify(value.resolvedOptions())],
  ],
  [(value) => value instanceof Intl.Locale, (value: Intl.Locale) => [value.toString()]],
  [(value) => value instanceof URLSearchParams, (value: URLSearchParams) => [value.toString()]],
];

export function difference(a: unknown, b: unknown): string | undefined {
  const pairs = new Map<unknown, unknown>();
  const back = new Map<unknown, unknown>();
  const todo: [unknown, unknown, string][] = [[a, b, 'v']];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const [x, y, path] = next;
    if (!isReference(x) || !isReference(y)) {
      if (!Object.is(x, y)) return `${path}: ${String(x)} ≠ ${String(y)}`;
      continue;
    }
    if (pairs.has(x) || back.has(y)) {
      if (pairs.get(x) !== y || back.get(y) !== x) return `${path}: another identity`;
      continue;
    }
    pairs.set(x, y);
    back.set(y, x);
    if (x === y) continue;
    const problem = compareOne(x, y, path, todo);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function isReference(value: unknown): value is object | symbol {
  return (typeof value === 'object' && value !== null) || typeof value === 'function' || typeof value === 'symbol';
}

function compareOne(
  x: object | symbol,
  y: object | symbol,
  path: string,
  todo: [unknown, unknown, string][],
): string | undefined {
  if (typeof x === 'symbol' || typeof y === 'symbol') {
    const isSame =
      typeof x === typeof y &&
      (x as symbol).description === (y as symbol).description &&
      Symbol.keyFor(x as symbol) === Symbol.keyFor(y as symbol);
    return isSame && Symbol.keyFor(x as symbol) === undefined ? undefined : `${path}: another symbol`;
  }
  if (typeof x !== typeof y) return `${path}: ${typeof x} ≠ ${typeof y}`;
  if (Object.prototype.toString.call(x) !== Object.prototype.toString.call(y)) return `${path}: another class`;
  if (types.isNativeError(x) !== types.isNativeError(y)) return `${path}: native error`;
  todo.push([Object.getPrototypeOf(x), Object.getPrototypeOf(y), `${path}.[[Prototype]]`]);
  if (Object.isExtensible(x) !== Object.isExtensible(y)) return `${path}: extensible`;
  for (const [test, read] of HIDDEN_SLOTS) {
    if (test(x) !== test(y)) return `${path}: other slots`;
    if (!test(x)) continue;
    const [p, q] = [read(x as never), read(y as never)];
    if (p.length !== q.length) return `${path}: ${p.length} ≠ ${q.length} entries`;
    p.forEach((value, i) => todo.push([value, q[i], `${path}<${i}>`]));
  }
  if (
    types.isArrayBufferView(x) &&
    types.isArrayBufferView(y) &&
    ![x, y].some((view) => view.buffer.byteLength === Buffer.poolSize)
  )
    todo.push([x.buffer, y.buffer, `${path}.buffer`]);
  return compareProperties(x, y, path, todo);
}

/** Without what async_hooks note on a Promise. */
function keysOf(value: object): (string | symbol)[] {
  const keys = Reflect.ownKeys(value);
  return types.isPromise(value) ? keys.filter((key) => typeof key === 'string') : keys;
}

function compareProperties(x: object, y: object, path: string, todo: [unknown, unknown, string][]): string | undefined {
  const isIndexed = types.isTypedArray(x) && (x as Uint8Array).length > 100;
  const [p, q] = isIndexed ? [[], []] : [keysOf(x), keysOf(y)];
  if (p.length !== q.length) return `${path}: keys ${p.map(String).join()} ≠ ${q.map(String).join()}`;
  for (let i = 0; i < p.length; i++) {
    const [k, l] = [p[i] as string | symbol, q[i] as string | symbol];
    if (typeof k === 'symbol') todo.push([k, l, `${path}[${String(k)}]`]);
    else if (k !== l) return `${path}: key ${k} ≠ ${String(l)}`;
    const d = Object.getOwnPropertyDescriptor(x, k) as PropertyDescriptor;
    const e = Object.getOwnPropertyDescriptor(y, l) as PropertyDescriptor;
    for (const flag of ['enumerable', 'configurable', 'writable'] as const) {
      if (d[flag] !== e[flag]) return `${path}.${String(k)}: ${flag} ${String(d[flag])} ≠ ${String(e[flag])}`;
    }
    for (const part of ['value', 'get', 'set'])
      todo.push([Reflect.get(d, part), Reflect.get(e, part), `${path}.${String(k)}`]);
  }
  return undefined;
}
