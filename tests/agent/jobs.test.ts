// Jobs through the real agent, runner and a cell process: how they run, wait and end.
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { AgentConnection } from '../../magics/client';
import { isAlive, sendSignal } from '../../magics/protocol/platform';
import {
  PATIENCE_MS,
  Setting,
  ended,
  readBeat,
  run,
  running,
  specOf,
  submit,
  textOf,
  until,
  writeBundle,
} from './setting';
import { testUnless } from '../unless';

const CORES = availableParallelism();
/** Ends when its directory holds a file `go`. */
const WAIT = `const fs = require('node:fs'); setInterval(() => { if (fs.existsSync(directory + '/go')) finish(); }, 10)`;

const setting = new Setting();
let agent: AgentConnection;
beforeAll(async () => {
  agent = await setting.connect();
});
afterAll(async () => {
  await setting[Symbol.asyncDispose]();
});

function letGo(directory: string): void {
  writeFileSync(join(directory, 'go'), '');
}

test('a job runs, and its output, outcome and usage come back', async () => {
  const job = await run(agent, 'print("hello\\n"); finish()');
  expect(job.status).toEqual({ state: 'completed', outcome: 'value' });
  expect(await textOf(agent, job.id)).toBe('hello\n');
  expect(job.usage?.elapsedSeconds).toBeGreaterThan(0);
  expect(job.startedAt).toBeGreaterThanOrEqual(job.submittedAt ?? Infinity);
});

test('a job runs in a process of its own, in its own directory, with what it was granted in its environment', async () => {
  const job = await ended(
    agent,
    await submit(
      agent,
      'print(JSON.stringify([process.pid, process.cwd(), process.env.CELLBURST_CORES, process.env.CELLBURST_JOB_ID, process.env.MINE])); finish()',
      {},
      { MINE: 'a "b" c' },
    ),
  );
  const [pid, cwd, cores, id, mine] = JSON.parse(await textOf(agent, job.id)) as unknown[];
  expect(pid).not.toBe(process.pid);
  expect([cwd, cores, id, mine]).toEqual([join(job.directory, 'work'), '1', job.id, 'a "b" c']);
});

testUnless(CORES > 1 && process.platform === 'linux' ? undefined : 'needs Linux and two cores')(
  'a job sees as many processors as it asked for, warm or cold',
  async () => {
    for (const resources of [{ cores: 1 }, { cores: 1, memoryMiB: 512 }]) {
      const job = await run(agent, 'print(String(require("node:os").availableParallelism())); finish()', resources);
      expect(await textOf(agent, job.id)).toBe('1');
    }
  },
);

test('a cell that threw is completed with an error', async () => {
  const job = await run(agent, 'finish("error")');
  expect(job.status).toEqual({ state: 'completed', outcome: 'error' });
});

test('an exit code is told, with the last words of native code', async () => {
  const job = await run(agent, 'require("node:fs").writeSync(2, "bad luck"); process.exit(3)');
  expect(job.status).toMatchObject({ state: 'failed', cause: 'exit', exitCode: 3 });
  expect(job.status).toHaveProperty('reason', expect.stringContaining('bad luck'));
});

test('a cell that ends its process with 0 has failed all the same', async () => {
  const job = await run(agent, 'process.exit(0)');
  expect(job.status).toMatchObject({ state: 'failed', cause: 'exit', exitCode: 0 });
});

test('a signal is told', async () => {
  const job = await run(agent, 'process.kill(process.pid, "SIGKILL")');
  expect(job.status).toMatchObject({ state: 'failed', cause: 'signal', signal: 'SIGKILL' });
});

test('an exhausted heap is out of memory', async () => {
  const job = await run(agent, 'const keep = []; for (;;) keep.push(new Array(1000).fill({ a: 1 }));', {
    memoryMiB: 160,
  });
  expect(job.status).toMatchObject({ state: 'failed', cause: 'out-of-memory' });
  expect(job.status).toHaveProperty('reason', expect.stringContaining('heap'));
});

test('buffers beyond the granted memory are out of memory', async () => {
  const code = 'const keep = []; setInterval(() => keep.push(Buffer.alloc(20e6, 1)), 5)';
  const job = await run(agent, code, { memoryMiB: 200 });
  expect(job.status).toMatchObject({ state: 'failed', cause: 'out-of-memory' });
  expect(job.status).toHaveProperty('reason', expect.stringContaining('200 MiB'));
});

