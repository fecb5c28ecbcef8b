// Cells as the language prepares them, run by the realm: the two sides of magics/protocol/code.ts together.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NotebookLanguage } from '../../language/notebook';
import { Realm } from '../../magics/realm/realm';

const directory = mkdtempSync(join(tmpdir(), 'cellburst-both-'));
const language = new NotebookLanguage({ directory, isJS: false });
const realm = new Realm({ directory, text: 'local' });
let execution = 0;

afterAll(() => {
  rmSync(directory, { recursive: true });
});

async function run(source: string): Promise<unknown> {
  execution += 1;
  const prepared = language.prepare({ source, execution });
  if (!prepared.ok) throw new Error(prepared.problems.map(({ message }) => message).join('\n'));
  const outcome = await realm.run(prepared.code);
  language.commit(execution, outcome.progress);
  if (!outcome.ok) throw outcome.error;
  return outcome.value;
}

test('names, functions, classes and enums live on', async () => {
  await run('let n = 1; const inc = () => ++n; class P { #v = 1; get v() { return this.#v + n } } enum E { A, B }');
  expect(await run('inc(); n = 10; inc(); [n, new P().v, E.B, E[1]].join()')).toBe('11,12,1,B');
});

test('builtins, JSON and local modules are imported', async () => {
  writeFileSync(join(directory, 'rows.json'), '{ "rows": [1, 2] }');
  writeFileSync(
    join(directory, 'lib.ts'),
    'export interface T { a: number } export const twice = (x: number): number => 2 * x;',
  );
  await run(
    'import fs, { existsSync } from "node:fs"; import data from "./rows.json"; import { twice, T } from "./lib"',
  );
  expect(
    await run('const t: T = { a: 4 }; [existsSync("/"), fs.existsSync("/"), data.rows.length, twice(t.a)].join()'),
  ).toBe('true,true,2,8');
  expect(await run('(await import("./lib")).twice(3) + require("node:path").basename("/a/b").length')).toBe(7);
});

test('a module in memory is evaluated where it is imported, and again when its cell has changed', async () => {
  const source =
    '/** @module doubling */\nexport const factor = 2;\nexport function double(x: number) { return factor * x }';
  expect(await run(source)).toBeUndefined();
  expect(await run('import { double } from "./doubling"; double(21)')).toBe(42);
  await run(source.replace('= 2', '= 3'));
  expect(await run('import { double } from "./doubling"; double(21)')).toBe(63);
});

test('decorators, using and JSX pragmas run', async () => {
  await run(
    'const log: string[] = []; const dec = (v: unknown, c: { name?: string | symbol }) => { log.push(String(c.name)) }',
  );
  await run('@dec class D { @dec m() {} }\nusing q = { [Symbol.dispose]() { log.push("gone") } };');
  expect(await run('log.join()')).toBe('m,D,gone');
  expect(
    await run(
      '/** @jsx h */\nconst h = (tag: string, _p: object | null, ...inner: unknown[]) => [tag, ...inner].join();\n<b>x</b>',
    ),
  ).toBe('b,x');
});

test('an error keeps its place in the cell, and what came before it', async () => {
  let thrown: unknown;
  await run('interface Gone {\n}\nconst before = 1;\n  throw new RangeError("out"); const after = 2').catch(
    (error: unknown) => {
      thrown = error;
    },
  );
  expect(
    String((thrown as Error).stack)
      .split('\n')
      .slice(0, 2),
  ).toEqual(['RangeError: out', `    at Cell [${execution}]:4:9`]);
  expect(await run('before')).toBe(1);
  await expect(run('after')).rejects.toThrow("Cannot find name 'after'");
});

test('a name in its dead zone and a const say so', async () => {
  await expect(run('const late = () => soon; late(); const soon = 1')).rejects.toThrow(
    "Cannot access 'soon' before initialization",
  );
  await expect(run('const fixed = 1; (fixed as any) = 2')).rejects.toThrow(/constant/);
});
