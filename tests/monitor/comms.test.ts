// Comms of the real kernel over its real sockets, and what a kernel costs that serves panels only.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MONITOR_SESSION, MONITOR_TARGET } from '../../magics/protocol/monitor';
import { until } from '../agent/setting';
import { KernelClient, type Fields, type Received } from '../kernel/client';
import { endProcesses, processesWith } from '../notebook/processes';

let kernel: KernelClient | undefined;
afterEach(async () => {
  const state = `CELLBURST_STATE_DIR=${join(kernel?.directory ?? '', 'state')}`;
  await kernel?.stop();
  if (kernel) await endProcesses(state);
  kernel = undefined;
});

async function start(environment: NodeJS.ProcessEnv = {}): Promise<KernelClient> {
  kernel = await KernelClient.start(environment);
  return kernel;
}

async function openMonitor(client: KernelClient, id = 'c1'): Promise<void> {
  await client.send('shell', 'comm_open', { comm_id: id, target_name: MONITOR_TARGET, data: { protocol: 1 } });
}

function told(client: KernelClient, type: string, comm = 'c1'): Promise<Received> {
  return client.iopub.wait(`comm message ${type}`, (message) => {
    const { comm_id: id, data } = message.content;
    return message.type === 'comm_msg' && id === comm && (data as Fields)['type'] === type;
  });
}

function live(client: KernelClient): Promise<Received> {
  return client.iopub.wait('that the feed is live', ({ type, content }) => {
    return type === 'comm_msg' && JSON.stringify(content['data']).includes('"state":"live"');
  });
}

const onLinux = process.platform === 'linux' ? test : test.skip;

test('a comm for a target nobody knows is closed', async () => {
  const client = await start();
  const id = await client.send('shell', 'comm_open', { comm_id: 'c9', target_name: 'jupyter.widget', data: {} });
  const closed = await client.iopub.wait(
    'comm_close',
    ({ type, parentId }) => type === 'comm_close' && parentId === id,
  );
  expect(closed.content['comm_id']).toBe('c9');
});

test('a panel that opens its comm hears hello, the jobs, and that they are live', async () => {
  const client = await start();
  await openMonitor(client);
  await told(client, 'hello');
  expect((await told(client, 'snapshot')).content['data']).toMatchObject({ jobs: [] });
  await live(client);
});

test('comms are listed by target until they are closed', async () => {
  const client = await start();
  await openMonitor(client);
  const open = await client.request('shell', 'comm_info_request', { target_name: MONITOR_TARGET });
  expect(open['comms']).toEqual({ c1: { target_name: MONITOR_TARGET } });
  const other = await client.request('shell', 'comm_info_request', { target_name: 'other' });
  expect(other['comms']).toEqual({});
  await client.status(await client.send('shell', 'comm_close', { comm_id: 'c1', data: {} }), 'idle');
  expect((await client.request('shell', 'comm_info_request', {}))['comms']).toEqual({});
});

test('a panel is served while a cell keeps the notebook busy', async () => {
  const client = await start();
  const cell = await client.startCell('console.log("busy"); for (;;) {}');
  await client.printed(cell, 'busy');
  await openMonitor(client);
  await told(client, 'snapshot');
  await client.send('shell', 'comm_msg', {
    comm_id: 'c1',
    data: { type: 'action', request: 'r1', action: 'cancel', job: 'none' },
  });
  expect((await told(client, 'result')).content['data']).toMatchObject({ request: 'r1', ok: false });
  await client.interrupt();
  await client.outcome(cell);
});

test('two panels are served by one kernel, and one that closes leaves the other alone', async () => {
  const client = await start();
  await openMonitor(client, 'c1');
  await openMonitor(client, 'c2');
  await told(client, 'snapshot', 'c1');
  await told(client, 'snapshot', 'c2');
  await client.send('shell', 'comm_close', { comm_id: 'c1', data: {} });
  await client.send('shell', 'comm_msg', { comm_id: 'c2', data: { type: 'nonsense' } });
  await client.send('shell', 'comm_msg', { comm_id: 'c2', data: { type: 'follow' } });
  await told(client, 'error', 'c2');
});

onLinux('a kernel for panels is small: no process for cells, at most 60 MB', async () => {
  const client = await start({ JPY_SESSION_NAME: `/notebooks/${MONITOR_SESSION}` });
  await openMonitor(client);
  await live(client);
  const path = `/proc/${String(client.process.pid)}/status`;
  const residentMiB = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(path, 'utf8'))?.[1]) / 1024;
  // At rest: what it took to start is given back by the next collection.
  await until('it rests at less than 60 MB', () => residentMiB() < 60);
  const state = `CELLBURST_STATE_DIR=${join(client.directory, 'state')}`;
  const programs = processesWith(state).map(({ command }) => command);
  expect(programs.filter((command) => command.includes('user.js'))).toEqual([]);
});

test('a kernel for panels still runs a cell when somebody asks', async () => {
  const client = await start({ JPY_SESSION_NAME: MONITOR_SESSION });
  expect((await client.execute('console.log(6 * 7)')).stdout).toBe('42\n');
});
