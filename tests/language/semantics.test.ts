// What lowered cells do when they run: the bindings of a notebook are live both ways, and everything else is as in the language.
import { MARK, RUNTIME } from '../../magics/protocol/code';
import { TestNotebook } from './cells';

/** Runs the cells in order; gives the value of the last. */
async function run(...cells: string[]): Promise<unknown> {
  const notebook = new TestNotebook();
  let value: unknown;
  for (const cell of cells) value = await notebook.run(cell);
  return value;
}

async function failure(...cells: string[]): Promise<string> {
  try {
    await run(...cells);
  } catch (error) {
    return String(error);
  }
  return 'no error';
}

describe('bindings are live across cells', () => {
  test.each<[string, string[], unknown]>([
    ['a shorthand property reads an earlier name', ['let obj = { a: 1 }', 'const sh = { obj }; sh.obj.a'], 1],
    ['destructuring renames an earlier value', ['const prev = { a: 1 }', 'const { a: renamed } = prev; renamed'], 1],
    ['a parenthesised await is an await', ['await (Promise.resolve(7))'], 7],
    [
      'for await runs at the top level',
      ['const seen: number[] = []; for await (const x of [1, 2]) seen.push(x); seen.join()'],
      '1,2',
    ],
    [
      'a closure sees a later assignment',
      ['let cnt = 0; const inc = () => ++cnt; inc(); cnt', 'cnt = 10; inc(); cnt'],
      11,
    ],
    [
      'a namespace lives on',
      ['namespace N { export const k = 1; export function f() { return k + 1 } }', '1', 'N.k + N.f()'],
      3,
    ],
    [
      'a redeclared class leaves old instances alone',
      ['class A { v = 1 }; const a = new A()', 'class A { y = 3 }', '[a.v, a instanceof A, new A().y].join()'],
      '1,false,3',
    ],
    ['an exported const is a name', ['export const ex = 1; export function f() { return ex }', 'f() + ex'], 2],
    ['export default shows its value', ['export default 3'], 3],
    ['a default function has its name', ['export default function named() { return 5 }', 'named()'], 5],
    [
      'an anonymous default export is evaluated',
      ['let made = 0; export default class { static { made = 1 } }', 'made'],
      1,
    ],
    [
      'using disposes at the end and keeps the value',
      ['const log: string[] = []; using q = { [Symbol.dispose]() { log.push("gone") } }; log.length', 'log.join()'],
      'gone',
    ],
    ['a using cell has its last value', ['using q = { [Symbol.dispose]() {} }; 41 + 1'], 42],
    [
      'await using waits',
      ['let done = false; await using q = { async [Symbol.asyncDispose]() { await null; done = true } };', 'done'],
      true,
    ],
    ['var of a for header lives on', ['for (var vi = 0; vi < 3; vi++) {}', 'vi'], 3],
    [
      'var of a block lives on',
      ['if (true) { var inner = 5 } else { var other: number }', '[inner, other].join()'],
      '5,',
    ],
    [
      'var heads of for-of and for-in',
      ['for (var [k, v] of [[1, 2]]) {} for (var key in { p: 1 }) {}', '[k, v, key].join()'],
      '1,2,p',
    ],
    [
      'an enum begins anew when its cell is run again',
      ['enum E { A, B }', 'enum E { B }', 'Object.keys(E).join()'],
      '0,B',
    ],
    [
      'a function calls the redefined one',
      ['function h() { return 1 } function g() { return h() }', 'function h() { return 2 }', 'g()'],
      2,
    ],
    [
      'a method calls the redefined class',
      [
        'class P { static make() { return 1 } } const use = () => P.make()',
        'class P { static make() { return 2 } }',
        'use()',
      ],
      2,
    ],
    ['functions are hoisted', ['const early = late(); function late() { return 4 } early'], 4],
    [
      'mutual recursion',
      [
        'function even(n: number): boolean { return n === 0 || odd(n - 1) }\nfunction odd(n: number): boolean { return n !== 0 && even(n - 1) }\neven(10)',
      ],
      true,
    ],
    [
      'compound assignments and updates',
      ['let n = 1; n += 2; n **= 2; n++; --n; n ||= 7; n &&= n + 1; let u: number | undefined; u ??= 3; n + u!'],
      13,
    ],
    ['swap by destructuring', ['let p = 1, q = 2', '[p, q] = [q, p]; `${p}${q}`'], '21'],
    [
      'assignment patterns of all sorts',
      [
        'let a = 0, b = 0, rest: number[] = [], o: object = {}',
        '({ a, b: [b = 8, ...rest], ...o } = { a: 1, b: [undefined, 3, 4] as number[], z: 9 } as any); JSON.stringify([a, b, rest, o])',
      ],
      '[1,8,[3,4],{"z":9}]',
    ],
    [
      'heads of loops assign',
      ['let item = 0; let name = ""', 'for (item of [4, 5]); for (name in { z: 1 }); name + item'],
      'z5',
    ],
    [
      'declarations with nested patterns',
      [
        'const { x: { y: [first = 1, { z }] }, w = first, ...others } = { x: { y: [undefined, { z: 2 }] }, more: 3 } as any',
        '[first, z, w, others.more].join()',
      ],
      '1,2,1,3',
    ],
    ['computed keys in patterns', ['const key = "kk"; const { [key]: val } = { kk: 6 }; val'], 6],
    [
      'tagged templates',
      ['const tag = (s: TemplateStringsArray, ...v: number[]) => s.raw.join("|") + v.join()', 'tag`a${1}b`'],
      'a|b1',
    ],
    [
      'decorators',
      [
        'const seen: string[] = []; const dec = (value: unknown, context: { name?: string | symbol }) => { seen.push(String(context.name)) }',
        '@dec class D { @dec m() {} } ; [...seen].sort().join()',
      ],
      'D,m',
    ],
    ['accessor fields', ['class Acc { accessor v = 3 }', 'const acc = new Acc(); acc.v += 1; acc.v'], 4],
    ['generators', ['function* g() { yield* [1, 2]; return 3 }', '[...g()].join()'], '1,2'],
    [
      'private names',
      [
        'class S { #v = 1; static #n = 2; bump() { return this.#v++ + S.#n } }',
        'const s = new S(); s.bump() + s.bump()',
      ],
      7,
    ],
    [
      'parameter properties and abstract classes',
      [
        'abstract class B { constructor(protected v: number) {} abstract m(): number } class C extends B { m() { return this.v } }',
        'new C(9).m()',
      ],
      9,
    ],
    [
      'labels',
      ['let turns = 0; outer: for (const i of [1, 2, 3]) { for (;;) { turns += i; continue outer } } turns'],
      6,
    ],
    ['a name that shadows a global of Node', ['const process = { mine: true }', 'process.mine'], true],
    [
      'property names are not variables',
      ['let length = 1, constructor = 2', '({ length: 5, constructor() { return this.length } }).constructor()'],
      5,
    ],
    [
      'inner scopes win',
      ['let v = 1; function f(v: number) { { let v = 3; v++ } return v } const g = (v = 7) => v; f(2) + g()'],
      9,
    ],
    [
      'a parameter default sees the outer name, not the var of the body',
      ['let d = 1; function f(a = d) { var d = 2; return a + d } f()'],
      3,
    ],
    [
      'catch variables and class names are local',
      ['let e = 1; try { throw 5 } catch (e) { (e as number)++ } const K = class e { static n = e.name }; e + K.n'],
      '1e',
    ],
    ['this is undefined', ['this === undefined'], true],
    [
      'types leave no trace',
      ['interface I { a: number } type T = I; declare const ghost: number; const t: T = { a: 1 } satisfies I; t.a'],
      1,
    ],
    ['a cell that ends in a declaration has no value', ['5', 'let last = 1'], undefined],
    ['empty statements and types after the last expression', ['6;; type X = 1; interface Y {}'], 6],
    ['an object in parentheses is a value', ['({ a: 1 }).a'], 1],
    [
      '__proto__ as a name',
      ['const __proto__ = { x: 1 }; const holder = { __proto__ }; Object.hasOwn(holder, "__proto__")'],
      true,
    ],
    ['an import-equals alias', ['namespace Deep { export const k = 3 }', 'import Short = Deep.k; Short'], 3],
  ])('%s', async (_, cells, expected) => {
    expect(await run(...cells)).toEqual(expected);
  });
});

