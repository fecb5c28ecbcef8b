// The object that `super` goes out from in a running method, whose arrows use it. No one tells it: it is looked for among what the method's `this`
// inherits from, by the code of the method, and taken only if `super` gets what one gets from there.
import { types } from 'node:util';
import type { CellCode } from '../protocol/code';
import type { Code } from './code-table';
import { homeOf } from './homes';

export interface HomeSearch {
  readonly cell: CellCode;
  /** Of the method, constructor, field or block in `cell.functions`. */
  readonly index: number;
  /** What `this` is. Throws in a constructor that has not called `super`. */
  readonly self: () => unknown;
  /** `super[key]`. */
  readonly get: (key: string | symbol) => unknown;
  readonly codeOf: (value: object) => Code | undefined;
}

/** Undefined when there is none, or more than one that it could be. */
export function findHome(search: HomeSearch): object | undefined {
  const found = new Set<object>();
  for (const object of inheritance(selfOf(search)))
    for (const candidate of candidatesAt(object, search)) if (fits(candidate, search)) found.add(candidate);
  const [home] = found;
  return found.size === 1 ? home : undefined;
}

function selfOf({ self }: HomeSearch): unknown {
  try {
    return self();
  } catch {
    // Its dead zone: there is no `this` yet.
    return undefined;
  }
}

function* inheritance(self: unknown): Generator<object> {
  let at: unknown = self;
  while ((typeof at === 'object' || typeof at === 'function') && at !== null && !types.isProxy(at)) {
    yield at;
    at = Reflect.getPrototypeOf(at);
  }
}

function* candidatesAt(object: object, { cell, index, codeOf }: HomeSearch): Generator<object> {
  const parent = cell.functions[index]?.parent;
  const isCode = (value: unknown, wanted: number | undefined): boolean => {
    const code = typeof value === 'function' ? codeOf(value) : undefined;
    return code !== undefined && code.cell.id === cell.id && code.function.index === wanted;
  };
  if (parent !== undefined && cell.functions[parent]?.kind === 'class') {
    const owner: unknown = Reflect.getOwnPropertyDescriptor(object, 'constructor')?.value;
    if (isCode(object, parent) || isCode(owner, parent)) yield object;
  }
  for (const key of Reflect.ownKeys(object)) {
    const descriptor = Reflect.getOwnPropertyDescriptor(object, key);
    for (const part of [descriptor?.value, descriptor?.get, descriptor?.set] as unknown[]) {
      const home = typeof part === 'function' && isCode(part, index) ? homeOf(part) : undefined;
      if (home !== undefined) yield home;
    }
  }
}

/** Does `super` find there what properties that are plain values say? Getters are not called for it. */
function fits(candidate: object, { get }: HomeSearch): boolean {
  const parent = Reflect.getPrototypeOf(candidate);
  if (parent === null || types.isProxy(parent)) return false;
  const keys = new Set([...Reflect.ownKeys(candidate), ...Reflect.ownKeys(parent)]);
  for (const key of keys) {
    const wanted = lookUp(parent, key);
    if (wanted === 'code') continue;
    if (!Object.is(wanted?.value, get(key))) return false;
  }
  return true;
}

function lookUp(object: object, key: string | symbol): { readonly value: unknown } | 'code' | undefined {
  for (let p: object | null = object; p !== null; p = Reflect.getPrototypeOf(p)) {
    if (types.isProxy(p)) return 'code';
    const own = Reflect.getOwnPropertyDescriptor(p, key);
    if (own !== undefined) return own.get !== undefined || own.set !== undefined ? 'code' : { value: own.value };
  }
  return undefined;
}
