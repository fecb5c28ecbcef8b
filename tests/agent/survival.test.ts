// What dies, and what goes on: the agent, the runner, the cell process, the job's directory, the disk.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, rmdirSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { claim } from '../../magics/jobs/delivery';
import { AGENT_PROTOCOL } from '../../magics/protocol/messages';
import { hostName, identify, isAlive, sendSignal } from '../../magics/protocol/platform';
import { Setting, ended, readBeat, run, running, specOf, submit, textOf, until } from './setting';
import { testUnless } from '../unless';

/** Prints a line every 20 ms; ends when its directory holds a file `go`. */
const LIVE = `const fs = require('node:fs'); let n = 0;
  setInterval(() => { print(n++ + '\\n'); if (fs.existsSync(directory + '/go')) finish(); }, 20)`;

let setting: Setting;
beforeEach(() => {
  setting = new Setting();
});
afterEach(async () => {
  await setting[Symbol.asyncDispose]();
});

async function killAgent(): Promise<void> {
  const pid = setting.agentPid();
  if (pid === undefined) throw new Error('There is no agent to kill.');
  const identity = identify(pid);
  sendSignal(pid, 'SIGKILL');
  await until('the agent is dead', () => !isAlive(identity));
}

test('two clients at once start one agent', async () => {
  const agents = await Promise.all([1, 2, 3].map(() => setting.connect()));
  const pids = await Promise.all(agents.map(async (agent) => (await agent.status()).pid));
  expect(new Set(pids).size).toBe(1);
});

test('a job outlives a killed agent; output goes on without a gap, and the result is delivered once', async () => {
  const agent = await setting.connect();
  const job = await running(agent, await submit(agent, LIVE));
  const text = textOf(agent, job.id);
  await until('there is output', async () => ((await agent.job(job.id)).outputBytes > 0 ? true : undefined));
  const beat = readBeat(job.directory);
  await killAgent();
  await until('a new agent runs it', async () => (await agent.job(job.id)).status.state === 'running');
  expect(readBeat(job.directory)?.runner).toEqual(beat?.runner);
  writeFileSync(join(job.directory, 'go'), '');
  expect((await ended(agent, job)).status).toEqual({ state: 'completed', outcome: 'value' });
  const lines = (await text).trimEnd().split('\n');
  expect(lines).toEqual(lines.map((_, index) => String(index)));

  await agent.claim(job.id);
  await agent.delivered(job.id);
  await expect(agent.claim(job.id)).rejects.toThrow('was delivered already');
}, 30_000);

test('a job that ended while there was no agent is settled by the next one', async () => {
  const agent = await setting.connect();
  const job = await running(agent, await submit(agent, LIVE));
  const beat = await until('there is a heartbeat', () => readBeat(job.directory));
  await agent[Symbol.asyncDispose]();
  await killAgent();
  writeFileSync(join(job.directory, 'go'), '');
  await until('the runner has ended', () => !isAlive(beat.runner));
  const next = await setting.connect();
  const last = await next.job(job.id);
  expect(last.status).toEqual({ state: 'completed', outcome: 'value' });
  expect(last.endedAt).toBeGreaterThan(0);
});

test('a job whose runner was killed has failed, also when no agent saw it, and its cell process is ended', async () => {
  const agent = await setting.connect();
  for (const isAgentThere of [true, false]) {
    const job = await running(agent, await submit(agent, LIVE));
    const beat = await until('there is a heartbeat', () => readBeat(job.directory));
    if (!isAgentThere) await killAgent();
    sendSignal(beat.runner.pid, 'SIGKILL');
    expect((await ended(agent, job)).status).toMatchObject({ state: 'failed', cause: 'runner-lost' });
    await until('the cell process has ended', () => !isAlive(beat.cell));
  }
}, 30_000);

