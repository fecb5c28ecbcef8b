// Has an object changed since the graph that describes it was written? Shallow: what it refers to is compared by identity.
import { types } from 'node:util';
import { hasPlainElements, isIndex, namedKeys } from '../protocol/array-elements';
import { KIND } from '../protocol/graph';
import type { BufferContent, ByteRange, Changed, EncodeHooks, Numbered } from '../protocol/graph';
import { integrityOf } from '../protocol/integrity';
import * as intrinsics from '../protocol/intrinsics';
import { entriesOf, membersOf } from './contents';
import { samePayload } from './payloads';
import { privatesOf, samePrivates } from './private-fields';
import { Activation } from '../protocol/graph';

/** What is known of live objects: is a property of code still what the code gives, and what a codec makes of an object by now. */
export type LiveView = Pick<EncodeHooks, 'isImplied' | 'codedBy'>;

const CODE_KINDS: ReadonlySet<number> = new Set([KIND.function, KIND.class, KIND.prototype, KIND.bound, KIND.source]);
/** Kinds whose state is told by a bag that has no prototype to compare with. */
const BAGS: ReadonlySet<number> = new Set([
  ...CODE_KINDS,
  KIND.boxed,
  KIND.view,
  KIND.activation,
  KIND.buffer,
  KIND.member,
  KIND.coded,
  KIND.promise,
]);
const MAY_HIDE: ReadonlySet<number> = new Set([KIND.revived, KIND.class]);
const PIECE_BYTES = 1 << 20;

/** `start`: where in a live buffer the part begins that was told of. */
export function hasChanged(was: Changed, live: Numbered, view: LiveView, start = 0): boolean {
  if (typeof live === 'symbol' || was.kind === KIND.member) return false;
  if (CODE_KINDS.has(was.kind) && !was.hasExtras) return false;
  if (Activation.is(live)) return !sameItems(was.values, live.read());
  if (!samePrototype(was, live) || integrityOf(live) !== was.integrity) return true;
  if (was.bytes !== undefined && changedRanges(was.bytes, live as ArrayBuffer, start).length > 0) return true;
  if (was.kind === KIND.coded) return !sameCoded(was, live, view);
  if (!sameSlots(was, live)) return true;
  if ((MAY_HIDE.has(was.kind) || was.privates.length > 0) && !samePrivates(was.privates, privatesOf(live))) return true;
  return CODE_KINDS.has(was.kind) ? !sameCode(was, live, view) : !sameProperties(was.state, live);
}

/** Does the codec make the same of the object as it did before? */
function sameCoded(was: Changed, live: object, view: LiveView): boolean {
  const now = view.codedBy(live);
  if (now === undefined || 'reason' in now) return false;
  const own = now.ownKeys;
  const keys = own === undefined ? [] : Reflect.ownKeys(live).filter((key) => !own.has(key));
  return samePayload(was.values[0], now.payload, view) && sameKeys(was.state, live, Reflect.ownKeys(was.state), keys);
}

function samePrototype(was: Changed, live: object): boolean {
  const own = Reflect.getPrototypeOf(live);
  const prototype = own !== null && intrinsics.isNodeErrorPrototype(own) ? Reflect.getPrototypeOf(own) : own;
  if (was.prototype !== undefined) return prototype === was.prototype;
  return BAGS.has(was.kind) || prototype === Reflect.getPrototypeOf(was.state);
}

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, index) => Object.is(item, b[index]));
}

function sameSlots({ kind, state }: Changed, live: object): boolean {
  switch (kind) {
    case KIND.map:
      return sameItems(entriesOf(state), entriesOf(live));
    case KIND.set:
      return sameItems(membersOf(state), membersOf(live));
    case KIND.date:
      return Object.is(intrinsics.dateTime(state), intrinsics.dateTime(live));
    case KIND.error:
      return intrinsics.hiddenStack(state) === intrinsics.hiddenStack(live);
    case KIND.url:
      return intrinsics.hrefOf(state) === intrinsics.hrefOf(live);
    case KIND.searchParams:
      return intrinsics.searchText(state) === intrinsics.searchText(live);
    default:
      return true;
  }
}

