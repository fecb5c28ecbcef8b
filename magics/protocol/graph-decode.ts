// Reads a graph. What it reads is data from another machine: every index, count and length is checked before anything is made by it; no source
// text is evaluated, no constructor, setter or method of the user's is called. Whatever does not fit is a ProtocolError.
import { types } from 'node:util';
import { ColumnReader } from './columns';
import { ProtocolError } from './errors';
import * as format from './graph-format';
import type { GraphColumns } from './graph-format';
import { Activation, UNINITIALISED } from './graph-hooks';
import type { DecodeHooks, PrivateState } from './graph-hooks';
import type { Numbered } from './graph-encode';
import * as intrinsics from './intrinsics';
import { ShellMaker, broken, parseBigInt } from './graph-shells';
import { StringReader } from './strings';

const { TAG, KIND, KIND_FLAG, KIND_MASK, INTEGRITY, ATTRIBUTE } = format;

/** The bytes beside the skeleton, read when they are needed. */
export interface BlobSource {
  readonly lengths: readonly number[];
  /** Fills `into` with the bytes of a blob from `offset`. */
  read(index: number, offset: number, into: Uint8Array): void;
}

export interface ReadableGraph {
  readonly objectCount: number;
  readonly base: number;
  readonly changed: Int32Array;
  readonly rootCount: number;
  readonly columns: GraphColumns;
  readonly blobs: BlobSource;
}

export interface DecodeOptions {
  readonly graph: ReadableGraph;
  readonly hooks: DecodeHooks;
  /** What this side has already, by number: as many as the graph's base. */
  readonly existing?: readonly Numbered[];
  /**
   * Compare instead of make: `existing` has all objects of the graph, references mean those, and every record comes as a `Changed`.
   */
  readonly compare?: boolean;
}

export interface Decoded {
  readonly roots: readonly unknown[];
  /** By number. */
  readonly objects: readonly Numbered[];
  readonly changed: readonly Changed[];
}

/** The state of an object that this side has, as the graph tells it. */
export interface Changed {
  readonly number: number;
  readonly kind: number;
  /** Undefined: the usual one of the kind. */
  readonly prototype: object | null | undefined;
  /** An object of the same kind, or a bag without prototype for code, views and activations, with the properties. */
  readonly state: object;
  /** Values of an activation, in the order of its names; arguments of a bound function. */
  readonly values: readonly unknown[];
  /** What its head refers to: superclass, activation, target, buffer. */
  readonly links: readonly unknown[];
  readonly integrity: number;
  /** False where nothing was said of the properties: a class of a module, which is not compared. */
  readonly hasExtras: boolean;
  /** Private fields and statics. */
  readonly privates: readonly PrivateState[];
  /** Properties that are what the code gives. */
  readonly implied: ReadonlySet<string | symbol>;
  readonly bytes: BufferContent | undefined;
}

export interface BufferContent {
  readonly byteLength: number;
  readonly shared: boolean;
  readonly chunks: readonly BufferChunk[];
}

export interface BufferChunk {
  readonly offset: number;
  readonly length: number;
  read(offset: number, into: Uint8Array): void;
}

