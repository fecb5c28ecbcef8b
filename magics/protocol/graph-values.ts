// Reads the values of a graph, one after the other, and the marks that stand for what is no value.
import { ColumnReader } from './columns';
import { TAG } from './graph-format';
import type { GraphColumns } from './graph-format';
import { broken, parseBigInt } from './graph-heads';
import { UNINITIALISED } from './graph-hooks';
import type { Position } from './graph-scan';
import type { Numbered } from './graph-writer';
import type { StringReader } from './strings';

/** No element at this index of an array. */
export const HOLE: unique symbol = Symbol('hole');
/** The property that the code itself gives. */
export const IMPLIED: unique symbol = Symbol('implied');

export class ValueReader {
  readonly tags: ColumnReader;
  readonly ints: ColumnReader;
  readonly doubles: ColumnReader;
  readonly #strings: StringReader;
  readonly #objects: readonly Numbered[];
  /** What comes next (graph-format.ts, TAG.fresh). */
  #fresh: number;
  #freshNarrow = 0;
  #freshWide = 1;

  /** `base`: so many objects were known before. */
  constructor(columns: GraphColumns, strings: StringReader, objects: readonly Numbered[], base: number) {
    this.#fresh = base;
    this.tags = new ColumnReader(columns.tags, 'tags');
    this.ints = new ColumnReader(columns.ints, 'integers');
    this.doubles = new ColumnReader(columns.doubles, 'numbers');
    this.#strings = strings;
    this.#objects = objects;
  }

  get isDone(): boolean {
    return this.tags.left + this.ints.left + this.doubles.left === 0;
  }

  /** Goes on with the body that begins there. */
  seek({ tags, ints, doubles, fresh, freshNarrow, freshWide }: Position): void {
    this.tags.seek(tags);
    this.ints.seek(ints);
    this.doubles.seek(doubles);
    this.#fresh = fresh;
    this.#freshNarrow = freshNarrow;
    this.#freshWide = freshWide;
  }

  /** A value or a mark. */
  next(): unknown {
    const tag = this.tags.next();
    switch (tag) {
      case TAG.int:
        return this.ints.next();
      case TAG.fresh:
        return this.#object(this.#fresh);
      case TAG.freshNarrow:
        return this.#text(this.#freshNarrow);
      case TAG.freshWide:
        return this.#text(this.#freshWide);
      case TAG.string:
        return this.#text(this.ints.next());
      case TAG.double:
        return this.doubles.next();
      case TAG.reference:
        return this.#object(this.ints.next());
      case TAG.true:
        return true;
      case TAG.false:
        return false;
      case TAG.undefined:
        return undefined;
      case TAG.null:
        return null;
      case TAG.bigint:
        return parseBigInt(this.#strings.get(this.ints.next()));
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

  #object(number: number): Numbered {
    const value = this.#objects[number];
    if (value === undefined) throw broken('a value refers to an object that is not there');
    if (number >= this.#fresh) this.#fresh = number + 1;
    return value;
  }

  #text(id: number): string {
    const text = this.#strings.get(id);
    if ((id & 1) === 0) {
      if (id >= this.#freshNarrow) this.#freshNarrow = id + 2;
    } else if (id >= this.#freshWide) this.#freshWide = id + 2;
    return text;
  }

  /** Past a reference that cannot be followed yet. */
  skipReference(): void {
    const number = this.tags.next() === TAG.fresh ? this.#fresh : this.ints.next();
    if (number >= this.#fresh) this.#fresh = number + 1;
  }

  /** A value of the user's: none of the marks that have a meaning in special places only. */
  plain(): unknown {
    const value = this.next();
    if (typeof value === 'symbol' && (value === HOLE || value === IMPLIED || value === UNINITIALISED))
      throw broken('a mark stands where a value is needed');
    return value;
  }
}
