// Reads a graph. What it reads is data from another machine: every index, count and length is checked before anything is made by it; no source
// text is evaluated, no constructor, setter or method of the user's is called. Whatever does not fit is a ProtocolError.
import { ColumnReader } from './columns';
import { CaptureError, ProtocolError } from './errors';
import * as format from './graph-format';
import type { GraphColumns } from './graph-format';
import { Activation, UNINITIALISED } from './graph-hooks';
import type { DecodeHooks, PrivateState } from './graph-hooks';
import type { Numbered } from './graph-encode';
import * as intrinsics from './intrinsics';
import { fillWithCodecs } from './graph-filling';
import type { RootNames } from './graph-filling';
import { ExtrasReader, KeySafety, define } from './graph-extras';
import { broken } from './graph-heads';
import { ShellMaker } from './graph-shells';
import { HOLE, IMPLIED, ValueReader } from './graph-values';
import { StringReader } from './strings';

const { KIND, KIND_FLAG, KIND_MASK, INTEGRITY } = format;

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
  /** Codecs are code, which uses names: they are bound as soon as their values are there. */
  readonly names?: RootNames;
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
  /** Values of an activation, in the order of its names; what a codec made of a coded object. */
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

/** Throws ProtocolError for whatever is wrong with the graph, CaptureError for what a codec cannot make. */
export function decodeGraph(options: DecodeOptions): Decoded {
  try {
    return new GraphDecoder(options).run();
  } catch (cause) {
    if (cause instanceof ProtocolError || cause instanceof CaptureError) throw cause;
    throw new ProtocolError(`A graph does not decode: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

const MAX_ARRAY_LENGTH = 0xffff_ffff;

class GraphDecoder {
  readonly #graph: ReadableGraph;
  readonly #kinds: Uint8Array;
  readonly #shapes: readonly (readonly string[])[];
  readonly #maker: ShellMaker;
  readonly #from: ValueReader;
  readonly #extras: ExtrasReader;
  readonly #objects: readonly Numbered[];
  readonly #shells: readonly (object | undefined)[];
  /** So many records, from the first, describe what this side has. */
  readonly #describing: number;
  readonly #changed: Changed[] = [];
  readonly #safeKeys = new KeySafety();

  readonly #compare: boolean;
  readonly #names: RootNames | undefined;

  constructor({ graph, hooks, existing = [], compare = false, names }: DecodeOptions) {
    this.#compare = compare;
    this.#names = names;
    const { columns } = graph;
    checkCounts(graph, existing, compare);
    const strings = new StringReader(
      { lengths: columns.narrowLengths, pieces: columns.narrowPieces, text: columns.narrowText },
      { lengths: columns.wideLengths, pieces: columns.widePieces, text: columns.wideText },
    );
    this.#graph = graph;
    this.#kinds = columns.kinds;
    this.#shapes = readShapes(columns.shapes, strings);
    this.#describing = compare ? columns.kinds.length : graph.changed.length;
    this.#maker = new ShellMaker(graph, strings, hooks, existing, this.#describing);
    const { objects, shells } = this.#maker.make();
    this.#objects = objects;
    this.#shells = shells;
    this.#from = new ValueReader(columns, strings, objects, graph.base);
    this.#extras = new ExtrasReader(this.#from, hooks, compare);
  }

  run(): Decoded {
    const fill = (record: number): void => {
      this.#record(record, this.#shells[record]);
    };
    if (this.#maker.coded.size > 0 && !this.#compare)
      fillWithCodecs({ graph: this.#graph, maker: this.#maker, from: this.#from, names: this.#names, fill });
    else for (let record = 0; record < this.#kinds.length; record++) fill(record);
    const roots: unknown[] = [];
    for (let i = 0; i < this.#graph.rootCount; i++) roots.push(this.#from.plain());
    if (!this.#from.isDone) throw broken('there is more in it than its objects');
    return { roots, objects: this.#objects, changed: this.#changed };
  }

  #record(record: number, shell: object | undefined): void {
    const byte = this.#kinds[record] ?? 0;
    const kind = byte & KIND_MASK;
    const describes = record < this.#describing;
    const values = this.#body(kind, shell ?? (Object.create(null) as object), record, describes);
    const extras = (byte & KIND_FLAG.extras) === 0 ? undefined : this.#extras.read(shell, kind, describes);
    if (!describes || kind === KIND.reference || kind === KIND.symbol || shell === undefined) return;
    const { changed } = this.#graph;
    this.#changed.push({
      number: record < changed.length ? (changed[record] ?? 0) : record,
      kind,
      prototype: this.#maker.prototypeOf(record),
      state: shell,
      values: kind === KIND.coded ? [this.#maker.payloadOf(record)] : values,
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
        this.#array(shell as unknown[], record);
        return [];
      case KIND.numbers:
        this.#numbers(shell as number[], record);
        return [];
      case KIND.sparse:
        this.#sparse(shell as unknown[]);
        return [];
      case KIND.map:
        for (let left = this.#from.ints.count(this.#from.tags, 2); left > 0; left--) {
          const key = this.#from.plain();
          intrinsics.mapSet(shell, key, this.#from.plain());
        }
        return [];
      case KIND.set:
        for (let left = this.#from.ints.count(this.#from.tags); left > 0; left--)
          intrinsics.setAdd(shell, this.#from.plain());
        return [];
      case KIND.date:
        intrinsics.setDateTime(shell, this.#from.doubles.next());
        return [];
      case KIND.regexp:
        define(shell, 'lastIndex', { value: this.#from.plain() });
        return [];
      case KIND.promise:
        return this.#promise(record);
      case KIND.activation:
        return this.#activation(shell, record, describes);
      default:
        return [];
    }
  }

  #object(shell: object): void {
    const id = this.#from.ints.next();
    const keys = this.#shapes[id];
    if (keys === undefined) throw broken(`there is no shape ${id}`);
    if (this.#safeKeys.mayAssign(id, keys, Reflect.getPrototypeOf(shell))) {
      const target = shell as Record<string, unknown>;
      for (const key of keys) target[key] = this.#from.plain();
    } else {
      for (const key of keys)
        define(shell, key, { value: this.#from.plain(), writable: true, enumerable: true, configurable: true });
    }
  }

  #array(shell: unknown[], record: number): void {
    const length = this.#maker.lengthOf(record, shell);
    if (length > this.#from.tags.left) throw broken('an array claims more items than there are');
    for (let index = 0; index < length; index++) {
      const value = this.#from.next();
      if (typeof value === 'symbol') {
        if (value === HOLE) continue;
        if (value === IMPLIED || value === UNINITIALISED) throw broken('a mark stands where a value is needed');
      }
      shell[index] = value;
    }
    if (shell.length !== length) shell.length = length;
  }

  #numbers(shell: number[], record: number): void {
    const values = this.#from.doubles.take(this.#maker.lengthOf(record, shell));
    const isReady = shell.length === values.length;
    for (let index = 0; index < values.length; index++) {
      const value = values[index] ?? 0;
      // One that was made longer step by step has no holes, and room for more.
      if (isReady) shell[index] = value;
      else shell.push(value);
    }
  }

  #sparse(shell: unknown[]): void {
    const length = this.#from.doubles.next();
    if (!Number.isInteger(length) || length < 0 || length > MAX_ARRAY_LENGTH)
      throw broken('an array has an impossible length');
    const count = this.#from.ints.count(this.#from.tags);
    shell.length = length;
    for (let i = 0; i < count; i++) {
      const index = this.#from.doubles.next();
      if (!Number.isInteger(index) || index < 0 || index >= length) throw broken('an array has an impossible index');
      shell[index] = this.#from.plain();
    }
  }

  /** What has a method `then` would be asked for it: code, which no reply can have run. */
  #promise(record: number): readonly unknown[] {
    const value = this.#from.plain();
    const settle = this.#maker.settlers.get(record);
    if (settle === undefined) return [value];
    if (intrinsics.leadsToThen(value)) throw broken('a Promise holds an object with a method `then`');
    settle(value);
    return [value];
  }

  #activation(shell: object, record: number, describes: boolean): readonly unknown[] {
    const values: unknown[] = [];
    for (const name of this.#maker.activations.get(record)?.names ?? []) {
      const value = this.#from.next();
      if (value === HOLE || value === IMPLIED) throw broken(`the variable ${name} has no value`);
      values.push(value);
    }
    if (!describes && Activation.is(shell)) shell.write(values);
    return values;
  }
}

const NOTHING: ReadonlySet<string | symbol> = new Set();

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
