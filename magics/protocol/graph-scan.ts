// Looks through a graph without making anything: where the body of each record begins, and which objects a record refers to. What has to be made in an
// order of its own (graph-coded.ts) is filled by these positions.
import { ColumnReader, IntColumn } from './columns';
import { ATTRIBUTE, KIND, KIND_FLAG, KIND_MASK, TAG } from './graph-format';
import type { GraphColumns } from './graph-format';
import { HeadReader, broken, numbersIn, ownersOf } from './graph-heads';
import { StringReader } from './strings';

/** Where in the columns of values. */
export interface Position {
  readonly tags: number;
  readonly ints: number;
  readonly doubles: number;
  /** What `fresh` tags mean from here on (graph-format.ts). */
  readonly fresh: number;
  readonly freshNarrow: number;
  readonly freshWide: number;
}

export interface Scannable {
  readonly objectCount: number;
  readonly base: number;
  readonly changed: Int32Array;
  readonly rootCount: number;
  readonly columns: GraphColumns;
}

export interface Scan {
  /** Of the body of a record; of the roots for the number of records. */
  positionOf(record: number): Position;
  /** The numbers of the objects that a record refers to, -1 among them for none. */
  edgesOf(record: number): Int32Array;
  /** Those of them that are needed to make it. */
  headEdgesOf(record: number): Int32Array;
  /** By root: the number of its object, or -1. */
  readonly roots: readonly number[];
  /** By record: the code of functions and classes. */
  readonly codes: ReadonlyMap<number, string>;
  /** Records of objects that travel by a codec. */
  readonly coded: readonly number[];
}

/** `onText` is told of each string among the values. Throws ProtocolError where the columns do not fit together. */
export function scanGraph(graph: Scannable, onText?: (record: number, id: number) => void): Scan {
  return new Scanner(graph, onText).run();
}

/** By number of an object of a graph that builds on no other: the object that was met before it, or -1 - i for root i. For paths. */
export function parentsOf(scan: Scan, objectCount: number): Int32Array {
  const parents = new Int32Array(objectCount).fill(NOT_MET);
  const queue: number[] = [];
  const meet = (number: number, from: number): void => {
    if (number < 0 || parents[number] !== NOT_MET) return;
    parents[number] = from;
    queue.push(number);
  };
  scan.roots.forEach((number, root) => {
    meet(number, -1 - root);
  });
  for (let at = 0; at < queue.length; at++) {
    const number = queue[at] ?? 0;
    for (const edge of scan.edgesOf(number)) meet(edge, number);
  }
  return parents;
}

const NOT_MET = -0x8000_0000;
const POSITION_WORDS = 6;

class Scanner {
  readonly #graph: Scannable;
  readonly #heads: HeadReader;
  readonly #tags: ColumnReader;
  readonly #ints: ColumnReader;
  readonly #doubles: ColumnReader;
  /** By shape: how many keys. */
  readonly #shapes: readonly number[];
  readonly #positions: Float64Array;
  readonly #edges = new IntColumn();
  readonly #edgeStarts: Int32Array;
  readonly #headEnds: Int32Array;
  readonly #owners: ReadonlyMap<number, number>;
  readonly #codes = new Map<number, string>();
  readonly #coded: number[] = [];
  readonly #onText: ((record: number, id: number) => void) | undefined;
  #record = 0;
  /** How many variables the activation has whose record is read. */
  #variables = 0;
  /** Of the array whose record is read. */
  #length = 0;
  #fresh: number;
  #freshNarrow = 0;
  #freshWide = 1;

  constructor(graph: Scannable, onText?: (record: number, id: number) => void) {
    const { columns } = graph;
    this.#graph = graph;
    this.#fresh = graph.base;
    this.#onText = onText;
    const strings = new StringReader(
      { lengths: columns.narrowLengths, pieces: columns.narrowPieces, text: columns.narrowText },
      { lengths: columns.wideLengths, pieces: columns.widePieces, text: columns.wideText },
    );
    this.#heads = new HeadReader(columns, strings, graph.objectCount);
    this.#owners = ownersOf(columns, graph.objectCount);
    this.#tags = new ColumnReader(columns.tags, 'tags');
    this.#ints = new ColumnReader(columns.ints, 'integers');
    this.#doubles = new ColumnReader(columns.doubles, 'numbers');
    this.#shapes = shapeSizes(columns.shapes);
    this.#positions = new Float64Array((columns.kinds.length + 1) * POSITION_WORDS);
    this.#edgeStarts = new Int32Array(columns.kinds.length + 1);
    this.#headEnds = new Int32Array(columns.kinds.length);
  }

