import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stop } from 'esbuild';
import { Realm } from '../../magics/realm/realm';
import type { CellRun } from '../../magics/realm/realm';
import { cellOf } from './hand-made';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'realm-'));
});
afterAll(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

function valueOf(run: CellRun): unknown {
  if (!run.ok) throw run.error;
  return run.value;
}

function openRealm(): Realm {
  return new Realm({ directory: folder, text: 'local' });
}

test('a name declared by one cell is the same variable in the next', async () => {
  const realm = openRealm();
  await realm.run(cellOf({ body: 'const $p = () => 1; $x_.progress = $p; count_ = 41;', declares: { count: 'let' } }));
  const run = await realm.run(cellOf({ body: '$x_.value = ++count_;' }));
  expect(valueOf(run)).toBe(42);
  expect(realm.get('count')).toBe(42);
  expect(realm.has('count')).toBe(true);
});

test('a cell without a last expression has no value', async () => {
  expect(await openRealm().run(cellOf({ body: '1;' }))).toMatchObject({ ok: true, hasValue: false });
});

test('a cell that throws says how far it came, and names beyond are not bound', async () => {
  const realm = openRealm();
  const run = await realm.run(
    cellOf({
      body: 'let done = 0; $x_.progress = () => done; first_ = 1; done = 1; throw new RangeError("no"); second_ = 2;',
      declares: { first: 'let', second: 'let' },
    }),
  );
  expect(run).toMatchObject({ ok: false, progress: 1 });
  expect(realm.has('first')).toBe(true);
  expect(realm.has('second')).toBe(false);
});

test('the stack of a thrown error names the cell, and no frame of ours', async () => {
  const run = await openRealm().run(cellOf({ body: '\nnull.x;', execution: 7 }));
  if (run.ok) throw new Error('the cell should have thrown');
  const stack = String(Reflect.get(run.error as object, 'stack'));
  expect(stack.split('\n').slice(0, 2)).toEqual([
    "TypeError: Cannot read properties of null (reading 'x')",
    '    at Cell [7]:2:6',
  ]);
  expect(stack).not.toMatch(/realm\.ts|node:internal|node:vm/);
});

test("V8's message about a notebook name shows the name as typed", async () => {
  const run = await openRealm().run(cellOf({ body: 'undefinedYet_();', declares: { undefinedYet: 'var' } }));
  expect(run.ok ? undefined : Reflect.get(run.error as object, 'message')).toBe('undefinedYet is not a function');
});

test('builtins and packages are imported as from the folder of the notebook', async () => {
  const run = await openRealm().run(
    cellOf({
      body: '$x_.value = $x_.modules[0].join("a", "b");',
      imports: [{ specifier: 'node:path', bindings: [{ name: 'join', imported: 'join' }] }],
    }),
  );
  expect(valueOf(run)).toBe(join('a', 'b'));
});

test('a local TypeScript module is loaded, and loaded again once it, or what it imports, has changed', async () => {
  const realm = openRealm();
  writeFileSync(join(folder, 'inner.ts'), 'export const inner: number = 1;');
  writeFileSync(join(folder, 'outer.ts'), "import { inner } from './inner'; export const outer: number = inner * 10;");
  const cell = cellOf({
    body: '$x_.value = $x_.modules[0].outer;',
    imports: [{ specifier: './outer', bindings: [{ name: 'outer', imported: 'outer' }] }],
  });
  expect(valueOf(await realm.run(cell))).toBe(10);
  writeFileSync(join(folder, 'inner.ts'), 'export const inner: number = 2;');
  expect(valueOf(await realm.run(cell))).toBe(20);
});

test('a frame of a local module is shown at its place in the TypeScript file', async () => {
  writeFileSync(
    join(folder, 'bad.ts'),
    'type Long = {\n  a: number;\n};\nexport function bad(): Long {\n  throw new Error("bad");\n}\n',
  );
  const run = await openRealm().run(
    cellOf({ body: '$x_.modules[0].bad();', imports: [{ specifier: './bad.ts', bindings: [] }] }),
  );
  expect(String(Reflect.get((run as { error: object }).error, 'stack'))).toContain(
    `bad (${join(folder, 'bad.ts')}:5:9)`,
  );
});

test('a module that is not there is the error of the cell that imports it', async () => {
  const run = await openRealm().run(cellOf({ body: '', imports: [{ specifier: './nowhere', bindings: [] }] }));
  expect(run.ok ? undefined : Reflect.get(run.error as object, 'message')).toBe(
    `Cannot find module './nowhere' from ${folder}.`,
  );
});

test('an aborted cell counts as interrupted', async () => {
  const abort = new AbortController();
  const run = openRealm().run(cellOf({ body: 'await new Promise(() => {});', isAsync: true }), abort.signal);
  setTimeout(() => {
    abort.abort();
  }, 10);
  expect(String(((await run) as { error: unknown }).error)).toBe('KeyboardInterrupt: The cell was interrupted.');
});
