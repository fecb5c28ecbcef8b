// Ends of processes, wanted and unwanted.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KernelClient, ROOT } from './client';

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await KernelClient.start();
});
afterAll(() => kernel.stop());

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function userPid(client = kernel): Promise<number> {
  const { result } = await client.execute('process.pid');
  return Number((result?.['data'] as Record<string, unknown>)['text/plain']);
}

async function goneWithin(pid: number, milliseconds: number): Promise<boolean> {
  const deadline = Date.now() + milliseconds;
  while (isAlive(pid) && Date.now() < deadline) await pause(20);
  return !isAlive(pid);
}

describe('the user process ends in a cell, which says why, and a new process takes over', () => {
  const ends: [string, string, RegExp, string][] = [
    ['process.exit(3)', 'process.exit(3)', /process\.exit\(3\)/, 'ProcessExit'],
    ['process.exit after an await', 'await null; process.exit(0);', /process\.exit\(0\)/, 'ProcessExit'],
    ['abort', 'process.abort()', /SIGABRT/, 'ProcessCrash'],
    ['SIGSEGV', `process.kill(process.pid, 'SIGSEGV'); await new Promise(() => {});`, /SIGSEGV/, 'ProcessCrash'],
    ['SIGKILL', `process.kill(process.pid, 'SIGKILL'); await new Promise(() => {});`, /SIGKILL/, 'ProcessCrash'],
  ];
  test.each(ends)('%s', async (_, code, cause, name) => {
    const before = await userPid();
    const { reply, stdout } = await kernel.execute(`console.log('before the end'); ${code}`);
    expect(reply).toMatchObject({ status: 'error', ename: name, evalue: expect.stringMatching(cause) as string });
    expect(reply['evalue']).toMatch(/All variables are gone; a new process was started/);
    expect(stdout).toBe('before the end\n');
    expect(await userPid()).not.toBe(before);
  });

  test('a heap that is exhausted is told from other aborts', async () => {
    const small = await KernelClient.start({ CELLBURST_NODE_OPTIONS: '--max-old-space-size=40' });
    try {
      const { reply, stderr } = await small.execute(
        'const all: number[][] = []; for (;;) { all.push(new Array<number>(1000).fill(all.length)); }',
      );
      expect(reply).toMatchObject({ status: 'error', ename: 'OutOfMemory' });
      expect(reply['evalue']).toMatch(/heap is limited to \d+ MiB/);
      expect(stderr).not.toMatch(/Last few GCs|OOMErrorHandler/);
      expect((await small.execute('1')).reply).toMatchObject({ status: 'ok' });
    } finally {
      await small.stop();
    }
  });

  test('cells that wait behind it are aborted, the ones after run', async () => {
    const ending = await kernel.startCell(`await new Promise((resolve) => setTimeout(resolve, 100)); process.exit(1);`);
    const waiting = await kernel.startCell('1');
    expect((await kernel.outcome(ending)).reply).toMatchObject({ status: 'error' });
    expect((await kernel.outcome(waiting)).reply).toMatchObject({ status: 'aborted' });
    expect((await kernel.execute('2')).reply).toMatchObject({ status: 'ok' });
  });
});

test('an end between cells is shown in the cell it came from', async () => {
  const id = await kernel.startCell('setTimeout(() => process.exit(5), 50);');
  expect((await kernel.outcome(id)).reply).toMatchObject({ status: 'ok' });
  await kernel.printed(id, 'process.exit(5)');
  expect((await kernel.execute('1')).reply).toMatchObject({ status: 'ok' });
});

test('errors nobody catches are shown in their cell and end nothing', async () => {
  const pid = await userPid();
  const id = await kernel.startCell(
    `setTimeout(() => { throw new RangeError('from a timer'); }, 10); Promise.reject(new TypeError('unhandled'));`,
  );
  expect((await kernel.outcome(id)).reply).toMatchObject({ status: 'ok' });
  await kernel.printed(id, 'from a timer');
  await kernel.printed(id, 'unhandled');
  expect(await userPid()).toBe(pid);
});

