import { KernelClient } from './client';
import type { Fields } from './client';

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await KernelClient.start();
});
afterAll(() => kernel.stop());

test('kernel_info tells protocol 5.5 and a TypeScript that front ends can highlight', async () => {
  const info = await kernel.request('shell', 'kernel_info_request');
  expect(info).toMatchObject({
    msg_type: 'kernel_info_reply',
    status: 'ok',
    protocol_version: '5.5',
    implementation: 'cellburst',
    language_info: {
      name: 'typescript',
      version: expect.stringMatching(/^5\.9\./) as string,
      mimetype: 'text/typescript',
      file_extension: '.ts',
      codemirror_mode: 'typescript',
    },
  });
});

test('kernel_info is answered on control as well', async () => {
  expect(await kernel.request('control', 'kernel_info_request')).toMatchObject({ status: 'ok' });
});

test('every request is wrapped in busy and idle with its own header as the parent', async () => {
  const { msg_id: id } = await kernel.request('shell', 'comm_info_request');
  await kernel.status(String(id), 'idle');
  const states = kernel.iopub.messages.filter((message) => message.parentId === id);
  expect(states.map(({ type, content }) => [type, content['execution_state']])).toEqual([
    ['status', 'busy'],
    ['status', 'idle'],
  ]);
});

test('a cell gives execute_input, its streams, its result, and idle last', async () => {
  const { reply, messages } = await kernel.execute(`console.log('out'); console.error('err');`);
  expect(reply).toMatchObject({ status: 'ok', user_expressions: {}, payload: [] });
  expect(messages.map(({ type }) => type)).toEqual(['status', 'execute_input', 'stream', 'stream', 'status']);
  expect(messages[1]?.content).toMatchObject({ execution_count: reply['execution_count'] });
  const value = await kernel.execute('6 * 7');
  expect(value.messages.map(({ type }) => type)).toEqual(['status', 'execute_input', 'execute_result', 'status']);
  expect(value.result).toEqual({
    data: { 'text/plain': '42' },
    metadata: {},
    execution_count: value.reply['execution_count'],
  });
});

test('undefined is not shown, null is', async () => {
  expect((await kernel.execute('undefined')).result).toBeUndefined();
  expect((await kernel.execute('null')).result).toMatchObject({ data: { 'text/plain': 'null' } });
});

test('the execution count goes up by one per stored cell', async () => {
  const first = await kernel.execute('1');
  const second = await kernel.execute('2');
  expect(second.reply['execution_count']).toBe(Number(first.reply['execution_count']) + 1);
});

test('a silent cell runs, is neither counted nor stored, and shows nothing', async () => {
  const before = await kernel.execute('1');
  const { messages, reply } = await kernel.execute(`console.log('unheard'); Object.assign(globalThis, { quiet: 5 });`, {
    silent: true,
  });
  expect(reply).toMatchObject({ status: 'ok', execution_count: before.reply['execution_count'] });
  expect(messages.map(({ type }) => type)).toEqual(['status', 'status']);
  const after = await kernel.execute(`Reflect.get(globalThis, 'quiet')`);
  expect(after.result).toMatchObject({ data: { 'text/plain': '5' } });
  expect(after.reply['execution_count']).toBe(Number(before.reply['execution_count']) + 1);
});

test('a cell that is not stored is shown and not counted', async () => {
  const before = await kernel.execute('1');
  const { result, reply } = await kernel.execute('2', { store_history: false });
  expect(result).toMatchObject({ data: { 'text/plain': '2' } });
  expect(reply).toMatchObject({ execution_count: before.reply['execution_count'] });
});

test('an empty cell is answered at once and not counted', async () => {
  const before = await kernel.execute('1');
  expect((await kernel.execute('  \n ')).reply).toMatchObject({
    status: 'ok',
    execution_count: before.reply['execution_count'],
  });
});

test('an error has name, value and a traceback in cell lines, on iopub and in the reply', async () => {
  const { reply, messages } = await kernel.execute(`\nthrow new RangeError('too far');`);
  expect(reply).toMatchObject({ status: 'error', ename: 'RangeError', evalue: 'too far' });
  const error = messages.find(({ type }) => type === 'error');
  expect(error?.content).toMatchObject({ ename: 'RangeError', evalue: 'too far' });
  const traceback = (reply['traceback'] as string[]).join('\n');
  expect(traceback).toBe((error?.content['traceback'] as string[]).join('\n'));
  expect(traceback).toContain(`Cell [${String(reply['execution_count'])}]:2:`);
  expect(traceback).toContain(`throw new RangeError('too far');`);
  expect(traceback).not.toMatch(/node:internal|dist\/user\.js/);
});

