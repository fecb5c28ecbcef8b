// What travels and what does not: one table for the tests and for docs/values.md, which is made from it.

/** `expressions` are evaluated in cells; each has to arrive as it was. */
export interface Carried {
  readonly value: string;
  readonly expressions: readonly string[];
  /** For the reader: what is kept, or how. */
  readonly kept: string;
}

/** A cell that makes the value `v`, and the refusal of it. */
export interface Refused {
  readonly value: string;
  readonly setup: string;
  readonly what: string;
  readonly advice: string;
}

export const CARRIED: readonly Carried[] = [
  {
    value: 'numbers',
    expressions: ['[0, -0, NaN, Infinity, 5e-324, 2 ** 53]', '[2n ** 70n, -1n]'],
    kept: '`-0`, `NaN`, infinities, BigInts of any size',
  },
  {
    value: 'strings',
    expressions: ['["", "\\ud800", "\\0\\u2028", "日本", "x".repeat(1e5)]'],
    kept: 'lone surrogates as well',
  },
  {
    value: 'symbols',
    expressions: ['(() => { const u = Symbol("u"); return [u, u, Symbol.for("r"), Symbol.iterator, { [u]: 1 }]; })()'],
    kept: 'registered and well-known ones are the same there; any other stays one symbol, wherever it occurs',
  },
  {
    value: 'arrays',
    expressions: [
      '[1, , 3, , ,]',
      'Object.assign([1, 2], { name: "x" })',
      'Object.defineProperty([1, 2], "length", { writable: false })',
    ],
    kept: 'holes, length, further properties, any size',
  },
  {
    value: '`arguments` of a call',
    expressions: ['(function () { "use strict"; return arguments; })(1, {})'],
    kept: 'those of strict code',
  },
  {
    value: 'objects',
    expressions: [
      '({ b: 1, 2: 2, a: undefined, 1: 4 })',
      'Object.assign(Object.create(null), { a: 1 })',
      'JSON.parse(\'{"__proto__": 1}\')',
      'Object.defineProperty({ a: 1 }, "h", { value: 3 })',
      '(() => { const o = {}; o.self = [o, o]; return o; })()',
      'Object.create({ p: 1 }, { a: { value: 1, enumerable: true } })',
    ],
    kept: 'the order of keys, prototypes, hidden and read-only properties, cycles, shared parts',
  },
  {
    value: 'frozen, sealed and closed objects',
    expressions: [
      '[Object.freeze({ a: [1] }), Object.seal(new Map([[1, 2]])), Object.preventExtensions(new Uint8Array(2))]',
    ],
    kept: 'how far they are closed',
  },
  {
    value: 'getters and setters',
    expressions: ['({ get a() { throw new Error("called"); }, set a(v) {}, get b() { return 1; } })'],
    kept: 'as they are; none is called',
  },
  {
    value: 'Date, RegExp',
    expressions: ['[new Date(0), new Date(NaN)]', 'Object.assign(/a(?<n>b)/gd, { lastIndex: 7 })'],
    kept: 'invalid dates, `lastIndex`, flags',
  },
  {
    value: 'Map, Set',
    expressions: [
      '(() => { const k = {}; return new Map([[k, 1], [NaN, k], ["a", -0]]); })()',
      '(() => { const s = new Set([1, "a"]); s.add(s); return s; })()',
    ],
    kept: 'order, objects as keys',
  },
  {
    value: 'boxed primitives',
    expressions: ['[new Number(-0), new String("ab"), new Boolean(false), Object(5n), Object(Symbol.iterator)]'],
    kept: 'the box',
  },
  {
    value: 'typed arrays, DataView, ArrayBuffer, SharedArrayBuffer',
    expressions: [
      '[Int8Array, Uint8ClampedArray, Float32Array, Float64Array].map((T) => T.from([1, 2, 250]))',
      '(() => { const b = new ArrayBuffer(64); return [b, new Uint8Array(b, 8, 16), new DataView(b, 4, 8)]; })()',
      '(() => { const f = new Float64Array(1); new Uint32Array(f.buffer).set([5, 0x7ff80001]); return f; })()',
      'Object.assign(new Uint8Array(3), { unit: "m" })',
      'new Int32Array(new SharedArrayBuffer(16)).fill(3)',
      'typeof Float16Array === "undefined" ? 0 : Float16Array.of(1.5)',
    ],
    kept: 'views go on sharing one buffer; the bits of every NaN; a SharedArrayBuffer is shared within the job',
  },
  {
    value: 'Buffer',
    expressions: ['[Buffer.from("hi"), Buffer.alloc(20000, 1).subarray(5, 10)]'],
    kept: 'stays a Buffer; of Node’s pool only its own bytes travel',
  },
  {
    value: 'errors',
    expressions: [
      'Object.assign(new RangeError("m", { cause: new TypeError("c") }), { code: 7 })',
      'new AggregateError([new Error("a"), 3], "many")',
      '(() => { try { Buffer.from(5); } catch (e) { return e; } })()',
      'new DOMException("m", "AbortError")',
      '(() => { try { require("node:assert").equal(1, 2); } catch (e) { return e; } })()',
    ],
    kept: 'class, `cause`, `errors`, own fields, `stack`; those that Node throws (as their builtin class, with `code`), and DOMException',
  },
  {
    value: 'URL, URLSearchParams, Headers, Blob, File, TextEncoder',
    expressions: [
      '(() => { const u = new URL("https://a.b/c?d=1#e"); return [u, u.searchParams]; })()',
      'new Headers([["a", "1"], ["b", "2"]])',
      'new Blob(["ab", new Uint8Array([0, 255])], { type: "text/x" })',
      'new File(["ab"], "n.txt", { lastModified: 5 })',
      'new TextEncoder()',
    ],
    kept: 'a URL and its parameters stay one; bytes, name and type',
  },
  {
    value: 'builtins and exports of modules',
    expressions: [
      '[Math.max, JSON, globalThis, process, process.env, Reflect, Map.prototype.get, console.log]',
      'require("node:path").join',
      'require("node:util").inspect.custom',
      'Math.max.bind(null, 3)',
    ],
    kept: 'by name: those of the process the cell runs in',
  },
  {
    value: 'Promises that are settled',
    expressions: [
      '(() => { const o = { n: -0 }; const p = Promise.resolve(o); return [p, p, o, Promise.resolve(2n), Promise.resolve("s"), Promise.resolve()]; })()',
      '(() => { const p = Promise.reject(new RangeError("m")); p.catch(() => {}); return [Object.assign(p, { note: 1 })]; })()',
    ],
    kept: 'fulfilled or rejected, with what; one that is rejected is not reported a second time',
  },
  {
    value: 'Intl.*, TextDecoder',
    expressions: [
      '[new Intl.NumberFormat("de", { style: "currency", currency: "EUR" }), new Intl.NumberFormat("en", { maximumSignificantDigits: 3, notation: "compact" })]',
      '[new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "short", timeZone: "Asia/Tokyo" }), new Intl.DateTimeFormat("ja", { hour: "numeric", hour12: true, fractionalSecondDigits: 2 })]',
      '[new Intl.Collator("sv", { numeric: true, caseFirst: "upper" }), new Intl.PluralRules("ar", { type: "ordinal" }), new Intl.Locale("de-u-nu-latn", { hourCycle: "h12" })]',
      '[new Intl.RelativeTimeFormat("es", { numeric: "auto" }), new Intl.ListFormat("en", { type: "disjunction" }), new Intl.Segmenter("ja", { granularity: "word" }), new Intl.DisplayNames("fr", { type: "region" })]',
      // Where Node keeps the rest of a text where nobody sees it, all decoders are refused.
      'Object.getOwnPropertySymbols(new TextDecoder()).some((key) => key.description === "handle") ? [new TextDecoder("utf-8", { fatal: true }), new TextDecoder("latin1", { ignoreBOM: true })] : 0',
    ],
    kept: 'locale and options, if they are all that it goes by; where Node lacks the language, that is an error; a TextDecoder between two texts',
  },
  {
    value: 'EventEmitter, and classes that extend it',
    expressions: ['new (require("node:events"))()'],
    kept: 'with its listeners',
  },
];

