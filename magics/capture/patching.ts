// Makes an object of the notebook what the job says it has become, in place: aliases, views, keys of Maps see the change. No setter, no method of the
// user's runs. Objects are patched one by one; what they refer to is there already.
import { KIND, INTEGRITY, Activation, applyIntegrity } from '../protocol/graph';
import type { Changed } from '../protocol/graph';
import { hasPlainElements, namedKeys } from '../protocol/array-elements';
import * as intrinsics from '../protocol/intrinsics';
import { MAIN } from '../protocol/main-context';
import { ownKeysOf } from '../realm/comparing';
import { entriesOf, membersOf } from '../realm/contents';
import { setPrivates } from '../realm/private-fields';

const CODE_KINDS: ReadonlySet<number> = new Set([KIND.function, KIND.class, KIND.prototype, KIND.bound, KIND.source]);

/** `start`: where the part of a buffer begins that travelled. False when something of the target cannot be changed. */
export function patch(target: object, change: Changed, start: number): boolean {
  if (Activation.is(target)) return target.write(change.values);
  // A description says of closed properties only that the object is closed; what is closed here already takes them as they are and no other.
  if (!Object.isExtensible(target)) applyIntegrity(change.state, change.integrity);
  patchSlots(target, change, start);
  const done = patchByKind(target, change);
  for (const state of change.privates) setPrivates(target, state);
  const prototyped = change.prototype === undefined || Reflect.setPrototypeOf(target, change.prototype);
  if (change.integrity !== INTEGRITY.none) applyIntegrity(target, change.integrity);
  return done && prototyped;
}

function patchByKind(target: object, change: Changed): boolean {
  // Its codec has seen to the rest.
  if (change.kind === KIND.coded)
    return Reflect.ownKeys(change.state).every((key) => copyProperty(change.state, target, key));
  return CODE_KINDS.has(change.kind) ? patchCode(target, change) : patchProperties(target, change);
}

function patchSlots(target: object, { kind, state, bytes }: Changed, start: number): void {
  switch (kind) {
    case KIND.map: {
      const entries = entriesOf(state);
      intrinsics.mapClear(target);
      for (let i = 0; i < entries.length; i += 2) intrinsics.mapSet(target, entries[i], entries[i + 1]);
      return;
    }
    case KIND.set: {
      const members = membersOf(state);
      intrinsics.setClear(target);
      for (const member of members) intrinsics.setAdd(target, member);
      return;
    }
    case KIND.date:
      intrinsics.setDateTime(target, intrinsics.dateTime(state));
      return;
    case KIND.error: {
      const stack = intrinsics.hiddenStack(state);
      if (stack !== undefined && intrinsics.hiddenStack(target) !== undefined) Reflect.set(target, 'stack', stack);
      return;
    }
    case KIND.url:
      Reflect.set(MAIN.URL.prototype, 'href', intrinsics.hrefOf(state), target);
      return;
    case KIND.searchParams:
      patchSearch(target as URLSearchParams, new MAIN.URLSearchParams(intrinsics.searchText(state)));
      return;
    case KIND.buffer:
      for (const chunk of bytes?.chunks ?? []) {
        chunk.read(0, new Uint8Array(target as ArrayBuffer, start + chunk.offset, chunk.length));
      }
  }
}

function patchSearch(target: URLSearchParams, wanted: URLSearchParams): void {
  const { prototype } = MAIN.URLSearchParams;
  for (const key of [...prototype.keys.call(target)]) prototype.delete.call(target, key);
  for (const [key, value] of wanted) prototype.append.call(target, key, value);
}

function patchCode(target: object, { state, implied }: Changed): boolean {
  let done = true;
  for (const key of Reflect.ownKeys(target)) {
    if (!implied.has(key) && !Object.hasOwn(state, key)) done = Reflect.deleteProperty(target, key) && done;
  }
  for (const key of Reflect.ownKeys(state)) done = copyProperty(state, target, key) && done;
  return done;
}

function patchProperties(target: object, { state }: Changed): boolean {
  if (Array.isArray(target) && Array.isArray(state) && isLongAndPlain(target) && hasPlainElements(state)) {
    patchElements(target, state);
    return patchKeys(target, state, namedKeys(target), namedKeys(state));
  }
  return patchKeys(target, state, ownKeysOf(target), Reflect.ownKeys(state));
}

function isLongAndPlain(target: unknown[]): boolean {
  return Object.isExtensible(target) && hasPlainElements(target);
}

/** Without a list of all indices: there may be more than any list or set can hold. */
function patchElements(target: unknown[], state: readonly unknown[]): void {
  target.length = state.length;
  for (let index = 0; index < state.length; index++) {
    const value = state[index];
    const isThere = Object.hasOwn(target, index);
    if (value === undefined && !Object.hasOwn(state, index)) {
      if (isThere) Reflect.deleteProperty(target, index);
    } else if (!isThere)
      Reflect.defineProperty(target, index, { value, writable: true, enumerable: true, configurable: true });
    else if (!Object.is(value, target[index])) target[index] = value;
  }
}

function patchKeys(
  target: object,
  state: object,
  own: readonly (string | symbol)[],
  wanted: readonly (string | symbol)[],
): boolean {
  const kept = new Set(wanted);
  let done = true;
  for (const key of own) if (!kept.has(key)) done = Reflect.deleteProperty(target, key) && done;
  if (Array.isArray(target)) target.length = (state as unknown[]).length;
  for (const isIn of [isName, isSymbol]) {
    const order = own.filter((key) => isIn(key) && kept.has(key));
    const asked = wanted.filter(isIn);
    // Where the order of keys differs, all from the first difference on are put in anew.
    const first = order.findIndex((key, index) => key !== asked[index]);
    if (first >= 0) for (const key of order.slice(first)) if (key !== 'length') Reflect.deleteProperty(target, key);
  }
  for (const key of wanted) done = copyProperty(state, target, key) && done;
  return done;
}

/** Indices put themselves in order, before all names. */
function isName(key: string | symbol): boolean {
  return typeof key === 'string' && !(/^(?:0|[1-9]\d{0,9})$/.test(key) && Number(key) < 2 ** 32 - 1);
}

function isSymbol(key: string | symbol): boolean {
  return typeof key === 'symbol';
}

function copyProperty(from: object, to: object, key: string | symbol): boolean {
  const wanted = Reflect.getOwnPropertyDescriptor(from, key);
  const there = Reflect.getOwnPropertyDescriptor(to, key);
  if (wanted === undefined || (there !== undefined && isSame(wanted, there))) return true;
  return Reflect.defineProperty(to, key, wanted);
}

function isSame(a: PropertyDescriptor, b: PropertyDescriptor): boolean {
  return (
    Object.is(a.value, b.value) &&
    a.get === b.get &&
    a.set === b.set &&
    a.writable === b.writable &&
    a.enumerable === b.enumerable &&
    a.configurable === b.configurable
  );
}
