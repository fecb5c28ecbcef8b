// Where the kernel hands cells to the magics: what belongs to them, and what an interrupt means to them.
import { KernelClient } from './client';

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await KernelClient.start();
});
afterAll(() => kernel.stop());

test('a cell that begins with a magic is not TypeScript', async () => {
  const { reply } = await kernel.execute('%%clustr --cores 2\n1 + 1');
  expect(reply).toMatchObject({ status: 'error', ename: 'UsageError' });
  expect(reply['evalue']).toContain('%%cluster');
});

test('a typo in an option is shown with a caret and the nearest option, before anything is sent', async () => {
  const { reply } = await kernel.execute('%%cluster --coers 2\n1 + 1');
  expect(reply).toMatchObject({ status: 'error', ename: 'UsageError' });
  expect(reply['evalue']).toMatch(/--cores/);
  expect(reply['evalue']).toContain('^');
});

test('a magic in the middle of a cell says where it belongs', async () => {
  const { reply } = await kernel.execute('const early = 1;\n%%cluster --cores 2\nearly');
  expect(reply).toMatchObject({ status: 'error', ename: 'UsageError' });
  expect(reply['evalue']).toMatch(/line 2.*first line of its cell/s);
});

test('a type error in a cluster cell is told in cell lines and never sent', async () => {
  const { reply } = await kernel.execute(`%%cluster --cores 1\nconst n: number = 'text';`);
  expect(reply).toMatchObject({ status: 'error', ename: 'TypeScriptError' });
  expect((reply['traceback'] as string[]).join('\n')).toContain(`Cell [${String(reply['execution_count'])}]:2:7`);
});

test('options are completed on the magic line, in the offsets of the cell', async () => {
  const code = '%%cluster --co';
  const reply = await kernel.request('shell', 'complete_request', { code: `${code}\n1`, cursor_pos: code.length });
  expect(reply['matches']).toContain('--cores');
  expect(reply).toMatchObject({ cursor_start: code.length - '--co'.length, cursor_end: code.length });
});

test('an option is explained where the cursor stands', async () => {
  const code = '%%cluster --cores 2';
  const reply = await kernel.request('shell', 'inspect_request', { code, cursor_pos: 14, detail_level: 0 });
  expect(reply).toMatchObject({ status: 'ok', found: true });
  expect(JSON.stringify(reply['data'])).toContain('--cores');
});

test('below the magic line TypeScript completes', async () => {
  await kernel.execute('const measurement = 5;');
  const code = '%%cluster --cores 1\nmeasu';
  const reply = await kernel.request('shell', 'complete_request', { code, cursor_pos: code.length });
  expect(reply['matches']).toContain('measurement');
});

describe('a cluster cell that waits', () => {
  const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const WAITING = `%%cluster --cores 1\nawait new Promise((resolve) => setTimeout(resolve, 600_000));`;
  const started = async () => {
    const id = await kernel.startCell(WAITING);
    await kernel.iopub.wait(
      'a status line that says running',
      ({ type, parentId, content }) =>
        type.includes('display_data') && parentId === id && JSON.stringify(content['data']).includes('running'),
    );
    return id;
  };
  const jobIn = (evalue: unknown) => /job (\S+?)[,.:]? /.exec(String(evalue))?.[1] ?? '';
  const listed = async () => JSON.stringify((await kernel.execute('%cluster jobs')).messages.map((m) => m.content));

  test('is detached by one interrupt, at once; the job goes on', async () => {
    const id = await started();
    const before = performance.now();
    await kernel.interrupt();
    const { reply } = await kernel.outcome(id, before);
    expect(reply).toMatchObject({ status: 'error', ename: 'KeyboardInterrupt' });
    expect(reply['evalue']).toMatch(/%cluster attach/);
    expect(performance.now() - before).toBeLessThan(1_000);
    expect(await listed()).toMatch(new RegExp(`${jobIn(reply['evalue'])}[^]*running`));
    expect((await kernel.execute(`%cluster cancel ${jobIn(reply['evalue'])}`)).reply).toMatchObject({ status: 'ok' });
  });

  test('is cancelled by a second interrupt soon after, and says so in its own cell', async () => {
    const id = await started();
    await kernel.interrupt();
    await kernel.outcome(id);
    await kernel.interrupt();
    await kernel.printed(id, 'cancelled');
  });

  test('is not cancelled by an interrupt of a later cell', async () => {
    const id = await started();
    await kernel.interrupt();
    const { reply } = await kernel.outcome(id);
    const spinning = await kernel.startCell(`console.log('spinning'); while (true) { Math.random(); }`);
    await kernel.printed(spinning, 'spinning');
    await kernel.interrupt();
    expect((await kernel.outcome(spinning)).reply).toMatchObject({ ename: 'KeyboardInterrupt' });
    await pause(300);
    expect(await listed()).toMatch(new RegExp(`${jobIn(reply['evalue'])}[^]*running`));
    await kernel.execute(`%cluster cancel ${jobIn(reply['evalue'])}`);
  });

  test('a local cell can run after it, and the kernel answers meanwhile', async () => {
    const id = await started();
    expect(await kernel.beat()).toBeLessThan(200);
    expect(await kernel.request('control', 'kernel_info_request')).toMatchObject({ status: 'ok' });
    await kernel.interrupt();
    const { reply } = await kernel.outcome(id);
    expect((await kernel.execute('1 + 1')).result).toMatchObject({ data: { 'text/plain': '2' } });
    await kernel.execute(`%cluster cancel ${jobIn(reply['evalue'])}`);
  });
});
