// First pass of reading a graph: the objects themselves, each as empty as can be, so that bodies may refer to any of them.
import { types } from 'node:util';
import { brandOf } from './brands';
import type { BufferContent, ReadableGraph } from './graph-decode';
import type { Numbered } from './graph-encode';
import * as format from './graph-format';
import { CodeGroups } from './graph-groups';
import { HeadReader, broken, numbersIn, ownersOf } from './graph-heads';
import type { ActivationHead, HeadValue, Pending } from './graph-heads';
import { Activation } from './graph-hooks';
import type { DecodeHooks } from './graph-hooks';
import { PlainShells } from './graph-plain-shells';
import * as intrinsics from './intrinsics';
import { MAIN } from './main-context';
import type { StringReader } from './strings';

const { KIND, KIND_FLAG, KIND_MASK } = format;

export interface Shells {
  /** By number. */
  readonly objects: readonly Numbered[];
  /** By record: what its body fills. Undefined for what has no body. */
  readonly shells: readonly (object | undefined)[];
}

const USUAL = -2;
const SLOTS = ['value', 'get', 'set'] as const;

/** Makes the objects of a graph from their heads, empty as yet. */
export class ShellMaker {
  readonly #graph: ReadableGraph;
  readonly #hooks: DecodeHooks;
  readonly #kinds: Uint8Array;
  readonly #heads: HeadReader;
  readonly #plain: PlainShells;
  readonly #objects: (Numbered | undefined)[];
  readonly #shells: (object | undefined)[];
  readonly #prototypes: Int32Array;
  readonly #pending = new Map<number, Pending>();
  readonly #making = new Set<number>();
  readonly #owners: ReadonlyMap<number, number>;
  readonly #groups: CodeGroups;
  readonly #links = new Map<number, readonly number[]>();
  /** By record: objects that are made last, by a codec. */
  readonly coded = new Map<number, Pending & { readonly kind: 'coded' }>();
  /** By record. */
  readonly activations = new Map<number, ActivationHead>();
  /** By record: of arrays that are born of a class. */
  readonly #lengths = new Map<number, number>();
  /** So many records, from the first, describe what this side has. */
  readonly #describing: number;

