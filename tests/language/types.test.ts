// Types across cells: every cell is checked against the names that are visible when it runs, each version of a name with its own type.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NotebookLanguage } from '../../language/notebook';

const directory = mkdtempSync(join(tmpdir(), 'cellburst-types-'));
const language = new NotebookLanguage({ directory, isJS: false });
let execution = 0;

beforeEach(() => {
  language.reset();
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** Prepares a cell and commits it as if it ran to its end. Gives the problems, `TS2322 1:7 Type …`. */
function cell(source: string, progress = Infinity): string[] {
  execution += 1;
  const prepared = language.prepare({ source, execution });
  language.commit(execution, progress);
  if (prepared.ok) return [];
  return prepared.problems.map(
    ({ code, line, column, message }) => `TS${code ?? 0} ${line + 1}:${column + 1} ${message.split('\n')[0] ?? ''}`,
  );
}

/** All cells but the last check; gives the problems of the last. */
function cells(...sources: string[]): string[] {
  for (const source of sources.slice(0, -1))
    expect({ source, problems: cell(source) }).toEqual({ source, problems: [] });
  return cell(sources.at(-1) ?? '');
}

describe('what checks', () => {
  test.each<[string, ...string[]]>([
    ['a const with another type', 'const v = 1', 'const v = "s"', 'v.toUpperCase()'],
    ['an old instance keeps its type', 'class A { x = 1 }; const a = new A()', 'class A { y = 3 }', 'a.x + new A().y'],
    [
      'an old function keeps the types it was made with',
      'interface R { a: number } function get(r: R) { return r.a }',
      'interface R { b: string }',
      'get({ a: 1 }).toFixed()',
    ],
    [
      'namespaces',
      'namespace N { export const k = 1; export interface T { a: number } }',
      '1',
      'const t: N.T = { a: N.k }',
    ],
    [
      'declare global',
      'declare global { interface Array<T> { second(): T } var shared: number }',
      '1',
      '[1, 2].second().toFixed() + globalThis.shared + shared',
    ],
    ['var of a block and a for header', 'for (var vi = 0; vi < 3; vi++) {} { var inner = 5 }', 'vi + inner'],
    [
      'top-level await, for await, using',
      'using q = { [Symbol.dispose]() {} }; await using w = { async [Symbol.asyncDispose]() {} }; for await (const x of [1]) x.toFixed(); const r = await Promise.resolve(2)',
      'r.toFixed()',
    ],
    ['enums', 'enum E { A, B = "b" }', 'const e: E = E.A; switch (e) { case E.A: break }'],
    [
      'generics across cells',
      'type Box<T> = { value: T }; const box = <T>(value: T): Box<T> => ({ value })',
      'const b: Box<number> = box(3); b.value.toFixed()',
    ],
    [
      'a type and a value of one name from two cells',
      'type Row = { a: number }',
      'const Row = { parse: (x: unknown) => x as Row }',
      'const r: Row = Row.parse(1); r.a.toFixed()',
    ],
    [
      'a newer type leaves an older value of the name',
      'class Foo { a = 1 }',
      'interface Foo { b: string }',
      'new Foo().a; const f: Foo = { b: "" }',
    ],
    [
      'import type and values',
      'import type { Stats } from "node:fs"; import fs, { readFileSync as read } from "node:fs"; import * as path from "node:path"',
      'const s: Stats = fs.statSync("."); read(path.join("a")).length + s.size',
    ],
    [
      'globals of Node without anything installed',
      'process.pid + Buffer.from("a").length; const t = setTimeout(() => {}, 1); clearTimeout(t); __dirname + import.meta.url; require("fs"); await fetch("x"); structuredClone(1)',
    ],
    [
      'cellburst with nothing installed',
      'import { display, newDisplay, pmap, input, html } from "cellburst"',
      'display({ "text/plain": "x" }); display.html("<b>"); newDisplay().markdown("x"); html("x"); (await pmap([1, 2], async (x, i) => `${x + i}`)).join(); (await input("?")).trim()',
    ],
    [
      'tslab with nothing installed',
      'import { display, newDisplay, versions } from "tslab"',
      'display.html("x"); newDisplay().png(new Uint8Array()); versions.node.trim()',
    ],
    ['let without a type', 'let v; let list = []; list.push(1)', 'v = 3; list.push("x"); list.length'],
    ['parameters whose types are told', 'const f = (b = 1) => b; [1].map((x) => x)', 'f(1).toFixed()'],
    [
      'merged in one cell',
      'interface M { a: number } interface M { b: number } function F() {} namespace F { export const extra = 1 }',
      'const m: M = { a: 1, b: F.extra }',
    ],
    ['declare const', 'declare const ghost: { a: number }', 'ghost.a.toFixed()'],
    ['standard decorators', 'const dec = (value: Function, context: ClassDecoratorContext) => {}', '@dec class D {}'],
    ['magic lines', '%more\n%%cluster --cores 4\nconst far = 1', 'far.toFixed()'],
    ['exports', 'export const ex = 1; export interface Ex { a: number } export default ex', 'const e: Ex = { a: ex }'],
    [
      'assertions with angle brackets and generic arrows',
      'const n = <number>(<unknown>3); const id = <T>(x: T) => x; id(n).toFixed()',
    ],
    ['JSX', 'const React = { createElement: (...a: unknown[]) => a }', '<div a={1}>x</div>'],
    [
      'JSX with a pragma',
      '/** @jsx h */\nconst h = (tag: string, _props: object | null, ...inner: unknown[]) => [tag, ...inner];\n<b>bold</b>',
    ],
    [
      'recursive inference through cells',
      'function f(n: number): number { return n ? g(n - 1) : 0 } function g(n: number): number { return f(n) }',
      'f(3).toFixed()',
    ],
  ])('%s', (_, ...sources) => {
    expect(cells(...sources)).toEqual([]);
  });
});

describe('what does not', () => {
  test.each<[string, string[], string[]]>([
    [
      'assigning to an earlier const',
      ['const c = 1', 'c = 2'],
      ["TS2588 1:1 Cannot assign to 'c' because it is a constant."],
    ],
    [
      'assigning a wrong type to an earlier let',
      ['let n = 1', 'n = "s"'],
      ["TS2322 1:1 Type 'string' is not assignable to type 'number'."],
    ],
    [
      'a member of the new class on an old instance',
      ['class A { x = 1 }; const a = new A()', 'class A { y = 3 }', 'a.y'],
      ["TS2339 1:3 Property 'y' does not exist on type 'A'."],
    ],
    [
      'two versions of a class',
      ['class Ver { x = 1 }; const old = new Ver()', 'class Ver { x = "s" }', 'const now: Ver = old'],
      [
        "TS2719 1:7 Type 'Ver' is not assignable to type 'Ver'. What was made before a name was declared anew keeps the type it was made with.",
      ],
    ],
    ['an unknown name', ['nope'], ["TS2304 1:1 Cannot find name 'nope'."]],
    ['positions below a magic line', ['%%cluster\n\n  nope'], ["TS2304 3:3 Cannot find name 'nope'."]],
    ['an error at the end stays in the cell', ['const x = ('], ['TS1109 1:12 Expression expected.']],
    [
      'a type that is used as a value',
      ['interface I { a: 1 }', 'I'],
      ["TS2693 1:1 'I' only refers to a type, but is being used as a value here."],
    ],
    ['no DOM', ['document'], [expect.stringMatching(/^TS2584 1:1 /) as string]],
    [
      'a wrong argument of display',
      ['import { display } from "cellburst"; display.html(3)'],
      ["TS2345 1:51 Argument of type 'number' is not assignable to parameter of type 'string'."],
    ],
    ['a missing module', ['import x from "no-such-package"'], [expect.stringMatching(/^TS2307 1:15 /) as string]],
    [
      'a name declared twice in one cell',
      ['const a = 1; const a = 2'],
      [expect.stringMatching(/^TS2451 1:7 /) as string, expect.stringMatching(/^TS2451 1:20 /) as string],
    ],
    [
      'exporting from a module',
      ['export * from "node:fs"'],
      ['TS0 1:1 A cell cannot export from another module: nobody imports a cell. Import the names instead.'],
    ],
    [
      'null in strict mode',
      ['const m = new Map<string, { a: number }>(); m.get("x").a'],
      ["TS2532 1:45 Object is possibly 'undefined'."],
    ],
  ])('%s', (_, sources, problems) => {
    expect(cells(...sources)).toEqual(problems);
  });

  test('a chained message is one problem', () => {
    const prepared = language.prepare({
      source: 'const f: (x: { a: { b: number } }) => void = (x: { a: { b: string } }) => {}',
      execution: 0,
    });
    expect(prepared.ok ? [] : prepared.problems.map(({ message }) => message.split('\n').length > 2)).toEqual([true]);
  });
});

describe('what becomes visible', () => {
  test('a cell that fails the check leaves nothing', () => {
    expect(cell('const kept = 1; declare global { var trace: number } kept.nope')).toHaveLength(1);
    expect(cells('kept')).toEqual(["TS2304 1:1 Cannot find name 'kept'."]);
    expect(cells('trace')).toEqual(["TS2304 1:1 Cannot find name 'trace'."]);
  });

  test('a cell that threw leaves what it had initialised, what is hoisted, and its types', () => {
    expect(
      cell('const early = 1; function f() { return late } interface T { a: number } throw 1; const late = "s"', 2),
    ).toEqual([]);
    expect(cells('const t: T = { a: early }; f()')).toEqual([]);
    expect(cells('late')).toEqual(["TS2304 1:1 Cannot find name 'late'."]);
  });

  test('a name that was not reached keeps its old meaning', () => {
    cell('const v = 1');
    cell('throw 1; const v = "s"', 1);
    expect(cells('v.toFixed()')).toEqual([]);
  });

  test('nothing is visible before the commit, and a late commit counts from then on', () => {
    const prepared = language.prepare({ source: 'const slow = 1', execution: 1000 });
    expect(prepared.ok).toBe(true);
    expect(cells('slow')).toEqual(["TS2304 1:1 Cannot find name 'slow'."]);
    language.commit(1000, 2);
    expect(cells('slow.toFixed()')).toEqual([]);
  });

  test('reset forgets', () => {
    cell('const gone = 1');
    language.reset();
    expect(cells('gone')).toHaveLength(1);
  });
});

describe('modules of the notebook', () => {
  beforeAll(() => {
    const packages = join(directory, 'node_modules');
    mkdirSync(join(packages, 'untyped'), { recursive: true });
    writeFileSync(
      join(packages, 'untyped', 'package.json'),
      '{ "name": "untyped", "version": "1.0.0", "main": "index.js" }',
    );
    writeFileSync(join(packages, 'untyped', 'index.js'), 'exports.f = () => 1;');
    mkdirSync(join(packages, 'modern', 'd'), { recursive: true });
    writeFileSync(
      join(packages, 'modern', 'package.json'),
      '{ "name": "modern", "version": "1.0.0", "exports": { "./sub": { "types": "./d/s.d.ts", "default": "./s.js" } } }',
    );
    writeFileSync(
      join(packages, 'modern', 'd', 's.d.ts'),
      'export declare const deep: number; export interface Shape { a: number }',
    );
    writeFileSync(join(directory, 'rows.json'), '{ "rows": [1, 2] }');
    writeFileSync(
      join(directory, 'lib.ts'),
      'export const fromLib: number = 1; export interface LibType { a: number }',
    );
  });

  test('a package without types is any', () => {
    expect(cells('import { f } from "untyped"; import whole from "untyped"', 'f().anything + whole.x')).toEqual([]);
  });

  test('types that only `exports` names are found, and JSON has its shape', () => {
    expect(
      cells(
        'import { deep, Shape } from "modern/sub"; import data from "./rows.json"',
        'const s: Shape = { a: deep + data.rows.length }',
      ),
    ).toEqual([]);
    expect(cells('data.rows.push("s")')).toHaveLength(1);
  });

  test('what is only a type is not loaded', () => {
    const prepared = language.prepare({
      source: 'import { deep, Shape } from "modern/sub"; import { LibType } from "./lib"; import "untyped"',
      execution: 1,
    });
    expect(prepared.ok && prepared.code.imports).toEqual([
      { specifier: 'modern/sub', bindings: [{ name: 'deep', imported: 'deep' }] },
      { specifier: 'untyped', bindings: [] },
    ]);
  });

  test('a local module is read again when it has changed', async () => {
    expect(cells('import { fromLib } from "./lib"', 'fromLib.toFixed()')).toEqual([]);
    await new Promise((done) => setTimeout(done, 20));
    writeFileSync(join(directory, 'lib.ts'), 'export const fromLib: string = "now a string";');
    expect(cells('fromLib.toUpperCase()')).toEqual([]);
  });
});

describe('modules in memory', () => {
  const source =
    '/** @module doubling */\nexport const factor = 2;\nexport function double(x: number) { return factor * x }';

  test('are imported by name, with their types, and can be defined anew', () => {
    expect(cells('const hidden = 1', source, 'import { double } from "./doubling"', 'double(21).toFixed()')).toEqual(
      [],
    );
    expect(cells('factor')).toHaveLength(1);
    expect(cells(source.replace('factor * x', '"s"'), 'double(1).toUpperCase()')).toEqual([]);
  });

  test('stand alone: names of the notebook are not theirs', () => {
    expect(cells('const hidden = 1', '/** @module alone */\nexport const x = hidden')).toEqual([
      "TS2304 2:18 Cannot find name 'hidden'.",
    ]);
  });

  test('running the cell only defines them', () => {
    const prepared = language.prepare({ source, execution: 1 });
    expect(prepared).toMatchObject({
      ok: true,
      code: { memoryModule: 'doubling.ts', declarations: [], imports: [], source },
    });
  });
});

describe('JavaScript cells', () => {
  beforeAll(() => {
    language.configure({ isJS: true });
  });
  afterAll(() => {
    language.configure({ isJS: false });
  });

  test('have no type errors, only errors of syntax', () => {
    expect(cells('let n = 1; n = "s"; nope.x')).toEqual([]);
    expect(cell('const x: number = 1')).not.toEqual([]);
    expect(cell('let 1')).not.toEqual([]);
  });
});
