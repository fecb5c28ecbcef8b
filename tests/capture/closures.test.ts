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
    'functions born there call variables of a scope here without making it their this',
    [
      'function make() { let cb = function () { return String(this) }; return { set: (f) => { cb = f }, more: () => () => [cb(), (cb)(), cb``, cb?.()].join() } } const m = make()',
    ],
    'const again = m.more(); again()',
    "'undefined,undefined,undefined,undefined'",
    [
      ['again()', 'undefined,undefined,undefined,undefined'],
      ['m.set(function () { return typeof this }), again()', 'undefined,undefined,undefined,undefined'],
    ],
  ],
  [
    'functions born there use variables of a scope here in every way there is',
    [
      'function kit() { let n = 1, late; const now = () => n; return { now, later: (v) => { late = v }, born: (k) => function inner(deep) { n++; ({ n } = { n: n + 1 }); [n] = [n * 2]; const s = { n }; for (n of [n]); late ??= k; return [typeof n, s.n, `${n}`, new (class { v = n; [`m${k}`]() { return n-- } })()[`m${k}`](), deep ? inner(false) : late].join() } } } const k = kit()',
    ],
    'const born = k.born(7); born(false)',
    "'number,6,6,6,7'",
    [
      ['k.now()', 5],
      ['born(true)', 'number,14,14,14,number,30,30,30,7'],
      ['k.now()', 29],
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
    'a class with state around it',
    ['const C = (() => { let n = 0; return class { static hit = () => ++n; m() { return n } } })()'],
    'C.hit(); new C().m()',
    '1',
    [['C.hit() * 10 + new C().m()', 22]],
  ],
  [
    'a function that calls itself',
    [
      'function outer() { let n = 0; const rec = (k) => (k === 0 ? n : ((n += k), rec(k - 1))); return rec } const rec = outer()',
    ],
    'rec(3)',
    '6',
    [['rec(1)', 7]],
  ],
  [
    'functions of the old kind with arrows in them',
    ['function A() { this.v = 1; this.get = () => this.v } A.prototype.up = function () { this.v++ }; const a = new A'],
    'a.up(); a.get()',
    '2',
    [['a.get()', 2]],
  ],
  [
    'functions born there that use this of an activation here',
    ['class T { n = 1; maker() { return () => () => ++this.n } } const t = new T, make = t.maker()'],
    'const up = make(); up()',
    '2',
    [
      ['up() + t.n', 6],
      ['make()()', 4],
    ],
  ],
  [
    'generators of an activation',
    ['const f = (() => { let n = 0; return { gen: function* () { while (n < 3) yield n++ }, now: () => n } })()'],
    '[...f.gen()].join()',
    "'0,1,2'",
    [['f.now()', 3]],
  ],
  [
    'methods with super, apart from their object or with it',
    ['const o = { __proto__: { up(x) { return `up${x}` } }, up(x) { return `own ${super.up(x)}` } }; const up = o.up'],
    'const p = { __proto__: { v: 1 }, get v() { return super.v + 1 } }; Object.setPrototypeOf(o, { up: () => "other" }); up(1) + p.v',
    "'own other2'",
    [
      ['o.up(2) + up(3)', 'own otherown other'],
      ['Object.setPrototypeOf(p, { v: 5 }).v', 6],
    ],
  ],
  [
    'arrows that use arguments and new.target of their maker',
    [
      'function all(a) { return { get: () => arguments, target: () => new.target } } const f = all(1, { x: 2 }), g = new all(5)',
    ],
    'f.get()[1].x = 3; f.get()[0] = 7; [f.get() === f.get(), [...g.get()].join(), g.target() === all, f.target()].join()',
    "'true,5,true,'",
    [['[f.get()[1].x, f.get()[0], f.get().length, String(f.get())].join()', '3,7,2,[object Arguments]']],
  ],
  [
    'closures in defaults of parameters',
    [
      'function make({ start = 1, ...rest } = {}, up = (by = start) => (start += by), ...more) { return { up, now: () => [start, more.length, Object.keys(rest).length].join() } } const a = make({ start: 3, q: 1 }, undefined, 1, 2), b = make()',
    ],
    'a.up(); b.up(7); [a.now(), b.now(), make.length].join()',
    "'6,2,1,8,0,0,0'",
    [
      ['a.up() + b.up()', 28],
      ['make.length', 0],
    ],
  ],
  [
    'private methods without private fields',
    ['class A { #m() { return 1 } m() { return this.#m() } } const a = new A'],
    'const b = new A; a.m()',
    '1',
    [['b.m()', 1]],
  ],
  [
    'a class whose private statics its instances use',
    [
      'class K { static list = []; static #count = 0; #id = ++K.#count; constructor() { K.list.push(this) } get id() { return this.#id } } const k = new K',
    ],
    'new K().id + K.list.length',
    '4',
    [['new K().id * 10 + K.list.length', 33]],
  ],
  [
    'classes that extend builtins and hide state in them',
    [
      'let made = 0; class HttpError extends Error { #status; constructor(status) { super(`http ${status}`); this.#status = status; made++ } get status() { return this.#status } bump() { this.#status++; return this } static is(o) { return #status in o } } class NotFound extends HttpError { #path = ["/"]; constructor() { super(404) } get path() { return this.#path } } const e = new HttpError(500), n = new NotFound',
      'class Stack extends Array { #top = 0; note(x) { this.#top = x; return this.push(x) } get top() { return this.#top } } class Cache extends Map { #hits = 0; get(k) { this.#hits++; return super.get(k) } get hits() { return this.#hits } } class Bag extends Set { #m() { return this.size } m() { return this.#m() } } class Day extends Date { #zone = "utc"; get zone() { return this.#zone } } const s = Stack.from([1, 2, "x"]), c = new Cache([["a", e]]), b = new Bag([1]), d = new Day(5), holed = Object.assign(new Stack(4), { 1: 5 })',
    ],
    'e.bump(); n.path.push(n); const fresh = new NotFound; s.note(9); c.set("n", n); c.get("a"); d.setTime(7); [e.status, e.message, HttpError.is(n), n.status, n.path.length, made, s.top, s.join(""), c.hits, b.m(), d.zone, holed.length, 0 in holed].join()',
    "'501,http 500,true,404,2,3,9,12x9,1,1,utc,4,false'",
    [
      [
        '[e.status, n.path[1] === n, HttpError.is(fresh), fresh.status, fresh instanceof NotFound, made, s.top, s.length, c.hits, c.get("a") === e, c.get("n") === n, d.getTime(), d.zone].join()',
        '501,true,true,404,true,3,9,4,1,true,true,7,utc',
      ],
      ['Object.keys(e).length + String(e)', '0Error: http 500'],
      ['(() => { try { throw fresh } catch (x) { return x.bump().status } })()', 405],
    ],
  ],
  [
    'functions that use private names of a class around them',
    [
      'class P { #n = 1; static #made = 0; #list = []; get n() { return this.#n } up = () => ++this.#n; make() { let k = 10; return { get: () => this.#n + k, set: (v) => { this.#n = v; k++ }, hidden: () => this.#hidden(k) } } #hidden(x) { return [x, this.#list.length] } static peek(o) { return () => [o.#n, #n in o].join() } static maker = () => { P.#made++; return P.#made } } const p = new P, { up } = p, view = p.make(), peek = P.peek(p)',
    ],
    'up(); view.set(5); const q = new P; q.up(); const late = q.make(); late.set(20); [p.n, view.get(), peek(), q.n, view.hidden().join("+"), P.maker()].join()',
    "'5,16,5,true,20,11+0,1'",
    [
      [
        '[p.n, up(), view.get(), peek(), q.up(), q.n, late.get(), P.maker(), p.up === up, q instanceof P].join()',
        '5,6,17,6,true,21,21,32,2,true,true',
      ],
      ['view.set(0), [p.n, view.get(), new P().up()].join()', '0,12,2'],
    ],
  ],
  [
    'functions born there that use private names of a class around them',
    [
      'class Queue { #items = []; #size = 0; drain() { let n = 0; return () => { n++; return (x) => { this.#items.push(x); this.#size += n; return this.#size } } } get size() { return this.#size } } const queue = new Queue, drain = queue.drain()',
    ],
    'const put = drain(); put("a"); const other = drain(); other("b")',
    '3',
    [['[queue.size, put("c"), drain()("d"), other("e"), queue.size].join()', '3,5,8,11,11']],
  ],
  [
    'private names of two classes, classes within, anonymous ones, and mixins',
    [
      'const Outer = class { #a = 1; make() { const outer = this; return class Inner { #b = 10; both = () => outer.#a + this.#b; add(x) { outer.#a += x; return () => outer.#a++ } } } get a() { return this.#a } }; const o = new Outer, Inner = o.make(), i = new Inner, step = i.add(2)',
      'const mixin = (Base) => class extends Base { #seen = 0; note = () => ++this.#seen; get seen() { return this.#seen } }; class Plain {} const M = mixin(Plain), m = new M',
    ],
    'step(); const j = new Inner; j.add(5); m.note(); [i.both(), j.both(), o.a, m.seen, Outer.name, JSON.stringify(M.name), Inner.name].join()',
    '\'19,19,9,1,Outer,"",Inner\'',
    [
      [
        '[i.both(), j.both(), step(), o.a, m.note(), m.seen, Outer.name, JSON.stringify(M.name), j instanceof Inner].join()',
        '19,19,9,10,2,2,Outer,"",true',
      ],
    ],
  ],
  [
    'arrows that use super of the method around them',
    [
      'class A { n = 1; hi(x) { return `A${x}${this.n}` } get up() { return this.n + 10 } static make() { return `made ${this.name}` } } class B extends A { hi(x) { return `B${super.hi(x)}` } late(k = 0) { return { call: (x) => `${super.hi(x)}${++k}`, up: () => super.up, deep: () => () => super.hi("d") + this.n++ } } field = () => super.hi("f"); static late() { return () => super.make() } constructor() { super(); this.made = (x) => super.hi(x) } } const b = new B, late = b.late(), field = b.field, made = B.late(), ctor = b.made',
      'const o = { __proto__: { m() { return this.v } }, v: 5, m() { return () => super.m() + 1 } }, om = o.m(); const mixin = (Base) => class extends Base { hi(x) { return () => `M${super.hi(x)}` } }; class Two extends mixin(B) {} const two = new Two, hi = two.hi(7)',
    ],
    'b.n = 4; o.v = 9; const fresh = new B().late(5), born = late.deep(); [late.call(1), late.up(), born(), field(), made(), ctor(2), om(), hi(), fresh.call(3), b.field === field].join()',
    "'A141,14,Ad44,Af5,made B,A25,10,MBA71,A316,true'",
    [
      [
        '[late.call(1), late.up(), late.deep()(), born(), field(), made(), ctor(2), om(), hi(), fresh.call(3), b.n].join()',
        'A152,15,Ad55,Ad66,Af7,made B,A27,10,MBA71,A317,7',
      ],
      [
        '(() => { A.prototype.hi = () => "changed"; return [late.call(0), field(), born()].join() })()',
        'changed3,changed,changed7',
      ],
    ],
  ],
  [
    'Promises that are settled',
    [
      'const done = Promise.resolve({ n: 1 }), o = await done, failed = Promise.reject(new TypeError("no")); failed.catch(() => {}); const holder = { done }',
    ],
    'const again = done.then((x) => { x.n++; return x }); await again; const why = await failed.catch((e) => e.message); const late = Promise.resolve(o); [await done === o, o.n, why].join()',
    "'true,2,no'",
    [
      [
        '[holder.done === done, await late === o, await again === o, await done === o, o.n].join()',
        'true,true,true,true,2',
      ],
      ['await failed.catch((e) => e instanceof TypeError)', true],
    ],
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

test('what was added to a prototype comes along, and what is added there comes back', async () => {
  await notebook.run('class A {} A.prototype.one = () => 1; function B() {}; B.prototype.two = () => 2');
  expect(
    await notebook.value(
      'A.prototype.three = () => 3; B.prototype.four = () => 4; A.prototype.one() + B.prototype.two()',
    ),
  ).toBe('3');
  expect(await notebook.run('new A().three() + new B().four()')).toBe(7);
});

test('closures of equal text that were made again are told apart by their place', async () => {
  await notebook.run('const one = (() => { let n = 1; return { make: () => () => n++ } })()');
  await notebook.run('const two = (() => { let n = 100; return { make: () => () => n++ } })()');
  await notebook.value('var a = one.make(), b = two.make(); a() + b()');
  expect(await notebook.value('a() + b() + one.make()() + two.make()()')).toBe('208');
  expect(await notebook.run('[a(), b()].join()')).toBe('4,103');
});

test('what a function needs goes along, not what its neighbours hold', async () => {
  await notebook.run(
    'function make() { let n = 0, socket; socket = new WeakMap(); return { count: () => ++n, get: () => socket } } const { count, get } = make()',
  );
  expect(await notebook.value('count()')).toBe('1');
  expect(await notebook.run('count()')).toBe(2);
});

test('a variable that another function met later needs goes along', async () => {
  await notebook.run(
    'function make() { let n = 0, m = 5; m++; return [() => ++n, { deep: { deeper: [[[() => n + m++]]] } }] } const [up, o] = make()',
  );
  expect(await notebook.value('up() + o.deep.deeper[0][0][0]()')).toBe('8');
  expect(await notebook.run('o.deep.deeper[0][0][0]()')).toBe(8);
});

test('state that changed here meanwhile is a conflict, and stays', async () => {
  await notebook.run('function counter() { let n = 0; return { inc: () => ++n, get: () => n } } const c = counter()');
  const { report } = await notebook.cluster('c.inc()', { meanwhile: () => notebook.run('c.inc(); c.inc()') });
  expect(report.conflicts).toEqual(['c']);
  expect(await notebook.run('c.get()')).toBe(2);
});

test('what a cell did to shared state before it threw has happened, unless it is atomic', async () => {
  await notebook.run('const [inc, get] = (() => { let n = 0; return [() => ++n, () => n] })()');
  await notebook.cluster('inc(); throw new Error("late")');
  expect(await notebook.run('get()')).toBe(1);
  await notebook.cluster('inc(); throw new Error("late")', { atomic: true });
  expect(await notebook.run('get()')).toBe(1);
});

test('an error in a closure that was rebuilt points at the cell it was typed in', async () => {
  await notebook.run(
    'function make() {\n  let n = 0;\n  return () => {\n    n++;\n    throw new RangeError("here");\n  };\n}\nconst f = make()',
  );
  const { report } = await notebook.cluster('f()');
  const shown = report.outcome.ok ? '' : report.outcome.error.traceback.join('\n');
  expect(shown).toMatch(/Cell \[1\]:5:11/);
});

test('what a function makes that was born there and came home travels again', async () => {
  await notebook.run(
    'function make() { let n = 0; return { up: () => ++n, born: () => () => ({ by: (k) => (n += k), now: () => n }) } } const m = make()',
  );
  await notebook.value('const f = m.born(); f().by(5)');
  expect(await notebook.run('m.up()')).toBe(6);
  await notebook.run('const g = f()');
  expect(await notebook.value('g.by(10); g.now() + m.up()')).toBe('33');
  expect(await notebook.run('[g.now(), m.up(), g.by(1), f().now()].join()')).toBe('17,18,19,19');
});

test('an error in a function born there points at where it was typed, also where its text leads to a scope here', async () => {
  await notebook.run(
    'function make() {\n  let n = 0;\n  return { up: () => ++n, born: () => () => { n += n + n;\n    n++; if (n > 1) throw new RangeError([n, n, n].join()); return n; } };\n}\nconst m = make()',
  );
  await notebook.value('const f = m.born(); f()');
  expect(await notebook.run('m.up()')).toBe(2);
  const stack = (await notebook.run('try { f() } catch (e) { var told = e.stack } told')) as string;
  expect(stack).toMatch(/RangeError: 7,7,7\n[^\n]*Cell \[1\]:4:27/);
});

test('an error in a function that was made inside of its class points at where it was typed', async () => {
  await notebook.run(
    'class P {\n  #n = 1;\n  fail = () => {\n    this.#n++;\n    throw new RangeError(`n is ${this.#n}`);\n  };\n}\nconst p = new P',
  );
  const { report } = await notebook.cluster('p.fail()');
  const shown = report.outcome.ok ? '' : report.outcome.error.traceback.join('\n');
  expect(shown).toMatch(/n is 2[^]*Cell \[1\]:5:11/);
  expect(await notebook.run('try { p.fail() } catch (e) { var told = e.message } told')).toBe('n is 3');
});
