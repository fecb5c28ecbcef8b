// The words of the graph format, shared by writer and reader.
//
// A graph is a list of roots and a table of objects, numbered in the order in which a breadth-first walk from the roots meets them. The numbers are
// part of the format: both sides keep them, so that a reply can name what the other side has. Every object has a kind byte and writes to two streams:
// the *head* has what is needed to make it (length of a view, text of a RegExp, number of its prototype), the *body* what it holds.
// All shells are made from the heads first, so bodies may point anywhere, and nothing here or there is recursive.

/** Part of each container's header (container.ts). Raised with every change of what is written here. */
export const GRAPH_VERSION = 3;

/** Tags of values in the body. */
export const TAG = {
  undefined: 0,
  null: 1,
  true: 2,
  false: 3,
  /** Next of `ints`: an int32 that is not -0. */
  int: 4,
  /** Next of `doubles`. */
  double: 5,
  /** Next of `ints`: id of a string. */
  string: 6,
  /** Next of `ints`: number of an object. */
  reference: 7,
  /** Only in arrays. */
  hole: 8,
  /** Next of `ints`: id of a string, hexadecimal with sign. */
  bigint: 9,
  /** Only in properties of functions, classes and prototypes: what the code itself gives. */
  implied: 10,
  /** A variable in its dead zone. */
  uninitialised: 11,
  /**
   * The object after the one that was the highest so far in the bodies: said by what meets it first. Most references of a tree are, so an object that is
   * put in changes no number that is written elsewhere.
   */
  fresh: 12,
  /** Likewise, the Latin-1 string after the highest so far; and the UTF-16 string. */
  freshNarrow: 13,
  freshWide: 14,
} as const;

/** Kinds of objects. `KIND_FLAG.*` may be added. */
export const KIND = {
  /** Body: id of a shape, then a value for each key of it. */
  object: 0,
  /** Head: count. Body: a value or hole each. */
  array: 1,
  /** Head: count. Body: so many doubles. */
  numbers: 2,
  /** Body: length (double), count of entries, then index (double) and value each. */
  sparse: 3,
  map: 4,
  set: 5,
  /** Body: time value (double). */
  date: 6,
  /** Head: ids of source and flags. */
  regexp: 7,
  /** Head: index into ERROR_NAMES. */
  error: 8,
  /** Head: the primitive, as a tag and what belongs to it. */
  boxed: 9,
  /** See the columns bufferInts and bufferDoubles. */
  buffer: 10,
  /** Head: index into VIEW_NAMES, number of the buffer; offset and length (doubles). */
  view: 11,
  /** Head: 0 unique, 1 unique without description, 2 registered; id of description or key. */
  symbol: 12,
  /** Head: id of a path (realm/references): the same thing in every process. */
  reference: 13,
  /** Head: id of the code id, number of the activation or -1, number of the object whose method it is, if it uses `super`, or -1. */
  function: 14,
  /** Head: id of the code id, number of the activation or -1, number of the superclass or -1, count of computed keys, each a value. */
  class: 15,
  /** Head: number of the function whose `prototype` it is. */
  prototype: 16,
  /** Head: number of the class, 1 for static, id of the key (-1 and number of a symbol), slot: 0 value, 1 get, 2 set. */
  member: 17,
  /** Head: number of the target, this, count, arguments. */
  bound: 18,
  /** Head: id of the href, number of the searchParams. */
  url: 19,
  /** Head: id of the text. */
  searchParams: 20,
  /**
   * Head: id of its portal ('' for none), number of the activation around it or -1, number of the class inside of which it is made or -1, count; for each variable the id of its name and a VARIABLE.
   * Body: a value each.
   */
  activation: 21,
  /** Head: id of the source of what `new Function` made. */
  source: 22,
  /** An object with private fields. Head: number of its class. Body as for `object`. */
  revived: 23,
  /** An object that travels by a codec. Head: number of the codec, what it made of the object (a value). The prototype is always told. */
  coded: 24,
  /** The `arguments` of a call in strict code; all of it is in the extras. */
  arguments: 25,
  /** A settled Promise. Head: a PROMISE. Body: what it is settled with. */
  promise: 26,
} as const;

/** Of a variable; after `primitive`, which only `this` can be, a primitive follows. */
export const VARIABLE = { usual: 0, dead: 1, primitive: 2 } as const;

export const PROMISE = { fulfilled: 1, rejected: 2 } as const;

export const KIND_MASK = 0x3f;
export const KIND_FLAG = {
  /** Head, first of all: number of the prototype, -1 for null. */
  prototype: 0x40,
  /** Body, last of all: integrity and properties, see EXTRA. */
  extras: 0x80,
} as const;

/** Extras: integrity level, count of properties, then for each: key (value), ATTRIBUTE bits, value (or getter and setter).
 * Then a count of private states: owner (value), 1 for statics, count, name and value each. */
export const INTEGRITY = { none: 0, nonExtensible: 1, sealed: 2, frozen: 3 } as const;
export const ATTRIBUTE = { writable: 1, enumerable: 2, configurable: 4, accessor: 8, stack: 16 } as const;
export const DEFAULT_ATTRIBUTES = ATTRIBUTE.writable | ATTRIBUTE.enumerable | ATTRIBUTE.configurable;

export const ERROR_NAMES = [
  'Error',
  'EvalError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'TypeError',
  'URIError',
  'AggregateError',
] as const;

export const VIEW_NAMES = [
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'DataView',
  'Buffer',
  // From Node 24 on.
  'Float16Array',
] as const;

/** Array buffers from this many bytes lie outside the skeleton and are never copied by the writer. */
export const OUT_OF_BAND_BYTES = 4096;

/** A graph as written: columns over memory that the writer owns, and `blobs` over the memory of the values themselves. */
export interface Graph {
  readonly objectCount: number;
  /** So many objects are known to the reader already; the first `changed.length` records describe anew those of these numbers. */
  readonly base: number;
  readonly changed: Int32Array;
  readonly rootCount: number;
  readonly columns: GraphColumns;
  readonly blobs: readonly Uint8Array[];
}

export interface GraphColumns {
  readonly kinds: Uint8Array;
  readonly headInts: Int32Array;
  readonly headDoubles: Float64Array;
  readonly tags: Uint8Array;
  readonly ints: Int32Array;
  readonly doubles: Float64Array;
  /** For each shape: count, then ids of its keys. */
  readonly shapes: Int32Array;
  readonly narrowLengths: Int32Array;
  readonly narrowPieces: Int32Array;
  readonly narrowText: Uint8Array;
  readonly wideLengths: Int32Array;
  readonly widePieces: Int32Array;
  readonly wideText: Uint8Array;
  /** For each record of a buffer: 1 for shared, count of chunks, then for each the index of its blob, -1 for one that lies in `small`. */
  readonly bufferInts: Int32Array;
  /** For each record of a buffer: byte length, where it began in the buffer it was cut from, then offset and length of each chunk. */
  readonly bufferDoubles: Float64Array;
  /** Contents of small chunks, one after the other. */
  readonly small: Uint8Array;
  /**
   * Pairs, ascending: a record of an object whose class extends a builtin and gives it private fields, and the number of that class. Such an object is
   * born of its class, and is otherwise what its record says.
   */
  readonly born: Int32Array;
}
