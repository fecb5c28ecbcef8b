// Cells that run here, as a front end sees them.
import { errorOf, shownText, succeed, useNotebook, valueOf } from './open';

const opened = useNotebook();

test('the last expression is the result, and what is printed comes as streams', async () => {
  const run = await succeed(opened.notebook, 'console.log("out"); console.error("err"); 6 * 7');
  expect(run.value).toBe('42');
  expect(run.stdout).toBe('out\n');
  expect(run.stderr).toBe('err\n');
});

test('a statement has no result', async () => {
  const run = await succeed(opened.notebook, 'const unseen = 1;');
  expect(run.outputs).toEqual([]);
});

test('execution counts go up by one, and the front end is told which cell runs', async () => {
  const first = await succeed(opened.notebook, '1');
  const second = await succeed(opened.notebook, '2');
  expect(second.executionCount).toBe((first.executionCount ?? NaN) + 1);
});

test('names, functions and classes of one cell are there in the next, and can be declared again', async () => {
  await succeed(
    opened.notebook,
    'let count = 1; const double = (x: number) => 2 * x; class Point { constructor(readonly x: number) {} }',
  );
  await succeed(opened.notebook, 'count = double(new Point(21).x)');
  expect(await valueOf(opened.notebook, 'count')).toBe('42');
  await succeed(opened.notebook, 'const double = (x: number) => 3 * x');
  expect(await valueOf(opened.notebook, 'double(1)')).toBe('3');
});

test('a function of an earlier cell sees what a name means now', async () => {
  await succeed(opened.notebook, 'let rate = 1; const scaled = (x: number) => x * rate;');
  await succeed(opened.notebook, 'rate = 10');
  expect(await valueOf(opened.notebook, 'scaled(4)')).toBe('40');
});

test('await works at the top level', async () => {
  expect(await valueOf(opened.notebook, 'const later = await Promise.resolve(7); later')).toBe('7');
});

test('an error has its class, its message and the lines of the cell', async () => {
  const error = await errorOf(
    opened.notebook,
    'class TooCold extends RangeError { override name = "TooCold" }\n\nthrow new TooCold("-300 C")',
  );
  expect(error).toMatchObject({ name: 'TooCold', message: '-300 C' });
  expect(error.traceback).toMatch(/TooCold: -300 C/);
  expect(error.traceback).toMatch(/Cell \[\d+\]:3:\d+/);
  expect(error.traceback).not.toMatch(/node:internal|dist\/user\.js/);
});

test('what an erring cell has declared before the error stays', async () => {
  await errorOf(opened.notebook, 'const before = "kept"; throw new Error("no")');
  expect(await valueOf(opened.notebook, 'before')).toBe("'kept'");
});

test('output that comes after the cell has ended is not lost and belongs to that cell', async () => {
  const cell = opened.notebook.start('setTimeout(() => console.log("late"), 150)');
  await cell.done;
  await succeed(opened.notebook, 'await new Promise((resolve) => setTimeout(resolve, 500))');
  expect(shownText(cell)).toContain('late');
});

test('a rejection that nobody handles is shown and does not end the kernel', async () => {
  const cell = opened.notebook.start(
    'void Promise.reject(new Error("nobody listens")); await new Promise((resolve) => setTimeout(resolve, 100))',
  );
  await cell.done;
  await succeed(opened.notebook, 'await new Promise((resolve) => setTimeout(resolve, 200))');
  expect(shownText(cell)).toContain('nobody listens');
});

describe('displays', () => {
  test('display() shows several things in one cell, in order', async () => {
    const run = await succeed(
      opened.notebook,
      'import { display } from "cellburst"; display.html("<b>one</b>"); console.log("two"); display.svg("<svg/>")',
    );
    expect(run.outputs.map((output) => output.output_type)).toEqual(['display_data', 'stream', 'display_data']);
    expect(run.outputs[0]).toMatchObject({ data: { 'text/html': '<b>one</b>' } });
    expect(run.outputs[2]).toMatchObject({ data: { 'image/svg+xml': '<svg/>' } });
  });

  test('a display is updated in place', async () => {
    const run = await succeed(
      opened.notebook,
      'import { newDisplay } from "cellburst"; const bar = newDisplay(); bar.text("10 %"); bar.text("100 %"); void 0',
    );
    expect(run.outputs).toMatchObject([{ output_type: 'display_data', data: { 'text/plain': '100 %' } }]);
  });
});

describe('notebooks written for tslab keep working:', () => {
  test('display and newDisplay of the module tslab', async () => {
    const run = await succeed(opened.notebook, 'import * as tslab from "tslab"; tslab.display.html("<i>old</i>")');
    expect(run.outputs).toMatchObject([{ output_type: 'display_data', data: { 'text/html': '<i>old</i>' } }]);
    const updated = await succeed(
      opened.notebook,
      'const shown = tslab.newDisplay(); shown.text("1"); shown.text("2"); void 0',
    );
    expect(updated.outputs).toMatchObject([{ output_type: 'display_data', data: { 'text/plain': '2' } }]);
  });

  test('a cell that is a module in memory, imported by its name', async () => {
    const source =
      '/** @module doubling */\nexport const factor = 2;\nexport function double(x: number) { return factor * x }';
    await succeed(opened.notebook, source);
    expect(await valueOf(opened.notebook, 'import { double } from "./doubling"; double(21)')).toBe('42');
  });

  test('JSX with the factory that a pragma names', async () => {
    const factory = 'const h = (tag: string, _props: object | null, ...inner: unknown[]) => [tag, ...inner];';
    expect(await valueOf(opened.notebook, `/** @jsx h */\n${factory}\n<b>bold</b>`)).toBe("[ 'b', 'bold' ]");
  });
});

test('packages and built-in modules are imported from the folder of the notebook', async () => {
  expect(await valueOf(opened.notebook, 'import { join } from "node:path"; join("a", "b")')).toBe("'a/b'");
  expect(await valueOf(opened.notebook, 'process.cwd()')).toBe(`'${opened.server.directory}'`);
});

test('pmap maps in order over the cores of this machine, and an error says at which item', async () => {
  const source = 'import { pmap } from "cellburst"; const offset = 100; const plus = (x: number) => x + offset;';
  await succeed(opened.notebook, source);
  expect(await valueOf(opened.notebook, '(await pmap([1, 2, 3, 4, 5], plus)).join()')).toBe("'101,102,103,104,105'");
  const caught =
    'try { await pmap([1, 2, 3], (x) => { if (x === 2) throw new RangeError("two"); return x; }) } catch (error) { found = error }';
  await succeed(opened.notebook, `let found: unknown; ${caught}`);
  expect(await valueOf(opened.notebook, '[found instanceof RangeError, (found as { index?: number }).index]')).toBe(
    '[ true, 1 ]',
  );
});
