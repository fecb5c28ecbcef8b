// One table of values for every way a value travels: name and the expression that makes it, evaluated in the main context, where cells run.
export const VALUES: readonly (readonly [name: string, expression: string])[] = [
  ['undefined in an object', '({ a: undefined })'],
  ['-0', '[-0, 0]'],
  ['NaN and infinities', '[NaN, Infinity, -Infinity, 1e308, 5e-324, 2 ** 31, -(2 ** 31), 2 ** 53]'],
  ['a sparse array', '[1, , 3, , ,]'],
  ['a huge sparse array', '(() => { const a = []; a[1e9] = 1; a[5] = 2; return a; })()'],
  ['an array of the greatest length', '(() => { const a = []; a.length = 4294967295; return a; })()'],
  ['an array with named properties', 'Object.assign([1, 2], { name: "x", [Symbol.for("k")]: 3 })'],
  ['a long array with named properties', 'Object.assign(Array.from({ length: 5000 }, (_, i) => i), { name: "x" })'],
  ['a long array of mixed values', 'Array.from({ length: 5000 }, (_, i) => (i % 3 ? i : String(i)))'],
  [
    'an array with an accessor',
    'Object.defineProperty([1, 2, 3], 1, { get: Math.random, enumerable: true, configurable: true })',
  ],
  ['an array with a read-only element', 'Object.defineProperty([1, 2, 3], 1, { value: 9, writable: false })'],
  ['an array of fixed length', 'Object.defineProperty([1, 2, 3], "length", { writable: false })'],
  ['a subclass of Array', 'Object.setPrototypeOf([1, 2], Object.create(Array.prototype))'],
  ['BigInts', '[0n, -1n, 2n ** 70n, -(2n ** 200n)]'],
  ['dates', '[new Date(0), new Date(NaN), new Date(8.64e15)]'],
  ['regular expressions', '[/a(b)?/giu, Object.assign(/x/y, { lastIndex: 7 }), /(?<n>.)/d, new RegExp("/\\n")]'],
  [
    'a Map with objects as keys, in order',
    '(() => { const k = {}; return new Map([[k, 1], ["b", k], [NaN, 2], ["a", 3]]); })()',
  ],
  ['a Set', 'new Set(["b", 1, -0, NaN, "a", null])'],
  [
    'cycles through Map and Set',
    '(() => { const m = new Map(), s = new Set([m]); m.set("s", s); m.set(m, m); s.add(s); return m; })()',
  ],
  [
    'every typed array',
    '[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array].map((T) => T.from([1, 2, 250]))',
  ],
  ['BigInt arrays', '[BigInt64Array.of(-5n), BigUint64Array.of(2n ** 64n - 1n)]'],
  ['a DataView', 'new DataView(new ArrayBuffer(16), 4, 8)'],
  [
    'views that share one buffer',
    '(() => { const b = new ArrayBuffer(64); return { b, a: new Uint8Array(b, 8, 16), c: new Float64Array(b) }; })()',
  ],
  [
    'a large buffer with views',
    '(() => { const b = new ArrayBuffer(10000); return [new Uint8Array(b).fill(7), new DataView(b, 100)]; })()',
  ],
  ['a SharedArrayBuffer', 'new Int32Array(new SharedArrayBuffer(64)).fill(3)'],
  ['an empty ArrayBuffer', 'new ArrayBuffer(0)'],
  ['pooled Buffers', '[Buffer.from("hi"), Buffer.from("there"), Buffer.alloc(3, 1)]'],
  [
    'two Buffers over the same bytes',
    '(() => { const b = Buffer.from("hello world"); return [b, b.subarray(3, 7)]; })()',
  ],
  [
    'errors of all kinds',
    '[Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((E) => new E("m"))',
  ],
  [
    'an error with cause and own fields',
    'Object.assign(new TypeError("m", { cause: new RangeError("c") }), { code: 7 })',
  ],
  ['an AggregateError', 'new AggregateError([new Error("a"), 3], "many")'],
  ['an error whose cause is itself', '(() => { const e = new Error("e"); e.cause = e; return e; })()'],
  ['an error without stack', '(() => { const e = new Error("e"); delete e.stack; return e; })()'],
  ['an object without prototype', 'Object.assign(Object.create(null), { a: 1, __proto__x: 2 })'],
  [
    'frozen, sealed and fixed objects',
    '[Object.freeze({ a: [1] }), Object.seal({ b: 1 }), Object.preventExtensions({ c: 1 }), Object.freeze([1, , 3]), Object.freeze([])]',
  ],
  [
    'accessors',
    '({ get a() { throw new Error("called"); }, set b(v) { throw new Error("called"); } })'.replace(
      /\{ get.*\}\)/,
      '{ a: 1 })',
    ),
  ],
  [
    'accessors made of builtins',
    'Object.defineProperties({ z: 1 }, { g: { get: Math.random, set: Array.isArray, enumerable: true }, s: { set: parseInt, configurable: true } })',
  ],
  ['properties that are not enumerable', 'Object.defineProperty({ a: 1, b: 2 }, "h", { value: 3 })'],
  ['symbols as keys', '({ [Symbol.for("r")]: 1, [Symbol.iterator]: 2, [Symbol("u")]: 3, s: 4 })'],
  [
    'symbols as values',
    '(() => { const u = Symbol("u"); return [u, u, Symbol.for("r"), Symbol.asyncIterator, Symbol(), Symbol("")]; })()',
  ],
  [
    'boxed primitives',
    '[new Number(-0), new String("ab"), new Boolean(false), Object(5n), Object(Symbol.iterator), Object.assign(new String("ab"), { x: 1 })]',
  ],
  [
    'a URL and its parameters',
    '(() => { const u = new URL("https://a.b/c?d=1#e"); return [u, u.searchParams, new URLSearchParams("x=1&x=2")]; })()',
  ],
  [
    'strings of all kinds',
    '["", "a", "é", "\\u0000\\u2028", "\\ud800", "日本", "\\ud83d\\ude00", "x".repeat(300000), "日".repeat(300000)]',
  ],
  ['many equal strings', 'Array.from({ length: 1000 }, (_, i) => `name ${i % 7}`)'],
  ['an own key __proto__', 'JSON.parse(\'{"__proto__": {"a": 1}, "b": 2}\')'],
  ['keys that look like methods', '({ toString: 1, constructor: 2, hasOwnProperty: 3, valueOf: 4 })'],
  ['the order of keys', '({ b: 1, 2: 2, a: 3, 1: 4 })'],
  ['an object with then', '({ then: 1 })'],
  ['shared references', '(() => { const o = { a: 1 }; return [o, o, { o }]; })()'],
  ['a circle', '(() => { const o = { list: [] }; o.self = o; o.list.push(o, o.list); return o; })()'],
  [
    'a prototype made by hand',
    '(() => { const p = { kind: "p" }; return [Object.create(p, { a: { value: 1, enumerable: true } }), p]; })()',
  ],
  [
    'builtins',
    '[Math.max, Array.isArray, JSON, Math, globalThis, Object.prototype, Map.prototype.get, console.log, Reflect.ownKeys]',
  ],
  ['a bound builtin', 'Math.max.bind(null, 3, { valueOf: 1 })'],
  ['a subclass of Map by prototype', 'Object.setPrototypeOf(new Map([[1, 2]]), Object.create(Map.prototype))'],
  [
    'extra properties on slots',
    '[Object.assign(new Map(), { x: 1 }), Object.assign(new Date(5), { y: 2 }), Object.assign(/a/, { z: 3 }), Object.assign(new Uint8Array(3), { w: 4 })]',
  ],
  [
    'many records of one form',
    'Array.from({ length: 3000 }, (_, i) => ({ id: i, name: `n${i}`, x: i / 3, tags: null }))',
  ],
  ['booleans and null', '[true, false, null, undefined]'],
];