  run(): Scan {
    const { kinds } = this.#graph.columns;
    for (let record = 0; record < kinds.length; record++) {
      this.#begin(record);
      this.#head(kinds[record] ?? 0, record);
      this.#headEnds[record] = this.#edges.length;
      this.#body((kinds[record] ?? 0) & KIND_MASK);
      if (((kinds[record] ?? 0) & KIND_FLAG.extras) !== 0) this.#extras();
    }
    this.#begin(kinds.length);
    const roots: number[] = [];
    for (let root = 0; root < this.#graph.rootCount; root++) {
      const before = this.#edges.length;
      this.#value();
      roots.push(this.#edges.length > before ? (this.#edges.done()[before] ?? -1) : -1);
    }
    const edges = this.#edges.done();
    const positions = this.#positions;
    return {
      roots,
      codes: this.#codes,
      coded: this.#coded,
      edgesOf: (record) => {
        if (record < 0 || record >= kinds.length) throw broken(`there is no record ${record}`);
        return edges.subarray(this.#edgeStarts[record], this.#edgeStarts[record + 1]);
      },
      headEdgesOf: (record) => edges.subarray(this.#edgeStarts[record], this.#headEnds[record]),
      positionOf: (record) => {
        const at = record * POSITION_WORDS;
        const [tags = 0, ints = 0, doubles = 0, fresh = 0, freshNarrow = 0, freshWide = 1] = positions.subarray(at);
        return { tags, ints, doubles, fresh, freshNarrow, freshWide };
      },
    };
  }

  #begin(record: number): void {
    const at = [this.#tags.at, this.#ints.at, this.#doubles.at, this.#fresh, this.#freshNarrow, this.#freshWide];
    this.#positions.set(at, record * POSITION_WORDS);
    this.#edgeStarts[record] = this.#edges.length;
    this.#record = record;
  }

  #head(byte: number, record: number): void {
    const kind = byte & KIND_MASK;
    if ((byte & KIND_FLAG.prototype) !== 0) this.#edges.push(this.#heads.objectOrNone());
    const owner = this.#owners.get(record);
    if (owner !== undefined) this.#edges.push(owner);
    if (kind === KIND.coded) this.#coded.push(record);
    if (kind === KIND.activation) {
      const { parent, door, names } = this.#heads.activation();
      this.#edges.push(parent);
      this.#edges.push(door);
      this.#variables = names.length;
      return;
    }
    if (this.#plainHead(kind)) return;
    const pending = this.#heads.pending(kind);
    if (pending === undefined) return;
    if (pending.kind === 'function' || pending.kind === 'class') this.#codes.set(record, pending.code);
    for (const number of numbersIn(pending)) this.#edges.push(number);
  }

  /** Heads that are words alone, or nearly. */
  #plainHead(kind: number): boolean {
    switch (kind) {
      case KIND.regexp:
        this.#heads.text();
        this.#heads.text();
        return true;
      case KIND.symbol:
        this.#heads.next();
        this.#heads.text();
        return true;
      case KIND.error:
      case KIND.promise:
        this.#heads.next();
        return true;
      case KIND.array:
      case KIND.numbers:
        this.#length = this.#heads.next();
        return true;
      case KIND.reference:
      case KIND.searchParams:
      case KIND.source:
        this.#heads.text();
        return true;
      case KIND.url:
        this.#heads.text();
        this.#edges.push(this.#heads.object());
        return true;
      default:
        return false;
    }
  }

  #body(kind: number): void {
    switch (kind) {
      case KIND.object:
      case KIND.revived:
        this.#values(this.#shapeSize(this.#ints.next()));
        return;
      case KIND.array:
        if (this.#length < 0 || this.#length > this.#tags.left)
          throw broken('an array claims more items than there are');
        this.#values(this.#length);
        return;
      case KIND.set:
        this.#values(this.#ints.count(this.#tags));
        return;
      case KIND.numbers:
        this.#doubles.take(this.#length);
        return;
      case KIND.sparse:
        this.#doubles.next();
        for (let left = this.#ints.count(this.#tags); left > 0; left--) {
          this.#doubles.next();
          this.#value();
        }
        return;
      case KIND.map:
        this.#values(2 * this.#ints.count(this.#tags, 2));
        return;
      case KIND.date:
        this.#doubles.next();
        return;
      case KIND.regexp:
      case KIND.promise:
        this.#value();
        return;
      case KIND.activation:
        this.#values(this.#variables);
        return;
    }
  }

  #extras(): void {
    this.#ints.next();
    for (let left = this.#ints.count(this.#tags, 2); left > 0; left--) {
      this.#value();
      const attributes = this.#ints.next();
      const isImplied = this.#tags.peek() === TAG.implied;
      this.#value();
      const isPair = (attributes & ATTRIBUTE.accessor) !== 0 && (attributes & ATTRIBUTE.stack) === 0;
      if (isPair && !isImplied) this.#value();
    }
    for (let left = this.#ints.count(this.#tags); left > 0; left--) {
      this.#value();
      this.#ints.next();
      this.#values(2 * this.#ints.count(this.#tags, 2));
    }
  }

  #values(count: number): void {
    for (let left = count; left > 0; left--) this.#value();
  }

  #value(): void {
    switch (this.#tags.next()) {
      case TAG.double:
        this.#doubles.next();
        return;
      case TAG.string:
        this.#text(this.#ints.next());
        return;
      case TAG.int:
      case TAG.bigint:
        this.#ints.next();
        return;
      case TAG.freshNarrow:
        this.#text(this.#freshNarrow);
        return;
      case TAG.freshWide:
        this.#text(this.#freshWide);
        return;
      case TAG.fresh:
        this.#edges.push(this.#fresh++);
        return;
      case TAG.reference: {
        const number = this.#ints.next();
        this.#edges.push(number);
        this.#fresh = Math.max(this.#fresh, number + 1);
      }
    }
  }

  #text(id: number): void {
    if ((id & 1) === 0) this.#freshNarrow = Math.max(this.#freshNarrow, id + 2);
    else this.#freshWide = Math.max(this.#freshWide, id + 2);
    this.#onText?.(this.#record, id);
  }

  #shapeSize(id: number): number {
    const size = this.#shapes[id];
    if (size === undefined) throw broken(`there is no shape ${id}`);
    return size;
  }
}

function shapeSizes(column: Int32Array): number[] {
  const reader = new ColumnReader(column, 'shapes');
  const sizes: number[] = [];
  while (reader.left > 0) {
    const size = reader.count(reader);
    reader.take(size);
    sizes.push(size);
  }
  return sizes;
}
