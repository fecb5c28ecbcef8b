// The language worker as the kernel uses it: the built program in a thread of its own.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Language } from '../../language/client';
import { CURRENT_SLOT } from '../../language/messages';

const directory = mkdtempSync(join(tmpdir(), 'cellburst-worker-'));
const workerPath = join(__dirname, '../../dist/language.js');
const open: Language[] = [];

function start(options: { workerPath?: string; onRestart?: (reason: Error) => void } = {}): Language {
  const language = new Language({ directory, workerPath, ...options });
  open.push(language);
  return language;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((language) => language.close()));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

test('cells are prepared, committed, completed and inspected', async () => {
  const language = start();
  const prepared = await language.prepare({ source: 'const rows = [1, 2]; rows.length', execution: 1 });
  expect(prepared).toMatchObject({ ok: true, code: { execution: 1, declarations: [{ name: 'rows' }] } });
  await language.commit(1, 2);
  expect((await language.complete('rows.toSpl', 10)).matches).toEqual([{ text: 'toSpliced', kind: 'method' }]);
  expect((await language.inspect('rows', 2))?.plain).toBe('const rows: number[]');
  expect(await language.isComplete('rows.map(')).toEqual({ status: 'incomplete', indent: '  ' });
  expect(await language.prepare({ source: 'rows.nope', execution: 2 })).toMatchObject({
    ok: false,
    problems: [{ code: 2339, line: 0, column: 5, length: 4 }],
  });
  await language.reset();
  expect(await language.prepare({ source: 'rows', execution: 3 })).toMatchObject({ ok: false });
});

test('a request that is given up rejects with the reason, and the next one is answered', async () => {
  const language = start();
  const control = new AbortController();
  const slow = language.prepare({ source: 'let a = 1', execution: 1 }, control.signal);
  control.abort(new Error('interrupted'));
  await expect(slow).rejects.toThrow('interrupted');
  await expect(language.complete('x', 1, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
  expect(await language.prepare({ source: 'let b = 1', execution: 2 })).toMatchObject({ ok: true });
});

// Each turn multiplies the work of relating two types.
const SLOW = `type Grow<N extends number, A extends unknown[] = []> = A["length"] extends N ? A : Grow<N, [...A, A]>;
${Array.from({ length: 60 }, (_, n) => `type T${n} = Grow<${900 + n}>; const v${n}: T${n} = null as any as [...T${n}, 1];`).join('\n')}`;

test('a check that takes long is ended by its signal', async () => {
  const language = start();
  await language.prepare({ source: '1', execution: 1 });
  await language.commit(1, 1);
  const control = new AbortController();
  const slow = language.prepare({ source: SLOW, execution: 2 }, control.signal);
  setTimeout(() => {
    control.abort(new Error('interrupted'));
  }, 30);
  await expect(slow).rejects.toThrow('interrupted');
  const began = performance.now();
  const ask = () => language.isComplete('1').catch(() => ({ status: 'unknown' }));
  let answer = await ask();
  // A console is told so while it would have to wait.
  while (answer.status === 'unknown' && performance.now() - began < 20_000) answer = await ask();
  expect(answer).toEqual({ status: 'complete' });
  expect(performance.now() - began).toBeLessThan(20_000);
});

test('a worker that dies is reported and replaced, and knows all cells again', async () => {
  const crashing = join(directory, 'crashing.js');
  const quoted = JSON.stringify(workerPath);
  // The real worker, with a way to make it die.
  writeFileSync(
    crashing,
    `const { parentPort } = require('node:worker_threads');
     parentPort.on('message', ({ question }) => { if (question?.source === 'die') process.exit(9) });
     require(${quoted});`,
  );
  const reasons: string[] = [];
  const language = start({ workerPath: crashing, onRestart: (reason) => reasons.push(reason.message) });
  await language.prepare({ source: 'const kept = 1', execution: 1 });
  await language.commit(1, 2);
  await language.prepare({ source: 'const pending: string = "s"', execution: 2 });
  await expect(language.isComplete('die')).rejects.toThrow(/ended unexpectedly \(exit code 9\).*try again/);
  expect(reasons).toHaveLength(1);
  await language.commit(2, 2);
  expect(await language.prepare({ source: 'kept.toFixed() + pending.trim()', execution: 3 })).toMatchObject({
    ok: true,
  });
});

test('what waits behind a request that does not give up is answered by the next worker', async () => {
  const spinning = join(directory, 'spinning.js');
  const spins = join(directory, 'spins');
  // The real worker, with a request that it never comes back from.
  writeFileSync(
    spinning,
    `const { parentPort, workerData } = require('node:worker_threads');
     parentPort.on('message', ({ id, question }) => {
       if (question?.source !== 'spin') return;
       Atomics.store(new Int32Array(workerData.cancelled), ${CURRENT_SLOT}, id);
       require('node:fs').writeFileSync(${JSON.stringify(spins)}, '');
       for (;;);
     });
     require(${JSON.stringify(workerPath)});`,
  );
  const reasons: string[] = [];
  const language = start({ workerPath: spinning, onRestart: (reason) => reasons.push(reason.message) });
  await language.prepare({ source: 'const kept = 1', execution: 1 });
  await language.commit(1, 2);
  const control = new AbortController();
  const stuck = language.inspect('spin', 1, control.signal);
  const behind = language.prepare({ source: 'kept.toFixed()', execution: 2 });
  // One that has not begun is passed over.
  while (!existsSync(spins)) await new Promise((resolve) => setTimeout(resolve, 20));
  control.abort(new Error('given up'));
  await expect(stuck).rejects.toThrow('given up');
  expect(await behind).toMatchObject({ ok: true });
  expect(reasons).toEqual([expect.stringContaining('did not give up a long check')]);
});

test('a worker that cannot start says so at once', async () => {
  const broken = join(directory, 'broken.js');
  writeFileSync(broken, 'throw new Error("no compiler");');
  const language = start({ workerPath: broken });
  await expect(language.prepare({ source: '1', execution: 1 })).rejects.toThrow('no compiler');
  let failure: unknown;
  for (let turn = 0; turn < 6; turn++) failure = await language.isComplete('1').catch((error: unknown) => error);
  expect(String(failure)).toContain('does not stay up');
});

test('closing ends what waits', async () => {
  const language = start();
  const waiting = language.prepare({ source: '1', execution: 1 });
  const failed = expect(waiting).rejects.toThrow('closed');
  await language.close();
  await failed;
});

test('while a check is running, names are completed at once', async () => {
  const language = start();
  await language.prepare({ source: 'const measured = 1; function measure() { return measured; }', execution: 1 });
  await language.commit(1, 9);
  const control = new AbortController();
  const slow = language.prepare({ source: SLOW, execution: 2 }, control.signal);
  const started = performance.now();
  const source = 'const measurement = 2; meas';
  const names = await language.complete(source, source.length);
  const took = performance.now() - started;
  control.abort(new Error('interrupted'));
  await expect(slow).rejects.toThrow('interrupted');
  expect(names).toEqual({
    start: source.length - 4,
    end: source.length,
    matches: [
      { text: 'measure', kind: 'function' },
      { text: 'measured', kind: 'const' },
      { text: 'measurement', kind: 'text' },
    ],
  });
  expect(took).toBeLessThan(500);
  // Afterwards the compiler answers again, types and all.
  const members = () => language.complete('measured.toF', 12);
  const { matches } = await members().catch(members);
  expect(matches).toEqual([{ text: 'toFixed', kind: 'method' }]);
}, 40_000);
