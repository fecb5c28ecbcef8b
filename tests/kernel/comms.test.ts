// Comms of user code: opened from either side, with messages, buffers and ends both ways.
import { KernelClient } from './client';
import type { Fields, Received } from './client';

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await KernelClient.start();
  await kernel.execute(`import { openComm, onComm } from 'cellburst';`);
});
afterAll(() => kernel.stop());

const published = (type: string, commId: unknown, from = 0): Promise<Received> =>
  kernel.iopub.wait(
    `${type} of ${String(commId)}`,
    ({ type: seen, content, at }) => seen === type && content['comm_id'] === commId && at >= from,
  );
const commsOf = async (target?: string) =>
  (await kernel.request('shell', 'comm_info_request', target === undefined ? {} : { target_name: target }))['comms'];

test('a cell opens a comm: the front end hears of it with the cell as parent, and both sides talk', async () => {
  const { reply, messages } = await kernel.execute(`
const slider = openComm('jupyter.widget', { state: { value: 3 } }, { metadata: { version: '2.1.0' }, id: 'slider' });
slider.onMessage(({ data }) => { console.log('moved to', data['value']); slider.send({ seen: data['value'] }); });
slider.onClose(({ data }) => console.log('closed:', data['why']));`);
  expect(reply).toMatchObject({ status: 'ok' });
  const opened = messages.find(({ type }) => type === 'comm_open');
  expect(opened?.content).toEqual({
    comm_id: 'slider',
    target_name: 'jupyter.widget',
    data: { state: { value: 3 } },
  });
  expect(opened?.metadata).toEqual({ version: '2.1.0' });
  expect(await commsOf('jupyter.widget')).toEqual({ slider: { target_name: 'jupyter.widget' } });
  expect(await commsOf('another')).toEqual({});

  await kernel.send('shell', 'comm_msg', { comm_id: 'slider', data: { value: 7 } });
  expect((await published('comm_msg', 'slider')).content['data']).toEqual({ seen: 7 });
  // What a listener prints belongs to the cell that listens.
  await kernel.printed(opened?.parentId ?? '', 'moved to 7');

  await kernel.send('shell', 'comm_close', { comm_id: 'slider', data: { why: 'enough' } });
  await kernel.printed(opened?.parentId ?? '', 'closed: enough');
  expect(await commsOf()).toEqual({});
  await kernel.execute(`slider.send({ late: true })`);
  expect((await kernel.execute('slider.isClosed')).result).toMatchObject({ data: { 'text/plain': 'true' } });
  expect(kernel.iopub.messages.filter(({ content }) => JSON.stringify(content).includes('late":true'))).toEqual([]);
});

test('the front end opens a comm to a target that a cell serves; bytes travel both ways', async () => {
  await kernel.execute(`
onComm('echo', (comm, { data }) => {
  comm.send({ welcome: data['name'] });
  comm.onMessage(({ buffers, metadata }) => comm.send({ metadata }, { buffers: [buffers[0]!.map((byte) => byte * 2)] }));
});`);
  await kernel.send('shell', 'comm_open', { comm_id: 'e1', target_name: 'echo', data: { name: 'Ada' } });
  const welcome = await published('comm_msg', 'e1');
  expect(welcome.content['data']).toEqual({ welcome: 'Ada' });
  const frames = kernel.frames(kernel.header('comm_msg'), { comm_id: 'e1', data: {} }, { tag: 5 });
  await kernel.sendFrames('shell', [...frames, Buffer.from([1, 2, 3])]);
  const doubled = await kernel.iopub.wait(
    'the answer',
    ({ content }) => content['comm_id'] === 'e1' && JSON.stringify(content['data']).includes('tag'),
  );
  expect(doubled.content['data']).toEqual({ metadata: { tag: 5 } });
  expect(doubled.buffers.map((buffer) => [...buffer])).toEqual([[2, 4, 6]]);
  await kernel.execute(`1`);
  expect(await commsOf('echo')).toEqual({ e1: { target_name: 'echo' } });
});

test('messages that come while a cell computes wait, and what is asked about comms is answered at once', async () => {
  await kernel.execute(
    `const busy = openComm('t', {}, { id: 'busy' }); const got: unknown[] = []; busy.onMessage((m) => got.push(m.data['n']));`,
  );
  const id = await kernel.startCell(`console.log('on'); const end = Date.now() + 400; while (Date.now() < end);`);
  await kernel.printed(id, 'on');
  for (const n of [1, 2, 3]) await kernel.send('shell', 'comm_msg', { comm_id: 'busy', data: { n } });
  expect(await commsOf('t')).toEqual({ busy: { target_name: 't' } });
  expect(kernel.shell.messages.some(({ parentId }) => parentId === id)).toBe(false);
  await kernel.outcome(id);
  await kernel.execute(`await new Promise((resolve) => setTimeout(resolve, 20))`);
  expect((await kernel.execute(`got.join()`)).result).toMatchObject({ data: { 'text/plain': `'1,2,3'` } });
  await kernel.execute(`busy.close({ bye: true })`);
  expect((await published('comm_close', 'busy')).content['data']).toEqual({ bye: true });
});

test('a mistake in a listener is told in its cell and ends nothing', async () => {
  const { reply, messages } = await kernel.execute(
    `const faulty = openComm('t', {}, { id: 'faulty' }); faulty.onMessage(() => { throw new RangeError('in a listener'); });`,
  );
  expect(reply).toMatchObject({ status: 'ok' });
  await kernel.send('shell', 'comm_msg', { comm_id: 'faulty', data: {} });
  await kernel.printed(messages[0]?.parentId ?? '', 'in a listener');
  expect((await kernel.execute('faulty.isClosed')).result).toMatchObject({ data: { 'text/plain': 'false' } });
});

test.each([
  [`openComm('t', [] as never)`, /data of a comm is an object, not an array/],
  [`openComm('t', { n: 1n })`, /BigInt/],
  [`openComm('t', {}, { id: 'faulty' })`, /open already/],
])('%s says what is wrong', async (code, message) => {
  expect((await kernel.execute(code)).reply).toMatchObject({ evalue: expect.stringMatching(message) as string });
});

test('with the user process its comms end, and the front end is told', async () => {
  const own: Fields = await commsOf().then((comms) => comms as Fields);
  expect(Object.keys(own)).toContain('faulty');
  await kernel.execute('process.exit(0)');
  await published('comm_close', 'faulty');
  expect(await commsOf()).toEqual({});
  await kernel.send('shell', 'comm_open', { comm_id: 'e2', target_name: 'echo', data: {} });
  await published('comm_close', 'e2');
});
