// Sections C and D: functions, closures, classes.
import type { Line } from './line';

export const CODE: readonly Line[] = [
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
    'C7 a variable in its dead zone',
    ['let early; try { (() => { early = () => late; throw 1; let late = 0; })() } catch {}'],
    'let told; try { early() } catch (e) { told = `${e.name}: ${e.message}` } told',
    `"ReferenceError: Cannot access 'late' before initialization"`,
    [['(() => { try { early() } catch (e) { return e.name } })()', 'ReferenceError']],
  ],
  [
    'C2 a counter',
    ['function counter() { let n = 0; return { inc: () => ++n, get: () => n } } const c = counter()'],
    'c.inc(); c.inc(); c.get()',
    '2',
    [['c.get()', 2]],
  ],
  [
    'C11b a method with super, apart from its object',
    ['const o = { __proto__: { m() { return this.v } }, m() { return super.m() + 1 } }, m = o.m'],
    'm.call({ v: 1 }) + o.m.call({ v: 2 })',
    '5',
    [['m.call({ v: 3 })', 4]],
  ],
  [
    'C18 arguments and new.target of an enclosing function',
    ['function all() { return () => [...arguments, new.target === all].join() } const f = all(1, 2), g = new all(3)'],
    'f() + g()',
    "'1,2,false3,true'",
    [['f() + g()', '1,2,false3,true']],
  ],
  [
    'C19 a closure in the default of a parameter',
    ['const make = (n, step = () => n++) => ({ step, now: () => n }); const c = make(5)'],
    'c.step(); c.now()',
    '6',
    [['c.step() + c.now()', 13]],
  ],
  [
    'D10 constructor.name, new.target, Symbol.hasInstance',
    [
      'class A { constructor() { this.by = new.target.name } static [Symbol.hasInstance](o) { return o === 5 || o?.by !== undefined } } class B extends A {} const b = new B',
    ],
    'const c = new B; [b.constructor.name, b.by, c.by, 5 instanceof A, b instanceof A].join()',
    "'B,B,B,true,true'",
    [['[c.constructor === B, 5 instanceof A].join()', 'true,true']],
  ],
  [
    'D9 an object of a package, by its properties',
    ["import { Gauge } from 'gauge'; const g = new Gauge(3)"],
    'g.value += 2; const h = new Gauge(g.value); [g.twice(), h instanceof Gauge].join()',
    "'10,true'",
    [['[g.value, h.twice(), h instanceof Gauge].join()', '5,10,true']],
  ],
  [
    'D15 a class that extends Error and hides state',
    [
      'class HttpError extends Error { #status; constructor(status) { super(`http ${status}`); this.#status = status } get status() { return this.#status } retry() { this.#status++; return this } } const e = new HttpError(500)',
    ],
    'e.retry(); const f = new HttpError(404); [e.status, e.message, f.status, String(f)].join()',
    "'501,http 500,404,Error: http 404'",
    [['[e.status, f.status, f instanceof HttpError, f instanceof Error].join()', '501,404,true,true']],
  ],
  [
    'D16 classes that extend Array, Map, Set and Date and hide state',
    [
      'class Stack extends Array { #top = 0; put(x) { this.#top = x; this.push(x) } get top() { return this.#top } } class Cache extends Map { #hits = 0; get(k) { this.#hits++; return super.get(k) } get hits() { return this.#hits } } class Bag extends Set { #name = "bag"; get name() { return this.#name } } class Day extends Date { #zone = "utc"; get zone() { return this.#zone } } const s = Stack.of(1, 2), c = new Cache([["a", s]]), b = new Bag([s]), d = new Day(5)',
    ],
    's.put(9); c.get("a"); b.add(c); d.setTime(6); const n = Stack.of(3); n.put(4); [s.top, s.join("-"), c.hits, b.name, b.has(s), d.zone, n.top].join()',
    "'9,1-2-9,1,bag,true,utc,4'",
    [
      [
        '[s.top, s.length, c.hits, b.size, b.has(c), d.getTime(), n.top, n instanceof Stack].join()',
        '9,3,1,2,true,6,4,true',
      ],
    ],
  ],
  [
    'C20 a function born there calls a variable of an activation here',
    [
      'function kit() { let cb = function () { return String(this) }; return { set: (f) => { cb = f }, born: () => () => cb() } } const k = kit()',
    ],
    'const call = k.born(); call()',
    "'undefined'",
    [['call()', 'undefined']],
  ],
  [
    'C21 functions that use private names of a class around them',
    [
      'class P { #n = 1; get n() { return this.#n } up = () => ++this.#n; make() { let k = 10; return { get: () => this.#n + k, set: (v) => { this.#n = v; k++ }, more: () => () => this.#n++ } } } const p = new P, view = p.make()',
    ],
    'p.up(); view.set(5); const born = view.more(); born(); const q = new P; q.up(); [p.n, view.get(), q.n].join()',
    "'6,17,2'",
    [['[p.n, born(), p.up(), view.get(), q.up(), q instanceof P].join()', '6,6,8,19,3,true']],
  ],
  [
    'C22 arrows that use super of the method around them',
    [
      'class A { n = 1; hi() { return `A${this.n}` } } class B extends A { hi() { return "B" } late() { let k = 0; return { call: () => super.hi() + ++k, more: () => () => super.hi() + k } } } const b = new B, late = b.late()',
    ],
    'b.n = 2; const born = late.more(); [late.call(), born(), new B().late().call()].join()',
    "'A21,A21,A11'",
    [['[late.call(), born(), (b.n = 5, born())].join()', 'A22,A22,A52']],
  ],
];
