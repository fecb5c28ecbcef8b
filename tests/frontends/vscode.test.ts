// A smoke test as VS Code's Jupyter extension talks to a kernel: see raw-kernel.ts for what that is and where it is known from. The library checks the
// shape of every message it is given, and throws for one that is wrong.
import type { Kernel, KernelMessage } from '@jupyterlab/services';
import { OutputArea, type NotebookOutput } from '../notebook/outputs';
import { RawKernel } from './raw-kernel';

let kernel: RawKernel;
beforeAll(async () => {
  kernel = await RawKernel.start();
});
afterAll(() => kernel.stop());

interface Ran {
  readonly id: string;
  readonly outputs: readonly NotebookOutput[];
  readonly done: Promise<KernelMessage.IExecuteReplyMsg>;
  readonly future: Kernel.IShellFuture<KernelMessage.IExecuteRequestMsg, KernelMessage.IExecuteReplyMsg>;
}

/** With the options and the metadata that cellExecution.ts sends. */
function run(code: string): Ran {
  const future = kernel.connection.requestExecute(
    { code, silent: false, stop_on_error: false, allow_stdin: true, store_history: true },
    false,
    { cellId: 'vscode-notebook-cell:/home/ada/orbits.ipynb#W0sZmlsZQ%3D%3D' },
  );
  const area = new OutputArea(new Map());
  future.onIOPub = (message) => {
    area.apply(message);
  };
  return { id: future.msg.header.msg_id, outputs: area.outputs, done: future.done, future };
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(condition()).toBe(true);
}

test('it starts by the program of kernel.json, and tells the language before anything is run', async () => {
  expect(kernel.spec.interrupt_mode).toBe('message');
  const content = await kernel.tell();
  expect(content).toMatchObject({ status: 'ok', language_info: { name: 'typescript', file_extension: '.ts' } });
  // What it asks next, for widgets.
  const comms = await kernel.connection.requestCommInfo({ target_name: 'jupyter.widget' });
  expect(comms.content).toMatchObject({ status: 'ok', comms: {} });
});

test('cells run, and what they show is what the editor expects', async () => {
  const { done, outputs } = run(`console.log('out');\nconst answer = 42;\nanswer`);
  const { content } = await done;
  expect(content).toMatchObject({ status: 'ok', execution_count: 1 });
  expect(outputs).toMatchObject([
    { output_type: 'stream', name: 'stdout', text: 'out\n' },
    { output_type: 'execute_result', data: { 'text/plain': '42' }, execution_count: 1 },
  ]);
});

test('completion and inspection have the shapes it reads', async () => {
  const code = 'answer.toFi';
  const completed = await kernel.connection.requestComplete({ code, cursor_pos: code.length });
  expect(completed.content).toMatchObject({ status: 'ok', matches: ['toFixed'], cursor_start: 7, cursor_end: 11 });
  expect(completed.content).toHaveProperty('metadata._jupyter_types_experimental', [
    { text: 'toFixed', type: 'method', start: 7, end: 11 },
  ]);
  const inspected = await kernel.connection.requestInspect({ code: 'answer', cursor_pos: 3, detail_level: 0 });
  expect(inspected.content).toMatchObject({ status: 'ok', found: true });
  expect(inspected.content).toHaveProperty(['data', 'text/plain'], expect.stringContaining('const answer: 42'));
});

test('await input() asks in the editor, a password is hidden, and the answer comes without a parent', async () => {
  const { done, outputs, future } = run(
    `import { input } from 'cellburst';\nconst name = await input('Name? ');\nconst key = await input('Key: ', { password: true });\nconsole.log(name, key.length);`,
  );
  const asked: KernelMessage.IInputRequestMsg['content'][] = [];
  future.onStdin = (message) => {
    const { content } = message as KernelMessage.IInputRequestMsg;
    asked.push(content);
    kernel.connection.sendInputReply({ status: 'ok', value: content.password ? 'secret' : 'Ada' }, undefined as never);
  };
  expect((await done).content.status).toBe('ok');
  expect(asked).toEqual([
    { prompt: 'Name? ', password: false },
    { prompt: 'Key: ', password: true },
  ]);
  expect(outputs).toMatchObject([{ text: 'Ada 6\n' }]);
});

test('a widget: the cell opens a comm for its target, and both sides talk', async () => {
  const opened: KernelMessage.ICommOpenMsg[] = [];
  const heard: unknown[] = [];
  kernel.connection.registerCommTarget('jupyter.widget', (comm, message) => {
    opened.push(message);
    comm.onMsg = ({ content }) => {
      heard.push(content.data);
    };
    comm.send({ method: 'update', state: { value: 5 } });
  });
  const cell = run(`import { openComm } from 'cellburst';
const model = openComm('jupyter.widget', { state: { value: 3 } }, { metadata: { version: '2.1.0' } });
model.onMessage(({ data }) => { console.log('update:', data['method']); model.send({ echo: data['state'] }); });`);
  expect((await cell.done).content.status).toBe('ok');
  await until(() => heard.length > 0);
  expect(opened[0]?.metadata).toEqual({ version: '2.1.0' });
  expect(opened[0]?.content.data).toEqual({ state: { value: 3 } });
  expect(heard).toEqual([{ echo: { value: 5 } }]);
  await until(() => JSON.stringify(cell.outputs).includes('update: update'));
});

test('an interrupt by message on the shell channel stops the cell and keeps the names', async () => {
  const { done, outputs } = run(`console.log('on'); while (true) {}`);
  await until(() => outputs.length > 0);
  kernel.interrupt();
  expect((await done).content).toMatchObject({ status: 'error', ename: 'KeyboardInterrupt' });
  const after = run('answer');
  await after.done;
  expect(after.outputs).toMatchObject([{ data: { 'text/plain': '42' } }]);
});

test('a restart: the old process ends, a new one serves the same connection file, and nothing is left of the names', async () => {
  const before = run('process.pid');
  await before.done;
  await kernel.restart();
  const content = await kernel.tell();
  expect(content.status).toBe('ok');
  const after = run('[process.pid, typeof (globalThis as { answer?: unknown }).answer]');
  expect((await after.done).content).toMatchObject({ status: 'ok', execution_count: 1 });
  expect(JSON.stringify(after.outputs)).toContain('undefined');
  expect(JSON.stringify(after.outputs)).not.toContain(
    String((before.outputs[0] as { data: Record<string, unknown> }).data['text/plain']),
  );
  expect((await run('answer').done).content).toMatchObject({ status: 'error', ename: 'TypeScriptError' });
});
