import { Notebook } from './notebook';

let notebook: Notebook;
beforeEach(() => {
  notebook = new Notebook();
});
afterEach(() => {
  notebook.close();
});

/** A sentence, cells before, the cluster cell, the text of its value, and expressions that hold at home afterwards. */
type Row = readonly [
  sentence: string,
  setup: readonly string[],
  cell: string,
  value: string | undefined,
  then?: readonly (readonly [string, unknown])[],
];

const CELLS: readonly Row[] = [
  ['A1 a name that is read', ['let x = 1'], 'x + 1', '2', [['x', 1]]],
  ['A2 a name that is changed', ['let x = 1'], 'x++; x', '2', [['x', 2]]],
  ['A3 a function sees the present value', ['let x = 10; function f() { return x }', 'x = 99'], 'f()', '99'],
  [
    'A4 names found through functions',
    ['const k = 2; function f() { return k * g() } function g() { return 1 }'],
    'f()',
    '2',
  ],
  [
    'A5 mutual recursion',
    ['function even(n) { return n === 0 || odd(n - 1) } function odd(n) { return n !== 0 && even(n - 1) }'],
    'even(100)',
    'true',
  ],
  ['A6 a recursive arrow', ['const fact = n => n < 2 ? 1 : n * fact(n - 1)'], 'fact(5)', '120'],
  ['A7 a loop variable', [], 'for (const i of [1, 2]) {}; typeof i', "'undefined'"],
  ['A8 typeof of nothing', [], "typeof nope === 'undefined'", 'true'],
  ['A9 typeof of a name', ['let d = 1'], 'typeof d', "'number'"],
  ['A11 a name as loop target', ['let t = 0'], 'for (t of [1, 2, 3]);', undefined, [['t', 3]]],
  ['A12 destructuring', ['const { a, ...rest } = { a: 1, b: 2 }'], 'rest.b + a', '3'],
  [
    'A13 types need nothing',
    ['interface R { id: number }'],
    'const r: { id: number } = { id: 1 }; r.id',
    '1',
    [['r.id', 1]],
  ],
  ['A14 an enum', ['enum E { A = 1, B }'], 'E[2] + E.A', "'B1'"],
  ['A15 a namespace', ['namespace N { export const q = 3 }'], 'N.q', '3'],
  [
    'A17 eval of a literal',
    ['let x = 1; const k = 2'],
    "eval('x++; ({ k }).k + x') + typeof eval('typeof nope')",
    "'4string'",
    [['x', 2]],
  ],
  [
    'A17b eval of a literal in a function',
    ['let x = 5; const f = ((y) => () => eval("let z = y; x + z"))(1)'],
    'f()',
    '6',
  ],
  ['A18 top-level await', ['async function fetchIt() { return 5 }'], 'const x = await fetchIt(); x', '5', [['x', 5]]],
  ['B1 an import', ["import * as path from 'node:path'"], "path.join('a', 'b')", "'a/b'"],
  ['B5 require', ["const { join } = require('path')"], "join('a')", "'a'"],
  ['B8 a named import', ["import { join } from 'node:path'"], "join('a', 'c')", "'a/c'"],
  [
    'B9 an import in the cell itself',
    [],
    "import { basename } from 'node:path'; basename('/x/y')",
    "'y'",
    [['typeof basename', 'function']],
  ],
  ['C1 a closure', ['const mk = n => m => n + m; const add3 = mk(3)'], 'add3(4)', '7'],
  [
    'C2b a closure over an object',
    ['function counter() { const s = { n: 0 }; return { inc: () => ++s.n, get: () => s.n } } const c = counter()'],
    'c.inc(); c.inc(); c.get()',
    '2',
    [['c.get()', 2]],
  ],
  [
    'C3 a bound function',
    ['function f(a, b) { return [this.k, a, b] } const b = f.bind({ k: 1 }, 2)'],
    'JSON.stringify(b(3))',
    "'[1,2,3]'",
  ],
  [
    'C4 an async generator',
    ['const x = 1; async function* ag() { yield x }'],
    'const all = []; for await (const v of ag()) all.push(v); all.length',
    '1',
  ],
  ['C5 a generator function', ['function* g() { yield 1 }'], '[...g()].length', '1'],
  [
    'C6 own properties of functions',
    ['function f() {} f.cache = new Map([[1, 2]])'],
    'f.cache.set(3, 4); f.cache.size',
    '2',
    [['f.cache.size', 2]],
  ],
  [
    'C8 builtins',
    ['const isArray = Array.isArray, log = console.log, m = Math.max'],
    'isArray([]) && m(1, 2) === 2 && isArray === Array.isArray && log === console.log',
    'true',
  ],
  ['C11 a method of an object', ['const o = { m() { return this.v } }; const m = o.m'], 'm.call({ v: 1 })', '1'],
  [
    'C12 accessors',
    ['let calls = 0; const o = { get a() { calls++; return 5 }, set a(v) { calls += 10 } }'],
    "typeof Object.getOwnPropertyDescriptor(o, 'a').get",
    "'function'",
    [['calls', 0]],
  ],
  ['C13 new Function', ["const f = new Function('a', 'return a + 1')"], 'f(1)', '2'],
  [
    'C15 functions that hold each other',
    [
      'const pair = (() => { const even = n => n === 0 || odd(n - 1); const odd = n => n !== 0 && even(n - 1); return even })()',
    ],
    'pair(10)',
    'true',
  ],
  ['C16 functions in data', ['const ops = new Map([["inc", n => n + 1]])'], "ops.get('inc')(1)", '2'],
  [
    'D1 an instance',
    ['class A { x = 1; m() { return this.x } } const a = new A'],
    'a.m() + Number(a instanceof A)',
    '2',
  ],
  [
    'D2 an instance from there',
    ['class A { x = 1 }'],
    'const b = new A; b.x',
    '1',
    [
      ['b instanceof A', true],
      ['Object.getPrototypeOf(b) === A.prototype', true],
    ],
  ],
  [
    'D3 private fields',
    [
      'let runs = 0; class P { #s = 7; constructor() { runs++ } get s() { return this.#s } add() { this.#s++; return this } static is(o) { return #s in o } } const p = new P; class Q extends P { #t = [1]; u = 2; get t() { return this.#t } } const q = new Q',
    ],
    'p.add(); q.t.push(p); const fresh = new P; [p.s, P.is(p), q.s, q.t.length, q.u, runs].join()',
    "'8,true,7,2,2,3'",
    [
      ['p.s', 8],
      ['runs', 3],
      ['q.t[1] === p', true],
      ['P.is(fresh) && fresh.s === 7', true],
    ],
  ],
  [
    'D4b private statics, initialisers that do not run twice',
    [
      'let made = 0; class S { static #n = ++made; static seen = ++made; static next() { return ++S.#n } static { made += 10 } } S.next()',
    ],
    'S.next() * 100 + made',
    '312',
    [
      ['S.next()', 4],
      ['made', 12],
    ],
  ],
  [
    'C17 closures made in a loop',
    ['const fs = []; for (let i = 0; i < 3; i++) fs.push(() => i)'],
    'fs.map(f => f()).join()',
    "'0,1,2'",
  ],
  ['D4 a static', ['class C { static n = 0 } C.n = 5'], 'C.n++', '5', [['C.n', 6]]],
  [
    'D5 a tree',
    ['class T { kids = []; constructor(up) { this.up = up } } const top = new T; top.kids.push(new T(top))'],
    'top.kids[0].up === top && top.kids.push(new T(top))',
    '2',
    [
      ['top.kids.length', 2],
      ['top.kids[1].up === top', true],
      ['top.kids[1] instanceof T', true],
    ],
  ],
  [
    'D6 accessors of a class',
    ['class A { get x() { return 7 } set x(v) {} static s() { return 1 } } const a = new A'],
    'a.x + A.s() + Object.keys(a).length',
    '8',
  ],
  [
    'D7 symbols as methods',
    ['class A { *[Symbol.iterator]() { yield 1; yield 2 } [Symbol.toPrimitive]() { return 5 } } const a = new A'],
    '[...a].length + +a',
    '7',
  ],
  [
    'D7b computed keys from names of the notebook',
    [
      "import { inspect } from 'node:util'; const sym = Symbol('own'); let word = 'say'; class A { [inspect.custom]() { return 'shown' } static [sym] = 2; get [`${word}It`]() { return 3 } [word + 1] = 4; static [word + 'late']() { return 5 } } const a = new A; const o = { [sym]() { return 6 }, get [word]() { return 7 } }; word = 'other'",
    ],
    'const b = new A; [a[inspect.custom](), A[sym], b.sayIt, b.say1, A.saylate(), o[sym](), o.say].join()',
    "'shown,2,3,4,5,6,7'",
    [['b instanceof A && b.sayIt', 3]],
  ],
  [
    'D8 decorators',
    [
      'let applied = 0; function log(value, { name }) { applied++; return function (...args) { return `${name}:${value.apply(this, args)}` } } function twice() { return (x) => x * 2 } function seal(value) { applied += 10; value.sealed = true } function bound(value, { addInitializer, name }) { addInitializer(function () { this[name] = this[name].bind(this) }) }',
      '@seal class A { #h = 5; get h() { return this.#h } @log m() { return this.x + this.h } @twice x = 2; @log static s() { return 1 } static t = 7; @bound b() { return this.x } @log get g() { return 3 } } const a = new A',
    ],
    'const c = new A; const { b } = c; a.x = 3; [a.m(), c.m(), A.s(), A.t, A.sealed, b(), a.b(), c.g, applied, A.name, a instanceof A].join()',
    "'m:8,m:9,s:1,7,true,4,3,g:3,13,A,true'",
    [
      ['a.m() + c.m() + applied', 'm:8m:913'],
      ['c instanceof A', true],
    ],
  ],
  [
    'D10 a class that extends',
    ['class A { n() { return 1 } } class B extends A { n() { return super.n() + 1 } } const b = new B'],
    'b.n() + Number(b instanceof A) + B.name.length',
    '4',
  ],
  [
    'D11 an old version of a class',
    ['class A { v() { return 1 } } const old = new A', 'class A { v() { return 2 } }'],
    'old.v() * 10 + new A().v()',
    '12',
  ],
  [
    'D12 a class declared there',
    [],
    'class Z { static made = 3; q = 1; get() { return this.q } } const z = new Z; z.get()',
    '1',
    [
      ['z instanceof Z', true],
      ['Z.made', 3],
      ['new Z().get()', 1],
    ],
  ],
  [
    'D13 a mixin',
    [
      'const mixin = Base => class extends Base { extra() { return 4 } }; class A { n = 1 } class M extends mixin(A) {} const m = new M',
    ],
    'm.extra() + m.n',
    '5',
  ],
  [
    'D14 builtin subclasses',
    [
      'class L extends Array { sum() { return this.reduce((a, b) => a + b, 0) } } const l = L.from([1, 2]); class E2 extends Map {} const e = new E2([[1, 2]])',
    ],
    'l.push(3); l.sum() + e.get(1)',
    '8',
    [
      ['l.sum()', 6],
      ['l instanceof L', true],
    ],
  ],
  [
    'E2 views over one buffer',
    ['const buf = new ArrayBuffer(64), a = new Uint8Array(buf), b = new Uint8Array(buf, 8)'],
    'b[0] = 7; a[8]',
    '7',
    [
      ['a[8]', 7],
      ['a.buffer === buf && b.buffer === buf', true],
    ],
  ],
  [
    'E4 a pooled Buffer',
    ["const b = Buffer.from('hi')"],
    'b[0] = 72; b.toString()',
    "'Hi'",
    [
      ['b.toString()', 'Hi'],
      ['Buffer.isBuffer(b)', true],
    ],
  ],
  [
    'E5 frozen',
    ['const o = Object.freeze({ a: 1 })'],
    'try { o.a = 2 } catch (e) { e.constructor.name }; Object.isFrozen(o)',
    'true',
  ],
  [
    'E6 a Map with objects as keys',
    ['const k = {}, m = new Map([[k, 1]])'],
    'm.set(k, 2); m.set({}, 3); m.size',
    '2',
    [
      ['m.get(k)', 2],
      ['m.size', 2],
    ],
  ],
  [
    'E10 shared objects',
    ['const o = { n: 1 }, p = [o], q = { o }'],
    'p[0] === q.o && ++p[0].n',
    '2',
    [['p[0] === q.o && o.n', 2]],
  ],
  [
    'E12 a large array',
    ['const big = new Float64Array(100000).fill(1)'],
    'big[5] = 3; big.reduce((a, b) => a + b)',
    '100002',
    [['big[5]', 3]],
  ],
  [
    'E13 an error that Node threw',
    ['let e; try { Buffer.from(5) } catch (error) { e = error }'],
    'e.note = 1; [e.name, e.code, e instanceof TypeError].join()',
    "'TypeError,ERR_INVALID_ARG_TYPE,true'",
    [['e.note', 1]],
  ],
  [
    'E14 an EventEmitter, and a class that extends it',
    [
      "class Bus extends require('node:events') { seen = 0; constructor() { super(); this.on('a', () => this.seen++) } } const bus = new Bus, plain = new (require('node:events'))()",
    ],
    "bus.emit('a'); plain.on('b', () => bus.seen++); plain.listenerCount('b')",
    '1',
    [
      ['bus.seen', 1],
      ["bus.emit('a') && plain.emit('b') && bus.seen", 3],
    ],
  ],
  ['G1 an alias', ['const log = []; const alias = log'], 'log.push(1)', '1', [['alias.length', 1]]],
  [
    'G2 a name bound anew',
    ['let log = []; const alias = log'],
    'log = [1]; 0',
    '0',
    [
      ['log.length', 1],
      ['alias.length', 0],
    ],
  ],
  ['G6 a const', ['const o = { a: 1 }'], 'o.b = 2; delete o.a; 0', '0', [['Object.keys(o).join()', 'b']]],
  [
    'G7 an object dropped from the graph',
    ['const inner = { n: 0 }; const o = { inner }'],
    'o.inner.n = 5; delete o.inner; 0',
    '0',
    [
      ['inner.n', 5],
      ["'inner' in o", false],
    ],
  ],
  [
    'G8 dates, sets, key order',
    ['const d = new Date(0), s = new Set([1]), o = { a: 1, b: 2 }'],
    'd.setTime(5); s.add(2); s.delete(1); delete o.a; o.a = 3; 0',
    '0',
    [
      ['d.getTime()', 5],
      ['[...s].join()', '2'],
      ['Object.keys(o).join()', 'b,a'],
    ],
  ],
  ['G9 a name only written', ['let w = { big: 1 }'], 'w = 5; 0', '0', [['w', 5]]],
  ['G10 a function redefined there', ['function f() { return 1 }'], 'f = () => 2; f()', '2', [['f()', 2]]],
  [
    'G11 a new function that closes over a captured object',
    ['const box = { n: 1 }'],
    'const get = () => box.n; box.n = 4; 0',
    '0',
    [['get()', 4]],
  ],
];

test.each(CELLS.map((row) => [row[0], row] as const))('%s', async (_sentence, [, setup, cell, value, then = []]) => {
  for (const source of setup) await notebook.run(source);
  expect(await notebook.value(cell)).toBe(value);
  for (const [expression, expected] of then)
    expect([expression, await notebook.run(expression)]).toEqual([expression, expected]);
});