test('a runner that is not heard of for ten seconds is suspected, and no more than that', async () => {
  const agent = await setting.connect();
  const job = await running(agent, await submit(agent, LIVE));
  const { runner } = await until('there is a heartbeat', () => readBeat(job.directory));
  sendSignal(runner.pid, 'SIGSTOP');
  const stoppedAt = Date.now();
  const silentSince = async () => {
    const { status } = await agent.job(job.id);
    if (status.state !== 'running') throw new Error(`It is ${status.state}.`);
    return status.silentSince;
  };
  try {
    const since = await until('it is suspected', silentSince);
    expect(Date.now() - stoppedAt).toBeGreaterThan(9000);
    expect(Math.abs(since - stoppedAt)).toBeLessThan(6000);
  } finally {
    sendSignal(runner.pid, 'SIGCONT');
  }
  await until('it is heard again', async () => (await silentSince()) === undefined);
  writeFileSync(join(job.directory, 'go'), '');
  expect((await ended(agent, job)).status).toEqual({ state: 'completed', outcome: 'value' });
}, 60_000);

test('a job that is held is passed by, also by the next agent, until it is released', async () => {
  const agent = await setting.connect();
  const { total } = (await agent.status()).cores;
  const first = await running(agent, await submit(agent, LIVE, { cores: total }));
  const held = await submit(agent, 'finish()');
  await until('it waits', async () => (await agent.job(held.id)).status.state === 'queued');
  await agent.change(held.id, 'hold');
  await expect(agent.change(first.id, 'hold')).rejects.toThrow(/only a job that waits/);
  await killAgent();
  await agent.cancel(first.id);
  await ended(agent, first);
  await run(agent, 'finish()');
  expect((await agent.job(held.id)).status).toEqual({ state: 'queued', reason: 'held at your request' });
  await agent.change(held.id, 'release');
  expect((await ended(agent, held)).status.state).toBe('completed');
}, 60_000);

test('jobs in the queue are still in the queue of the next agent', async () => {
  const agent = await setting.connect();
  const { total } = (await agent.status()).cores;
  const first = await running(agent, await submit(agent, LIVE, { cores: total }));
  const second = await submit(agent, 'finish()');
  await killAgent();
  await until('the second waits', async () => (await agent.job(second.id)).status.state === 'queued');
  expect((await agent.status()).cores.used).toBe(total);
  writeFileSync(join(first.directory, 'go'), '');
  expect((await ended(agent, second)).status.state).toBe('completed');
}, 30_000);

test('a cancel outlives the agent', async () => {
  const agent = await setting.connect();
  const job = await running(agent, await submit(agent, 'process.on("SIGTERM", () => 0); setInterval(() => 0, 1000)'));
  await agent.cancel(job.id);
  await killAgent();
  expect((await ended(agent, job)).status).toEqual({ state: 'cancelled', by: 'user' });
}, 30_000);

test('a claim is for one process, and free again when its connection closes', async () => {
  const agent = await setting.connect();
  const job = await run(agent, 'finish()');
  await agent.claim(job.id);
  await agent.release(job.id);
  await agent.claim(job.id);
  await expect(agent.delivered('nothing')).rejects.toThrow('There is no job');
  await agent[Symbol.asyncDispose]();
  const other = await setting.connect();
  await until('the claim is free', async () => (await other.job(job.id)).claimedBy === undefined);
  await other.claim(job.id);
});

test('a claim outlives an agent that ends in good order, and nobody else gets it meanwhile', async () => {
  const agent = await setting.connect();
  const job = await run(agent, 'finish()');
  await agent.claim(job.id);
  const pid = (await agent.status()).pid;
  await agent.finish();
  await until('the agent has ended', () => !isAlive({ pid }));
  expect((await agent.job(job.id)).claimedBy?.pid).toBe(process.pid);
  const other = spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)'], { stdio: 'ignore' });
  try {
    const record = await agent.job(job.id);
    expect(() => claim(record, identify(other.pid ?? 0))).toThrow(`being taken by another process (${process.pid})`);
  } finally {
    other.kill('SIGKILL');
  }
  expect((await agent.delivered(job.id)).deliveredAt).toBeGreaterThan(0);
});