const MAKE = 'create it inside the cell';
const OPEN = 'open it inside the cell';

export const REFUSED: readonly Refused[] = [
  {
    value: 'pending Promise',
    setup: 'const v = new Promise(() => {})',
    what: 'a Promise that is still pending',
    advice: 'await it first',
  },
  {
    value: 'Promise of an object that has a method `then` by now',
    setup: 'const v = Promise.resolve({ __proto__: null }); (await v).then = () => {}',
    what: 'a Promise of an object with a method `then`',
    advice: 'send the object itself',
  },
  {
    value: 'Proxy',
    setup: 'const v = new Proxy({}, {})',
    what: 'a Proxy; its target would be copied without its traps',
    advice: 'ship the target',
  },
  {
    value: 'WeakMap, WeakSet',
    setup: 'const v = new WeakMap()',
    what: 'WeakMap cannot be read',
    advice: 'use a Map or Set',
  },
  {
    value: 'WeakRef, FinalizationRegistry',
    setup: 'const v = new WeakRef({})',
    what: 'WeakRef cannot be read',
    advice: 'use a Map or Set',
  },
  {
    value: 'started generator',
    setup: 'const v = (function* () { yield 1; })(); v.next()',
    what: 'it is a running generator',
    advice: 'collect it into an array',
  },
  {
    value: 'iterator of a builtin',
    setup: 'const v = new Map().values()',
    what: 'it is a running iterator',
    advice: 'collect it into an array',
  },
  {
    value: 'resizable ArrayBuffer',
    setup: 'const v = new ArrayBuffer(8, { maxByteLength: 16 })',
    what: 'a buffer that can be resized',
    advice: 'copy it into one of fixed length',
  },
  {
    value: 'ArrayBuffer that was transferred',
    setup: 'const v = new ArrayBuffer(8); structuredClone(v, { transfer: [v] })',
    what: 'an ArrayBuffer that was transferred away',
    advice: 'copy it before it is transferred',
  },
  {
    value: 'WebAssembly',
    setup: 'const v = new WebAssembly.Memory({ initial: 1 })',
    what: 'WebAssembly object is live memory of this process',
    advice: 'compile it inside the cell',
  },
  {
    value: 'KeyObject, CryptoKey',
    setup: "const v = require('node:crypto').createSecretKey(Buffer.from('abcd'))",
    what: 'it is a native handle of this process',
    advice: MAKE,
  },
  {
    value: 'subclasses of Intl.*',
    setup: 'const v = new (class Money extends Intl.NumberFormat {})("en")',
    what: 'NumberFormat has no state that can be read',
    advice: MAKE,
  },
  {
    value: 'TextDecoder in the middle of a text',
    setup: 'const v = new TextDecoder(); v.decode(Uint8Array.of(0xe2), { stream: true })',
    what: 'a TextDecoder that may be in the middle of a text',
    advice: MAKE,
  },
  {
    value: 'Request, Response, FormData',
    setup: 'const v = new Response("x")',
    what: 'Response has no state that can be read',
    advice: MAKE,
  },
  {
    value: 'AbortSignal, AbortController, EventTarget',
    setup: 'const v = AbortSignal.abort()',
    what: 'AbortSignal belongs to this process',
    advice: MAKE,
  },
  {
    value: 'sockets and servers (net, tls, http, http2)',
    setup: "const v = new (require('node:net').Socket)()",
    what: 'net.Socket is an open connection of this process',
    advice: OPEN,
  },
  {
    value: 'streams, file handles',
    setup: "const v = require('node:stream').Readable.from([])",
    what: 'Readable belongs to this process',
    advice: MAKE,
  },
  {
    value: 'child processes, workers, ports, timers',
    setup: 'const v = setTimeout(() => {}, 0); clearTimeout(v)',
    what: 'Timeout belongs to this process',
    advice: MAKE,
  },
  {
    value: 'AsyncLocalStorage',
    setup: "const v = new (require('node:async_hooks').AsyncLocalStorage)()",
    what: 'AsyncLocalStorage belongs to this process',
    advice: MAKE,
  },
  {
    value: 'objects of another context (node:vm)',
    setup: "const v = require('node:vm').runInNewContext('[1]')",
    what: 'an object of another context, whose Array is not the one of here',
    advice: 'copy it: structuredClone',
  },
  {
    value: 'native functions that no name leads to',
    setup: "const v = new Intl.Collator('en').compare",
    what: 'function is native code',
    advice: 'import the module inside the cell',
  },
  {
    value: 'functions that only a package has',
    setup: "const v = require('node:util').promisify(require('node:fs').readFile)",
    what: 'readFile has no source in this notebook',
    advice: 'import its module in a cell of its own',
  },
  {
    value:
      'functions that use `#private` names of a class around them which has no name, and is named by a computed key',
    setup: 'const key = "c", P = { [key]: class { #n = 1; get = () => this.#n } }[key], v = new P().get',
    what: 'a function that uses private names of a class around it, which cannot be told',
    advice: 'make it a method of that class, or give the class a name of its own',
  },
  {
    value: 'functions with direct `eval` of a text that is computed',
    setup: 'const v = (() => (text) => eval(text))()',
    what: 'direct eval hides what the function needs',
    advice: 'name what it needs outside of the text',
  },
  {
    value: 'subclasses of typed arrays, RegExp, AggregateError … with `#private` fields',
    setup: 'class L extends Uint8Array { #s = 7 } const v = new L(2)',
    what: 'its class extends a builtin and hides state in #s',
    advice: 'keep that state in public fields',
  },
];
