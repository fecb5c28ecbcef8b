// Clusters as a panel sees and changes them, with the real home agent behind it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KernelMessage, PanelMessage } from '../../magics/protocol/monitor';
import { ended, Setting, specOf, submit, until, writeBundle } from '../agent/setting';
import { Panel } from './panel';

let home: string;
let setting: Setting;
let panel: Panel;
const before = process.env['CELLBURST_CONFIG'];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cellburst-clusters-'));
  // The agent that the panel starts reads the same file.
  process.env['CELLBURST_CONFIG'] = join(home, 'config.yaml');
  setting = new Setting();
  panel = new Panel(setting);
});
afterEach(async () => {
  await panel[Symbol.asyncDispose]();
  await setting[Symbol.asyncDispose]();
  rmSync(home, { recursive: true, force: true });
  if (before === undefined) delete process.env['CELLBURST_CONFIG'];
  else process.env['CELLBURST_CONFIG'] = before;
});

type Answer = Extract<KernelMessage, { type: 'configured' | 'misconfigured' | 'result' }>;

async function configure(config: Extract<PanelMessage, { type: 'config' }>['config']): Promise<Answer> {
  const request = `c${panel.received.length}`;
  panel.send({ type: 'config', request, config });
  return await until('there is an answer', () =>
    panel.received.find((message): message is Answer => 'request' in message && message.request === request),
  );
}

async function examine(cluster: string, what: 'reach' | 'job' | 'all') {
  const request = `e${panel.received.length}`;
  panel.send({ type: 'examine', request, cluster, what });
  const isEnd = (message: KernelMessage): boolean =>
    (message.type === 'examined' || message.type === 'result') && message.request === request;
  await panel.until('it was looked at', () => panel.received.some(isEnd));
  return panel.all('finding').filter((message) => message.request === request);
}

test('a cluster is added from the panel, and listed without a restart of anything', async () => {
  await panel.untilLive();
  expect(panel.jobs.clusters.map(({ name, state }) => [name, state])).toContainEqual(['local', 'ok']);
  const entry = { scheduler: 'none', host: 'nobody@127.0.0.1' };
  expect(await configure({ ask: 'save', name: 'lab', entry })).toMatchObject({
    type: 'configured',
    config: { clusters: { lab: entry } },
  });
  await panel.until('it is listed', () =>
    panel.jobs.clusters.some(({ name, state, host }) => name === 'lab' && state === 'unknown' && host === entry.host),
  );
  expect(await configure({ ask: 'default', name: 'lab' })).toMatchObject({ config: { defaultCluster: 'lab' } });
  await panel.until('it is the default', () => panel.jobs.defaultCluster === 'lab');
  expect(await configure({ ask: 'remove', name: 'lab' })).toMatchObject({ config: { clusters: {} } });
  await panel.until('it is gone', () => !panel.jobs.clusters.some(({ name }) => name === 'lab'));
});

test('what is wrong with an entry is told by field, and a config that cannot be read with its place', async () => {
  await panel.untilLive();
  expect(
    await configure({ ask: 'save', name: 'lab', entry: { scheduler: 'none', defaults: { time: 'long' } } }),
  ).toEqual({
    type: 'misconfigured',
    request: expect.any(String) as string,
    mistakes: [{ path: ['defaults', 'time'], message: 'expected a time such as 30m, 1h30m or 1:30:00' }],
  });
  writeFileSync(process.env['CELLBURST_CONFIG'] ?? '', 'clusters: [\n');
  panel.send({ type: 'clusters' });
  await panel.until('it is told', () => /config\.yaml:\d+:\d+/.test(panel.jobs.problem ?? ''));
  expect(await configure({ ask: 'read' })).toMatchObject({
    config: { problem: expect.stringContaining('config.yaml') as string },
  });
  expect(await configure({ ask: 'save', name: 'lab', entry: { scheduler: 'slurm' } })).toMatchObject({ ok: false });
  expect(readFileSync(process.env['CELLBURST_CONFIG'] ?? '', 'utf8')).toBe('clusters: [\n');
});

