// Are two things that a codec has made of one object equal? The first is what travelled, the second what the codec makes now: as a rule all new objects, so
// they are compared by what they hold. Nothing of the user's runs but codecs.
import { types } from 'node:util';
import { brandOf } from '../protocol/brands';
import type { Coded, EncodeHooks } from '../protocol/graph';
import * as intrinsics from '../protocol/intrinsics';
import { entriesOf, membersOf } from './contents';

type Pair = readonly [told: unknown, now: unknown];

export function samePayload(told: unknown, now: unknown, view: Pick<EncodeHooks, 'codedBy'>): boolean {
  const todo: Pair[] = [[told, now]];
  const seen = new Map<object, object>();
  for (let pair = todo.pop(); pair !== undefined; pair = todo.pop()) {
    const [a, b] = pair;
    if (Object.is(a, b)) continue;
    if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
    const known = seen.get(a);
    if (known !== undefined) {
      if (known !== b) return false;
      continue;
    }
    seen.set(a, b);
    const inner = insideOf(a, b, view);
    if (inner === undefined) return false;
    for (const next of inner) todo.push(next);
  }
  return true;
}

/** What has to be equal for the two to be equal; undefined where they differ by themselves, or cannot be looked into. */
function insideOf(a: object, b: object, view: Pick<EncodeHooks, 'codedBy'>): Pair[] | undefined {
  const brand = brandOf(a);
  if (brand !== brandOf(b) || brand === 'proxy' || Reflect.getPrototypeOf(a) !== Reflect.getPrototypeOf(b))
    return undefined;
  const [one, other] = [view.codedBy(a), view.codedBy(b)];
  if (one !== undefined || other !== undefined)
    return isCoded(one) && isCoded(other) ? [[one.payload, other.payload]] : undefined;
  switch (brand) {
    case 'object':
    case 'array':
    case 'error':
      return propertiesOf(a, b);
    case 'map':
      return joined(entriesOf(a), entriesOf(b), propertiesOf(a, b));
    case 'set':
      return joined(membersOf(a), membersOf(b), propertiesOf(a, b));
    case 'date':
      return [[intrinsics.dateTime(a), intrinsics.dateTime(b)]];
    case 'regexp':
      return [
        [intrinsics.regexpSource(a), intrinsics.regexpSource(b)],
        [intrinsics.regexpFlags(a), intrinsics.regexpFlags(b)],
      ];
    case 'view':
    case 'dataView':
    case 'buffer':
    case 'shared':
      return sameBytes(a, b) ? [] : undefined;
    case 'url':
      return [[intrinsics.hrefOf(a), intrinsics.hrefOf(b)]];
    default:
      return undefined;
  }
}

function isCoded(coded: ReturnType<EncodeHooks['codedBy']>): coded is Coded {
  return coded !== undefined && 'codec' in coded;
}

function joined(a: readonly unknown[], b: readonly unknown[], rest: Pair[] | undefined): Pair[] | undefined {
  if (a.length !== b.length || rest === undefined) return undefined;
  return [...a.map((item, index): Pair => [item, b[index]]), ...rest];
}

function propertiesOf(a: object, b: object): Pair[] | undefined {
  const keys = Reflect.ownKeys(a);
  const others = Reflect.ownKeys(b);
  if (keys.length !== others.length) return undefined;
  const pairs: Pair[] = [];
  for (const [index, key] of keys.entries()) {
    if (key !== others[index]) return undefined;
    const one = Reflect.getOwnPropertyDescriptor(a, key);
    const other = Reflect.getOwnPropertyDescriptor(b, key);
    if (one?.enumerable !== other?.enumerable || one?.writable !== other?.writable) return undefined;
    pairs.push([one?.value, other?.value], [one?.get, other?.get], [one?.set, other?.set]);
  }
  return pairs;
}

function sameBytes(a: object, b: object): boolean {
  return Buffer.compare(bytesOf(a), bytesOf(b)) === 0;
}

function bytesOf(value: object): Buffer {
  if (types.isAnyArrayBuffer(value)) return Buffer.from(value);
  const view = value as ArrayBufferView;
  const isData = types.isDataView(value);
  const buffer = (isData ? intrinsics.dataViewBuffer : intrinsics.viewBuffer)(value);
  const offset = (isData ? intrinsics.dataViewOffset : intrinsics.viewOffset)(value);
  return Buffer.from(buffer, offset, view.byteLength);
}