test('a job whose directory is deleted ends, and no other job is touched', async () => {
  const agent = await setting.connect();
  const other = await running(agent, await submit(agent, LIVE));
  const job = await running(agent, await submit(agent, LIVE));
  const beat = await until('there is a heartbeat', () => readBeat(job.directory));
  rmSync(job.directory, { recursive: true, force: true });
  const last = await ended(agent, job);
  expect(last.status).toMatchObject({ state: 'failed', cause: 'runner-lost' });
  expect(last.status).toHaveProperty('reason', expect.stringContaining('was deleted'));
  await until('its processes have ended', () => !isAlive(beat.runner) && !isAlive(beat.cell));
  expect(existsSync(job.directory)).toBe(false);
  writeFileSync(join(other.directory, 'go'), '');
  expect((await ended(agent, other)).status.state).toBe('completed');
}, 30_000);

test('a socket and a lock left by a dead agent are no obstacle', async () => {
  const agent = await setting.connect();
  await agent[Symbol.asyncDispose]();
  await killAgent();
  expect(
    existsSync(join(setting.stateDirectory, 'run', `agent-v${AGENT_PROTOCOL}.sock`)) || process.env['XDG_RUNTIME_DIR'],
  ).toBeTruthy();
  const agents = await Promise.all([setting.connect(), setting.connect()]);
  expect((await agents[0].status()).pid).toBe((await agents[1].status()).pid);
});

test('an agent that cannot start is told with its log', async () => {
  const broken = setting.connect({ agent: ['-e', 'console.error("no such luck"); process.exit(5)'] });
  await expect(broken).rejects.toThrow(/exit code 5[^]*no such luck/);
});

test('an idle agent ends, and the next request starts another', async () => {
  process.env['CELLBURST_AGENT_IDLE_SECONDS'] = '0.2';
  try {
    const agent = await setting.connect();
    const pid = (await agent.status()).pid;
    await agent[Symbol.asyncDispose]();
    await until('the agent has ended', () => !isAlive({ pid }));
    const next = await setting.connect();
    expect((await next.status()).pid).not.toBe(pid);
  } finally {
    delete process.env['CELLBURST_AGENT_IDLE_SECONDS'];
  }
});