test('a cell inside one native call is stopped by ending its process, and says so', async () => {
  const id = await kernel.startCell(`console.log('in'); require('node:child_process').execSync('sleep 30');`);
  await kernel.printed(id, 'in');
  await pause(100);
  const started = performance.now();
  await kernel.interrupt();
  const { reply } = await kernel.outcome(id, started);
  expect(reply).toMatchObject({ status: 'error', ename: 'KeyboardInterrupt' });
  expect(reply['evalue']).toMatch(/could not be stopped.*All variables are gone/);
  expect(performance.now() - started).toBeLessThan(4_000);
  expect((await kernel.execute('1')).reply).toMatchObject({ status: 'ok' });
});

test('the user process ends with a killed supervisor, even in a busy loop', async () => {
  const doomed = await KernelClient.start();
  try {
    const pid = await userPid(doomed);
    const id = await doomed.startCell('while (true) { Math.random(); }');
    await doomed.status(id, 'busy');
    await pause(50);
    expect(isAlive(pid)).toBe(true);
    doomed.process.kill('SIGKILL');
    expect(await goneWithin(pid, 3_000)).toBe(true);
  } finally {
    await doomed.stop();
  }
});

test('shutdown is answered on control and iopub, exit handlers run, and everything ends', async () => {
  const client = await KernelClient.start();
  try {
    const pid = await userPid(client);
    await client.execute(`process.on('exit', () => require('node:fs').writeFileSync('farewell', 'ran'));`);
    const gone = new Promise((resolve) => client.process.once('exit', resolve));
    const reply = await client.request('control', 'shutdown_request', { restart: true });
    expect(reply).toMatchObject({ msg_type: 'shutdown_reply', status: 'ok', restart: true });
    await client.iopub.wait('shutdown_reply', ({ type }) => type === 'shutdown_reply');
    expect(await gone).toBe(0);
    expect(await goneWithin(pid, 1_000)).toBe(true);
    expect(readFileSync(join(client.directory, 'farewell'), 'utf8')).toBe('ran');
  } finally {
    await client.stop();
  }
});

test('shutdown ends a kernel whose cell spins', async () => {
  const client = await KernelClient.start();
  try {
    const pid = await userPid(client);
    const id = await client.startCell('while (true) { Math.random(); }');
    await client.status(id, 'busy');
    const gone = new Promise((resolve) => client.process.once('exit', resolve));
    await client.request('control', 'shutdown_request', { restart: false });
    expect(await gone).toBe(0);
    expect(await goneWithin(pid, 1_000)).toBe(true);
  } finally {
    await client.stop();
  }
});

test('what went wrong without a cell is in the log file', async () => {
  const noisy = await KernelClient.start();
  try {
    const gone = new Promise((resolve) => noisy.process.once('exit', resolve));
    await noisy.sendFrames('shell', [Buffer.from('noise')]);
    await noisy.request('shell', 'kernel_info_request');
    await noisy.request('control', 'shutdown_request', { restart: false });
    await gone;
    const logs = join(noisy.directory, 'state', 'logs');
    const text = readdirSync(logs)
      .map((name) => readFileSync(join(logs, name), 'utf8'))
      .join('');
    // Written beside the kernel's work, and complete when it has ended.
    expect(text).toContain('dropped a message on shell: it has no <IDS|MSG> delimiter');
  } finally {
    await noisy.stop();
  }
});

test.each([
  ['no file at all', [], /No connection file given/],
  ['a file that is not there', ['/nowhere/connection.json'], /Cannot read the connection file \/nowhere/],
])('started with %s, it says so and exits with 1', async (_, args, message) => {
  const child = spawn(process.execPath, [join(ROOT, 'dist', 'kernel.js'), ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect(code).toBe(1);
  expect(stderr).toMatch(message);
});

test.each([
  ['no JSON', 'hello', /is not JSON/],
  ['a list', '[]', /not an object/],
  ['a port that is none', '{"ip":"127.0.0.1","shell_port":"x"}', /no usable "shell_port": "x"/],
  ['an unknown transport', '{"ip":"127.0.0.1","transport":"carrier-pigeon"}', /carrier-pigeon.*known are tcp and ipc/],
  ['an unknown signature scheme', '{"ip":"h","signature_scheme":"rot13"}', /rot13|shell_port/],
])('a connection file with %s is refused with the reason', async (_, text, message) => {
  const path = join(kernel.directory, 'bad.json');
  writeFileSync(path, text);
  const child = spawn(process.execPath, [join(ROOT, 'dist', 'kernel.js'), path], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  expect(await new Promise((resolve) => child.on('close', resolve))).toBe(1);
  expect(stderr).toMatch(message);
});