test('memory of child processes counts', async () => {
  const child = 'const keep = []; setInterval(() => keep.push(Buffer.alloc(20e6, 1)), 5)';
  const code = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}]); setInterval(() => 0, 1000)`;
  const job = await run(agent, code, { memoryMiB: 250 });
  expect(job.status).toMatchObject({ state: 'failed', cause: 'out-of-memory' });
});

test('the time limit ends even a busy loop, and what it started', async () => {
  const code = `const c = require('node:child_process').spawn('sleep', ['1000']); print(String(c.pid)); for (;;);`;
  const job = await run(agent, code, { wallTimeSeconds: 1 });
  expect(job.status).toMatchObject({ state: 'failed', cause: 'time-limit' });
  const child = Number(await textOf(agent, job.id));
  await until('the child has ended', () => !isAlive({ pid: child }));
});

test('the time in which a job was suspended does not count against its limit', async () => {
  const job = await submit(agent, WAIT, { wallTimeSeconds: 5 });
  const { directory } = await running(agent, job);
  const { runner, cell } = readBeat(directory) ?? {};
  const processes = [runner?.pid ?? 0, cell?.pid ?? 0];
  for (const pid of processes) expect(sendSignal(pid, 'SIGSTOP')).toBe(true);
  await pause(5500);
  for (const pid of processes) sendSignal(pid, 'SIGCONT');
  await pause(200);
  letGo(directory);
  expect((await ended(agent, job)).status).toEqual({ state: 'completed', outcome: 'value' });
});

test('a running job that ignores SIGTERM is cancelled', async () => {
  const code = `process.on("SIGTERM", () => print("no")); setInterval(() => 0, 1000); print("deaf")`;
  const job = await submit(agent, code);
  for await (const { bytes } of agent.output(job.id, { signal: AbortSignal.timeout(PATIENCE_MS) })) {
    expect(bytes.toString()).toContain('deaf');
    break;
  }
  await agent.cancel(job.id);
  expect((await ended(agent, job)).status).toEqual({ state: 'cancelled', by: 'user' });
  expect(await textOf(agent, job.id)).toBe('deafno');
}, 30_000);

test('a job ended by somebody else is not said to be cancelled by the user', async () => {
  const job = await running(agent, await submit(agent, 'setInterval(() => 0, 1000)'));
  const beat = await until('there is a heartbeat', () => readBeat(job.directory));
  process.kill(beat.runner.pid, 'SIGTERM');
  expect((await ended(agent, job)).status).toEqual({ state: 'cancelled', by: 'unknown' });
});

test('jobs beyond the cores wait in line, with the reason, and start in order', async () => {
  const first = await running(agent, await submit(agent, WAIT, { cores: CORES }));
  const second = await submit(agent, WAIT, { cores: CORES });
  const third = await submit(agent, 'finish()');
  const reason = async (id: string): Promise<unknown> => (await agent.job(id)).status;
  await until('both wait', async () => JSON.stringify(await reason(third.id)).includes('behind'));
  expect(await reason(second.id)).toEqual({
    state: 'queued',
    reason: `waiting for ${CORES} cores, 0 of ${CORES} are free`,
  });
  expect(await reason(third.id)).toEqual({ state: 'queued', reason: 'behind 1 other job' });
  letGo(first.directory);
  await running(agent, second);
  letGo(second.directory);
  const [a, b] = [await ended(agent, second), await ended(agent, third)];
  expect(a.startedAt).toBeLessThanOrEqual(b.startedAt ?? 0);
});

test('a job in the queue is cancelled at once, and the next moves up', async () => {
  const first = await running(agent, await submit(agent, WAIT, { cores: CORES }));
  const second = await submit(agent, WAIT, { cores: CORES });
  await agent.cancel(second.id);
  expect((await ended(agent, second)).status).toEqual({ state: 'cancelled', by: 'user' });
  letGo(first.directory);
  expect((await ended(agent, first)).status.state).toBe('completed');
});

test('what this machine can never give is refused before anything is sent', async () => {
  await expect(agent.create(specOf({ cores: CORES + 1 }))).rejects.toThrow(`this machine has ${CORES}`);
  await expect(agent.create(specOf({ memoryMiB: 1e9 }))).rejects.toThrow('MiB of memory');
  await expect(agent.create(specOf({ gpus: 1 }))).rejects.toThrow('GPU');
  await expect(agent.create({ ...specOf(), cluster: 'moon' })).rejects.toThrow(
    'There is no cluster "moon". There are: local.',
  );
});

test('a job without a bundle is refused, and can be discarded', async () => {
  const job = await agent.create(specOf());
  await expect(agent.submit(job.id)).rejects.toThrow('bundle.bin');
  await agent.discard(job.id);
  await expect(agent.job(job.id)).rejects.toThrow('There is no job');
});

test('a job is found by the end of its id', async () => {
  const job = await agent.create(specOf());
  expect((await agent.job(job.id.slice(-4))).id).toBe(job.id);
  await agent.discard(job.id);
});

test('a job that was submitted twice runs once', async () => {
  const job = await agent.create(specOf());
  await writeBundle(job.directory, 'require("node:fs").appendFileSync(directory + "/runs", "x"); finish()');
  await Promise.all([agent.submit(job.id), agent.submit(job.id)]);
  await ended(agent, job);
  expect(readFileSync(join(job.directory, 'runs'), 'utf8')).toBe('x');
});

test('a job may name the Node that runs it', async () => {
  const job = await agent.create({ ...specOf(), nodeProgram: '/nowhere/node' });
  await writeBundle(job.directory, 'finish()');
  await agent.submit(job.id);
  const last = await ended(agent, job);
  expect(last.status).toMatchObject({ state: 'failed', cause: 'start-failed' });
  expect(last.status).toHaveProperty('reason', expect.stringContaining('/nowhere/node'));
});

test('a runner is kept warm, and the next job takes it', async () => {
  await agent.warm();
  await until('a runner is warm', async () => (await agent.status()).warm === 1);
  const job = await run(agent, 'finish()');
  expect(job.status.state).toBe('completed');
});
