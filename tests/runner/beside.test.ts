// A runner and its cell process that a shell starts at the same moment: all that a runner tells of its cell process is as if it had started it itself.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startVariables } from '../../magics/protocol/cell-start';
import { OutputReader } from '../../magics/protocol/output';
import { isAlive } from '../../magics/protocol/platform';
import { outcome, type Outcome } from '../../magics/protocol/run';
import { parseJson } from '../../magics/protocol/shape';
import { toExit } from '../../magics/runner/started-cell';
import { pairCommand } from '../../magics/schedulers/beside';
import { readBeat, until, writeBundle } from '../agent/setting';

const DIST = resolve(__dirname, '..', '..', 'dist');
const [RUNNER, CELL] = [join(DIST, 'runner.js'), join(DIST, 'cell.js')];

let place: string;
let pipes: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'cb-beside-'));
  pipes = join(place, 'tmp');
  mkdirSync(pipes);
});
afterEach(() => {
  rmSync(place, { recursive: true, force: true });
});

interface Ran {
  readonly status: number | null;
  readonly told: Outcome;
  readonly output: string;
}

/** Runs JavaScript as a cell (see writeBundle) by the shell's command, to the end of the runner. */
async function run(code: string, { node = process.execPath, environment = {}, during = async () => {} }: Given = {}) {
  const runner = await start(code, node, environment);
  await during();
  const status = await runner.ended;
  const told = parseJson(readFileSync(join(place, 'outcome.json'), 'utf8'), outcome, 'the outcome');
  expect(readdirSync(pipes)).toEqual([]);
  return { status, told, output: readOutput() } satisfies Ran;
}

interface Given {
  readonly node?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly during?: () => Promise<void>;
}

async function start(code: string, node: string, environment: Readonly<Record<string, string>>) {
  await writeBundle(place, code);
  const orders = join(place, 'orders.json');
  writeFileSync(orders, JSON.stringify({ directory: place, jobId: 'test', cores: 1, environment }));
  const [shell, ...args] = pairCommand({
    runner: [process.execPath, RUNNER, '--orders', orders],
    cell: [node, CELL],
    environment: startVariables(environment),
  });
  const child = spawn(shell, args, { cwd: place, env: { ...process.env, TMPDIR: pipes }, stdio: 'ignore' });
  const ended = new Promise<number | null>((tell) => child.once('exit', tell));
  return { child, ended };
}

function readOutput(): string {
  const reader = new OutputReader();
  return [...reader.push(readFileSync(join(place, 'output.spool')))]
    .map(({ record }) => ('text' in record ? record.text : ''))
    .join('');
}

const linuxOnly = process.platform === 'linux' ? test : test.skip;

linuxOnly(
  'it is a child of the runner, started by the shell, in a group of its own, with the variables of its job',
  async () => {
    const { status, told, output } = await run(
      `const { execFileSync } = require('node:child_process');
const { readFileSync, readlinkSync } = require('node:fs');
const [, , group, session] = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ');
print(JSON.stringify([process.ppid, process.pid === Number(group), process.pid === Number(session), readlinkSync('/proc/self/fd/3'), process.env.GLIBC_TUNABLES ?? null, process.env.ONE, process.execArgv, process.noDeprecation ?? null]) + '\\n');
finish()`,
      { environment: { ONE: `it's "one"\n$two`, NODE_OPTIONS: '--no-deprecation' } },
    );
    const beat = readBeat(place);
    expect(JSON.parse(output.split('\n')[0] ?? '')).toEqual([
      beat?.runner.pid,
      true,
      true,
      expect.stringMatching(/^\/.*records \(deleted\)$/) as string,
      null,
      `it's "one"\n$two`,
      [],
      true,
    ]);
    expect([status, told.ending]).toEqual([0, { kind: 'exit', code: 0 }]);
  },
);

linuxOnly.each([
  ['an exit code', 'process.exit(7)', { kind: 'exit', code: 7 }],
  ['an exit code that a shell says of signals', 'process.exit(137)', { kind: 'exit', code: 137 }],
  ['a signal', 'process.kill(process.pid, "SIGKILL")', { kind: 'signal', signal: 'SIGKILL' }],
  ['a crash', 'process.abort()', { kind: 'signal', signal: 'SIGABRT' }],
] as const)('%s is told as what it is, with all that was printed before', async (_, code, ending) => {
  const { told, output } = await run(
    `require('node:fs').writeSync(1, 'by a descriptor\\n'); print('last words\\n'); ${code}`,
  );
  expect(told.ending).toMatchObject(ending);
  expect(output.split('\n')).toEqual(expect.arrayContaining(['by a descriptor', 'last words']));
});

linuxOnly('an error that was thrown is in the envelope, and what the cell has started ends with it', async () => {
  const { told, output } = await run(
    `const child = require('node:child_process').spawn('sleep', ['600'], { stdio: 'inherit' }); print(String(child.pid)); finish('error')`,
  );
  expect(told.ending).toEqual({ kind: 'exit', code: 0 });
  await until('its child has ended', () => !isAlive({ pid: Number(output) }));
});

linuxOnly('asked to end, it ends with its job, which was told to', async () => {
  const { child, ended } = await start(`print('up'); setInterval(() => {}, 1000)`, process.execPath, {});
  await until('the cell runs', () => readBeat(place) !== undefined && readOutput() === 'up');
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(parseJson(readFileSync(join(place, 'outcome.json'), 'utf8'), outcome, 'the outcome').ending).toEqual({
    kind: 'terminated',
  });
});

linuxOnly('a runner that dies before it gives orders leaves no cell process behind', async () => {
  const { child, ended } = await start('finish()', process.execPath, {});
  const childOf = (): number | undefined => Number(readChildren(child.pid ?? 0)[0]) || undefined;
  const cell = await until('the shell has started it', childOf);
  child.kill('SIGKILL');
  await ended;
  await until('the cell process has ended', () => !isAlive({ pid: cell }));
});

function readChildren(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  } catch {
    // Without CONFIG_PROC_CHILDREN, or the process is gone: none are seen.
    return [];
  }
}

linuxOnly('where Node is a script that starts it, the runner starts the cell process itself', async () => {
  const wrapper = join(place, 'node');
  writeFileSync(wrapper, `#!/bin/sh\n${process.execPath} "$@"\n`, { mode: 0o755 });
  const { told, output } = await run(`print(require('node:fs').readlinkSync('/proc/self/fd/3')); finish()`, {
    node: wrapper,
  });
  expect(told.ending).toEqual({ kind: 'exit', code: 0 });
  expect(output).toMatch(/^socket:/);
});

test('where no pipe can be made, too', async () => {
  rmSync(pipes, { recursive: true });
  writeFileSync(pipes, '');
  const { ended } = await start(`finish()`, process.execPath, {});
  expect(await ended).toBe(0);
  expect(parseJson(readFileSync(join(place, 'outcome.json'), 'utf8'), outcome, 'the outcome').ending).toEqual({
    kind: 'exit',
    code: 0,
  });
});

test.each([
  [0, { code: 0 }],
  [7 << 8, { code: 7 }],
  [255 << 8, { code: 255 }],
  [constants.signals.SIGSEGV | 0x80, { signal: 'SIGSEGV' }],
])('the status %i of wait(2) is %j', (status, exit) => {
  expect(toExit(status)).toEqual(exit);
});
