// Interrupts, restarts and deaths, through the server's own means.
import { errorOf, shownText, succeed, useNotebook, valueOf } from './open';
import { isAlive } from './processes';

const opened = useNotebook();

const BUSY: readonly (readonly [string, string])[] = [
  ['a busy loop', 'console.log("on"); let n = 0; while (true) n++;'],
  ['a busy loop after an await', 'await null; console.log("on"); while (true) {}'],
  ['a promise that never settles', 'console.log("on"); await new Promise(() => {});'],
  ['a busy loop in a timer', 'setTimeout(() => { console.log("on"); while (true) {} }); await new Promise(() => {});'],
];

test.each(BUSY)('an interrupt ends %s and keeps all variables', async (_name, source) => {
  await succeed(opened.notebook, 'const kept = { deep: [1, 2, 3] };');
  const cell = opened.notebook.start(source);
  await cell.until((outputs) => shownText({ outputs }).includes('on'));
  await opened.notebook.interrupt();
  const run = await cell.done;
  expect(run.error?.name).toBe('KeyboardInterrupt');
  expect(await valueOf(opened.notebook, 'kept.deep.length')).toBe('3');
});

test('an interrupt when nothing runs does no harm to the next cell', async () => {
  await opened.notebook.interrupt();
  expect(await valueOf(opened.notebook, '1 + 1')).toBe('2');
});

test('the kernel answers while a cell is busy', async () => {
  const cell = opened.notebook.start('console.log("on"); while (true) {}');
  await cell.until((outputs) => shownText({ outputs }).includes('on'));
  const asked = performance.now();
  expect((await opened.notebook.complete('Math.ma')).matches).toContain('max');
  expect(performance.now() - asked).toBeLessThan(10_000);
  await opened.notebook.interrupt();
  expect((await cell.done).error?.name).toBe('KeyboardInterrupt');
});

test('a cell that ends its process is reported with the cause, and the next cell runs in a new one', async () => {
  const before = Number(await valueOf(opened.notebook, 'process.pid'));
  const exited = await errorOf(opened.notebook, 'process.exit(3)');
  expect(`${exited.message} ${exited.traceback}`).toMatch(/\b3\b/);
  expect(isAlive(before)).toBe(false);
  const after = Number(await valueOf(opened.notebook, 'process.pid'));
  expect(after).not.toBe(before);
  const aborted = await errorOf(opened.notebook, 'process.abort()');
  expect(`${aborted.message} ${aborted.traceback}`).toMatch(/SIGABRT|abort/i);
  expect(await valueOf(opened.notebook, '40 + 2')).toBe('42');
});

test('a restart gives a kernel without the old names, whose counts begin at 1', async () => {
  await succeed(opened.notebook, 'const gone = 1;');
  await opened.notebook.restart();
  const run = await succeed(opened.notebook, 'typeof globalThis');
  expect(run.executionCount).toBe(1);
  expect((await errorOf(opened.notebook, 'gone')).traceback).toMatch(/Cannot find name 'gone'|gone is not defined/);
});

test('a closed notebook leaves no process behind', async () => {
  const notebook = await opened.server.openNotebook();
  const user = Number(await valueOf(notebook, 'process.pid'));
  const supervisor = Number(await valueOf(notebook, 'process.ppid'));
  await notebook.close();
  await expectGone(user);
  await expectGone(supervisor);
});

async function expectGone(pid: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (isAlive(pid) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(isAlive(pid)).toBe(false);
}