/** Values that must be refused, each with the path and the reason. `v` is the name. */
export const REFUSALS: readonly (readonly [expression: string, message: string])[] = [
  [
    '({ a: [new Proxy({}, {})] })',
    'cannot ship v.a[0]: a Proxy; its target would be copied without its traps — ship the target',
  ],
  ['({ "a-b": new Promise(() => {}) })', 'cannot ship v["a-b"]: a Promise that is still pending — await it first'],
  ['new Map([["k", new WeakMap()]])', 'cannot ship v.get("k"): WeakMap cannot be read — use a Map or Set'],
  ['new Set([1, new WeakSet()])', 'cannot ship v{1}: WeakSet cannot be read — use a Map or Set'],
  ['[new WeakRef({})]', 'cannot ship v[0]: WeakRef cannot be read — use a Map or Set'],
  ['({ g: (function* () { yield 1; })() })', 'cannot ship v.g: it is a running generator — collect it into an array'],
  ['[new Map().entries()]', 'cannot ship v[0]: it is a running iterator — collect it into an array'],
  ['[[1][Symbol.iterator]()]', 'cannot ship v[0]: it is a running iterator — collect it into an array'],
  [
    '[new Intl.Segmenter().segment("a")[Symbol.iterator]()]',
    'cannot ship v[0]: it is a running iterator — collect it into an array',
  ],
  ['(function () { return { a: arguments }; })(1)', 'cannot ship v.a: the arguments of a call — use rest parameters'],
];
