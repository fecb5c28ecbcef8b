// Reads the heads of a graph: what each object needs to be made, as plain facts. Nothing is made here.
import { ColumnReader } from './columns';
import { ProtocolError } from './errors';
import { KIND, KIND_MASK, TAG, VARIABLE, VIEW_NAMES } from './graph-format';
import { SELF } from './graph-hooks';
import type { GraphColumns } from './graph-format';
import type { StringReader } from './strings';

/** A primitive, or the number of an object that may not be made yet. */
export type HeadValue = { readonly primitive: unknown } | { readonly number: number };

/** What is made only once other objects are there. */
export type Pending =
  | { readonly kind: 'function'; readonly code: string; readonly activation: number; readonly home: number }
  | {
      readonly kind: 'class';
      readonly code: string;
      readonly activation: number;
      readonly superclass: number;
      readonly keys: readonly HeadValue[];
    }
  | { readonly kind: 'prototype'; readonly owner: number }
  | {
      readonly kind: 'member';
      readonly owner: number;
      readonly isStatic: boolean;
      readonly key: string | number;
      readonly slot: number;
    }
  | { readonly kind: 'bound'; readonly target: number; readonly self: HeadValue; readonly args: readonly HeadValue[] }
  | { readonly kind: 'boxed'; readonly value: HeadValue }
  | { readonly kind: 'revived'; readonly owner: number }
  /** `like`: a builtin of its kind, as its record says. */
  | { readonly kind: 'born'; readonly owner: number; readonly like: object }
  | { readonly kind: 'coded'; readonly codec: number; readonly payload: HeadValue }
  | {
      readonly kind: 'view';
      readonly name: string;
      readonly buffer: number;
      readonly offset: number;
      readonly length: number;
    };

/** An activation as its head tells it. */
export interface ActivationHead {
  readonly portal: string;
  /** -1 for none. */
  readonly parent: number;
  /** -1 for none. */
  readonly door: number;
  readonly names: readonly string[];
  readonly dead: ReadonlySet<string>;
  readonly self: { readonly primitive: unknown } | undefined;
}

/** By record: the number of the class that an object of a builtin is born of. */
export function ownersOf({ born, kinds }: GraphColumns, objectCount: number): ReadonlyMap<number, number> {
  const owners = new Map<number, number>();
  let last = -1;
  for (let at = 0; at < born.length; at += 2) {
    const [record = -1, owner = -1] = born.subarray(at, at + 2);
    const kind = (kinds[record] ?? 0) & KIND_MASK;
    if (record <= last || record >= kinds.length || owner < 0 || owner >= objectCount || !BORN.has(kind))
      throw broken('an object is born of no class');
    owners.set(record, owner);
    last = record;
  }
  return owners;
}

const BORN: ReadonlySet<number> = new Set([
  KIND.array,
  KIND.numbers,
  KIND.sparse,
  KIND.map,
  KIND.set,
  KIND.date,
  KIND.error,
]);

export function broken(what: string): ProtocolError {
  return new ProtocolError(`A graph does not decode: ${what}.`);
}

export class HeadReader {
  readonly #ints: ColumnReader;
  readonly #doubles: ColumnReader;
  readonly #strings: StringReader;
  readonly #objectCount: number;

  constructor(columns: GraphColumns, strings: StringReader, objectCount: number) {
    this.#ints = new ColumnReader(columns.headInts, 'heads');
    this.#doubles = new ColumnReader(columns.headDoubles, 'heads');
    this.#strings = strings;
    this.#objectCount = objectCount;
  }

  next(): number {
    return this.#ints.next();
  }

  text(): string {
    return this.#strings.get(this.#ints.next());
  }

  activation(): ActivationHead {
    const portal = this.text();
    const parent = this.objectOrNone();
    const door = this.objectOrNone();
    const names: string[] = [];
    const dead = new Set<string>();
    let self: ActivationHead['self'];
    for (let left = this.#ints.count(this.#ints); left > 0; left--) {
      const name = this.text();
      names.push(name);
      const state = this.next();
      if (state === VARIABLE.dead) dead.add(name);
      else if (state === VARIABLE.primitive) self = this.#primitiveSelf(name);
      else if (state !== VARIABLE.usual) throw broken(`the variable ${name} is in an unknown state`);
    }
    if (new Set(names).size !== names.length) throw broken('an activation has a variable twice');
    return { portal, parent, door, names, dead, self };
  }