function sameCode(was: Changed, live: object, view: LiveView): boolean {
  const keys = Reflect.ownKeys(live);
  if (keys.length !== was.implied.size + Reflect.ownKeys(was.state).length) return false;
  return keys.every((key) => {
    const descriptor = Reflect.getOwnPropertyDescriptor(live, key);
    if (descriptor === undefined) return false;
    if (was.implied.has(key)) return view.isImplied(live, key, descriptor);
    return sameDescriptor(Reflect.getOwnPropertyDescriptor(was.state, key), descriptor);
  });
}

function sameProperties(was: object, live: object): boolean {
  if (Array.isArray(was) && Array.isArray(live)) return sameArrays(was, live);
  return sameKeys(was, live, Reflect.ownKeys(was), ownKeysOf(live));
}

/** Without those that a kind brings along: elements of a view, characters of a String object. */
export function ownKeysOf(value: object): (string | symbol)[] {
  // A DataView has no elements: what looks like an index is an ordinary name there.
  if (ArrayBuffer.isView(value) && !types.isDataView(value)) return namedKeys(value as Uint8Array);
  const keys = Reflect.ownKeys(value);
  if (types.isPromise(value)) return keys.filter((key) => !intrinsics.isBookkeeping(key));
  return types.isStringObject(value) ? keys.filter((key) => key !== 'length' && !isIndex(key)) : keys;
}

function sameKeys(
  was: object,
  live: object,
  before: readonly (string | symbol)[],
  now: readonly (string | symbol)[],
): boolean {
  return (
    before.length === now.length && before.every((key, index) => key === now[index] && sameProperty(was, live, key))
  );
}

function sameArrays(was: readonly unknown[], live: readonly unknown[]): boolean {
  if (was.length !== live.length) return false;
  if (!hasPlainElements(live) || !hasPlainElements(was))
    return sameKeys(was, live, Reflect.ownKeys(was), Reflect.ownKeys(live));
  for (let index = 0; index < was.length; index++) {
    const value = was[index];
    if (!Object.is(value, live[index])) return false;
    if (value === undefined && Object.hasOwn(was, index) !== Object.hasOwn(live, index)) return false;
  }
  return sameKeys(was, live, namedKeys(was), namedKeys(live));
}

function sameProperty(was: object, live: object, key: string | symbol): boolean {
  return sameDescriptor(Reflect.getOwnPropertyDescriptor(was, key), Reflect.getOwnPropertyDescriptor(live, key));
}

function sameDescriptor(a: PropertyDescriptor | undefined, b: PropertyDescriptor | undefined): boolean {
  return (
    a !== undefined &&
    b !== undefined &&
    Object.is(a.value, b.value) &&
    a.get === b.get &&
    a.set === b.set &&
    a.writable === b.writable &&
    a.enumerable === b.enumerable &&
    a.configurable === b.configurable
  );
}

/**
 * The parts of a buffer that are not as told, in steps of 1 MiB. `start`: where the told part begins in the live buffer, for one
 * that was cut from Node's pool.
 */
export function changedRanges(told: BufferContent, live: ArrayBuffer, start: number): ByteRange[] {
  const ranges: ByteRange[] = [];
  const scratch = Buffer.allocUnsafe(Math.min(PIECE_BYTES, Math.max(told.byteLength, 1)));
  for (const chunk of told.chunks) {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      const length = Math.min(PIECE_BYTES, chunk.length - at);
      const piece = scratch.subarray(0, length);
      chunk.read(at, piece);
      const offset = start + chunk.offset + at;
      if (offset + length > live.byteLength) continue;
      if (piece.compare(new Uint8Array(live, offset, length)) !== 0) ranges.push({ offset, length });
    }
  }
  return ranges;
}