describe('errors of the language stay', () => {
  test.each<[string, string[], string]>([
    [
      'a let before its line',
      ['const f = () => later; f(); let later = 1'],
      "ReferenceError: Cannot access 'later' before initialization",
    ],
    [
      'a let in its own initialiser',
      ['let self = 1', 'const x = x + 1'],
      "ReferenceError: Cannot access 'x' before initialization",
    ],
    [
      'a class before its line',
      ['new Later(); class Later {}'],
      "ReferenceError: Cannot access 'Later' before initialization",
    ],
    [
      'typeof in the dead zone',
      ['typeof soon; let soon = 1'],
      "ReferenceError: Cannot access 'soon' before initialization",
    ],
    ['writing in the dead zone', ['w = 1; let w = 2'], "ReferenceError: Cannot access 'w' before initialization"],
    [
      'a pattern that writes in the dead zone',
      ['[w] = [1]; let w = 2'],
      "ReferenceError: Cannot access 'w' before initialization",
    ],
    [
      'a hoisted function that is called too early',
      ['early(); let used = 1; function early() { return used }'],
      "ReferenceError: Cannot access 'used' before initialization",
    ],
    [
      'a hoisted function called too early by another',
      ['a(); let used = 1; function a() { b() } function b() { used++ }'],
      "ReferenceError: Cannot access 'used' before initialization",
    ],
    [
      'an old value does not stand in for a name in its dead zone',
      ['let old = 1', 'const f = () => old; f(); let old = 2'],
      "ReferenceError: Cannot access 'old' before initialization",
    ],
    ['assigning to a const', ['const c = 1', 'c = 2'], 'TypeError: Assignment to constant variable.'],
    ['incrementing a const', ['const c = 1; c++'], 'TypeError: Assignment to constant variable.'],
    ['a const in a pattern', ['const c = 1', '({ c } = { c: 2 })'], 'TypeError: Assignment to constant variable.'],
    ['a const in a loop head', ['const c = 1', 'for (c of [1]);'], 'TypeError: Assignment to constant variable.'],
    ['a compound assignment to a const', ['const c = 1', 'c += 1'], 'TypeError: Assignment to constant variable.'],
    ['an unknown name', ['nope + 1'], 'ReferenceError: nope is not defined'],
    ['writing an unknown name', ['nope = 1'], 'ReferenceError: nope is not defined'],
    [
      'calling what is no function names it as typed',
      ['const num = 1', '(num as any)()'],
      `TypeError: num${MARK} is not a function`,
    ],
  ])('%s', async (_, cells, expected) => {
    expect(await failure(...cells)).toBe(expected);
  });

  test('the right side of an assignment to a const runs first', async () => {
    const notebook = new TestNotebook();
    await notebook.run('const c = 1; let ran = 0');
    await expect(notebook.run('c = ran++')).rejects.toThrow('constant');
    await expect(notebook.run('c ||= ran++; c &&= ran++')).rejects.toThrow('constant');
    expect(await notebook.run('ran')).toBe(2);
  });

  test('a cell that throws keeps what it has initialised and the old values of the rest', async () => {
    const notebook = new TestNotebook();
    await notebook.run('let first = 1, second = 2');
    await expect(notebook.run('const first = 10; throw new Error("x"); const second = 20')).rejects.toThrow('x');
    expect(await notebook.run('[first, second].join()')).toBe('10,2');
  });
});