  #primitiveSelf(name: string): { readonly primitive: unknown } {
    const value = this.#value();
    if (name !== SELF || !('primitive' in value)) throw broken(`the variable ${name} is in an impossible state`);
    return value;
  }

  /** The number of an object that exists, by its number at least. */
  object(): number {
    return this.#checked(this.#ints.next());
  }

  /** The same, or -1 for none. */
  objectOrNone(): number {
    const number = this.#ints.next();
    return number === -1 ? -1 : this.#checked(number);
  }

  /** The head of an object that needs others to be made; undefined for any other kind. */
  pending(kind: number): Pending | undefined {
    switch (kind) {
      case KIND.function:
        return {
          kind: 'function',
          code: this.text(),
          activation: this.objectOrNone(),
          home: this.objectOrNone(),
        };
      case KIND.class:
        return {
          kind: 'class',
          code: this.text(),
          activation: this.objectOrNone(),
          superclass: this.objectOrNone(),
          keys: this.#values(),
        };
      case KIND.prototype:
        return { kind: 'prototype', owner: this.object() };
      case KIND.revived:
        return { kind: 'revived', owner: this.object() };
      case KIND.coded:
        return { kind: 'coded', codec: this.object(), payload: this.#value() };
      case KIND.member:
        return this.#member();
      case KIND.bound:
        return this.#bound();
      case KIND.boxed:
        return { kind: 'boxed', value: this.#value() };
      case KIND.view:
        return this.#view();
      default:
        return undefined;
    }
  }

  #checked(number: number): number {
    if (number < 0 || number >= this.#objectCount) throw broken(`there is no object ${number}`);
    return number;
  }

  #bound(): Pending {
    const target = this.object();
    const self = this.#value();
    return { kind: 'bound', target, self, args: this.#values() };
  }

  #values(): HeadValue[] {
    const count = this.#ints.count(this.#ints);
    const values: HeadValue[] = [];
    for (let i = 0; i < count; i++) values.push(this.#value());
    return values;
  }

  #value(): HeadValue {
    const tag = this.#ints.next();
    switch (tag) {
      case TAG.undefined:
        return { primitive: undefined };
      case TAG.null:
        return { primitive: null };
      case TAG.true:
      case TAG.false:
        return { primitive: tag === TAG.true };
      case TAG.double:
        return { primitive: this.#doubles.next() };
      case TAG.string:
        return { primitive: this.text() };
      case TAG.bigint:
        return { primitive: parseBigInt(this.text()) };
      case TAG.reference:
        return { number: this.object() };
      default:
        throw broken(`a head has the unknown tag ${tag}`);
    }
  }

  #member(): Pending {
    const owner = this.object();
    const isStatic = this.#ints.next() === 1;
    const id = this.#ints.next();
    const key = id === -1 ? this.object() : this.#strings.get(id);
    return { kind: 'member', owner, isStatic, key, slot: this.#ints.next() };
  }

  #view(): Pending {
    const name = VIEW_NAMES[this.#ints.next()];
    if (name === undefined) throw broken('it has a view of an unknown type');
    const buffer = this.object();
    return {
      kind: 'view',
      name,
      buffer,
      offset: size(this.#doubles.next()),
      length: size(this.#doubles.next()),
    };
  }
}

/** The objects a head refers to. */
export function numbersIn(pending: Pending): number[] {
  switch (pending.kind) {
    case 'function':
      return [pending.activation, pending.home];
    case 'class':
      return [pending.activation, pending.superclass, ...pending.keys.flatMap(numberOf)];
    case 'prototype':
    case 'member':
    case 'revived':
    case 'born':
      return [pending.owner];
    case 'view':
      return [pending.buffer];
    case 'bound':
      return [pending.target, ...[pending.self, ...pending.args].flatMap(numberOf)];
    case 'boxed':
      return numberOf(pending.value);
    case 'coded':
      return [pending.codec, ...numberOf(pending.payload)];
  }
}

function numberOf(value: HeadValue): number[] {
  return 'number' in value ? [value.number] : [];
}

export function size(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw broken(`${value} is no size`);
  return value;
}

/** Hexadecimal with sign, as BigInt.prototype.toString(16) writes it. */
export function parseBigInt(text: string): bigint {
  if (!/^-?[0-9a-f]+$/.test(text)) throw broken('a BigInt has no digits');
  return text.startsWith('-') ? -BigInt(`0x${text.slice(1)}`) : BigInt(`0x${text}`);
}