/** Throws ProtocolError for whatever is wrong with the graph. */
export function decodeGraph(options: DecodeOptions): Decoded {
  try {
    return new GraphDecoder(options).run();
  } catch (cause) {
    if (cause instanceof ProtocolError) throw cause;
    throw new ProtocolError(`A graph does not decode: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

const MAX_ARRAY_LENGTH = 0xffff_ffff;
const HOLE: unique symbol = Symbol('hole');
const IMPLIED: unique symbol = Symbol('implied');

/** Kinds whose own properties are all listed in the extras: what a fresh one has beyond the list was deleted. */
const LISTED: ReadonlySet<number> = new Set([
  KIND.function,
  KIND.class,
  KIND.prototype,
  KIND.error,
  KIND.bound,
  KIND.source,
]);

interface Extras {
  readonly integrity: number;
  readonly implied: ReadonlySet<string | symbol>;
  readonly privates: readonly PrivateState[];
}

class GraphDecoder {
  readonly #graph: ReadableGraph;
  readonly #kinds: Uint8Array;
  readonly #tags: ColumnReader;
  readonly #ints: ColumnReader;
  readonly #doubles: ColumnReader;
  readonly #strings: StringReader;
  readonly #shapes: readonly (readonly string[])[];
  readonly #maker: ShellMaker;
  readonly #hooks: DecodeHooks;
  readonly #describing: number;
  readonly #compare: boolean;
  readonly #changed: Changed[] = [];
  readonly #safeKeys = new KeySafety();
  #objects: readonly Numbered[] = [];

  constructor({ graph, hooks, existing = [], compare = false }: DecodeOptions) {
    const { columns } = graph;
    this.#graph = graph;
    this.#hooks = hooks;
    this.#kinds = columns.kinds;
    this.#tags = new ColumnReader(columns.tags, 'tags');
    this.#ints = new ColumnReader(columns.ints, 'integers');
    this.#doubles = new ColumnReader(columns.doubles, 'numbers');
    checkCounts(graph, existing, compare);
    this.#strings = new StringReader(
      { lengths: columns.narrowLengths, pieces: columns.narrowPieces, text: columns.narrowText },
      { lengths: columns.wideLengths, pieces: columns.widePieces, text: columns.wideText },
    );
    this.#shapes = readShapes(columns.shapes, this.#strings);
    this.#compare = compare;
    this.#describing = compare ? this.#kinds.length : graph.changed.length;
    this.#maker = new ShellMaker(graph, this.#strings, hooks, existing, this.#describing);
  }

  run(): Decoded {
    const { objects, shells } = this.#maker.make();
    this.#objects = objects;
    for (let record = 0; record < this.#kinds.length; record++) this.#record(record, shells[record]);
    const roots: unknown[] = [];
    for (let i = 0; i < this.#graph.rootCount; i++) roots.push(this.#plainValue());
    if (this.#tags.left + this.#ints.left + this.#doubles.left > 0)
      throw broken('there is more in it than its objects');
    return { roots, objects, changed: this.#changed };
  }

  #value(): unknown {
    const tag = this.#tags.next();
    switch (tag) {
      case TAG.int:
        return this.#ints.next();
      case TAG.string:
        return this.#strings.get(this.#ints.next());
      case TAG.double:
        return this.#doubles.next();
      case TAG.reference: {
        const value = this.#objects[this.#ints.next()];
        if (value === undefined) throw broken('a value refers to an object that is not there');
        return value;
      }
      case TAG.true:
        return true;
      case TAG.false:
        return false;
      case TAG.undefined:
        return undefined;
      case TAG.null:
        return null;
      case TAG.bigint:
        return parseBigInt(this.#strings.get(this.#ints.next()));
      case TAG.hole:
        return HOLE;
      case TAG.implied:
        return IMPLIED;
      case TAG.uninitialised:
        return UNINITIALISED;
      default:
        throw broken(`a value has the unknown tag ${tag}`);
    }
  }

  /** A value of the user's: none of the marks that have a meaning in special places only. */
  #plainValue(): unknown {
    const value = this.#value();
    if (typeof value === 'symbol' && (value === HOLE || value === IMPLIED || value === UNINITIALISED))
      throw broken('a mark stands where a value is needed');
    return value;
  }

  #record(record: number, shell: object | undefined): void {
    const byte = this.#kinds[record] ?? 0;
    const kind = byte & KIND_MASK;
    const describes = record < this.#describing;
    const values = this.#body(kind, shell ?? (Object.create(null) as object), record, describes);
    const extras = (byte & KIND_FLAG.extras) === 0 ? undefined : this.#extras(shell, kind, describes);
    if (!describes || kind === KIND.reference || kind === KIND.symbol || shell === undefined) return;
    const { changed } = this.#graph;
    this.#changed.push({
      number: record < changed.length ? (changed[record] ?? 0) : record,
      kind,
      prototype: this.#maker.prototypeOf(record),
      state: shell,
      values,
      links: this.#maker.linksOf(record),
      integrity: extras?.integrity ?? INTEGRITY.none,
      hasExtras: extras !== undefined,
      privates: extras?.privates ?? [],
      implied: extras?.implied ?? NOTHING,
      bytes: this.#maker.contents.get(record),
    });
  }

  #body(kind: number, shell: object, record: number, describes: boolean): readonly unknown[] {
    switch (kind) {
      case KIND.object:
      case KIND.revived:
        this.#object(shell);
        return [];
      case KIND.array:
        this.#array(shell as unknown[]);
        return [];
      case KIND.numbers:
        this.#numbers(shell as number[]);
        return [];
      case KIND.sparse:
        this.#sparse(shell as unknown[]);
        return [];
      case KIND.map:
        for (let left = this.#ints.count(this.#tags, 2); left > 0; left--) {
          const key = this.#plainValue();
          intrinsics.mapSet(shell, key, this.#plainValue());
        }
        return [];
      case KIND.set:
        for (let left = this.#ints.count(this.#tags); left > 0; left--) intrinsics.setAdd(shell, this.#plainValue());
        return [];
      case KIND.date:
        intrinsics.setDateTime(shell, this.#doubles.next());
        return [];
      case KIND.regexp:
        define(shell, 'lastIndex', { value: this.#plainValue() });
        return [];
      case KIND.activation:
        return this.#activation(shell, record, describes);
      default:
        return [];
    }
  }

  #object(shell: object): void {
    const id = this.#ints.next();
    const keys = this.#shapes[id];
    if (keys === undefined) throw broken(`there is no shape ${id}`);
    if (this.#safeKeys.mayAssign(id, keys, Reflect.getPrototypeOf(shell))) {
      const target = shell as Record<string, unknown>;
      for (const key of keys) target[key] = this.#plainValue();
    } else {
      for (const key of keys)
        define(shell, key, { value: this.#plainValue(), writable: true, enumerable: true, configurable: true });
    }
  }

  #array(shell: unknown[]): void {
    const length = this.#ints.count(this.#tags);
    for (let index = 0; index < length; index++) {
      const value = this.#value();
      if (typeof value === 'symbol') {
        if (value === HOLE) continue;
        if (value === IMPLIED || value === UNINITIALISED) throw broken('a mark stands where a value is needed');
      }
      shell[index] = value;
    }
    shell.length = length;
  }

  #numbers(shell: number[]): void {
    const values = this.#doubles.take(this.#ints.count(this.#doubles));
    for (const value of values) shell.push(value);
  }

  #sparse(shell: unknown[]): void {
    const length = this.#doubles.next();
    if (!Number.isInteger(length) || length < 0 || length > MAX_ARRAY_LENGTH)
      throw broken('an array has an impossible length');
    const count = this.#ints.count(this.#tags);
    shell.length = length;
    for (let i = 0; i < count; i++) {
      const index = this.#doubles.next();
      if (!Number.isInteger(index) || index < 0 || index >= length) throw broken('an array has an impossible index');
      shell[index] = this.#plainValue();
    }
  }

  #activation(shell: object, record: number, describes: boolean): readonly unknown[] {
    const values: unknown[] = [];
    for (const name of this.#maker.activationNames.get(record) ?? []) {
      const value = this.#value();
      if (value === HOLE || value === IMPLIED) throw broken(`the variable ${name} has no value`);
      values.push(value);
    }
    if (!describes && shell instanceof Activation) shell.write(values);
    return values;
  }

  #extras(shell: object | undefined, kind: number, describes: boolean): Extras {
    const integrity = this.#ints.next();
    const implied = new Set<string | symbol>();
    const listed = new Set<string | symbol>();
    for (let left = this.#ints.count(this.#tags, 2); left > 0; left--) {
      const key = this.#plainValue();
      if (typeof key !== 'string' && typeof key !== 'symbol') throw broken('a key is neither text nor symbol');
      listed.add(key);
      const attributes = this.#ints.next();
      const descriptor = this.#descriptor(attributes);
      if (descriptor === undefined) implied.add(key);
      else if (shell !== undefined) define(shell, key, descriptor);
    }
    const privates = this.#privates();
    if (shell !== undefined && !describes) {
      for (const state of privates)
        if (!this.#hooks.setPrivates(shell, state)) throw broken('an object has not the private fields it should have');
    }
    if (shell !== undefined && !describes && LISTED.has(kind)) dropUnlisted(shell, listed);
    // What is compared looks as it did; what is to be patched is filled first and made rigid after.
    if (shell !== undefined && (!describes || this.#compare)) applyIntegrity(shell, integrity);
    return { integrity, implied, privates };
  }

  #privates(): PrivateState[] {
    const states: PrivateState[] = [];
    for (let left = this.#ints.count(this.#tags); left > 0; left--) {
      const owner = this.#plainValue();
      if (typeof owner !== 'function') throw broken('private fields belong to no class');
      const isStatic = this.#ints.next() === 1;
      const values = Object.create(null) as Record<string, unknown>;
      for (let names = this.#ints.count(this.#tags, 2); names > 0; names--) {
        const name = this.#plainValue();
        if (typeof name !== 'string') throw broken('a private field has no name');
        values[name] = this.#plainValue();
      }
      states.push({ owner, isStatic, values });
    }
    return states;
  }

  #descriptor(attributes: number): PropertyDescriptor | undefined {
    const enumerable = (attributes & ATTRIBUTE.enumerable) !== 0;
    const configurable = (attributes & ATTRIBUTE.configurable) !== 0;
    const first = this.#value();
    if (first === IMPLIED) return undefined;
    if (first === HOLE || first === UNINITIALISED) throw broken('a mark stands where a value is needed');
    if ((attributes & ATTRIBUTE.accessor) === 0) {
      return { value: first, writable: (attributes & ATTRIBUTE.writable) !== 0, enumerable, configurable };
    }
    const get = accessorPart(first);
    const set = accessorPart(this.#plainValue());
    return { ...(get ? { get } : {}), ...(set ? { set } : {}), enumerable, configurable };
  }
}

const NOTHING: ReadonlySet<string | symbol> = new Set();

function accessorPart(value: unknown): (() => unknown) | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'function') throw broken('an accessor is no function');
  return value as () => unknown;
}

function define(target: object, key: string | symbol, descriptor: PropertyDescriptor): void {
  if (!Reflect.defineProperty(target, key, descriptor)) throw broken(`the property ${String(key)} cannot be defined`);
}

function dropUnlisted(target: object, listed: ReadonlySet<string | symbol>): void {
  for (const key of Reflect.ownKeys(target)) if (!listed.has(key)) Reflect.deleteProperty(target, key);
}

/** Levels as in INTEGRITY. */
export function applyIntegrity(target: object, level: number): void {
  if (level === INTEGRITY.nonExtensible) Object.preventExtensions(target);
  else if (level === INTEGRITY.sealed) Object.seal(target);
  else if (level === INTEGRITY.frozen) Object.freeze(target);
  else if (level !== INTEGRITY.none) throw broken('an object has an unknown integrity level');
}

/** May the keys of a shape be assigned, which is quick, or would that find a setter, `__proto__` or a read-only property in the prototypes? */
class KeySafety {
  #shape = -1;
  #prototype: object | null | undefined = undefined;
  #safe = false;

  mayAssign(shape: number, keys: readonly string[], prototype: object | null): boolean {
    if (shape !== this.#shape || prototype !== this.#prototype) {
      this.#shape = shape;
      this.#prototype = prototype;
      this.#safe = prototype === null || !keys.some((key) => hasInChain(prototype, key));
    }
    return this.#safe;
  }
}

/** Walks by hand: a Proxy among the prototypes must not be asked. */
function hasInChain(prototype: object, key: string): boolean {
  for (let p: object | null = prototype; p !== null; p = Reflect.getPrototypeOf(p)) {
    if (types.isProxy(p) || Object.hasOwn(p, key)) return true;
  }
  return false;
}

function checkCounts(graph: ReadableGraph, existing: readonly Numbered[], compare: boolean): void {
  const { objectCount, base, changed, rootCount, columns } = graph;
  const records = columns.kinds.length;
  if (objectCount !== base + records - changed.length) throw broken('its count of objects does not fit');
  if (existing.length !== (compare ? objectCount : base))
    throw broken('it speaks of other objects than those that were sent');
  if (compare && base !== 0) throw broken('it is a reply and cannot be compared');
  if (rootCount < 0 || rootCount > columns.tags.length) throw broken('its count of roots does not fit');
  for (const number of changed)
    if (number < 0 || number >= base) throw broken(`it changes object ${number}, which was not sent`);
  if (new Set(changed).size !== changed.length) throw broken('it changes an object twice');
}

function readShapes(column: Int32Array, strings: StringReader): string[][] {
  const reader = new ColumnReader(column, 'shapes');
  const shapes: string[][] = [];
  while (reader.left > 0) {
    const count = reader.count(reader);
    const keys: string[] = [];
    for (let i = 0; i < count; i++) keys.push(strings.get(reader.next()));
    shapes.push(keys);
  }
  return shapes;
}
