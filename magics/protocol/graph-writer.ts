// The writing end of a graph: numbers for objects, columns for values, and what every record has, whatever its kind.
import type { Refusal } from './errors';
import { brandOf } from './brands';
import { BufferTable } from './graph-buffers';
import type { ByteRange } from './graph-buffers';
import { ByteColumn, DoubleColumn, IntColumn } from './columns';
import * as format from './graph-format';
import type { Graph } from './graph-format';
import { Activation, UNINITIALISED } from './graph-hooks';
import type { EncodeHooks, PrivateState, RefusalReason } from './graph-hooks';
import * as intrinsics from './intrinsics';
import { pathTo } from './graph-paths';
import { ShapeTable } from './shapes';
import { StringWriter } from './strings';

const { TAG, KIND, KIND_FLAG, ATTRIBUTE } = format;

export type Numbered = object | symbol;

export interface EncodeOptions {
  /** May grow while the graph is walked: code that is met adds the names it uses. */
  readonly roots: readonly unknown[];
  /** What refusals call them. */
  readonly rootNames: readonly string[];
  readonly hooks: EncodeHooks;
  /** What the reader has already, with its numbers, and which of that is to be described anew. */
  readonly known?: Known;
}

export interface Known {
  readonly objects: readonly Numbered[];
  readonly changed: readonly number[];
  /** The bytes of a changed buffer that differ from what the reader has. */
  readonly changedBytes: (buffer: number) => readonly ByteRange[];
}

const NO_PRIVATES: readonly PrivateState[] = [];

/** Of objects the reader knows: how they were reached is known over there. */
const NO_PARENT = -0x8000_0000;

export class GraphWriter {
  readonly #options: EncodeOptions;
  readonly hooks: EncodeHooks;
  readonly objects: Numbered[] = [];
  readonly #ids = new Map<Numbered, number>();
  /** By number: the object whose record first mentioned it; -1 - i for root i. For paths only. */
  readonly #parents = new IntColumn();
  readonly kinds = new ByteColumn();
  readonly headInts = new IntColumn();
  readonly headDoubles = new DoubleColumn();
  readonly tags = new ByteColumn();
  readonly ints = new IntColumn();
  readonly doubles = new DoubleColumn();
  readonly strings = new StringWriter();
  readonly shapes = new ShapeTable(this.strings);
  readonly buffers = new BufferTable();
  readonly #born = new IntColumn();
  readonly refusals: Refusal[] = [];
  readonly #refusedOwners = new Set<number>();
  /** So many objects the reader knows already. */
  readonly base: number;
  #current = -1;
  /** The objects and strings that come next in the bodies, if nothing in the heads has come before (graph-format.ts). */
  #fresh: number;
  #freshNarrow = 0;
  #freshWide = 1;

  constructor(options: EncodeOptions) {
    this.#options = options;
    this.hooks = options.hooks;
    for (const value of options.known?.objects ?? []) {
      this.#ids.set(value, this.objects.length);
      this.objects.push(value);
      this.#parents.push(NO_PARENT);
    }
    this.base = this.objects.length;
    this.#fresh = this.base;
  }

  /** What is written next belongs to object `number`. */
  enter(number: number): void {
    this.#current = number;
  }

  /** Does the reader not have the object that is being written, in an answer to what it sent? */
  get isAnsweredAnew(): boolean {
    return this.#options.known !== undefined && this.#current >= this.base;
  }

  /** Numbers what a root refers to. */
  meet(value: unknown, root: number): void {
    this.#current = -1 - root;
    if ((typeof value === 'object' && value !== null) || typeof value === 'function' || typeof value === 'symbol')
      this.number(value);
  }

  /** The bytes of a buffer that have to be sent, where the reader has the others. */
  changedBytes(number: number): readonly ByteRange[] | undefined {
    return number < this.base ? this.#options.known?.changedBytes(number) : undefined;
  }

  number(value: Numbered): number {
    const known = this.#ids.get(value);
    if (known !== undefined) return known;
    const number = this.objects.length;
    this.objects.push(value);
    this.#ids.set(value, number);
    this.#parents.push(this.#current);
    return number;
  }