const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
testUnless(isRoot ? undefined : 'only root can make a small disk')(
  'a full disk costs output, is told, and harms nobody',
  async () => {
    const disk = mkdtempSync(join(tmpdir(), 'cb-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'none', disk]);
    const small = new Setting(disk);
    try {
      const agent = await small.connect();
      const fill = `const fs = require('node:fs'); const file = fs.openSync('fill', 'w');
      try { for (;;) fs.writeSync(file, Buffer.alloc(1000)); } catch (error) { print(error.code); }`;
      const code = `print('begin'); ${fill} for (let n = 0; n < 1000; n++) print('x'.repeat(5000)); finish()`;
      const flood = await run(agent, code);
      expect(flood.status).toMatchObject({ state: 'failed', cause: 'disk-full' });
      expect(flood.droppedBytes).toBeGreaterThan(3e6);
      expect(await textOf(agent, flood.id)).toMatch(/^begin[^]*of output were left out here/);
      await agent.discard(flood.id);
      expect((await run(agent, 'finish()')).status.state).toBe('completed');
    } finally {
      await small[Symbol.asyncDispose]();
      // A runner that was waiting for a job takes a moment to leave.
      await until('the disk is free', () => spawnSync('umount', [disk]).status === 0);
      rmdirSync(disk);
    }
  },
);

(isRoot ? test : test.skip)(
  'a disk that is full for a while ends neither runner nor agent (needs root for a small tmpfs)',
  async () => {
    const disk = mkdtempSync(join(tmpdir(), 'cb-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'none', disk]);
    const small = new Setting(disk);
    try {
      const agent = await small.connect();
      const job = await running(agent, await submit(agent, LIVE));
      const { runner } = await until('there is a heartbeat', () => readBeat(job.directory));
      const filler = join(disk, 'filler');
      spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k']);
      // Also the rest of the log's last page.
      const log = join(small.stateDirectory, 'agent.log');
      spawnSync('dd', ['if=/dev/zero', `of=${log}`, 'bs=1', 'count=8192', 'oflag=append', 'conv=notrunc']);
      await expect(agent.create(specOf())).rejects.toThrow(/disk .* is full.*Free some space/);
      const missed = readFileSync(join(job.directory, 'heartbeat.json'), 'utf8');
      // Long enough for complaints about beats, which cannot be written either.
      await sleep(3000);
      expect(readFileSync(join(job.directory, 'heartbeat.json'), 'utf8')).toBe(missed);
      expect(isAlive(runner)).toBe(true);
      rmSync(filler);
      writeFileSync(join(job.directory, 'go'), '');
      expect((await ended(agent, job)).status).toEqual({ state: 'completed', outcome: 'value' });
    } finally {
      await small[Symbol.asyncDispose]();
      await until('the disk is free', () => spawnSync('umount', [disk]).status === 0);
      rmdirSync(disk);
    }
  },
  30_000,
);

test('an agent of an older Cellburst is asked to finish, and its place is taken', async () => {
  const path = join(setting.stateDirectory, 'agent.lock');
  // What every version of the agent does when it is asked to end: let go of the lock.
  const code = `process.on('SIGTERM', () => { require('node:fs').unlinkSync(process.argv[1]); process.exit(0); });
    setInterval(() => 0, 1000); console.log('ready')`;
  const older = spawn(process.execPath, ['-e', code, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(older.stdout, 'data');
    const holder = { protocol: AGENT_PROTOCOL - 1, host: hostName(), process: identify(older.pid ?? 0) };
    writeFileSync(path, JSON.stringify(holder));
    const agent = await setting.connect();
    expect((await agent.status()).protocol).toBe(AGENT_PROTOCOL);
    expect(older.exitCode).toBe(0);
  } finally {
    older.kill('SIGKILL');
  }
});

test('a state directory that an agent on another machine uses is left alone', async () => {
  const path = join(setting.stateDirectory, 'agent.lock');
  writeFileSync(path, JSON.stringify({ protocol: AGENT_PROTOCOL, host: 'elsewhere', process: { pid: 1 } }));
  await expect(setting.connect()).rejects.toThrow('in use by an agent on elsewhere');
  // Once it has shown no life for long enough, the place is free.
  const past = new Date(Date.now() - 3_600_000);
  utimesSync(path, past, past);
  expect((await (await setting.connect()).status()).pid).toBeGreaterThan(0);
});

test('a lock that cannot be read is told while it is fresh, and removed when it is old', async () => {
  const path = join(setting.stateDirectory, 'agent.lock');
  writeFileSync(path, '');
  await expect(setting.connect()).rejects.toThrow('and it is recent');
  const past = new Date(Date.now() - 3_600_000);
  utimesSync(path, past, past);
  expect((await (await setting.connect()).status()).pid).toBeGreaterThan(0);
});

test('a record that cannot be read is left alone, and the agent goes on', async () => {
  const first = await setting.connect();
  const [good, bad] = [await run(first, 'finish()'), await run(first, 'finish()')];
  await first[Symbol.asyncDispose]();
  await killAgent();
  writeFileSync(join(bad.directory, 'record.json'), '{"id":');
  const next = await setting.connect();
  expect((await next.jobs()).map(({ id }) => id)).toEqual([good.id]);
  expect(existsSync(join(bad.directory, 'record.json'))).toBe(true);
  expect(readFileSync(join(setting.stateDirectory, 'agent.log'), 'utf8')).toContain(`left alone: ${bad.directory}`);
});

test('more ended jobs than are kept are cleared away, but none whose result nobody has fetched', async () => {
  process.env['CELLBURST_KEEP_JOBS'] = '1';
  try {
    const agent = await setting.connect();
    const unfetched = await run(agent, 'finish()');
    const fetched = await run(agent, 'finish()');
    await agent.claim(fetched.id);
    await agent.delivered(fetched.id);
    const last = await run(agent, 'finish()');
    // It is looked at once the agent has started, and then every ten minutes.
    await killAgent();
    await until('the fetched one is gone', async () => !(await agent.jobs()).some(({ id }) => id === fetched.id));
    expect(existsSync(fetched.directory)).toBe(false);
    for (const { id } of [unfetched, last]) expect((await agent.job(id)).status.state).toBe('completed');
  } finally {
    delete process.env['CELLBURST_KEEP_JOBS'];
  }
});
