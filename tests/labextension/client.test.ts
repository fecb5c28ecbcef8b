// The panel's side of the conversation, with the real monitor, agent and jobs on the other side.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MonitorClient } from '../../labextension/src/model/client';
import type { FollowedLog } from '../../labextension/src/model/followed-log';
import { lookOf } from '../../labextension/src/model/words';
import { JobMonitor } from '../../magics/monitor';
import type { KernelMessage } from '../../magics/protocol/monitor';
import { Setting, submit, until } from '../agent/setting';

const trans = { __: (text: string) => text, _n: (one: string) => one };
const WAITING = `
  const fs = require('node:fs');
  print('started\\n');
  const wait = () => (fs.existsSync(directory + '/go') ? (print('over\\n'), finish()) : setTimeout(wait, 10));
  wait();
`;

let setting: Setting;
let client: MonitorClient;
let refused: string[];
const monitors: JobMonitor[] = [];
beforeEach(() => {
  setting = new Setting();
  refused = [];
  client = new MonitorClient({
    trans,
    limits: () => ({ lines: 100, tailBytes: 100_000 }),
    onRefused: (message) => refused.push(message),
  });
});
afterEach(async () => {
  for (const monitor of monitors.splice(0)) await monitor[Symbol.asyncDispose]();
  await setting[Symbol.asyncDispose]();
});

/** Opens a channel, as a comm is one: JSON each way. */
function connect(): JobMonitor {
  const monitor = new JobMonitor({
    connect: () => setting.connect(),
    version: '0.0.0-test',
    onSilent: () => undefined,
    send: (message) => {
      client.receive(JSON.parse(JSON.stringify(message)));
    },
  });
  monitors.push(monitor);
  client.connected((message) => {
    monitor.receive(JSON.parse(JSON.stringify(message)));
  });
  return monitor;
}

const textOf = (log: FollowedLog): string =>
  log.view.value.lines.map(({ spans }) => spans.map(({ text }) => text).join('')).join('\n');

function untilState(id: string, state: string): Promise<unknown> {
  return until(`${id} is ${state}`, () => client.jobs.value.rows.get(id)?.status.state === state);
}

test('a cancelled job looks cancelled at once, and is when the monitor says so', async () => {
  connect();
  const job = await submit(await setting.connect(), WAITING);
  await untilState(job.id, 'running');
  await until('live', () => client.jobs.value.feed.state === 'live');
  const asked = client.act('cancel', job.id);
  expect(client.cancelling.value.has(job.id)).toBe(true);
  await asked;
  await untilState(job.id, 'cancelled');
  expect(client.cancelling.value.size).toBe(0);
  const row = client.jobs.value.rows.get(job.id);
  expect(row && lookOf(row)).toBe('cancelled');
});

test('a cancellation that is refused is taken back', async () => {
  connect();
  await until('live', () => client.jobs.value.feed.state === 'live');
  await expect(client.act('cancel', 'no-such-job')).rejects.toThrow('no-such-job');
  expect(client.cancelling.value.size).toBe(0);
});

test('a log goes on where it was when the connection was lost in between', async () => {
  const first = connect();
  const job = await submit(await setting.connect(), WAITING);
  await untilState(job.id, 'running');
  const log = client.followLog(job.id);
  await until('its beginning is there', () => textOf(log) === 'started');
  client.disconnected();
  await first[Symbol.asyncDispose]();
  writeFileSync(join(job.directory, 'go'), '');
  connect();
  await until('its end is there', () => log.view.value.isEnded);
  expect(textOf(log)).toBe('started\nover');
  expect(log.view.value.isCut).toBe(false);
});

test('a log asked for before the agent answers comes when it does', async () => {
  const job = await submit(await setting.connect(), WAITING);
  connect();
  const log = client.followLog(job.id);
  await until('its beginning is there', () => textOf(log) === 'started');
});

test('a log is shared by those who look at it, and let go by the last', async () => {
  connect();
  const job = await submit(await setting.connect(), WAITING);
  await untilState(job.id, 'running');
  const one = client.followLog(job.id);
  expect(client.followLog(job.id)).toBe(one);
  one.release();
  expect(client.followLog(job.id)).toBe(one);
  one.release();
  one.release();
  expect(client.followLog(job.id)).not.toBe(one);
});

test('without a connection an action says so at once; one under way is told of the loss', async () => {
  await expect(client.act('cancel', 'a')).rejects.toThrow('not connected');
  connect();
  const asked = client.act('attach', 'a');
  client.disconnected();
  await expect(asked).rejects.toThrow('was lost');
});

test('what is known stays when the connection is lost', async () => {
  connect();
  const job = await submit(await setting.connect(), WAITING);
  await untilState(job.id, 'running');
  const lost = Date.now();
  client.disconnected();
  expect(client.jobs.value.rows.has(job.id)).toBe(true);
  const { feed, clockOffset } = client.jobs.value;
  expect(feed.state).toBe('connecting');
  expect(Math.abs(feed.since - clockOffset - lost)).toBeLessThan(1000);
});

test('a kernel that speaks another protocol is not listened to, and it is said', () => {
  const hello: KernelMessage = {
    ...{ type: 'hello', protocol: 1, version: '9.0.0', user: 'ada', host: 'h', stateDirectory: '/s', pid: 1 },
  };
  client.receive({ ...hello, protocol: 99 });
  expect(refused).toHaveLength(1);
  expect(client.jobs.value.home).toBeUndefined();
});

test.each([null, 7, 'text', {}, { type: 'teleport' }, { type: 7 }])('%j is left out', (message) => {
  client.receive(message);
  expect(client.jobs.value.isKnown).toBe(false);
});
