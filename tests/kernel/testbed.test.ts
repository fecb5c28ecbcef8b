// The behaviours that the public conformance list runtimed/kernel-testbed names, tier by tier, under its names, as sentences of ours. What it accepts in
// several forms is held here to the form that this kernel promises. Source: the registry of its tests at 04d86ed (25 behaviours, 4 tiers).
import { KernelClient } from './client';
import type { CellResult, Fields, Received } from './client';

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await KernelClient.start();
});
afterAll(() => kernel.stop());

interface Behaviour {
  readonly tier: 1 | 2 | 3 | 4;
  readonly name: string;
  readonly says: string;
  readonly holds: () => Promise<void>;
}

const dataOf = (message: Received | undefined) => (message?.content['data'] ?? {}) as Fields;
const ofType = ({ messages }: CellResult, type: string) => messages.filter((message) => message.type === type);
const typesOf = ({ messages }: CellResult) => messages.map(({ type }) => type);
const info = () => kernel.request('shell', 'kernel_info_request');

const BEHAVIOURS: readonly Behaviour[] = [
  {
    tier: 1,
    name: 'heartbeat_responds',
    says: 'a ping of the heartbeat comes back',
    holds: async () => {
      expect(await kernel.beat()).toBeLessThan(10_000);
    },
  },
  {
    tier: 1,
    name: 'kernel_info_reply_valid',
    says: 'kernel_info is answered with the status ok and who we are',
    holds: async () => {
      expect(await info()).toMatchObject({
        status: 'ok',
        msg_type: 'kernel_info_reply',
        implementation: 'cellburst',
        implementation_version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
        banner: expect.stringContaining('Cellburst') as string,
        help_links: expect.arrayContaining([expect.objectContaining({ text: 'TypeScript' })]) as unknown[],
      });
    },
  },
  {
    tier: 1,
    name: 'kernel_info_has_language_info',
    says: 'kernel_info names the language, its version and its files',
    holds: async () => {
      expect((await info())['language_info']).toMatchObject({
        name: 'typescript',
        version: expect.stringMatching(/^5\.9\./) as string,
        file_extension: '.ts',
      });
    },
  },
  {
    tier: 1,
    name: 'kernel_info_has_protocol_version',
    says: 'kernel_info names the version of the protocol',
    holds: async () => {
      expect(await info()).toMatchObject({ protocol_version: '5.5' });
    },
  },
  {
    tier: 1,
    name: 'execute_stdout',
    says: 'what a cell prints comes as a stream named stdout',
    holds: async () => {
      const cell = await kernel.execute(`console.log('hello, testbed')`);
      expect(ofType(cell, 'stream').map(({ content }) => content)).toEqual([
        { name: 'stdout', text: 'hello, testbed\n' },
      ]);
    },
  },
  {
    tier: 1,
    name: 'execute_stderr',
    says: 'what a cell prints as an error comes as a stream named stderr',
    holds: async () => {
      const cell = await kernel.execute(`console.error('an error')`);
      expect(ofType(cell, 'stream').map(({ content }) => content)).toEqual([{ name: 'stderr', text: 'an error\n' }]);
    },
  },
  {
    tier: 1,
    name: 'execute_reply_ok',
    says: 'a cell without mistakes is answered with ok',
    holds: async () => {
      expect((await kernel.execute('const fine = 1;')).reply).toMatchObject({ status: 'ok' });
    },
  },
  {
    tier: 1,
    name: 'status_busy_idle_lifecycle',
    says: 'busy comes first and idle last',
    holds: async () => {
      const { messages } = await kernel.execute('1');
      const [first, last] = [messages[0], messages.at(-1)];
      expect([first?.content, last?.content]).toEqual([{ execution_state: 'busy' }, { execution_state: 'idle' }]);
    },
  },
  {
    tier: 1,
    name: 'execute_input_broadcast',
    says: 'the code is told to all clients, with its number',
    holds: async () => {
      const cell = await kernel.execute('2');
      expect(ofType(cell, 'execute_input')[0]?.content).toEqual({
        code: '2',
        execution_count: cell.reply['execution_count'],
      });
    },
  },
  {
    tier: 2,
    name: 'complete_request',
    says: 'a name of an earlier cell is completed',
    holds: async () => {
      await kernel.execute('const testVariableForCompletion = 42;');
      const code = 'testVariableForC';
      expect(await kernel.request('shell', 'complete_request', { code, cursor_pos: code.length })).toMatchObject({
        status: 'ok',
        matches: ['testVariableForCompletion'],
        cursor_start: 0,
        cursor_end: code.length,
      });
    },
  },
  {
    tier: 2,
    name: 'inspect_request',
    says: 'a name of an earlier cell is explained',
    holds: async () => {
      await kernel.execute('const inspected = { radius: 6371 };');
      const code = 'inspected';
      const reply = await kernel.request('shell', 'inspect_request', {
        code,
        cursor_pos: code.length,
        detail_level: 0,
      });
      expect(reply).toMatchObject({ status: 'ok', found: true });
      expect((reply['data'] as Fields)['text/plain']).toContain('radius: number');
    },
  },
  {
    tier: 2,
    name: 'is_complete_complete',
    says: 'complete code is called complete',
    holds: async () => {
      expect(await kernel.request('shell', 'is_complete_request', { code: 'const done = 1;' })).toMatchObject({
        status: 'complete',
      });
    },
  },
  {
    tier: 2,
    name: 'is_complete_incomplete',
    says: 'unfinished code is called incomplete, with an indent',
    holds: async () => {
      expect(await kernel.request('shell', 'is_complete_request', { code: 'function f() {' })).toMatchObject({
        status: 'incomplete',
        indent: '  ',
      });
    },
  },
  {
    tier: 2,
    name: 'history_request',
    says: 'what was executed is in the history',
    holds: async () => {
      const { reply } = await kernel.execute(`'remember me'`);
      const asked = { hist_access_type: 'tail', n: 10, output: false, raw: true };
      const answer = await kernel.request('shell', 'history_request', asked);
      expect(answer['status']).toBe('ok');
      expect((answer['history'] as unknown[]).at(-1)).toEqual([1, reply['execution_count'], `'remember me'`]);
    },
  },
  {
    tier: 2,
    name: 'comm_info_request',
    says: 'the open comms are listed',
    holds: async () => {
      expect(await kernel.request('shell', 'comm_info_request')).toMatchObject({ status: 'ok', comms: {} });
    },
  },
  {
    tier: 2,
    name: 'error_handling',
    says: 'code that does not parse is an error, on iopub and in the reply',
    holds: async () => {
      const cell = await kernel.execute('const = ;');
      expect(cell.reply).toMatchObject({ status: 'error', ename: 'TypeScriptError' });
      expect(ofType(cell, 'error')[0]?.content).toMatchObject({
        ename: 'TypeScriptError',
        traceback: cell.reply['traceback'],
      });
    },
  },
  {
    tier: 3,
    name: 'display_data',
    says: 'a cell shows rich output',
    holds: async () => {
      const cell = await kernel.execute(`import { html } from 'cellburst'; html('<b>bold</b>');`);
      expect(ofType(cell, 'display_data').map(dataOf)).toEqual([{ 'text/html': '<b>bold</b>', 'text/plain': 'bold' }]);
    },
  },
  {
    tier: 3,
    name: 'update_display_data',
    says: 'a display is written over by its id',
    holds: async () => {
      const cell = await kernel.execute(`
import { newDisplay } from 'cellburst';
const shown = newDisplay();
shown.html('<i>one</i>');
await new Promise((resolve) => setTimeout(resolve, 300));
shown.html('<i>two</i>');`);
      const [display] = ofType(cell, 'display_data');
      const update = ofType(cell, 'update_display_data').at(-1);
      expect(dataOf(display)['text/html']).toBe('<i>one</i>');
      expect(dataOf(update)['text/html']).toBe('<i>two</i>');
      expect(update?.content['transient']).toEqual(display?.content['transient']);
    },
  },
  {
    tier: 3,
    name: 'execute_result',
    says: 'the value of the last expression is the result',
    holds: async () => {
      expect(dataOf(ofType(await kernel.execute('6 * 7'), 'execute_result')[0])).toEqual({ 'text/plain': '42' });
    },
  },
  {
    tier: 3,
    name: 'rich_execute_result',
    says: 'a value that shows itself is a rich result',
    holds: async () => {
      const code = `({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<b>me</b>', 'text/plain': 'me' }) })`;
      expect(dataOf(ofType(await kernel.execute(code), 'execute_result')[0])).toEqual({
        'text/html': '<b>me</b>',
        'text/plain': 'me',
      });
    },
  },
  {
    tier: 4,
    name: 'stdin_input_request',
    says: 'a cell asks the front end for input, and gets it',
    holds: async () => {
      const id = await kernel.startCell(`console.log('you said', prompt('Enter: '))`, { allow_stdin: true });
      const question = await kernel.stdin.wait('input_request', ({ parentId }) => parentId === id);
      expect(question.content).toEqual({ prompt: 'Enter: ', password: false });
      await kernel.answerInput('test_input_42', question);
      expect((await kernel.outcome(id)).stdout).toBe('you said test_input_42\n');
    },
  },
  {
    tier: 4,
    name: 'comms_lifecycle',
    says: 'a comm for a target that nobody serves is closed, one for a served target lives until it is closed',
    holds: async () => {
      const closed = (id: string) =>
        kernel.iopub.wait('comm_close', (m) => m.type === 'comm_close' && m.content['comm_id'] === id);
      await kernel.send('shell', 'comm_open', { comm_id: 'refused', target_name: 'testbed.nobody', data: {} });
      await closed('refused');
      await kernel.execute(`
import { onComm } from 'cellburst';
onComm('testbed.echo', (comm) => comm.onMessage(({ data }) => comm.send(data)));`);
      await kernel.send('shell', 'comm_open', { comm_id: 'served', target_name: 'testbed.echo', data: {} });
      await kernel.send('shell', 'comm_msg', { comm_id: 'served', data: { n: 5 } });
      const echo = await kernel.iopub.wait('echo', (m) => m.type === 'comm_msg' && m.content['comm_id'] === 'served');
      expect(echo.content['data']).toEqual({ n: 5 });
      const comms = async () => (await kernel.request('shell', 'comm_info_request'))['comms'];
      expect(await comms()).toEqual({ served: { target_name: 'testbed.echo' } });
      await kernel.send('shell', 'comm_close', { comm_id: 'served', data: {} });
      expect(await comms()).toEqual({});
    },
  },
  {
    tier: 4,
    name: 'interrupt_request',
    says: 'an interrupt by message is answered, and stops the cell',
    holds: async () => {
      const id = await kernel.startCell(`console.log('spinning'); while (true) {}`);
      await kernel.printed(id, 'spinning');
      expect(await kernel.interrupt()).toMatchObject({ msg_type: 'interrupt_reply', status: 'ok' });
      expect((await kernel.outcome(id)).reply).toMatchObject({ status: 'error', ename: 'KeyboardInterrupt' });
    },
  },
  {
    tier: 4,
    name: 'execution_count_increments',
    says: 'each cell has the next number',
    holds: async () => {
      const first = await kernel.execute('1');
      const second = await kernel.execute('1');
      expect(second.reply['execution_count']).toBe(Number(first.reply['execution_count']) + 1);
    },
  },
  {
    tier: 4,
    name: 'parent_header_correlation',
    says: 'every message names the request it belongs to',
    holds: async () => {
      const before = kernel.iopub.messages.length;
      const cell = await kernel.execute(`console.log('whose?'); 1`);
      const since = kernel.iopub.messages.slice(before);
      expect(typesOf(cell)).toEqual(['status', 'execute_input', 'stream', 'execute_result', 'status']);
      expect(since.filter(({ parentId }) => parentId === '')).toEqual([]);
    },
  },
  {
    tier: 1,
    name: 'shutdown_reply',
    says: 'a shutdown is answered, and the kernel ends well',
    holds: async () => {
      const gone = new Promise((resolve) => kernel.process.once('exit', resolve));
      expect(await kernel.request('control', 'shutdown_request', { restart: false })).toMatchObject({
        msg_type: 'shutdown_reply',
        status: 'ok',
        restart: false,
      });
      expect(await gone).toBe(0);
    },
  },
];

// In this order: the last one ends the kernel.
test.each(BEHAVIOURS)('tier $tier, $name: $says', async ({ holds }) => {
  await holds();
});

test('the list is whole', () => {
  const count = (tier: number) => BEHAVIOURS.filter((behaviour) => behaviour.tier === tier).length;
  expect([1, 2, 3, 4].map(count)).toEqual([10, 7, 4, 5]);
});
