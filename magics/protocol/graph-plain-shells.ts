// Objects whose heads say all that is needed to make them, empty as yet: arrays, maps, errors, buffers, promises, what has a path.
import { BufferReader } from './graph-buffer-reader';
import type { BufferContent, ReadableGraph } from './graph-decode';
import type { Numbered } from './graph-encode';
import * as format from './graph-format';
import { broken } from './graph-heads';
import type { HeadReader } from './graph-heads';
import type { DecodeHooks } from './graph-hooks';
import * as intrinsics from './intrinsics';
import { MAIN } from './main-context';

const { KIND, PROMISE } = format;

/** Parts of Node's pools leave gaps between them; all in all these stay small. */
const MAX_GAPS = 16 * 1024 * 1024;
/** Longer arrays are not made before their items come: the engine would look them up by their keys. */
const LONG_ARRAY = 1 << 20;

interface Sources {
  readonly graph: ReadableGraph;
  readonly heads: HeadReader;
  readonly hooks: DecodeHooks;
  /** So many records, from the first, describe what this side has. */
  readonly describing: number;
}

export class PlainShells {
  readonly #graph: ReadableGraph;
  readonly #heads: HeadReader;
  readonly #hooks: DecodeHooks;
  readonly #buffers: BufferReader;
  readonly #describing: number;
  /** URLs, and the numbers of their search parameters. */
  readonly linked: { readonly url: URL; readonly params: number }[] = [];
  /** By record: bytes of the buffers. */
  readonly contents = new Map<number, BufferContent>();
  /** By number: where a buffer began in the one that it was cut from. */
  readonly starts = new Map<number, number>();
  /** By record: settles a Promise. */
  readonly settlers = new Map<number, (value: unknown) => void>();
  /** By record: of arrays that are filled as they grow. */
  readonly lengths = new Map<number, number>();
  #items = 0;
  #gaps = 0;

  constructor({ graph, heads, hooks, describing }: Sources) {
    this.#graph = graph;
    this.#heads = heads;
    this.#hooks = hooks;
    this.#buffers = new BufferReader(graph);
    this.#describing = describing;
  }

  /** Undefined where more than its head is needed, which is not read then. */
  make(kind: number, record: number, number: number): Numbered | undefined {
    switch (kind) {
      case KIND.array:
      case KIND.numbers:
        return this.#array(record);
      case KIND.sparse:
        return new MAIN.Array<unknown>();
      case KIND.arguments:
        return intrinsics.strictArguments();
      case KIND.map:
        return new MAIN.Map();
      case KIND.set:
        return new MAIN.Set();
      case KIND.date:
        return new MAIN.Date(0);
      case KIND.regexp:
        return new MAIN.RegExp(this.#heads.text(), this.#heads.text());
      case KIND.error:
        return this.#error();
      case KIND.buffer:
        return this.#buffer(record, number);
      case KIND.promise:
        return this.#promise(record);
      case KIND.symbol:
        return this.#symbol();
      case KIND.reference:
        return this.#byPath();
      case KIND.url:
        return this.#url();
      case KIND.searchParams:
        return new MAIN.URLSearchParams(this.#heads.text());
      default:
        return undefined;
    }
  }

  /** With room for just what comes: the engine gives an array that grows room for 17. */
  #array(record: number): object {
    const length = this.#heads.next();
    this.#items += length;
    const { tags, doubles } = this.#graph.columns;
    if (length < 0 || this.#items > tags.length + doubles.length)
      throw broken('arrays claim more items than there are');
    if (length <= LONG_ARRAY) return new MAIN.Array<unknown>(length);
    this.lengths.set(record, length);
    return new MAIN.Array<unknown>();
  }

  #byPath(): Numbered {
    const path = this.#heads.text();
    const value = this.#hooks.resolve(path);
    if ((typeof value === 'object' && value !== null) || typeof value === 'function' || typeof value === 'symbol')
      return value;
    throw broken(`there is no ${path} here`);
  }

  #error(): object {
    const name = format.ERROR_NAMES[this.#heads.next()];
    if (name === undefined) throw broken('it has an error of an unknown kind');
    const limit = MAIN.Error.stackTraceLimit;
    MAIN.Error.stackTraceLimit = 0;
    try {
      const error = name === 'AggregateError' ? new MAIN.AggregateError([]) : new MAIN[name]();
      // All its own properties are in the extras, in their order.
      for (const key of Reflect.ownKeys(error)) Reflect.deleteProperty(error, key);
      return error;
    } finally {
      MAIN.Error.stackTraceLimit = limit;
    }
  }

  #promise(record: number): object {
    const state = this.#heads.next();
    if (state !== PROMISE.fulfilled && state !== PROMISE.rejected) throw broken('a Promise is in no known state');
    if (record < this.#describing) return Object.create(null) as object;
    const promise = new MAIN.Promise((resolve, reject) => {
      this.settlers.set(record, state === PROMISE.fulfilled ? resolve : reject);
    });
    // That nobody caught it was told where it was rejected.
    intrinsics.promiseThen(promise, undefined, () => undefined);
    return promise;
  }

  #symbol(): symbol {
    const form = this.#heads.next();
    const text = this.#heads.text();
    if (form === 2) return Symbol.for(text);
    return form === 1 ? Symbol() : Symbol(text);
  }

  #url(): object {
    const url = new MAIN.URL(this.#heads.text());
    const params = this.#heads.object();
    // The two are one thing with two faces: the params object is the URL's own.
    this.linked.push({ url, params });
    return url;
  }

  #buffer(record: number, number: number): object {
    const { content, start } = this.#buffers.next();
    this.starts.set(number, start);
    this.contents.set(record, content);
    if (record < this.#describing) return Object.create(null) as object;
    const { byteLength, shared, chunks } = content;
    const isWhole = chunks.length === 1 && chunks[0]?.length === byteLength;
    if (!isWhole) this.#gaps += byteLength;
    if (this.#gaps > MAX_GAPS) throw broken('buffers are larger than their bytes');
    const buffer = shared ? new MAIN.SharedArrayBuffer(byteLength) : new MAIN.ArrayBuffer(byteLength);
    for (const chunk of chunks) chunk.read(0, new Uint8Array(buffer, chunk.offset, chunk.length));
    return buffer;
  }
}
