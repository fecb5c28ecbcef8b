// What other TypeScript kernels are known to get wrong, one line each, cell after cell: here it is as in the language.
import { Folder } from './folder';

const folder = new Folder();
beforeAll(() => {
  folder.write('rows.json', '{ "rows": [1, 2] }');
  folder.write('node_modules/plain/package.json', '{ "name": "plain", "version": "1.0.0" }');
  folder.write('node_modules/plain/index.js', 'exports.value = 1;');
});
afterAll(() => {
  folder.remove();
});
beforeEach(() => {
  folder.reset();
});

/** Runs cells, the last of which may fail. Gives its value, or `Name: message`. */
async function outcome(...cells: string[]): Promise<unknown> {
  for (const cell of cells.slice(0, -1)) await folder.run(cell).catch(() => undefined);
  try {
    return await folder.run(cells.at(-1) ?? '');
  } catch (error) {
    return String(error);
  }
}

describe('bindings', () => {
  test.each<[string, string[], unknown]>([
    ['a shorthand of an earlier name', ['let obj = { a: 1 }', 'const sh = { obj }; sh.obj.a'], 1],
    ['a renamed part of an earlier value', ['const prev = { a: 1 }', 'const { a: renamed } = prev; renamed'], 1],
    [
      'a default and a rest',
      ['const o: { a?: number; b: number; c: number } = { b: 2, c: 3 }', 'const { a = 9, ...others } = o; [a, others]'],
      [9, { b: 2, c: 3 }],
    ],
    ['an await in parentheses', ['await (Promise.resolve(7))'], 7],
    ['for await', ['let s = 0; for await (const x of [1, 2]) s += x; s'], 3],
    [
      'a closure and a later cell share a variable',
      ['let cnt = 0; const inc = () => ++cnt; inc(); cnt', 'cnt = 10; inc(); cnt'],
      11,
    ],
    ['var out of a for header', ['for (var vi = 0; vi < 3; vi++) {}', 'vi'], 3],
    ['var out of a block', ['{ var inner = 5 }', 'inner'], 5],
    ['swap', ['let p = 1, q = 2', '[p, q] = [q, p]; [p, q]'], [2, 1]],
    ['a const with another type', ['const v = 1', 'const v = "s"; v.length'], 1],
    ['this', ['this'], undefined],
    ['null is a value', ['null'], null],
    ['an object literal alone is a block, which has no value', ['{ a: 1 }'], undefined],
    ['a method uses this', ['const m = { k: 2, f() { return this.k } }', 'm.f()'], 2],
    [
      'a function called from a later cell has no this',
      ['function bare(this: unknown) { return this }', 'bare()'],
      undefined,
    ],
    [
      'the name of a function',
      ['const named = () => 1; const { other = () => 2 } = {} as { other?: () => number }', '[named.name, other.name]'],
      ['named', 'other'],
    ],
    [
      'labelled loops across an await',
      [
        'let seen = ""; outer: for (const i of [1, 2, 3]) { for (const j of [1, 2]) { await null; if (j === 2) continue outer; if (i === 3) break outer; seen += `${i}${j} ` } } seen',
      ],
      '11 21 ',
    ],
    [
      'a labelled block across an await',
      ['let step = 0; block: { step = 1; await null; if (step) break block; step = 2 } step'],
      1,
    ],
    [
      'a name in its dead zone',
      ['const early = () => late; early(); const late = 1'],
      "ReferenceError: Cannot access 'late' before initialization",
    ],
    ['a const', ['const fixed = 1; (fixed as number) = 2'], 'TypeError: Assignment to constant variable.'],
    ['an unknown name', ['nowhere'], "Error: TS2304: Cannot find name 'nowhere'."],
  ])('%s', async (_, cells, expected) => {
    expect(await outcome(...cells)).toEqual(expected);
  });
});

