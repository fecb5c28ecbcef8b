// The table of functions: what each needs and where its text lies.
import * as ts from 'typescript';
import type { CellCode, FunctionCode } from '../../magics/protocol/code';
import { TestNotebook } from './cells';

async function lower(...cells: string[]): Promise<CellCode> {
  const notebook = new TestNotebook();
  for (const cell of cells.slice(0, -1)) await notebook.run(cell);
  return notebook.lower(cells.at(-1) ?? '');
}

function named(code: CellCode, name: string): FunctionCode {
  const found = code.functions.find((entry) => entry.name === name);
  if (!found) throw new Error(`no function ${name} among ${code.functions.map((entry) => entry.name).join()}`);
  return found;
}

const textOf = (code: CellCode, { shipped }: FunctionCode): string =>
  code.shipped.text.slice(shipped.start, shipped.end);

test('uses are reads, writes and probes, of everything inside as well', async () => {
  const code = await lower(
    'let a = 1, b = 2, c = 3, d = 4; const table = new Map()',
    'function outer() { b = a; const inner = () => { c++; return typeof d }; return inner } typeof d',
  );
  expect(named(code, 'outer').uses).toEqual({ reads: ['a', 'c'], writes: ['b', 'c'], probes: ['d'] });
  expect(named(code, 'inner').uses).toEqual({ reads: ['c'], writes: ['c'], probes: ['d'] });
  expect(code.uses).toEqual({ reads: ['a', 'c'], writes: ['b', 'c'], probes: ['d'] });
});

test('a cell does not use what it declares; its functions do', async () => {
  const code = await lower('let own = 1; const f = () => own++; f()');
  expect(code.uses).toEqual({ reads: [], writes: [], probes: [] });
  expect(named(code, 'f').uses).toEqual({ reads: ['own'], writes: ['own'], probes: [] });
});

test.each([
  [
    'shadowing',
    'function g(total) { const scale = 1; { let rows = 2; rows++ } return total * scale } for (const alpha of [1]) alpha; try {} catch (others) { others }',
    [],
    [],
  ],
  [
    'destructuring',
    '[total, scale] = [scale, 5]; ({ x: total } = { x: 1 }); for (total of [1, 2]); total++',
    ['scale', 'total'],
    ['scale', 'total'],
  ],
  ['types only', 'type T = typeof scale; const r = 1 as unknown as T; r', [], []],
  [
    'property names',
    '({ total: 1, scale() { return this.total } }).scale(); rows?.total; label: for (;;) break label',
    ['rows'],
    [],
  ],
  [
    'shorthand and computed keys',
    'const o = { total, [scale]: 1 }; const { table: t = rows } = o',
    ['rows', 'scale', 'total'],
    [],
  ],
  ['parameter defaults', 'function f2(p = total, q = () => scale(p)) { return q() }', ['scale', 'total'], []],
  [
    'class fields, statics, heritage and computed members',
    'class K extends rows { x = scale; static y = total; [alpha]() { return new.target } get z() { return arguments.length } }',
    ['alpha', 'rows', 'scale', 'total'],
    [],
  ],
  ['templates', 'table.get(`k${total}`); String.raw`x${scale}`', ['scale', 'table', 'total'], []],
  ['names nobody knows', 'nope(other)', ['nope', 'other'], []],
  ['globals of Node', 'console.log(process.pid, Math.max(1), undefined, NaN)', [], []],
])('names in use: %s', async (_, cell, reads, writes) => {
  const code = await lower(
    'let total = 0, scale = 2, rows: any = Object, alpha = "k", others = 0, table = new Map()',
    cell,
  );
  expect({ reads: code.uses.reads, writes: code.uses.writes }).toEqual({ reads, writes });
});

test('ranges are the text that toString shows, in both outputs', async () => {
  const notebook = new TestNotebook('shipped');
  await notebook.run(
    'function plain(a: number) { return a }\nasync function waits() { await null }\nconst arrow = async (x: number) => { await x };\nexport class C { static s() { return 1 } get g() { return 2 } async *gen() { yield 3 } constructor() {} f = () => 4 }\nconst o = { m() { return 5 } };',
  );
  const [code] = notebook.cells;
  if (!code) throw new Error('the cell did not run');
  const shown = (await notebook.run(
    '[plain, waits, arrow, C, C.s, Object.getOwnPropertyDescriptor(C.prototype, "g").get, C.prototype.gen, new C().f, o.m].map(String)',
    '.js',
  )) as string[];
  const texts = code.functions.map((entry) => textOf(code, entry));
  for (const text of shown) expect(texts).toContain(text);
  for (const { local, shipped } of code.functions)
    for (const [text, range] of [
      [code.local.text, local],
      [code.shipped.text, shipped],
    ] as const) {
      const before = text.slice(0, range.start).split('\n');
      expect([range.line, range.column]).toEqual([before.length - 1, before.at(-1)?.length]);
    }
});