test('cells that wait behind a failing one are aborted, unless it says otherwise', async () => {
  const later = 'await new Promise((resolve) => setTimeout(resolve, 100));';
  const failing = await kernel.startCell(`${later} throw new Error('first');`);
  const waiting = await kernel.startCell('1');
  expect((await kernel.outcome(failing)).reply).toMatchObject({ status: 'error' });
  expect((await kernel.outcome(waiting)).reply).toMatchObject({ status: 'aborted' });
  const tolerant = await kernel.startCell(`${later} throw new Error('second');`, { stop_on_error: false });
  const next = await kernel.startCell('1');
  expect((await kernel.outcome(tolerant)).reply).toMatchObject({ status: 'error' });
  expect((await kernel.outcome(next)).reply).toMatchObject({ status: 'ok' });
});

test('anything may be thrown', async () => {
  expect((await kernel.execute(`throw 'a text'`)).reply).toMatchObject({ ename: 'Uncaught', evalue: `'a text'` });
  expect((await kernel.execute(`throw undefined`)).reply).toMatchObject({ ename: 'Uncaught', evalue: 'undefined' });
  const hostile = await kernel.execute(`throw { get name() { throw 1; }, get message() { throw 2; } };`);
  expect(hostile.reply).toMatchObject({ status: 'error' });
});

test('a cause is shown with the error it caused', async () => {
  const { reply } = await kernel.execute(`throw new Error('outer', { cause: new TypeError('inner') });`);
  expect((reply['traceback'] as string[]).join('\n')).toMatch(/outer[^]*Caused by: .*TypeError.*inner/);
});

test('history gives what was executed, by tail, range and pattern', async () => {
  await kernel.execute(`'needle in history'`);
  const { reply } = await kernel.execute(`'the last one'`);
  const count = Number(reply['execution_count']);
  const history = async (content: Record<string, unknown>) =>
    (await kernel.request('shell', 'history_request', { output: false, raw: true, ...content }))['history'];
  expect(await history({ hist_access_type: 'tail', n: 1 })).toEqual([[1, count, `'the last one'`]]);
  expect(await history({ hist_access_type: 'range', session: 0, start: count - 1, stop: count })).toEqual([
    [1, count - 1, `'needle in history'`],
  ]);
  expect(await history({ hist_access_type: 'search', pattern: '*needle*', n: 5 })).toEqual([
    [1, count - 1, `'needle in history'`],
  ]);
  expect(await history({ hist_access_type: 'tail', n: 1, output: true })).toEqual([
    [1, count, [`'the last one'`, `'the last one'`]],
  ]);
});

test('connect tells the ports', async () => {
  expect(await kernel.request('shell', 'connect_request')).toMatchObject({
    shell_port: kernel.ports.shell,
    iopub_port: kernel.ports.iopub,
    hb_port: kernel.ports.hb,
  });
});

test('a comm for nobody is closed at once, and later messages to it do no harm', async () => {
  const id = await kernel.send('shell', 'comm_open', { comm_id: 'c1', target_name: 'unknown', data: {} });
  const closed = await kernel.iopub.wait(
    'comm_close',
    ({ type, parentId }) => type === 'comm_close' && parentId === id,
  );
  expect(closed.content).toMatchObject({ comm_id: 'c1' });
  await kernel.send('shell', 'comm_msg', { comm_id: 'c1', data: {} });
  await kernel.send('shell', 'comm_close', { comm_id: 'c1', data: {} });
  expect(await kernel.request('shell', 'comm_info_request')).toMatchObject({ status: 'ok', comms: {} });
});

test('subshells are labels: made, listed, deleted, and unknown ones are served', async () => {
  const { subshell_id: id } = await kernel.request('control', 'create_subshell_request');
  expect(typeof id).toBe('string');
  expect(await kernel.request('control', 'list_subshell_request')).toMatchObject({ subshell_id: [id] });
  expect(await kernel.request('control', 'delete_subshell_request', { subshell_id: id })).toMatchObject({
    status: 'ok',
  });
  expect(await kernel.request('control', 'list_subshell_request')).toMatchObject({ subshell_id: [] });
  const header: Fields = { ...kernel.header('kernel_info_request'), subshell_id: 'never-made' };
  await kernel.sendFrames('shell', kernel.frames(header, {}));
  const answered = await kernel.shell.wait('reply', (message) => message.parentId === header['msg_id']);
  expect(answered.type).toBe('kernel_info_reply');
});

test('a message of an unknown type gets busy and idle, and the kernel goes on', async () => {
  const id = await kernel.send('shell', 'never_heard_of_request', {});
  await kernel.status(id, 'idle');
  expect((await kernel.execute('1')).reply).toMatchObject({ status: 'ok' });
});

test('an interrupt of an idle kernel does nothing', async () => {
  expect(await kernel.interrupt()).toMatchObject({ msg_type: 'interrupt_reply', status: 'ok' });
  expect((await kernel.execute('1')).reply).toMatchObject({ status: 'ok' });
});