describe('declarations', () => {
  test.each<[string, string[], unknown]>([
    ['a namespace outlives its next cell', ['namespace N { export const k = 1 }', '1', 'N.k'], 1],
    ['an enum, both ways', ['enum E { A, B = 4 }', '[E.B, E[4], E.A]'], [4, 'B', 0]],
    ['a const enum', ['const enum Small { A = 3 }', 'Small.A'], 3],
    ['export', ['export const ex = 1', 'ex'], 1],
    ['export of a list', ['const inside = 2; export { inside as outside }', 'inside'], 2],
    ['export type', ['type T = number; export type { T }', 'const t: T = 1; t'], 1],
    ['export default', ['export default 3'], 3],
    [
      'declare global, cells later',
      [
        'declare global { interface Array<T> { second(): T } }\nArray.prototype.second = function () { return this[1] }',
        '1',
        '[1, 2].second()',
      ],
      2,
    ],
    [
      'a global interface that grows from cell to cell',
      [
        'declare global { interface Grown { a: number } }',
        'declare global { interface Grown { b: string } }',
        'const g: Grown = { a: 1, b: "x" }; g.a + g.b',
      ],
      '1x',
    ],
    [
      'an interface that merges in its cell',
      ['interface M { a: number } interface M { b: number }', 'const m: M = { a: 1, b: 2 }; m.a + m.b'],
      3,
    ],
    [
      'a class that merges with an interface and a namespace',
      [
        'class C { own = 1 } interface C { more?: number } namespace C { export const extra = 2 }',
        'new C().own + (new C().more ?? 4) + C.extra',
      ],
      7,
    ],
    [
      'an interface that is declared anew is the new one',
      ['interface R { a: number }', 'interface R { b: string }', 'const r: R = { b: "b" }; r.b'],
      'b',
    ],
    [
      'overloads',
      [
        'function f(x: number): number; function f(x: string): string; function f(x: unknown): unknown { return x }',
        'f(1).toFixed() + f("s").length',
      ],
      '11',
    ],
    [
      'abstract classes and generics',
      [
        'abstract class Box<T> { constructor(readonly value: T) {} abstract show(): string } class NumberBox extends Box<number> { show() { return this.value.toFixed(1) } }',
        'new NumberBox(2).show()',
      ],
      '2.0',
    ],
    [
      'a class that names itself in a static',
      ['class S { static instance = new S(); static n = S.name }', '[S.instance instanceof S, S.n]'],
      [true, 'S'],
    ],
    [
      'generators',
      [
        'function* g() { yield 1; yield* [2, 3] } async function* ag() { yield* g() }',
        'const out: number[] = []; for await (const x of ag()) out.push(x); out',
      ],
      [1, 2, 3],
    ],
    [
      'decorators on a class and its members',
      [
        'const seen: string[] = []; const dec = (_: unknown, { kind }: { kind: string }) => { seen.push(kind) }\n@dec class D { @dec f = 1; @dec m() {} @dec get g() { return 1 } @dec accessor a = 1 }\n[...seen].sort()',
      ],
      ['accessor', 'class', 'field', 'getter', 'method'],
    ],
    [
      'a redeclared class leaves old instances their type',
      ['class A {}; const a = new A()', 'class A { y = 3 }', 'a.y'],
      "Error: TS2339: Property 'y' does not exist on type 'A'.",
    ],
    [
      'and their class',
      ['class A { v = 1 }; const a = new A()', 'class A { y = 3 }', '[a.v, a instanceof A, new A().y]'],
      [1, false, 3],
    ],
    [
      'a cell that throws keeps what it has declared',
      [
        'const before = 42; function f() { return before } enum K { A = 1 } throw new Error("x"); const after = 1',
        '[before, f(), K.A]',
      ],
      [42, 42, 1],
    ],
    [
      'and nothing else',
      ['const before = 42; throw new Error("x"); const after = 1', 'after'],
      "Error: TS2304: Cannot find name 'after'.",
    ],
    [
      'one that throws after an await as well',
      ['const waited = await Promise.resolve(3); await Promise.reject(new Error("x")); const after = 1', 'waited'],
      3,
    ],
  ])('%s', async (_, cells, expected) => {
    expect(await outcome(...cells)).toEqual(expected);
  });
});

describe('resources', () => {
  test.each<[string, string[], unknown]>([
    ['a cell with using has a value', ['using q = { [Symbol.dispose]() {} }; 1'], 1],
    [
      'using disposes at the end of the cell',
      ['const log: string[] = []; using r = { [Symbol.dispose]() { log.push("gone") } }; log.push("body")', 'log'],
      ['body', 'gone'],
    ],
    [
      'in order, last first, in a block',
      [
        'const order: string[] = []; { using a = { [Symbol.dispose]() { order.push("a") } }; using b = { [Symbol.dispose]() { order.push("b") } } } order',
      ],
      ['b', 'a'],
    ],
    [
      'await using waits',
      [
        'let closed = false; await using q = { async [Symbol.asyncDispose]() { await null; closed = true } }; 1',
        'closed',
      ],
      true,
    ],
    [
      'in the head of a loop',
      [
        'const ended: number[] = []; for (using x of [1, 2].map((n) => ({ [Symbol.dispose]() { ended.push(n) } }))) {} ended',
      ],
      [1, 2],
    ],
    [
      'when the cell throws',
      ['let freed = 0; using q = { [Symbol.dispose]() { freed++ } }; throw new Error("x")', 'freed'],
      1,
    ],
  ])('%s', async (_, cells, expected) => {
    expect(await outcome(...cells)).toEqual(expected);
  });
});

describe('around cells', () => {
  test.each<[string, string[], unknown]>([
    ['JSON', ['import data from "./rows.json"; data.rows'], [1, 2]],
    ['a package without types', ['import { value } from "plain"; value'], 1],
    ['import()', ['(await import("plain")).value'], 1],
    ['require', ['require("plain").value'], 1],
    ['module and exports', ['module.exports = { a: 1 }; exports.a'], 1],
    [
      'a module in memory',
      ['/** @module memory */\nexport const held = 5', 'import { held } from "./memory"; held'],
      5,
    ],
    [
      'a type alone is not loaded',
      ['import type { Stats } from "node:fs"; import { Dirent } from "node:fs"; let d: Dirent | Stats | undefined; d'],
      undefined,
    ],
    [
      'tagged templates',
      [
        'const tag = (parts: TemplateStringsArray, ...values: number[]) => parts.raw.join("|") + values.join()',
        'tag`a${1}b${2}`',
      ],
      'a|b|1,2',
    ],
    [
      'JSX with a factory of the notebook',
      [
        'const React = { createElement: (tag: string, _: unknown, ...inner: unknown[]) => `${tag}(${inner.join("")})` }',
        'const who = "you"; <p>hi {who}</p>',
      ],
      'p(hi you)',
    ],
  ])('%s', async (_, cells, expected) => {
    expect(await outcome(...cells)).toEqual(expected);
  });

  test('an error has the lines of its cells, and none of ours', async () => {
    let stack = '';
    await folder.run('function thrower() {\n  throw new RangeError("out");\n}');
    await folder.run('\nthrower()').catch((error: unknown) => (stack = String((error as Error).stack)));
    const [head, first, second] = stack.split('\n');
    expect([head, first]).toEqual(['RangeError: out', expect.stringMatching(/^ {4}at thrower \(Cell \[\d+\]:2:9\)$/)]);
    expect(second).toMatch(/^ {4}at Cell \[\d+\]:2:1$/);
  });
});
