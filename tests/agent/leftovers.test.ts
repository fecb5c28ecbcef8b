// No process of a job outlives what looks after it, and no death between two steps makes a job run twice, or run after it was told to be over.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { connectAgent, type AgentConnection } from '../../magics/client';
import { ALLOCATION_STATE, OUTCOME_FILE } from '../../magics/protocol/layout';
import { identify, isAlive, sendSignal } from '../../magics/protocol/platform';
import type { ProcessIdentity } from '../../magics/protocol/run';
import { Setting, ended, readBeat, running, submit, until } from './setting';

const DIST = resolve(__dirname, '..', '..', 'dist');
const AGENT = join(DIST, 'agent.js');
/** Starts a process that leaves its group, notes it, and never ends. */
const STAY = `const { spawn } = require('node:child_process');
  const far = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
  require('node:fs').writeFileSync(directory + '/far', String(far.pid)); setInterval(() => 0, 1000)`;

const isPosix = process.platform !== 'win32';
const testIf = isPosix ? test : test.skip;

/** Of a job that runs STAY: its cell process, and what has left the group. */
async function processesOf(directory: string): Promise<readonly ProcessIdentity[]> {
  const beat = await until('there is a heartbeat', () => readBeat(directory));
  const far = await until('the cell has begun', () => numberIn(join(directory, 'far')));
  return [beat.cell, identify(far)];
}

function numberIn(path: string): number | undefined {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  return text === '' ? undefined : Number(text);
}

async function killAgent(setting: Pick<Setting, 'agentPid'>): Promise<void> {
  const agent = identify(setting.agentPid() ?? 0);
  sendSignal(agent.pid, 'SIGKILL');
  await until('the agent is dead', () => !isAlive(agent));
}

testIf('what a cell has started ends with its runner, with nobody there to see it', async () => {
  await using setting = new Setting();
  const agent = await setting.connect();
  const job = await running(agent, await submit(agent, STAY));
  const mine = await processesOf(job.directory);
  const { runner } = await until('there is a heartbeat', () => readBeat(job.directory));
  await agent[Symbol.asyncDispose]();
  await killAgent(setting);
  expect(mine.map(isAlive)).toEqual([true, true]);
  sendSignal(runner.pid, 'SIGKILL');
  await until('all of it has ended', () => !mine.some(isAlive));
});

testIf('what runs on kept nodes ends with their agent, and says that it was stopped', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'cb-kept-'));
  const stateDirectory = join(directory, ALLOCATION_STATE);
  mkdirSync(stateDirectory, { mode: 0o700 });
  const orders = join(directory, 'orders.json');
  writeFileSync(orders, JSON.stringify({ directory, jobId: 'kept', cores: 1, keepSeconds: 600 }));
  try {
    await using agent = await connectAgent({ stateDirectory, agent: [AGENT, '--allocation', orders] });
    const job = await running(agent, await submit(agent, STAY));
    const mine = await processesOf(job.directory);
    const { runner } = await until('there is a heartbeat', () => readBeat(job.directory));
    sendSignal((await agent.status()).pid, 'SIGKILL');
    await until('all of it has ended', () => ![...mine, runner].some(isAlive));
    const outcome: unknown = JSON.parse(readFileSync(join(job.directory, OUTCOME_FILE), 'utf8'));
    expect(outcome).toMatchObject({ ending: { kind: 'terminated' } });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

testIf('what a cell has started ends when it is cancelled, also what has left its group', async () => {
  await using setting = new Setting();
  const agent = await setting.connect();
  const job = await running(agent, await submit(agent, STAY));
  const mine = await processesOf(job.directory);
  await agent.cancel(job.id);
  expect((await ended(agent, job)).status).toEqual({ state: 'cancelled', by: 'user' });
  await until('all of it has ended', () => !mine.some(isAlive));
});

describe('an agent that is killed between the start of a runner and its first word', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cb-gate-'));
    // A runner that tells that it is there, and begins when it may. It does not hear of its end before.
    const waits = `const fs = require('node:fs'); process.on('SIGTERM', () => 0);
      fs.writeFileSync(${JSON.stringify(folder)} + '/started-' + process.pid, '');
      const timer = setInterval(() => { if (!fs.existsSync(${JSON.stringify(folder)} + '/go')) return;
        clearInterval(timer); require(${JSON.stringify(join(DIST, 'runner.js'))}); }, 10);`;
    writeFileSync(join(folder, 'runner.js'), waits);
  });
  afterEach(() => {
    for (const { pid } of started()) sendSignal(pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  const started = () =>
    readdirSync(folder).flatMap((name) => {
      const pid = /^started-(\d+)$/.exec(name)?.[1];
      return pid === undefined ? [] : [identify(Number(pid))];
    });
  const connect = (setting: Setting): Promise<AgentConnection> =>
    setting.connect({ agent: [AGENT, '--runner', join(folder, 'runner.js'), '--cell', join(DIST, 'cell.js')] });
  const countRuns = `require('node:fs').appendFileSync(directory + '/runs', 'x'); finish()`;

  test('has its job run once', async () => {
    await using setting = new Setting();
    const agent = await connect(setting);
    const job = await submit(agent, countRuns);
    const first = await until('a runner was started', () => started()[0]);
    await killAgent(setting);
    await until('the next agent has started one', async () => {
      await agent.job(job.id);
      return started().length > 1;
    });
    expect(isAlive(first)).toBe(true);
    writeFileSync(join(folder, 'go'), '');
    expect((await ended(agent, job)).status).toEqual({ state: 'completed', outcome: 'value' });
    await until('the other one has left', () => !isAlive(first) || started().some((one) => !isAlive(one)));
    expect(readFileSync(join(job.directory, 'runs'), 'utf8')).toBe('x');
  });

  test('lets nothing run that it told to be cancelled', async () => {
    await using setting = new Setting();
    const agent = await connect(setting);
    const job = await submit(agent, countRuns);
    const runner = await until('a runner was started', () => started()[0]);
    await agent.cancel(job.id);
    await killAgent(setting);
    expect((await ended(agent, job)).status).toEqual({ state: 'cancelled', by: 'user' });
    writeFileSync(join(folder, 'go'), '');
    await until('the runner has left', () => !isAlive(runner));
    expect(existsSync(join(job.directory, 'runs'))).toBe(false);
  });
});
