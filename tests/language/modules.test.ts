// What a cell imports: local files of all sorts, packages of all sorts, threads, WebAssembly. Checked and run.
import { Folder } from './folder';

const folder = new Folder();
const run = (...cells: string[]): Promise<unknown> => folder.runAll(cells);

// (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
const ADD = Uint8Array.from([
  ...[
    0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3, 97, 100, 100, 0, 0, 10, 9, 1,
    7, 0,
  ],
  ...[32, 0, 32, 1, 106, 11],
]);

beforeAll(() => {
  folder.write('data.json', '{ "rows": [1, 2, 3] }');
  folder.write('lib.ts', 'export interface T { a: number }\nexport const twice = (x: number): number => 2 * x;');
  folder.write('deep/outer.ts', 'export { inner } from "./inner"; export const place = [__dirname, __filename];');
  folder.write('deep/inner.ts', 'export const inner = 2;');
  folder.write('deep/index.ts', 'export const index = "of the folder";');
  folder.write('common.js', 'exports.common = () => "js"; exports.meta = typeof require;');
  folder.write('modern.mjs', 'export const modern = () => "mjs"; export default import.meta.url;');
  folder.write(
    'view.tsx',
    'const React = { createElement: (t: string, _: unknown, ...c: unknown[]) => t + c.join("") };\nexport const view = <b>x</b>;',
  );
  folder.write(
    'failing.ts',
    'interface A {\n  a: number;\n}\nexport function fail(): never {\n  throw new Error("in a file");\n}\n',
  );
  folder.write('add.wasm', ADD);
  const npm = (name: string, manifest: object, files: Record<string, string>): void => {
    folder.write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', ...manifest }));
    for (const [path, text] of Object.entries(files)) folder.write(`node_modules/${name}/${path}`, text);
  };
  npm(
    'esm-only',
    { type: 'module', exports: { '.': { types: './i.d.ts', import: './i.js' } } },
    {
      'i.js': 'export const three = 3; export default () => 4;',
      'i.d.ts': 'export declare const three: number; declare const four: () => number; export default four;',
    },
  );
  npm(
    'common',
    { main: 'i.js' },
    { 'i.js': 'module.exports = function base() { return 1 }; module.exports.other = 2;' },
  );
  npm(
    'sub-types',
    { exports: { './sub': { types: './t/s.d.ts', default: './s.js' } } },
    {
      's.js': 'exports.deep = 5;',
      't/s.d.ts': 'export declare const deep: number; export interface Shape { a: number }',
    },
  );
});
afterAll(() => {
  folder.remove();
});
beforeEach(() => {
  folder.reset();
});