describe('names of functions are as typed', () => {
  test.each([
    ['const inc = () => 1; inc.name', 'inc'],
    ['let f = function () {}; f.name', 'f'],
    ['let A = class {}; A.name', 'A'],
    ['class B { static own = this.name }; B.own', 'B'],
    ['let g: any; g = () => 1; g.name', 'g'],
    ['let g: any; g ??= (() => 1); g.name', 'g'],
    ['const { h = () => 1 } = {} as any; h.name', 'h'],
    ['let k: any; [k = () => 1] = []; k.name', 'k'],
    ['const m = { n() {} }; m.n.name', 'n'],
    ['const __proto__ = () => 1; __proto__.name', '__proto__'],
  ])('%s', async (cell, name) => {
    expect(await run(cell)).toBe(name);
  });
});

describe('what the runtime provides', () => {
  test('imports are bound before the first statement', async () => {
    const notebook = new TestNotebook('local', {
      m: { default: 'd', named: 'n' },
      './data.json': { default: { rows: 3 } },
    });
    expect(
      await notebook.run(
        'const early = all.named; import d, { named as x, default as y } from "m"; import * as all from "m"; [early, d, x, y].join()',
      ),
    ).toBe('n,d,n,d');
    expect(notebook.cells.at(-1)?.imports.map(({ specifier }) => specifier)).toEqual(['m', 'm']);
    expect(await notebook.run('x + (await import("m")).named')).toBe('nn');
    expect(await notebook.run('import data from "./data.json" with { type: "json" }; data.rows')).toBe(3);
    expect(notebook.cells.at(-1)?.imports[0]?.attributes).toEqual({ type: 'json' });
  });

  test('require, module, import.meta and the file names come from the context', async () => {
    const notebook = new TestNotebook('local', { m: 'required' });
    expect(await notebook.run('const { r } = { r: require }; r("m") + __dirname + __filename + import.meta.url')).toBe(
      'required/notebook/notebook/cell.tsfile:///notebook/cell',
    );
    expect(await notebook.run('module.exports = 4; exports')).toBe(4);
    expect(notebook.lower('require("a"); import("b"); import(`c`); import("d" + 1)').dynamicImports).toEqual([
      'a',
      'b',
      'c',
    ]);
  });

  test('a name of a later cell is found when it is there by then', async () => {
    const notebook = new TestNotebook();
    await notebook.run(
      'function f() { return typeof later === "undefined" ? "absent" : later + 1 } function set() { later = 5; later++ }',
      '.js',
    );
    expect(await notebook.run('f()')).toBe('absent');
    await notebook.run('let later = 1');
    expect(await notebook.run('f()')).toBe(2);
    expect(await notebook.run('set(); later')).toBe(6);
  });

  test('JavaScript cells and JSX are lowered', async () => {
    const notebook = new TestNotebook();
    await notebook.run(
      'const React = { createElement: (tag, props, ...children) => tag + JSON.stringify(props) + children.join("") }; const w = 2',
      '.js',
    );
    expect(await notebook.run('<div a={w}>x{w}</div>', '.tsx')).toBe('div{"a":2}x2');
  });

  test('magic lines are comments and lines stay', async () => {
    expect(await run('%more\n%%cluster --cores 8\n\n1 + 1')).toBe(2);
  });
});