  value(value: unknown): void {
    switch (typeof value) {
      case 'string':
        this.#text(value);
        return;
      case 'number':
        if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
          this.tags.push(TAG.int);
          this.ints.push(value);
        } else {
          this.tags.push(TAG.double);
          this.doubles.push(value);
        }
        return;
      case 'object':
        if (value === null) this.tags.push(TAG.null);
        else this.#reference(value);
        return;
      case 'function':
        this.#reference(value);
        return;
      case 'boolean':
        this.tags.push(value ? TAG.true : TAG.false);
        return;
      case 'undefined':
        this.tags.push(TAG.undefined);
        return;
      case 'symbol':
        if (value === UNINITIALISED) this.tags.push(TAG.uninitialised);
        else this.#reference(value);
        return;
      case 'bigint':
        this.tags.push(TAG.bigint);
        this.ints.push(this.strings.id(value.toString(16)));
    }
  }

  /** A value that an object needs to be made. */
  headValue(value: unknown): void {
    if (typeof value === 'number') {
      this.headInts.push(TAG.double);
      this.headDoubles.push(value);
    } else if (typeof value === 'string' || typeof value === 'bigint') {
      this.headInts.push(typeof value === 'string' ? TAG.string : TAG.bigint);
      this.headInts.push(this.strings.id(typeof value === 'string' ? value : value.toString(16)));
    } else if (typeof value === 'boolean') this.headInts.push(value ? TAG.true : TAG.false);
    else if (value === undefined || value === null) this.headInts.push(value === null ? TAG.null : TAG.undefined);
    else {
      this.headInts.push(TAG.reference);
      this.headInts.push(this.number(value));
    }
  }

  #reference(value: Numbered): void {
    const number = this.number(value);
    if (number === this.#fresh) {
      this.tags.push(TAG.fresh);
      this.#fresh += 1;
      return;
    }
    this.tags.push(TAG.reference);
    this.ints.push(number);
    if (number > this.#fresh) this.#fresh = number + 1;
  }

  #text(value: string): void {
    const id = this.strings.id(value);
    if (id === this.#freshNarrow) {
      this.tags.push(TAG.freshNarrow);
      this.#freshNarrow += 2;
    } else if (id === this.#freshWide) {
      this.tags.push(TAG.freshWide);
      this.#freshWide += 2;
    } else {
      this.tags.push(TAG.string);
      this.ints.push(id);
      if ((id & 1) === 0) this.#freshNarrow = Math.max(this.#freshNarrow, id + 2);
      else this.#freshWide = Math.max(this.#freshWide, id + 2);
    }
  }

  refuse(reason: RefusalReason): void {
    this.kinds.push(KIND.reference);
    this.headInts.push(this.strings.id(''));
    const owner = this.#packageObjectAbove(this.#current);
    if (owner === undefined) this.refusals.push({ path: this.#pathTo(this.#current), ...reason });
    else this.#refuseOwner(owner, reason);
  }

  /** What lies inside an object of a package is none of the user's business: the whole object is refused, once. */
  #refuseOwner(owner: number, { what }: RefusalReason): void {
    if (this.#refusedOwners.has(owner)) return;
    this.#refusedOwners.add(owner);
    const value = this.objects[owner];
    const type = typeof value === 'object' ? this.hooks.packageClassOf(value) : undefined;
    if (type === undefined) return;
    const path = this.#pathTo(owner);
    const within = this.#pathTo(this.#current).slice(path.length);
    this.refusals.push({
      path,
      what: `${type.shown} holds what cannot travel (${within === '' ? 'in it' : within}: ${what})`,
      advice: `teach how it travels: registerCodec(${type.name}, { encode, decode })`,
    });
  }

  /** The outermost one on the way to an object. */
  #packageObjectAbove(number: number): number | undefined {
    const parents = this.#parents.done();
    let found: number | undefined;
    for (let at = parents[number] ?? -1; at >= 0; at = parents[at] ?? -1) {
      const value = this.objects[at];
      if (typeof value === 'object' && !Activation.is(value) && this.hooks.packageClassOf(value) !== undefined)
        found = at;
    }
    return found;
  }

  #pathTo(number: number): string {
    return pathTo(number, {
      objects: this.objects,
      parents: this.#parents.done(),
      rootNames: this.#options.rootNames,
      roots: this.#options.roots,
      hooks: this.hooks,
    });
  }

  byPath(path: string): void {
    this.kinds.push(KIND.reference);
    this.headInts.push(this.strings.id(path));
  }

  /** Kind byte with its flags, and the prototype where it is not the usual one of the kind. */
  begin(kind: number, value: object, usual: object | null, hasExtras: boolean): void {
    const prototype = Reflect.getPrototypeOf(value);
    const isUsual = prototype === usual;
    this.kinds.push(kind | (isUsual ? 0 : KIND_FLAG.prototype) | (hasExtras ? KIND_FLAG.extras : 0));
    if (!isUsual) this.headInts.push(prototype === null ? -1 : this.number(prototype));
  }

  /** What a class that extends a builtin keeps hidden in an object of it. */
  privatesOf(value: object): readonly PrivateState[] {
    return intrinsics.CARRIED_PROTOTYPES.has(Reflect.getPrototypeOf(value))
      ? NO_PRIVATES
      : this.hooks.privatesOf(value);
  }

  /** Right after `begin`: only its class can make such an object. */
  bear([newest]: readonly PrivateState[]): void {
    if (newest === undefined) return;
    this.#born.push(this.kinds.length - 1);
    this.#born.push(this.number(newest.owner));
  }

  extras(
    value: object,
    keys: readonly (string | symbol)[],
    integrity: number,
    isCode = false,
    privates: readonly PrivateState[] = isCode ? this.hooks.privatesOf(value) : [],
  ): void {
    this.ints.push(integrity);
    this.ints.push(keys.length);
    for (const key of keys) this.#property(value, key, isCode);
    this.ints.push(privates.length);
    for (const state of privates) this.#privates(state);
  }

  #privates({ owner, isStatic, values }: PrivateState): void {
    this.value(owner);
    const names = Object.keys(values);
    this.ints.push(isStatic ? 1 : 0);
    this.ints.push(names.length);
    for (const name of names) {
      this.value(name);
      this.value(values[name]);
    }
  }

  #property(value: object, key: string | symbol, isCode: boolean): void {
    const descriptor = Reflect.getOwnPropertyDescriptor(value, key);
    if (descriptor === undefined) throw new TypeError(`A property went away while it was read: ${String(key)}.`);
    this.value(key);
    const isAccessor = descriptor.get !== undefined || descriptor.set !== undefined;
    const isStack = intrinsics.isEngineStack(key, descriptor) && brandOf(value) === 'error';
    this.ints.push(
      (descriptor.writable === true ? ATTRIBUTE.writable : 0) |
        (descriptor.enumerable === true ? ATTRIBUTE.enumerable : 0) |
        (descriptor.configurable === true ? ATTRIBUTE.configurable : 0) |
        (isStack ? ATTRIBUTE.stack : isAccessor ? ATTRIBUTE.accessor : 0),
    );
    if (isCode && this.hooks.isImplied(value, key, descriptor)) this.tags.push(TAG.implied);
    else if (isStack) this.value(Reflect.get(value, key));
    else if (isAccessor) {
      this.value(descriptor.get);
      this.value(descriptor.set);
    } else this.value(descriptor.value);
  }

  done(): Graph {
    const { narrow, wide } = this.strings.done();
    const buffers = this.buffers.done();
    return {
      objectCount: this.objects.length,
      base: this.base,
      changed: Int32Array.from(this.#options.known?.changed ?? []),
      rootCount: this.#options.roots.length,
      columns: {
        kinds: this.kinds.done(),
        headInts: this.headInts.done(),
        headDoubles: this.headDoubles.done(),
        tags: this.tags.done(),
        ints: this.ints.done(),
        doubles: this.doubles.done(),
        shapes: this.shapes.done(),
        narrowLengths: narrow.lengths,
        narrowPieces: narrow.pieces,
        narrowText: narrow.text,
        wideLengths: wide.lengths,
        widePieces: wide.pieces,
        wideText: wide.text,
        bufferInts: buffers.ints,
        bufferDoubles: buffers.doubles,
        small: buffers.small,
        born: this.#born.done(),
      },
      blobs: buffers.blobs,
    };
  }
}