describe('files', () => {
  test.each<[string, string, unknown]>([
    ['TypeScript, types and values', 'import { twice, T } from "./lib"; const t: T = { a: 4 }; twice(t.a)', 8],
    ['with the extension', 'import { twice } from "./lib.ts"; twice(1)', 2],
    ['by the name the file will have', 'import { twice } from "./lib.js"; twice(2)', 4],
    ['a folder', 'import { index } from "./deep"; index', 'of the folder'],
    ['a file that exports from another', 'import { inner } from "./deep/outer"; inner', 2],
    ['CommonJS', 'import { common, meta } from "./common.js"; common() + meta', 'jsfunction'],
    ['an ES module', 'import url, { modern } from "./modern.mjs"; modern() + url.endsWith("modern.mjs")', 'mjstrue'],
    ['JSX', 'import { view } from "./view"; view', 'bx'],
    ['JSON', 'import data from "./data.json"; data.rows.length', 3],
    ['JSON with its attribute', 'import data from "./data.json" with { type: "json" }; data.rows[0]!.toFixed()', '1'],
    ['JSON by import()', '(await import("./data.json", { with: { type: "json" } })).default.rows.length', 3],
    ['JSON by require', 'require("./data.json").rows.length', 3],
    ['by import() of a name that is computed', 'const which = "li"; (await import(`./${which}b`)).twice(5)', 10],
    ['by require', 'require("./lib").twice(6)', 12],
    ['by import = require', 'import lib = require("./lib"); lib.twice(7)', 14],
  ])('%s', async (_, cell, value) => {
    expect(await run(cell)).toBe(value);
  });

  test('a local module knows its own place', async () => {
    expect(await run('import { place } from "./deep/outer"; place')).toEqual([
      `${folder.directory}/deep`,
      `${folder.directory}/deep/outer.ts`,
    ]);
  });

  test('a cell knows the place of its notebook', async () => {
    const names = 'import.meta.dirname, import.meta.filename, __dirname, __filename';
    const file = `${folder.directory}/notebook.ts`;
    expect(await run(`[${names}]`)).toEqual([folder.directory, file, folder.directory, file]);
    expect(await run('import.meta.resolve("./lib.ts")')).toBe(`file://${folder.directory}/lib.ts`);
    expect(await run('import.meta.resolve("common")')).toBe(`file://${folder.directory}/node_modules/common/i.js`);
    expect(await run('import.meta.resolve("fs")')).toBe('node:fs');
  });

  test('an error has the lines of the file as it was written', async () => {
    const caught =
      'import { fail } from "./failing"; let stack = ""; try { fail() } catch (e) { stack = (e as Error).stack! }\nstack';
    expect(String(await run(caught)).split('\n')[1]).toBe(`    at fail (${folder.directory}/failing.ts:5:9)`);
  });

  test('a file is read again when it has changed, or what it imports', async () => {
    folder.write('changing.ts', 'import { base } from "./base"; export const sum = base + 1;');
    folder.write('base.ts', 'export const base = 1;');
    const cell = 'import { sum } from "./changing"; sum';
    expect(await run(cell)).toBe(2);
    folder.write('base.ts', 'export const base = 10;');
    expect(await run(cell)).toBe(11);
    folder.write('base.ts', 'export const base = "ten";');
    expect(await run(cell, 'sum.toUpperCase()')).toBe('TEN1');
    folder.write('changing.ts', 'export const sum = 0;');
    expect(await run(cell, 'sum.toFixed()')).toBe('0');
  });

  test('one that awaits at its top level is evaluated before who imports it', async () => {
    folder.write('dep.ts', 'export const a = 1; export default 10;');
    folder.write('all.ts', 'export const every = 5; export type T = 1;');
    folder.write(
      'awaiting.ts',
      'import ten, { a as one } from "./dep";\nimport * as dep from "./dep";\nexport * from "./all";\nexport { a as again } from "./dep";\n' +
        'export default class Made { static v: number = 1 }\nexport const waited: number = await Promise.resolve(one);\n' +
        'export let n = 2;\nexport function up() { return ++n }\nconst late = await import("./dep");\nexport const sum = late.a + dep.a + ten;\n' +
        'export function fail() {\n  throw new Error(import.meta.url);\n}\n',
    );
    folder.write('uses.ts', 'import { waited } from "./awaiting"; export const used = waited + 1;');
    const names = 'Made, { waited, sum, every, again, up, fail }';
    expect(await run(`import ${names} from "./awaiting"; up(); [Made.v, waited, sum, every, again]`)).toEqual([
      1, 1, 12, 5, 1,
    ]);
    expect(await run('import * as live from "./awaiting"; const before = live.n; up(); [before, live.n]')).toEqual([
      3, 4,
    ]);
    expect(await run('import { used } from "./uses"; used')).toBe(2);
    expect(
      await run('let stack = ""; try { fail() } catch (e) { stack = (e as Error).stack! } stack.split("\\n")[1]'),
    ).toBe(`    at fail (${folder.directory}/awaiting.ts:12:9)`);
    folder.write('required.ts', 'export const x = await 1;');
    await expect(run('require("./required")')).rejects.toThrow(/awaits at its top level. Import it instead/);
  });

  test('one that is not there, and one that does not parse, say so', async () => {
    await expect(run('import("./no" + "where")')).rejects.toThrow(
      `Cannot find module './nowhere' from ${folder.directory}.`,
    );
    await expect(run('import "./nowhere"')).rejects.toThrow(/TS2882|TS2307|Cannot find/);
    folder.write('broken.ts', 'export const = 1;');
    await expect(run('await import("./broken" + "")')).rejects.toThrow(/broken\.ts:1:13/);
  });
});

describe('packages', () => {
  test.each<[string, string, unknown]>([
    ['ES modules only', 'import four, { three } from "esm-only"; four() + three', 7],
    ['CommonJS, its default and its names', 'import base, { other } from "common"; base() + other', 3],
    ['CommonJS as a whole', 'import * as all from "common"; all.other', 2],
    ['CommonJS by import = require', 'import whole = require("common"); whole() + whole.other', 3],
    [
      'types that only exports names',
      'import { deep, Shape } from "sub-types/sub"; const s: Shape = { a: deep }; s.a',
      5,
    ],
    ['no types at all', 'import { other } from "common"; other.anything', undefined],
    [
      'builtins with and without node:',
      'import fs from "fs"; import { join } from "node:path"; fs.existsSync(join("/"))',
      true,
    ],
  ])('%s', async (_, cell, value) => {
    expect(await run(cell)).toBe(value);
  });
});

