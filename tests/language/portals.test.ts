// Portals: which scopes get one, who shares what through it, and that it reads and writes what the functions see.
import { portalName, type CellCode } from '../../magics/protocol/code';
import { TestNotebook } from './cells';

function lower(source: string): CellCode {
  return new TestNotebook().lower(source);
}

/** Name and shared variables of each portal, `this` among them. */
const portalsOf = (source: string): string[] =>
  (lower(source).portals ?? []).map(
    ({ name, names, self }) => `${name}: ${[...names, ...(self ? ['this'] : [])].join()}`,
  );

test.each([
  ['a constant needs none', 'const f = (n) => () => n', []],
  ['a variable that is set before and never again', 'function f() { let n = 1; return () => n }', []],
  [
    'a variable nobody closes over',
    'function f() { let n = 1; n++; for (let i = 0; i < 3; i++) n += i; return n }',
    [],
  ],
  ['counting up a loop is no assignment', 'for (let i = 0, k = 0; i < 3; i++, k += 2) fs.push(() => i + k)', []],
  ['an assigned parameter', 'function f(n) { n ??= 1; return () => n }', ['f: n']],
  ['an assigned variable', 'function f() { let n = 1; return () => n++ }', ['f: n']],
  ['an expression body', 'const f = (n) => () => n++', ['f: n']],
  ['destructuring assigns', 'function f() { let a, b; [a, { b }] = g; return () => [a, b] }', ['f: a,b']],
  ['a loop head assigns', 'function f() { let a; for (a of g) h(() => a) }', ['f: a']],
  ['a var in a loop is one for all turns', 'function f() { for (const k of g) { var v = k; h(() => v) } }', ['f: v']],
  ['the body of a loop assigns', 'for (let i = 0; i < 3; i++) { i++; h(() => i) }', [': i']],
  ['a loop without braces', 'for (let i = 0; i < 3; i++) h(() => i++)', [': i']],
  ['blocks and catch', '{ let n = 0; f = () => n++ } try {} catch (e) { g = () => e++ }', [': n', ': e']],
  ['a switch', 'switch (1) { case 1: case 2: let n = 0; f = () => n++ }', [': n']],
  [
    'arrows that use this',
    'function f() { return () => () => this } class A { a = () => this; b = 1 }',
    ['f: this', 'A: this'],
  ],
  ['this of the function itself', 'function f() { return [this, function () { return this }] }', []],
  ['this at the top level', 'const f = () => this', []],
  ['the name of a function expression is constant', 'const f = function g() { return () => g }', []],
])('%s', (_, source, expected) => {
  expect(portalsOf(source)).toEqual(expected);
});

test('functions tell through which portals they share what', () => {
  const { functions, portals } = lower(
    'function outer() { let a = 0, b = 0; b++; const f = () => a++; return () => { let c = 0; return () => { c++; return [a, c, this] } } }',
  );
  expect(portals?.map(({ index, parent }) => [index, parent])).toEqual([
    [0, undefined],
    [1, 0],
  ]);
  expect(functions.at(-1)?.portals).toEqual([
    { portal: 0, names: ['a'], self: true },
    { portal: 1, names: ['c'], self: false },
  ]);
});

test('closures that a portal cannot be seen from say so', () => {
  const { functions } = lower('function* f(p = () => n, q = () => this, n = 0) { n++; yield [p, () => this] }');
  expect(functions.map(({ name, assigned, hiddenThis }) => [name, assigned, hiddenThis])).toEqual([
    ['f', undefined, undefined],
    ['p', ['n'], undefined],
    ['q', undefined, true],
    ['', undefined, undefined],
  ]);
});

test.each(['local', 'shipped'] as const)('code with portals does what it did: %s', async (form) => {
  const notebook = new TestNotebook(form);
  const value = await notebook.run(
    `const fs = []; function* g(n) { const step = () => n++; while (n < 3) { yield step() } fs.push(() => n) }
     const all = [...g(0)]; fs.push((x => () => x *= 2)(3));
     class A { v = 1; get = () => this.v; #p = async () => this.v; static s = (() => this.name)(); m() { return this.#p() } }
     for (let i = 0; i < 2; i++) fs.push(() => i += 10)
     switch (all.length) { case 9: let w = 1; case 3: { let u = 5; fs.push(() => u++) } }
     class B extends A { constructor() { const late = () => this; super(); this.late = late } }
     [all.join(), fs.map((f) => f()).join(), new A().get(), await new A().m(), A.s, new B().late().v, new A().get.name].join(' ')`,
  );
  expect(value).toBe('0,1,2 3,6,10,11,5 1 1 A 1 get');
});

test('a portal reads and writes, and knows this', () => {
  const notebook = new TestNotebook();
  const [name, key] = [portalName(0), portalName(0).replace('0', 'k')];
  const { shipped } = notebook.lower('function f(v) { let k = 1; return () => [v++, k++, this] }');
  expect(shipped.text).toContain(`const ${name}=(${key},`);
  expect(shipped.text).toContain('case 0:return v;case 1:v=');
  expect(shipped.text).toContain('case 4:return this;');
});
