// What the protocol asks of a kernel beyond running cells: user expressions, history over sessions, numbers of cells that are not counted.
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KernelClient } from './client';
import type { Fields } from './client';

describe('user expressions', () => {
  let kernel: KernelClient;
  beforeAll(async () => {
    kernel = await KernelClient.start();
  });
  afterAll(() => kernel.stop());
  const evaluated = async (code: string, user_expressions: Fields, options: Fields = {}) => {
    const { reply } = await kernel.execute(code, { user_expressions, ...options });
    return (reply['user_expressions'] ?? {}) as Record<string, Fields>;
  };

  test('are evaluated after the cell, each with a result or an error of its own', async () => {
    const results = await evaluated('const base = 20;', {
      double: 'base * 2',
      later: 'await Promise.resolve(base + 1)',
      rich: `({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<b>20</b>' }) })`,
      thrown: `(() => { throw new RangeError('no'); })()`,
      unknown: 'notThere + 1',
      nothing: 'undefined',
    });
    expect(results).toMatchObject({
      double: { status: 'ok', data: { 'text/plain': '40' }, metadata: {} },
      later: { status: 'ok', data: { 'text/plain': '21' } },
      rich: { status: 'ok', data: { 'text/html': '<b>20</b>' } },
      thrown: { status: 'error', ename: 'RangeError', evalue: 'no' },
      unknown: { status: 'error', ename: 'TypeScriptError' },
      nothing: { status: 'ok', data: { 'text/plain': 'undefined' } },
    });
  });

  test('are evaluated for an empty silent cell too, which is how front ends ask', async () => {
    await kernel.execute('const asked = 7;');
    expect(await evaluated('', { value: 'asked' }, { silent: true })).toMatchObject({
      value: { status: 'ok', data: { 'text/plain': '7' } },
    });
  });

  test('are not evaluated when the cell fails, and count nothing', async () => {
    const { reply } = await kernel.execute(`throw new Error('first')`, { user_expressions: { a: '1' } });
    expect(reply).not.toHaveProperty('user_expressions.a');
    expect((await kernel.execute('1')).reply['execution_count']).toBe(Number(reply['execution_count']) + 1);
  });

  test.each(['%%cluster --cores 1\n1', '%env SET_BY_LOOKING=1', '!touch looked'])(
    'refuse the magic %j',
    async (code) => {
      const results = await evaluated('1', { magic: code });
      expect(results['magic']).toMatchObject({ status: 'error', ename: 'UsageError' });
      expect((await kernel.execute(`process.env['SET_BY_LOOKING']`)).result).toBeUndefined();
      expect(readdirSync(kernel.directory)).not.toContain('looked');
    },
  );

  test('can be interrupted', async () => {
    const id = await kernel.startCell(`console.log('asking')`, {
      user_expressions: { endless: 'await new Promise(() => {})' },
    });
    await kernel.printed(id, 'asking');
    await kernel.interrupt();
    const { reply } = await kernel.outcome(id);
    expect(reply).toMatchObject({ status: 'ok', user_expressions: { endless: { ename: 'KeyboardInterrupt' } } });
  });

  test('a silent cell and one that is not stored show no strange numbers', async () => {
    const { reply: counted } = await kernel.execute('1');
    for (const options of [{ silent: true }, { store_history: false }]) {
      const { reply, messages } = await kernel.execute(`\nthrow new Error('here');`, options);
      const traceback = (reply['traceback'] as string[]).join('\n');
      expect(traceback).toMatch(/Cell \[\*\d\d?\]/);
      // The line is shown all the same.
      expect(traceback).toContain(`throw new Error('here');`);
      expect(traceback).not.toMatch(/\[\d{4}/);
      const input = messages.find(({ type }) => type === 'execute_input');
      if (input) expect(input.content['execution_count']).toBe(counted['execution_count']);
    }
  });
});

describe('history', () => {
  const state = mkdtempSync(join(tmpdir(), 'history-test-'));
  const kernels: KernelClient[] = [];
  const start = async () => {
    const kernel = await KernelClient.start({ CELLBURST_STATE_DIR: state });
    kernels.push(kernel);
    return kernel;
  };
  afterAll(async () => {
    await Promise.all(kernels.map((kernel) => kernel.stop()));
    rmSync(state, { recursive: true, force: true });
  });
  const historyOf = async (kernel: KernelClient, content: Fields) =>
    (await kernel.request('shell', 'history_request', { output: false, raw: true, ...content }))['history'];

  test('outlives its session: tail, range, search, unique and output over all of them', async () => {
    const first = await start();
    await first.execute('1 + 1');
    await first.execute('const repeated = 1;');
    await first.execute('const repeated = 1;');
    await first.stop();
    // A kernel that died while it wrote.
    appendFileSync(join(state, 'history', '1.jsonl'), '{"line":4,"sou');

    const second = await start();
    expect(await historyOf(second, { hist_access_type: 'tail', n: 2 })).toEqual([
      [1, 2, 'const repeated = 1;'],
      [1, 3, 'const repeated = 1;'],
    ]);
    await second.execute('2 + 2');
    await second.execute('silently', { silent: true });
    await second.execute('unstored', { store_history: false });
    expect(await historyOf(second, { hist_access_type: 'tail', n: 2, output: true })).toEqual([
      [1, 3, ['const repeated = 1;', null]],
      [2, 1, ['2 + 2', '4']],
    ]);
    const range = (session: number, start = 1, stop = 9) =>
      historyOf(second, { hist_access_type: 'range', session, start, stop });
    expect(await range(0)).toEqual([[2, 1, '2 + 2']]);
    expect(await range(-1, 1, 3)).toEqual([
      [1, 1, '1 + 1'],
      [1, 2, 'const repeated = 1;'],
    ]);
    expect(await range(1, 3)).toEqual([[1, 3, 'const repeated = 1;']]);
    expect(await range(7)).toEqual([]);
    expect(await historyOf(second, { hist_access_type: 'search', pattern: '* + *' })).toEqual([
      [1, 1, '1 + 1'],
      [2, 1, '2 + 2'],
    ]);
    expect(await historyOf(second, { hist_access_type: 'search', pattern: 'const*', unique: true })).toEqual([
      [1, 3, 'const repeated = 1;'],
    ]);
    expect(await historyOf(second, { hist_access_type: 'guess' })).toEqual([]);

    // Two kernels at once have two sessions.
    const third = await start();
    await third.execute('3 + 3');
    await second.execute('4 + 4');
    expect(await historyOf(third, { hist_access_type: 'tail', n: 2 })).toEqual([
      [2, 2, '4 + 4'],
      [3, 1, '3 + 3'],
    ]);
    expect(statSync(join(state, 'history', '3.jsonl')).mode & 0o077).toBe(0);
  }, 40_000);
});

test('a kernel of JavaScript says so, and runs what no type check would let through', async () => {
  const kernel = await KernelClient.start({}, undefined, ['--javascript']);
  try {
    expect(await kernel.request('shell', 'kernel_info_request')).toMatchObject({
      language_info: {
        name: 'javascript',
        version: process.versions.node,
        mimetype: 'text/javascript',
        file_extension: '.js',
      },
    });
    const loose = `let reading = 5;\nreading = 'five';\nconst sum = [] + {};\nfunction area(r) { return r * r; }\nreading + area(2)`;
    expect((await kernel.execute(loose)).result).toMatchObject({ data: { 'text/plain': `'five4'` } });
    expect((await kernel.execute('area(3)')).result).toMatchObject({ data: { 'text/plain': '9' } });
    expect((await kernel.execute('const = 1')).reply).toMatchObject({ status: 'error' });
    const code = 'are';
    expect(await kernel.request('shell', 'complete_request', { code, cursor_pos: 3 })).toMatchObject({
      matches: expect.arrayContaining(['area']) as string[],
    });
  } finally {
    await kernel.stop();
  }
});