describe('WebAssembly', () => {
  test('a file is a module, whose types are its own', async () => {
    expect(await run('import { add } from "./add.wasm"; add(2, 3)')).toBe(5);
    expect(await run('(await import("./add.wasm")).add(4, 5)')).toBe(9);
    expect(folder.problems('import { add } from "./add.wasm"; add("2", 3)')).toEqual(['TS2345']);
    expect(folder.problems('import { sub } from "./add.wasm"')).toEqual(['TS2305']);
  });

  test('its imports are taken from the modules they name', async () => {
    // (module (import "./env.ts" "seven" (func (result i32))) (export "seven" (func 0)))
    const name = [...Buffer.from('./env.ts')];
    const seven = [...Buffer.from('seven')];
    folder.write('env.ts', 'export const seven = (): number => 7;');
    const sections = [1, 5, 1, 96, 0, 1, 127, 2, 18, 1, 8, ...name, 5, ...seven, 0, 0, 7, 9, 1, 5, ...seven, 0, 0];
    folder.write('imports.wasm', Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0, ...sections]));
    expect(await run('import { seven } from "./imports.wasm"; seven()')).toBe(7);
  });

  test('the API has its types without those of a browser', async () => {
    const cell = `import { readFileSync } from "node:fs";
      const { instance } = await WebAssembly.instantiate(readFileSync(import.meta.dirname + "/add.wasm"));
      (instance.exports["add"] as (a: number, b: number) => number)(2, 4)`;
    expect(await run(cell)).toBe(6);
    expect(folder.problems('new WebAssembly.Memory({ inital: 1 })')).toEqual(['TS2561']);
  });

  test('a file that is none says so', async () => {
    folder.write('text.wasm', 'no WebAssembly');
    await expect(run('import("./text.wasm" as string)')).rejects.toThrow(/WebAssembly.Module/);
  });
});

describe('worker threads', () => {
  const asked = (worker: string, question: string): string => `
    import { Worker } from "node:worker_threads";
    const thread = ${worker};
    const answer = await new Promise((resolve, reject) => { thread.on("message", resolve); thread.on("error", reject); thread.postMessage(${question}); });
    await thread.terminate();
    answer`;

  beforeAll(() => {
    folder.write(
      'thread.ts',
      'import { parentPort, workerData } from "node:worker_threads"; import { twice, T } from "./lib";\n' +
        'parentPort!.on("message", (asked: T) => {\n  if (asked.a < 0) throw new RangeError("below zero");\n  parentPort!.postMessage([twice(asked.a), workerData ?? null, process.argv[1]!.endsWith("thread.ts")]);\n});',
    );
  });

  test.each([
    ['a path', 'new Worker("./thread.ts")'],
    ['an absolute path', `new Worker(__dirname + "/thread.ts")`],
    ['a URL', 'new Worker(new URL("./thread.ts", import.meta.url))'],
  ])('on a local TypeScript module by %s', async (_, worker) => {
    expect(await run(asked(worker, '{ a: 21 }'))).toEqual([42, null, true]);
  });

  test('workerData is what was given', async () => {
    const worker = 'new Worker("./thread.ts", { workerData: new Map([["k", 1]]) })';
    expect(await run(asked(worker, '{ a: 1 }'))).toEqual([2, new Map([['k', 1]]), true]);
  });

  test('an error in the thread arrives with the lines of the file', async () => {
    const stack = await run(asked('new Worker("./thread.ts")', '{ a: -1 }')).catch(
      (error: unknown) => (error as Error).stack,
    );
    expect(String(stack)).toMatch(/RangeError: below zero\n.*thread\.ts:3:26/);
  });

  test('text, and what is no module of ours, is left to Node', async () => {
    const text = JSON.stringify('require("worker_threads").parentPort.postMessage(1)');
    expect(await run(asked(`new Worker(${text}, { eval: true })`, '0'))).toBe(1);
    folder.write(
      'native.mjs',
      'import { parentPort } from "node:worker_threads"; parentPort.postMessage(import.meta.url.slice(-10));',
    );
    expect(await run(asked('new Worker("./native.mjs")', '0'))).toBe('native.mjs');
    await expect(run(asked('new Worker("./absent.ts")', '0'))).rejects.toThrow(/Cannot find module/);
  });

  test('what they run travels with a cluster cell', () => {
    const prepared = folder.check(
      'import { Worker } from "node:worker_threads"; new Worker("./thread.ts"); new URL("./lib.ts", import.meta.url); new URL("./data.csv", "file:///x")',
    );
    expect(prepared.ok && prepared.code.dynamicImports).toEqual(['./lib.ts', './thread.ts']);
  });
});