test('kinds, names, parents and where they were typed', async () => {
  const code = await lower(
    'class Model {\n  #w = 1;\n  static { this.name }\n  constructor() {}\n  get size() { return 1 }\n  set size(v) {}\n  fit = () => [1].map((x) => x);\n}\nconst go = function () {};',
  );
  expect(code.functions.map(({ kind, name, parent, source }) => [kind, name, parent, source.line])).toEqual([
    ['class', 'Model', undefined, 0],
    ['field', '#w', 0, 1],
    ['static-block', '', 0, 2],
    ['constructor', 'Model', 0, 3],
    ['getter', 'get size', 0, 4],
    ['setter', 'set size', 0, 5],
    ['field', 'fit', 0, 6],
    ['arrow', 'fit', 6, 6],
    ['arrow', '', 7, 6],
    ['function', 'go', undefined, 8],
  ]);
});

test('captures are the variables of enclosing scopes of the cell', async () => {
  const code = await lower(
    'const top = 1;\nconst make = (n: number) => { let count = 0; return function next() { count += n + top; return next } };\nclass Self { static all: Self[] = []; add() { Self.all.push(this) } }\n{ const blocked = 1; (function inBlock() { return blocked })() }\nfor (let i = 0; i < 1; i++) { (() => i)() }',
  );
  expect(named(code, 'make').captures).toEqual([]);
  expect(named(code, 'next').captures).toEqual(['count', 'n']);
  expect(named(code, 'next').uses.reads).toEqual(['top']);
  expect(named(code, 'Self').captures).toEqual([]);
  expect(named(code, 'add').captures).toEqual(['Self']);
  expect(named(code, 'inBlock').captures).toEqual(['blocked']);
  expect(code.functions.find(({ captures }) => captures.includes('i'))?.kind).toBe('arrow');
});

test('arrows that use this of another activation say so, and methods that use super', async () => {
  const code = await lower(
    'class Base { m() { return 1 } }\nclass T extends Base { v = 4; arrow() { const a = () => { const b = () => this.v; return b }; const c = () => 1; return [a, c] } m() { return super.m() } viaArrow() { const d = () => super.m(); return d } args() { const e = () => arguments; const f = () => new.target; return [e, f] } constructor() { super() } }',
  );
  const lexical = code.functions.filter(({ lexicalThis }) => lexicalThis).map(({ name }) => name);
  expect(lexical).toEqual(['a', 'b', 'd']);
  expect(code.functions.filter(({ usesSuper }) => usesSuper).map(({ name }) => name)).toEqual(['m', 'viaArrow']);
});

test('functions in shipped text parse by themselves', async () => {
  const code = await lower(
    'const f = () => ({ a: 1 }); function g() { return typeof zzz } const h = async (x) => await x; let k = class { m() {} }',
  );
  for (const entry of code.functions.filter(({ kind }) => kind !== 'method')) {
    const { diagnostics = [] } = ts.transpileModule(`(${textOf(code, entry)})`, { reportDiagnostics: true });
    expect(diagnostics).toEqual([]);
  }
});

test('direct eval of what is no literal hides names', async () => {
  const code = await lower('let code = "1"', 'eval("1 + 1");\n  eval(code)');
  expect(code.hiddenNames).toEqual([{ line: 1, column: 2 }]);
});

test('equal text has equal code, and other meaning another id', async () => {
  const [a, b, c] = [await lower('f(1)'), await lower('f(1)'), await lower('function f(x) {}', 'f(1)')];
  expect(a).toEqual(b);
  expect(a.id).toMatch(/^[0-9a-f]{20}$/);
  expect(c.id).not.toBe(a.id);
});

test('declarations carry their kind and the step after which they are there', async () => {
  const code = await lower(
    'import { z } from "m"; import type { T } from "m"; function f() {} const a = 1, { b, c } = {} as any; let d; class K {} enum E { A } namespace N { export const k = 1 } namespace OnlyTypes { export type Q = 1 } if (a) var v = 1; type Gone = 1; using u = null;',
  );
  expect(code.declarations.toSorted((x, y) => x.step - y.step || (x.name < y.name ? -1 : 1))).toEqual([
    { name: 'f', kind: 'function', step: 0 },
    { name: 'v', kind: 'var', step: 0 },
    { name: 'z', kind: 'import', step: 0 },
    { name: 'a', kind: 'const', step: 1 },
    { name: 'b', kind: 'const', step: 2 },
    { name: 'c', kind: 'const', step: 2 },
    { name: 'd', kind: 'let', step: 3 },
    { name: 'K', kind: 'class', step: 4 },
    { name: 'E', kind: 'enum', step: 5 },
    { name: 'N', kind: 'namespace', step: 6 },
    { name: 'u', kind: 'const', step: 7 },
  ]);
});
