// The command line about jobs, as a person or a program calls it.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { AgentConnection } from '../../magics/client';
import { progressLine } from '../../cli/progress';
import { duration, jobTable } from '../../cli/show';
import { Setting, run, running, submit } from '../agent/setting';

const CLI = resolve(__dirname, '..', '..', 'dist', 'cli.js');
const setting = new Setting();
let agent: AgentConnection;
beforeAll(async () => {
  agent = await setting.connect();
});
afterAll(async () => {
  await setting[Symbol.asyncDispose]();
});

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function cellburst(...args: string[]): Promise<Said> {
  return new Promise((done) => {
    const env = { ...process.env, CELLBURST_STATE_DIR: setting.stateDirectory };
    const child = execFile(process.execPath, [CLI, ...args], { env }, (_, out, err) => {
      done({ code: child.exitCode ?? -1, out, err });
    });
  });
}

test('jobs are listed, for people and for programs', async () => {
  const job = await run(agent, 'print("hi\\n"); finish()');
  const list = await cellburst('jobs');
  expect(list).toMatchObject({ code: 0, err: '' });
  expect(list.out).toMatch(new RegExp(`^ID +STATE[^]*\\n${job.id} +done +local +test +1 `));
  const json: unknown = JSON.parse((await cellburst('jobs', '--json')).out);
  expect(json).toContainEqual(
    expect.objectContaining({ id: job.id, status: { state: 'completed', outcome: 'value' } }),
  );
});

test('of one job all is told that explains a result: what it was given, and the machine that it ran on', async () => {
  const job = await run(agent, 'finish()');
  const { code, out } = await cellburst('jobs', job.id);
  expect(code).toBe(0);
  for (const row of [
    /^state +completed/m,
    /^cluster +local/m,
    /^asked for +1 core/m,
    /^Node\.js +\d+\./m,
    /^C library +\S/m,
    /^processor +\S/m,
  ])
    expect(out).toMatch(row);
  const json: unknown = JSON.parse((await cellburst('jobs', '--json', job.id)).out);
  expect(json).toMatchObject({ id: job.id, ranOn: { node: process.versions.node } });
});

test('logs print what a job printed, each stream where it belongs', async () => {
  const job = await run(agent, 'print("to out\\n"); print("to err\\n", 2); finish()');
  expect(await cellburst('logs', job.id)).toEqual({ code: 0, out: 'to out\n', err: 'to err\n' });
});

test('logs of a running job end by themselves; with -f they go on until it ends', async () => {
  const code = `print('begin\\n'); const fs = require('node:fs'); setTimeout(() => { print('end\\n'); finish(); }, 1500)`;
  const job = await running(agent, await submit(agent, code));
  const [now, all] = await Promise.all([cellburst('logs', job.id), cellburst('logs', '-f', job.id)]);
  expect(now.out).not.toContain('end');
  expect(all.out).toBe('begin\nend\n');
});

test('attach tells how it ended, by words and by exit code', async () => {
  const good = await run(agent, 'print("x"); finish()');
  const said = await cellburst('attach', good.id);
  expect(said).toMatchObject({ code: 0, out: 'x' });
  expect(said.err).toContain(`%cluster attach ${good.id}`);
  const bad = await run(agent, 'process.exit(9)');
  const told = await cellburst('attach', bad.id);
  expect(told.code).toBe(1);
  expect(told.err).toContain('exit code 9');
});

test('cancel ends a job and says so', async () => {
  const job = await running(agent, await submit(agent, 'setInterval(() => 0, 1000)'));
  expect(await cellburst('cancel', job.id)).toMatchObject({
    code: 0,
    err: `Job ${job.id} was cancelled by the user.\n`,
  });
  expect((await cellburst('cancel', job.id)).err).toContain('There is nothing to cancel.');
});

test('the agent tells of itself', async () => {
  expect((await cellburst('agent', 'status')).out).toContain(setting.stateDirectory);
});

test('what cannot be understood gets exit code 2 and a sentence', async () => {
  for (const [args, words] of [
    [['frob'], 'There is no command "frob"'],
    [['logs'], 'Which job?'],
    [['logs', 'none'], 'There is no job "none"'],
    [['jobs', '--frob'], '--frob'],
    [['agent', 'dance'], 'none of status, stop'],
    [['jobs', '--last', 'few'], 'a whole number from 1'],
    [['jobs', '--stat', 'done'], 'Did you mean --state?'],
    [['atach', 'x'], 'Did you mean attach?'],
    [['cancel', '--json=yes', 'x'], 'takes no value'],
    [['retry', '--memory'], '--memory needs a value'],
    [['logs', 'a', 'b'], 'one word too many'],
  ] as const) {
    const said = await cellburst(...args);
    expect(said).toMatchObject({ code: 2, out: '' });
    expect(said.err).toContain(words);
  }
});

test('the kernel is installed where it was asked for, and removed again', async () => {
  const prefix = mkdtempSync(join(tmpdir(), 'cb-prefix-'));
  try {
    const report: unknown = JSON.parse((await cellburst('install', '--prefix', prefix, '--json')).out);
    expect(report).toMatchObject({ kernel: { done: 'installed' } });
    const file = join(prefix, 'share', 'jupyter', 'kernels', 'cellburst', 'kernel.json');
    expect(readFileSync(file, 'utf8')).toContain('kernel.js');
    expect((await cellburst('install', '--prefix', prefix)).out).toMatch(/up to date/i);
    expect((await cellburst('uninstall', '--prefix', prefix)).code).toBe(0);
    expect(existsSync(file)).toBe(false);
    expect((await cellburst('install', '--user', '--prefix', prefix)).code).toBe(2);
  } finally {
    rmSync(prefix, { recursive: true, force: true });
  }
});

test('times read as people write them', () => {
  expect([4.24, 187, 7380].map(duration)).toEqual(['4.2 s', '3:07', '2:03:00']);
  const terminal = { columns: 10, paint: (_: string, text: string) => text };
  expect(jobTable([], 0, terminal)).toBe('ID  STATE ');
});

test('how far long work has come is one line', () => {
  expect(progressLine('12 MB of 24 MB', 0.5)).toBe(`[${'#'.repeat(12)}${'·'.repeat(12)}]  50 % 12 MB of 24 MB`);
  expect(progressLine('1 of 1', 1.2)).toBe(`[${'#'.repeat(24)}] 100 % 1 of 1`);
  expect(progressLine('7 so far')).toBe('7 so far');
});