test('the reply of a completion counts in code points', async () => {
  const code = `const smile = '😀😀'; smile.toUpper`;
  const reply = await kernel.request('shell', 'complete_request', { code, cursor_pos: Array.from(code).length });
  expect(reply).toMatchObject({ status: 'ok', cursor_end: Array.from(code).length });
});

test('behind what is no code nothing is completed or explained, without an error', async () => {
  for (const code of ['😀', '"', '\\', '#!'])
    for (const type of ['complete', 'inspect'])
      expect(
        await kernel.request('shell', `${type}_request`, {
          code,
          cursor_pos: Array.from(code).length,
          detail_level: 0,
        }),
      ).toMatchObject({ status: 'ok' });
});

describe('the language answers through the kernel', () => {
  test('members are completed with their kinds', async () => {
    await kernel.execute(`const planet = { name: 'Earth', radius: 6371 };`);
    const code = 'planet.ra';
    const reply = await kernel.request('shell', 'complete_request', { code, cursor_pos: code.length });
    expect(reply).toMatchObject({ status: 'ok', matches: ['radius'], cursor_start: 7, cursor_end: 9 });
    expect(reply['metadata']).toMatchObject({
      _jupyter_types_experimental: [{ text: 'radius', type: 'property', start: 7, end: 9 }],
    });
  });

  test('a name is explained with its type', async () => {
    const reply = await kernel.request('shell', 'inspect_request', { code: 'planet', cursor_pos: 3, detail_level: 0 });
    expect(reply).toMatchObject({ status: 'ok', found: true });
    expect((reply['data'] as Fields)['text/plain']).toContain('radius: number');
    const nothing = await kernel.request('shell', 'inspect_request', { code: '  ', cursor_pos: 1, detail_level: 0 });
    expect(nothing).toMatchObject({ status: 'ok', found: false });
  });

  test.each([
    ['1 + 1', 'complete'],
    ['function f() {', 'incomplete'],
    ['const = ;', 'invalid'],
  ])('is %j complete?', async (code, status) => {
    expect(await kernel.request('shell', 'is_complete_request', { code })).toMatchObject({ status });
  });

  test('a type error is shown at its line, and nothing of the cell runs', async () => {
    const { reply, stdout } = await kernel.execute(`console.log('ran');\nconst n: number = 'text';`);
    expect(reply).toMatchObject({ status: 'error', ename: 'TypeScriptError' });
    expect(reply['evalue']).toMatch(/^TS2322: /);
    expect((reply['traceback'] as string[]).join('\n')).toContain(`Cell [${String(reply['execution_count'])}]:2:7`);
    expect(stdout).toBe('');
  });
});

describe('messages that are no messages', () => {
  const good = async () => {
    expect((await kernel.execute('1 + 1')).result).toMatchObject({ data: { 'text/plain': '2' } });
  };
  const drop: [string, () => Buffer[]][] = [
    ['frames of noise', () => [Buffer.from('noise'), Buffer.from([0, 255, 3])]],
    ['an empty frame', () => [Buffer.alloc(0)]],
    ['too few parts', () => kernel.frames({}, {}).slice(0, 3)],
    ['a wrong key', () => kernel.frames(kernel.header('execute_request'), { code: 'process.exit()' }, {}, {}, 'wrong')],
    ['no signature', () => replaced(kernel.frames(kernel.header('execute_request'), { code: '1' }), 1, '')],
    [
      'a changed content',
      () => replaced(kernel.frames(kernel.header('execute_request'), { code: '1' }), 5, '{"code":"2"}'),
    ],
    ['a header without a type', () => kernel.frames({ msg_id: 'x' }, {})],
    ['a header that is a list', () => kernel.frames([1, 2], {})],
    ['a content that is a text', () => kernel.frames(kernel.header('execute_request'), 'code')],
    ['a request without content', () => kernel.frames(kernel.header('complete_request'), {})],
    ['code that is a number', () => kernel.frames(kernel.header('is_complete_request'), { code: 7 })],
  ];
  test.each(drop)('%s', async (_, frames) => {
    await kernel.sendFrames('shell', frames());
    await kernel.sendFrames('control', frames());
    await good();
  });
  test('more parts than known are tolerated', async () => {
    const header = kernel.header('kernel_info_request');
    await kernel.sendFrames('shell', [...kernel.frames(header, {}), Buffer.from('buffer'), Buffer.from('another')]);
    await kernel.shell.wait('reply', (message) => message.parentId === header['msg_id']);
  });
});

function replaced(frames: Buffer[], at: number, text: string): Buffer[] {
  return frames.map((frame, index) => (index === at ? Buffer.from(text) : frame));
}
