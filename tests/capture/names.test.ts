// Names mean the same there as here: found by their scopes, with their declarations, in the version that counts; closures with their state.
import { Notebook } from './notebook';

/** A sentence, cells before, the cluster cell, the text of its value, and expressions that hold here afterwards. */
type Row = readonly [
  sentence: string,
  setup: readonly string[],
  cell: string,
  value: string,
  then?: readonly (readonly [expression: string, value: unknown])[],
];

const ROWS: readonly Row[] = [
  [
    'a name means what its binding holds now, for functions of every cell',
    ['const k = 1; const f = () => k', 'const k = 2; const g = () => k'],
    '[f(), g()].join()',
    "'2,2'",
  ],
  ['a parameter shadows', ['const x = 1; function f(x) { return x }'], 'f(5)', '5'],
  ['a block shadows', ['const x = 1; function f() { { const x = 3; } return x }'], 'f()', '1'],
  [
    '`var` is hoisted within its function',
    ['var x = 1; function f() { const before = typeof y; var y = 3; return before + x }'],
    'f()',
    "'undefined1'",
  ],
  ['a function that is declared later', ['const a = () => later(); function later() { return 8 }'], 'a()', '8'],
  [
    'defaults of parameters use names, and each other',
    ['const d = 7; function f(a = d, b = a + 1) { return a + b }'],
    'f()',
    '15',
  ],
  ['a closure in a default', ['const d = 7; function f(g = () => d) { return g() }'], 'f()', '7'],
  [
    'patterns with defaults in parameters',
    ['const base = { q: 2 }; function f({ a, b: { c = base.q } = {} }, [d, ...e]) { return a + c + d + e.length }'],
    'f({ a: 1 }, [3, 4, 5])',
    '8',
  ],
  [
    'assignment by patterns, to names and properties',
    ['let a = 1, b = 2, o = { p: 0 }'],
    '[a, b] = [b, a]; ({ z: o.p } = { z: 9 }); a * 10 + b',
    '21',
    [['a * 100 + b * 10 + o.p', 219]],
  ],
  [
    '`typeof` in a type',
    ['const cfg = { a: 1 }; type C = typeof cfg; function f(c: C): number { return c.a }'],
    'f({ a: 4 })',
    '4',
  ],
  [
    '`typeof` in a type captures nothing',
    ['const weak = new WeakMap()'],
    'const w: typeof weak | undefined = undefined; String(w)',
    "'undefined'",
  ],
  [
    'imports of types alone are dropped',
    ["import type { Hash } from 'node:crypto'; import { type Cipher, createHash } from 'node:crypto'"],
    "let h: Hash | Cipher | undefined; createHash('md5').update('').digest('hex').slice(0, 4)",
    "'d41d'",
  ],
  [
    'an import that only types use',
    ["import { Socket } from 'node:net'; function f(s?: Socket) { return s === undefined }"],
    'f()',
    'true',
  ],
  ['a const enum', ['const enum K { X = 3, Y } function f() { return K.Y }'], 'f()', '4'],
  ['an enum in two parts', ['enum M { A } enum M { B = 5 }'], 'M.A + M.B', '5'],
  [
    'an enum merged with a namespace',
    ['enum M { A = 2 } namespace M { export function dbl(m: M) { return m * 2 } }'],
    'M.dbl(M.A)',
    '4',
  ],
  ['an enum with computed members', ['const n = 4; enum C { A = n * 2, B = "xy".length }'], 'C.A + C.B', '10'],
  [
    'a class merged with a namespace',
    ['class Box { v = 1 } namespace Box { export const zero = new Box(); export function mk() { return new Box() } }'],
    'Box.mk().v + Box.zero.v + Number(Box.zero instanceof Box)',
    '3',
  ],
  [
    'a function merged with a namespace, whose state comes back',
    ['function lib() { return lib.k } namespace lib { export let k = 3 }'],
    'lib.k++; lib()',
    '4',
    [['lib()', 4]],
  ],
  [
    'nested namespaces, exported and hidden state',
    [
      'namespace A.B { export let n = 1; export const inc = () => ++n; let hidden = 10; export const h = () => ++hidden }',
    ],
    'A.B.inc() + A.B.h()',
    '13',
    [['A.B.n + A.B.h()', 14]],
  ],
  ['an alias of a namespace', ['namespace N { export namespace I { export const v = 6 } } import V = N.I'], 'V.v', '6'],
  [
    'classes whose statics need each other',
    ['class A { static k = 1 } class B extends A { static m = B.k + 1 } class C extends B { static q = C.m + 1 }'],
    'C.q + C.k',
    '4',
  ],
  [
    'one class in every cell',
    ['class A {}; let keep: any = null'],
    'keep = new A; keep instanceof A',
    'true',
    [['keep instanceof A', true]],
  ],
  [
    'a class keeps the superclass it was made with',
    ['class A { v() { return 1 } } class B extends A {} const b = new B', 'class A { v() { return 2 } }'],
    'b.v()',
    '1',
  ],
  [
    'a memoiser',
    [
      'function memo(f) { const c = new Map(); return (x) => { if (!c.has(x)) c.set(x, f(x)); return c.get(x) } } let calls = 0; const sq = memo((x) => { calls++; return x * x }); sq(3)',
    ],
    'sq(3) + sq(4)',
    '25',
    [
      ['sq(4)', 16],
      ['calls', 2],
    ],
  ],
  [
    'closures of closures',
    ['const add = (a) => (b) => (c) => a + b + c; const a1 = add(1), a12 = a1(2)'],
    'a12(3) + a1(1)(1)',
    '9',
  ],
  [
    'a bound method, whose receiver comes back',
    ['class T { n = 0; inc() { return ++this.n } } const t = new T; const b = t.inc.bind(t)'],
    'b(); b()',
    '2',
    [
      ['t.n', 2],
      ['b()', 3],
    ],
  ],
  [
    'a function that is bound twice',
    ['function f(...a) { return [this.k, ...a].join() } const b = f.bind({ k: 1 }, 2).bind(null, 3)'],
    'b(4)',
    "'1,2,3,4'",
  ],
  [
    'generators that share a variable',
    ['function mk() { let n = 0; return function* () { while (true) yield n++ } } const g = mk()'],
    'const it = g(); it.next(); it.next().value',
    '1',
    [['g().next().value', 2]],
  ],
  [
    'a fixed point of closures',
    [
      'const Y = (f) => ((x) => x(x))((x) => f((y) => x(x)(y))); const fact = Y((self) => (n) => n < 2 ? 1 : n * self(n - 1))',
    ],
    'fact(5)',
    '120',
  ],
  [
    'a mixin applied twice',
    [
      'const Ser = (B) => class extends B { ser() { return JSON.stringify(this) } }; class A { x = 1 } class B1 extends Ser(A) {} class B2 extends Ser(A) {} const b = new B1, c = new B2',
    ],
    'b.ser() + (c instanceof B1)',
    '\'{"x":1}false\'',
  ],
  [
    '`using`',
    ['let closed = 0; const mk = () => ({ [Symbol.dispose]() { closed++ } })'],
    '{ using r = mk(); } closed',
    '1',
    [['closed', 1]],
  ],
  [
    'a registry in a static field',
    ['class Reg { static all = new Map(); constructor(n) { Reg.all.set(n, this) } } const r = new Reg("a")'],
    'new Reg("b"); Reg.all.size + Number(Reg.all.get("a") === r)',
    '3',
    [
      ['Reg.all.size', 2],
      ['Reg.all.get("b") instanceof Reg', true],
    ],
  ],
  [
    'a method that the cell adds to a class',
    ['class Pq {} const pq = new Pq'],
    'Pq.prototype.hi = () => 6; pq.hi()',
    '6',
    [['pq.hi()', 6]],
  ],
];

let notebook: Notebook;
beforeEach(() => {
  notebook = new Notebook();
});
afterEach(() => {
  notebook.close();
});

test.each(ROWS.map((row) => [row[0], row] as const))('%s', async (_sentence, [, setup, cell, value, then = []]) => {
  for (const source of setup) await notebook.run(source);
  expect(await notebook.value(cell)).toBe(value);
  for (const [expression, expected] of then)
    expect([expression, await notebook.run(expression)]).toEqual([expression, expected]);
});
