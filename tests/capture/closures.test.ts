// Closures that share state travel with it, and what happens there happens here.
import { Notebook } from './notebook';

let notebook: Notebook;
beforeEach(() => {
  notebook = new Notebook();
});
afterEach(() => {
  notebook.close();
});

type Row = readonly [
  sentence: string,
  setup: readonly string[],
  cell: string,
  value: string | undefined,
  then?: readonly (readonly [string, unknown])[],
];

const COUNTER = 'function counter() { let n = 0; return { inc: () => ++n, get: () => n } }';

const CELLS: readonly Row[] = [
  [
    'C2 a counter',
    [`${COUNTER} const c = counter()`],
    'c.inc(); c.inc(); c.get()',
    '2',
    [
      ['c.get()', 2],
      ['c.inc()', 3],
      ['c.get()', 3],
    ],
  ],
  [
    'two counters of one function share nothing',
    [`${COUNTER} const a = counter(), b = counter()`],
    'a.inc(); b.inc(); b.inc(); a.get() * 10 + b.get()',
    '12',
    [['a.get() * 10 + b.get()', 12]],
  ],
  [
    'a memoiser',
    [
      'let calls = 0; function memo(f) { let last, value; return (x) => { if (x !== last) { value = f(x); last = x } return value } } const slow = memo((x) => { calls++; return x * 2 })',
    ],
    'slow(2) + slow(2) + slow(3)',
    '14',
    [
      ['slow(3)', 6],
      ['calls', 2],
    ],
  ],
  ['an expression body', ['const mk = n => m => n += m; const add = mk(3)'], 'add(4)', '7', [['add(1)', 8]]],
  [
    'nested activations, each with its own state',
    [
      'function outer() { let a = 0; return () => { a++; let b = 0; return () => [a, ++b].join() } } const make = outer(), one = make(), two = make()',
    ],
    'one() + " " + one() + " " + two()',
    "'2,1 2,2 2,1'",
    [
      ['one()', '2,3'],
      ['make()()', '3,1'],
      ['two()', '3,2'],
    ],
  ],
  [
    'arrows that use this of their maker',
    [
      'class T { n = 1; add = () => ++this.n; late() { return () => this.n * 10 } } const t = new T, { add } = t, late = t.late()',
    ],
    'add(); late() + t.add()',
    '23',
    [
      ['t.n', 3],
      ['late()', 30],
      ['add === t.add', true],
      ['add()', 4],
    ],
  ],
  [
    'this that is no object, in strict code',
    ['function f() { return () => this } const none = f(), five = f.call(5)'],
    'String(none()) + five()',
    "'undefined5'",
  ],
  [
    'this of a derived class, and of its base',
    [
      'class A { constructor() { this.a = () => this } } class B extends A { constructor() { super(); this.b = () => this } } const b = new B',
    ],
    'b.a() === b && b.b() === b',
    'true',
    [['b.a() === b && b.b() === b', true]],
  ],
  [
    'closures in Maps and arrays, bound functions',
    [`${COUNTER} const c = counter(); const m = new Map([['i', c.inc]]), l = [c.get], b = c.inc.bind(null)`],
    "m.get('i')(); b(); l[0]()",
    '2',
    [["c.get() + Number(m.get('i') === c.inc)", 3]],
  ],
  [
    'a function born there is still one of the counter',
    [
      'function counter() { let n = 0; return { get: () => n, more: () => () => ++n, named: (k) => () => k + ++n } } const c = counter()',
    ],
    'const inc = c.more(), named = c.named("k"); inc(); c.get()',
    '1',
    [
      ['inc()', 2],
      ['c.get()', 2],
      ['named()', 'k3'],
      ['c.more()()', 4],
      ['inc()', 5],
    ],
  ],
  [
    'a counter made there counts here',
    [COUNTER],
    'const c = counter(); c.inc(); c.get()',
    '1',
    [
      ['c.inc() + c.get()', 4],
      ['c.get()', 2],
    ],
  ],
  [
    'an object of a cycle through its own activation',
    [
      'function node() { let next; const self = { set: (v) => { next = v }, get: () => next }; return self } const p = node(), q = node(); p.set(q); q.set(p)',
    ],
    'const ok = p.get().get() === p; q.set(q); ok',
    'true',
    [['p.get() === q && q.get() === q', true]],
  ],
  [
    'each turn of a loop has its variable',
    ['const fs = []; for (let i = 0; i < 3; i++) fs.push(() => i++)'],
    'fs.map((f) => f()).join()',
    "'0,1,2'",
    [['fs.map((f) => f()).join()', '1,2,3']],
  ],
  [
    'blocks, catch, switch, static blocks',
    [
      'let a, b, c; { let n = 1; a = () => n++ } try { throw 10 } catch (e) { b = () => e++ } switch (2) { case 1: var q; case 2: let w = 100; c = () => w++ }',
      'let s; class S { static { let z = 1000; s = () => z++ } }',
    ],
    'a() + b() + c() + s()',
    '1111',
    [['a() + b() + c() + s()', 1115]],
  ],
  [
    'generators and async functions',
    [
      'function* g() { let n = 0; yield () => ++n; } const [inc] = g(); const wait = async () => { let n = 5; return () => ++n }; const later = await wait()',
    ],
    'inc() + later()',
    '7',
    [['inc() + later()', 9]],
  ],
  [
    'the same name in nested scopes',
    [
      'const f = (() => { let n = 1; const outer = () => n++; { let n = 10; const inner = () => n++; return [outer, inner] } })()',
    ],
    'f[0]() + f[1]()',
    '11',
    [['f[0]() * 100 + f[1]()', 211]],
  ],
  [
    'C7 a variable in its dead zone',
    ['let early; try { (() => { early = () => ++late; throw 1; let late = 0; })() } catch {}'],
    'let told; try { early() } catch (e) { told = `${e.name}: ${e.message}` } told',
    `"ReferenceError: Cannot access 'late' before initialization"`,
  ],
  [
    'variables that the names of the notebook and the portal share',
    [
      'let k = 1; const f = (() => { let v = 1, k = 2; return { up: () => { v++; k += v }, now: () => [v, k].join() } })()',
    ],
    'f.up(); f.now() + k',
    "'2,41'",
    [['f.now()', '2,4']],
  ],
  [
    'a mixin with state',
    [
      'const mixin = (Base) => { let made = 0; return class extends Base { constructor() { super(); made++ } static count() { return made } } }; const M = mixin(Object); new M',
    ],
    'const fresh = new M; M.count()',
    '2',
    [
      ['M.count()', 2],
      ['fresh instanceof M', true],
    ],
  ],
];

test.each(CELLS.map((row) => [row[0], row] as const))('%s', async (_sentence, [, setup, cell, value, then = []]) => {
  for (const source of setup) await notebook.run(source);
  const shown = await notebook.value(cell);
  if (value !== undefined) expect(shown).toBe(value);
  for (const [expression, expected] of then)
    expect([expression, await notebook.run(expression)]).toEqual([expression, expected]);
});
