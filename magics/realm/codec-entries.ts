// What the codecs of builtin classes are made of (builtin-codecs.ts, language-codecs.ts).
import type { RefusalReason } from '../protocol/graph';
import { MAIN } from '../protocol/main-context';

export interface CodecEntry {
  /**
   * An object of the class, or its prototype where its objects have no properties. Asked for when one is met: loading some of these classes takes Node
   * 25 ms. Undefined where this Node has no such class.
   */
  sample(): object | undefined;
  /** More objects of the class, where not all have the same properties. */
  variants?(): readonly object[];
  encode(value: object): unknown;
  decode(payload: unknown, prototype: object): object;
  /** False when such an object does not change. */
  update(target: object, payload: unknown): boolean;
}

/** Instead of a payload. */
export class Refused {
  readonly reason: RefusalReason;
  constructor(what: string, advice: string) {
    this.reason = { what, advice };
  }
}

/** Instead of a payload: the object only looks like one of the class. */
export const NOT_CODED: unique symbol = Symbol('not coded');

/** Of a payload, which may come from another machine: no getter is called. */
export function field(payload: unknown, key: string): unknown {
  if (typeof payload !== 'object' || payload === null) throw new TypeError('A payload is no object.');
  return Reflect.getOwnPropertyDescriptor(payload, key)?.value;
}

export function text(payload: unknown, key: string): string {
  const value = field(payload, key);
  if (typeof value !== 'string') throw new TypeError(`A payload has no text ${key}.`);
  return value;
}

/** A plain object of cells. Of a payload, the fields that are data. */
export function plain(fields: object): object {
  const made = new MAIN.Object();
  for (const key of Object.keys(fields)) Reflect.set(made, key, field(fields, key));
  return made;
}