describe('a running cell can be interrupted', () => {
  async function interrupted(cell: string): Promise<string> {
    const notebook = new TestNotebook();
    await notebook.run('let turns = 0; const arm = () => { if (++turns === 3) (globalThis as any).stopNow() }');
    Object.assign(notebook.context, { stopNow: () => Object.assign(notebook.context, { [RUNTIME.stop]: true }) });
    try {
      await notebook.run(cell);
    } catch (error) {
      Object.assign(notebook.context, { [RUNTIME.stop]: false });
      return `${(error as Error).name} after ${String(await notebook.run('turns'))}`;
    }
    return 'ran to its end';
  }

  test.each([
    ['while (true) arm()'],
    ['for (;;) { arm() }'],
    ['do arm(); while (true)'],
    ['for (const x of (function* () { for (;;) yield 1 })()) arm()'],
    ['function again(): void { arm(); again() } again()'],
    ['const again = (): unknown => (arm(), again()); again()'],
    ['class Deep { m(): void { arm(); this.m() } } new Deep().m()'],
    ['for (;;) try { arm() } catch { }'],
    ['await null; while (true) arm()'],
    ['const f = async (): Promise<void> => { for (;;) { await null; arm() } }; await f()'],
    ['outer: for (;;) for (;;) { arm(); continue outer }'],
  ])('%s', async (cell) => {
    expect(await interrupted(cell)).toBe('KeyboardInterrupt after 3');
  });

  test.each([
    ['for (;;) await new Promise((done) => setTimeout(done, 1))'],
    ['const wait = async () => await new Promise((done) => setTimeout(done, 1)); for (;;) await wait()'],
    [
      'async function* ticks() { for (;;) yield await new Promise((done) => setTimeout(done, 1)) } for await (const t of ticks()) void t',
    ],
    [
      'const step = async (): Promise<void> => { await new Promise((done) => setTimeout(done, 1)); return step() }; await step()',
    ],
  ])('an epoch ends what waits: %s', async (cell) => {
    const notebook = new TestNotebook();
    setTimeout(() => Object.assign(notebook.context, { [RUNTIME.epoch]: 1 }), 20);
    await expect(notebook.run(cell)).rejects.toThrow('interrupted');
  });

  test('shipped text has no checks', () => {
    const { shipped } = new TestNotebook().lower('for (;;) await f(); async function f() {}');
    expect([RUNTIME.stop, RUNTIME.awaited, RUNTIME.epoch].some((name) => shipped.text.includes(name))).toBe(false);
  });
});
