// Columns of numbers that grow while a graph is written, and that are read with every step checked: a reply is data from another machine.
import { ProtocolError } from './errors';

const FIRST_LENGTH = 1024;

export class ByteColumn {
  #items = new Uint8Array(FIRST_LENGTH);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#items.length) {
      const grown = new Uint8Array(this.#length * 2);
      grown.set(this.#items);
      this.#items = grown;
    }
    this.#items[this.#length++] = value;
  }

  done(): Uint8Array {
    return this.#items.subarray(0, this.#length);
  }
}

export class IntColumn {
  #items = new Int32Array(FIRST_LENGTH);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#items.length) {
      const grown = new Int32Array(this.#length * 2);
      grown.set(this.#items);
      this.#items = grown;
    }
    this.#items[this.#length++] = value;
  }

  /** The place of a number that is known only later. */
  reserve(): number {
    this.push(0);
    return this.#length - 1;
  }

  set(index: number, value: number): void {
    this.#items[index] = value;
  }

  done(): Int32Array {
    return this.#items.subarray(0, this.#length);
  }
}

export class DoubleColumn {
  #items = new Float64Array(FIRST_LENGTH);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#items.length) {
      const grown = new Float64Array(this.#length * 2);
      grown.set(this.#items);
      this.#items = grown;
    }
    this.#items[this.#length++] = value;
  }

  /** Many at once, as they lie in an array of numbers. */
  pushAll(values: readonly number[]): void {
    let room = this.#items.length;
    while (room < this.#length + values.length) room *= 2;
    if (room > this.#items.length) {
      const grown = new Float64Array(room);
      grown.set(this.#items.subarray(0, this.#length));
      this.#items = grown;
    }
    this.#items.set(values, this.#length);
    this.#length += values.length;
  }

  done(): Float64Array {
    return this.#items.subarray(0, this.#length);
  }
}

/** Takes the numbers of a column one after the other; a column that ends early is an error, never an `undefined`. */
export class ColumnReader {
  readonly #items: Uint8Array | Int32Array | Float64Array;
  readonly #name: string;
  #at = 0;

  constructor(items: Uint8Array | Int32Array | Float64Array, name: string) {
    this.#items = items;
    this.#name = name;
  }

  get left(): number {
    return this.#items.length - this.#at;
  }

  /** How many were taken. */
  get at(): number {
    return this.#at;
  }

  /** Goes on from a place that `at` has told. */
  seek(at: number): void {
    this.#at = at;
  }

  /** What `next` will give; undefined at the end. */
  peek(): number | undefined {
    return this.#items[this.#at];
  }

  next(): number {
    const value = this.#items[this.#at++];
    if (value === undefined) throw new ProtocolError(`A graph does not decode: its ${this.#name} end too early.`);
    return value;
  }

  /** The next number, which counts things of which each takes at least `each` of `column`. */
  count(column: ColumnReader, each = 1): number {
    const value = this.next();
    if (value < 0 || value * each > column.left)
      throw new ProtocolError(`A graph does not decode: it claims ${value} items, and holds fewer.`);
    return value;
  }

  /** The next `count` numbers, as they lie. */
  take(count: number): Uint8Array | Int32Array | Float64Array {
    if (count < 0 || count > this.left)
      throw new ProtocolError(`A graph does not decode: its ${this.#name} end too early.`);
    this.#at += count;
    return this.#items.subarray(this.#at - count, this.#at);
  }
}