test('a tiny job is tried and leaves nothing behind; a host that is not there says so, and no job is tried', async () => {
  await panel.untilLive();
  const tried = await examine('local', 'all');
  expect(tried.at(-1)?.finding).toMatchObject({ check: 'a tiny job', verdict: 'fine' });
  const agent = await setting.connect();
  expect(await agent.jobs()).toEqual([]);
  await configure({
    ask: 'save',
    name: 'gone',
    entry: { scheduler: 'slurm', host: 'nobody@127.0.0.1', transport: 'openssh', sshConfig: sshConfig() },
  });
  const gone = await examine('gone', 'all');
  expect(gone.map(({ finding }) => [finding.check, finding.verdict])).toContainEqual(['reach', 'trouble']);
  expect(gone.map(({ finding }) => finding.check)).not.toContain('a tiny job');
});

/** Nobody listens there. */
function sshConfig(): string {
  const path = join(home, 'ssh_config');
  writeFileSync(path, 'Host *\n  Port 1\n  ConnectTimeout 5\n');
  return path;
}

test('a job that waits is held and let go; a script is given where there is one', async () => {
  const agent = await setting.connect();
  const cores = (await agent.status()).cores.total;
  const first = await submit(agent, 'setTimeout(finish, 60_000)', { cores });
  const second = await submit(agent, 'finish()');
  await panel.until('the second waits', () => panel.jobs.rows.get(second.id)?.status.state === 'queued');
  expect(await panel.act({ action: 'hold', job: second.id })).toMatchObject({ ok: true });
  await panel.until('it is held', () => panel.jobs.rows.get(second.id)?.isHeld === true);
  await agent.cancel(first.id);
  await ended(agent, first);
  expect(panel.jobs.rows.get(second.id)?.status.state).toBe('queued');
  expect(await panel.act({ action: 'release', job: second.id })).toMatchObject({ ok: true });
  await panel.until('it is over', () => panel.jobs.rows.get(second.id)?.status.state === 'completed');
  expect(await panel.act({ action: 'script', job: second.id })).toMatchObject({
    ok: false,
    message: expect.stringContaining('ran on this machine, without a script') as string,
  });
});

test('what a job uses is a line that grows, with its GPUs where nvidia-smi tells', async () => {
  const tools = mkdtempSync(join(home, 'tools-'));
  const answer = '0, GPU-aaaa, 80, 1000\\n1, GPU-bbbb, 10, 5000\\n';
  writeFileSync(join(tools, 'nvidia-smi'), `#!/bin/sh\nprintf '${answer}'\n`, { mode: 0o755 });
  const agent = await setting.connect();
  const environment = { PATH: `${tools}:${process.env['PATH'] ?? ''}`, CUDA_VISIBLE_DEVICES: '0' };
  const job = await agent.create({ ...specOf({}, environment), name: 'busy' });
  await writeBundle(
    job.directory,
    `const kept = Buffer.alloc(150e6, 1); const turn = () => { const until = Date.now() + 200; while (Date.now() < until); if (!require('node:fs').existsSync(directory + '/go')) setImmediate(turn); else finish(kept.length); }; turn();`,
  );
  await agent.submit(job.id);
  await panel.untilLive();
  panel.send({ type: 'measure', job: job.id });
  const told = () => panel.all('measured').filter((message) => message.job === job.id);
  await panel.until('there are points with a GPU', () => told().some(({ gpuPercent = [] }) => gpuPercent.includes(80)));
  writeFileSync(join(job.directory, 'go'), '');
  await ended(agent, job);
  const points = told();
  expect(points[0]?.from).toBe(0);
  expect(points.length).toBeGreaterThan(1);
  // On a machine that is busy with other things it gets less than it would take.
  expect(Math.max(...points.flatMap(({ cores }) => cores))).toBeGreaterThan(0.01);
  expect(Math.max(...points.flatMap(({ memoryMiB }) => memoryMiB))).toBeGreaterThan(140);
  expect(points.at(-1)?.gpuMemoryMiB?.at(-1)).toBe(1000);
});
