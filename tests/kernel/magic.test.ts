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