  constructor(
    graph: ReadableGraph,
    strings: StringReader,
    hooks: DecodeHooks,
    existing: readonly Numbered[],
    describing: number,
  ) {
    const { columns } = graph;
    this.#graph = graph;
    this.#hooks = hooks;
    this.#kinds = columns.kinds;
    this.#heads = new HeadReader(columns, strings, graph.objectCount);
    this.#owners = ownersOf(columns, graph.objectCount);
    this.#describing = describing;
    this.#plain = new PlainShells({ graph, heads: this.#heads, hooks, describing });
    this.#groups = new CodeGroups(hooks, {
      made: (number) => this.#objects[number],
      madeObject: (number) => this.#madeObject(number),
      putActivation: (number, activation) => {
        this.#objects[number] = this.#shells[this.#recordOf(number)] = activation;
      },
    });
    this.#objects = [...existing];
    while (this.#objects.length < graph.objectCount) this.#objects.push(undefined);
    this.#shells = new Array<object | undefined>(this.#kinds.length);
    this.#prototypes = new Int32Array(this.#kinds.length).fill(USUAL);
  }

  make(): Shells {
    for (let record = 0; record < this.#kinds.length; record++) this.#head(record);
    this.#link();
    this.#groups.collect(this.#pending, this.#activationsToMake());
    for (let record = 0; record < this.#kinds.length; record++) this.#finishShell(record);
    this.#settleHomes();
    return { objects: this.#objects as Numbered[], shells: this.#shells };
  }

  /** The prototype a record names; undefined for the usual one of its kind. Only after `make`. */
  prototypeOf(record: number): object | null | undefined {
    const number = this.#prototypes[record] ?? USUAL;
    if (number === USUAL) return undefined;
    return number === -1 ? null : this.#madeObject(number);
  }

  /** The objects that the head of a described record refers to. */
  linksOf(record: number): unknown[] {
    return (this.#links.get(record) ?? []).map((number) => this.#objects[number]);
  }

  /** By record: bytes of the buffers. */
  get contents(): ReadonlyMap<number, BufferContent> {
    return this.#plain.contents;
  }

  /** By record: settles a Promise. */
  get settlers(): ReadonlyMap<number, (value: unknown) => void> {
    return this.#plain.settlers;
  }

  /** What a codec is given for the object of a record. */
  payloadOf(record: number): unknown {
    const pending = this.coded.get(record);
    return pending === undefined ? undefined : this.#resolved(pending.payload);
  }

  /** The object of a number, if it is there by now. */
  made(number: number): Numbered | undefined {
    return this.#objects[number];
  }

  /** By number, as far as they are there. */
  get objects(): readonly Numbered[] {
    return this.#objects as readonly Numbered[];
  }

  /** Puts something in the place of an object that could not be made: only a path to it is wanted any more. */
  stand(record: number): void {
    this.#objects[this.#numberOf(record)] ??= Object.create(null) as object;
  }

  /** Has a codec make the object of a record; everything it needs is there. */
  decode(record: number): object {
    const pending = this.coded.get(record);
    const prototype = this.prototypeOf(record);
    if (pending === undefined || prototype === undefined || prototype === null)
      throw broken('an object has a codec and no class');
    const made = this.#hooks.decodeBy(this.#madeObject(pending.codec), this.#resolved(pending.payload), prototype);
    this.#objects[this.#numberOf(record)] = this.#shells[record] = made;
    return made;
  }

  *#activationsToMake(): Generator<readonly [number, ActivationHead]> {
    for (const [record, head] of this.activations) if (record >= this.#describing) yield [this.#numberOf(record), head];
  }

  #numberOf(record: number): number {
    const { changed, base } = this.#graph;
    return record < changed.length ? (changed[record] ?? 0) : base + record - changed.length;
  }

  #recordOf(number: number): number {
    return number < this.#graph.base ? -1 : number - this.#graph.base + this.#graph.changed.length;
  }

  /** Reads what is needed to make an object, and makes it if nothing else is needed. */
  #head(record: number): void {
    const byte = this.#kinds[record] ?? 0;
    const kind = byte & KIND_MASK;
    if ((byte & KIND_FLAG.prototype) !== 0) {
      this.#prototypes[record] = this.#heads.objectOrNone();
    }
    const made = this.#simple(kind, record);
    if (made === undefined) return;
    const owner = this.#owners.get(record);
    if (owner !== undefined) this.#bear(record, owner, made);
    else if (record < this.#describing) {
      if (typeof made === 'object') this.#shells[record] = made;
    } else {
      this.#objects[this.#numberOf(record)] = made;
      this.#shells[record] = made as object;
    }
  }

  /** Its class has to be there before. */
  #bear(record: number, owner: number, like: Numbered): void {
    if (typeof like === 'symbol') throw broken('a symbol is born of a class');
    if (record < this.#describing) {
      this.#shells[record] = like;
      this.#links.set(record, [owner]);
      return;
    }
    if (Array.isArray(like)) this.#lengths.set(record, this.lengthOf(record, like));
    this.#pending.set(this.#numberOf(record), { kind: 'born', owner, like });
  }

  /** The object, or undefined if it has to wait. */
  #simple(kind: number, record: number): Numbered | undefined {
    if (kind === KIND.object) return this.#prototypes[record] === USUAL ? new MAIN.Object() : undefined;
    const made = this.#plain.make(kind, record, this.#numberOf(record));
    if (made === undefined) this.#defer(kind, record);
    return made;
  }

  /** What the head of an array says. */
  lengthOf(record: number, shell: readonly unknown[]): number {
    return this.#lengths.get(record) ?? this.#plain.lengths.get(record) ?? shell.length;
  }

  #link(): void {
    for (const { url, params } of this.#plain.linked) {
      const record = this.#recordOf(params);
      // Where this side has the params already, it has the URL as well.
      if (record < this.#describing) continue;
      if (((this.#kinds[record] ?? 0) & KIND_MASK) !== KIND.searchParams)
        throw broken('a URL has no search parameters');
      this.#objects[params] = this.#shells[record] = url.searchParams;
    }
  }

  #defer(kind: number, record: number): void {
    const number = this.#numberOf(record);
    const describes = record < this.#describing;
    if (describes) this.#shells[record] = Object.create(null) as object;
    if (kind === KIND.activation) {
      const head = this.#heads.activation();
      this.activations.set(record, head);
      if (describes) this.#links.set(record, [head.parent, head.door]);
      return;
    }
    if (kind === KIND.source) {
      const text = this.#heads.text();
      if (!describes) this.#objects[number] = this.#shells[record] = this.#hooks.fromSource(text);
      return;
    }
    const pending = this.#heads.pending(kind);
    // An object with another prototype than usual waits for that only.
    if (pending === undefined && kind !== KIND.object) throw broken(`it has an object of the unknown kind ${kind}`);
    if (pending === undefined) return;
    if (pending.kind === 'coded') this.coded.set(record, pending);
    if (describes) this.#links.set(record, numbersIn(pending));
    else this.#pending.set(number, pending);
  }

  /** After all are made: an object may well hold the methods whose home it is. */
  #settleHomes(): void {
    for (const [number, pending] of this.#pending) {
      if (pending.kind !== 'function' || pending.home === -1) continue;
      const home = this.#madeObject(pending.home);
      if (home instanceof Activation || !this.#hooks.settleHome(this.#madeObject(number), home))
        throw broken('a function has a home and uses no `super`');
    }
  }

  #finishShell(record: number): void {
    const kind = (this.#kinds[record] ?? 0) & KIND_MASK;
    const number = this.#numberOf(record);
    if (record < this.#describing) {
      if (this.#shells[record] === undefined) this.#shells[record] = Object.create(null) as object;
      return;
    }
    if (kind === KIND.coded) return;
    const value = this.#made(number);
    if (typeof value === 'symbol') return;
    this.#shells[record] = value;
    if (kind !== KIND.object && kind !== KIND.reference) this.#setPrototype(record, value);
  }

  #setPrototype(record: number, value: object): void {
    const number = this.#prototypes[record] ?? USUAL;
    if (number === USUAL) return;
    const prototype = number === -1 ? null : this.#made(number);
    if (typeof prototype === 'symbol' || !Reflect.setPrototypeOf(value, prototype))
      throw broken('a prototype cannot be set');
  }

  /** The object of a number, made now if it waits for others. */
  #made(number: number): Numbered {
    const known = this.#objects[number];
    if (known !== undefined) return known;
    if (this.#making.has(number)) throw broken('objects need each other to be made');
    this.#making.add(number);
    const made = this.#make(number);
    this.#making.delete(number);
    this.#objects[number] = made;
    return made;
  }

  #madeObject(number: number): object {
    const value = this.#made(number);
    if (typeof value === 'symbol') throw broken('a symbol stands where an object is needed');
    return value;
  }

  #make(number: number): Numbered {
    const pending = this.#pending.get(number);
    if (pending === undefined) return this.#makeInstance(number);
    switch (pending.kind) {
      case 'function':
        return this.#groups.make(number, pending.code, pending.activation, null);
      case 'class': {
        const superclass = pending.superclass === -1 ? null : this.#madeObject(pending.superclass);
        const keys = pending.keys.map((key) => this.#key(key));
        return this.#groups.make(number, pending.code, pending.activation, superclass, keys);
      }
      case 'prototype': {
        const prototype: unknown = Reflect.getOwnPropertyDescriptor(
          this.#madeObject(pending.owner),
          'prototype',
        )?.value;
        if (typeof prototype !== 'object' || prototype === null) throw broken('a function has no prototype');
        return prototype;
      }
      case 'member': {
        const key = typeof pending.key === 'string' ? pending.key : this.#made(pending.key);
        if (typeof key === 'object') throw broken('an object stands where a key is needed');
        const slot = SLOTS[pending.slot];
        if (slot === undefined) throw broken('a method has an unknown form');
        const member = this.#hooks.member(this.#madeObject(pending.owner), pending.isStatic, key, slot);
        if (typeof member !== 'function') throw broken(`a class has no method ${String(key)}`);
        return member;
      }
      case 'bound': {
        const target = this.#madeObject(pending.target);
        if (typeof target !== 'function') throw broken('something bound is no function');
        const args = [this.#resolved(pending.self), ...pending.args.map((argument) => this.#resolved(argument))];
        return intrinsics.bind(target, ...args) as object;
      }
      case 'revived':
        return this.#hooks.revive(this.#madeObject(pending.owner));
      case 'born':
        return this.#born(pending.owner, pending.like);
      case 'boxed': {
        const value = this.#resolved(pending.value);
        if (value === null || value === undefined || typeof value === 'object')
          throw broken('a box holds no primitive');
        return MAIN.Object(value) as object;
      }
      case 'view':
        return this.#makeView(pending);
      case 'coded':
        throw broken('an object is needed before its codec can make it');
    }
  }

  #born(owner: number, like: object): object {
    const made = this.#hooks.revive(this.#madeObject(owner));
    if (brandOf(made) !== brandOf(like)) throw broken('an object is born of a class of another kind');
    return made;
  }

  #resolved(value: HeadValue): unknown {
    return 'number' in value ? this.#made(value.number) : value.primitive;
  }

  #makeInstance(number: number): Numbered {
    const record = this.#recordOf(number);
    const kind = (this.#kinds[record] ?? 0) & KIND_MASK;
    if (record < 0 || kind !== KIND.object) throw broken(`object ${number} cannot be made`);
    const prototype = this.#prototypes[record] ?? USUAL;
    return Object.create(prototype === -1 ? null : this.#madeObject(prototype)) as object;
  }

  #key(value: HeadValue): string | symbol {
    const key = this.#resolved(value);
    if (typeof key !== 'string' && typeof key !== 'symbol') throw broken('a key is neither a string nor a symbol');
    return key;
  }

  #makeView(pending: Pending & { kind: 'view' }): object {
    const buffer = this.#madeObject(pending.buffer);
    // Of anything else the engine would make numbers, by methods that the notebook gave it.
    if (!types.isAnyArrayBuffer(buffer)) throw broken('a view shows what is no buffer');
    const offset = pending.offset - (this.#plain.starts.get(pending.buffer) ?? 0);
    if (pending.name === 'Buffer') return MAIN.Buffer.from(buffer, offset, pending.length);
    const View = Reflect.get(MAIN, pending.name) as new (
      buffer: ArrayBufferLike,
      offset: number,
      length: number,
    ) => object;
    return new View(buffer, offset, pending.length);
  }
}
