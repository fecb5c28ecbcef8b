// A cell that never lets go, or a disk that never answers, must not make the kernel deaf.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { KernelClient } from './client';

/** The promise is 50 ms; a loaded test machine may have its own pauses, so the median is held to it. */
const PROMISED_MILLISECONDS = 50;
const ROUNDS = 15;
/** A machine on which a plain loop of timers is late has no time for promises: then it is tried again. */
const TRIES = 4;

async function median(ask: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    await ask();
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Infinity;
}

/** The best of some medians: what the kernel can do, whatever else the machine does meanwhile. */
async function bestMedian(ask: () => Promise<unknown>): Promise<number> {
  let best = Infinity;
  for (let tries = 0; tries < TRIES && best >= PROMISED_MILLISECONDS; tries++) best = Math.min(best, await median(ask));
  return best;
}

const QUESTIONS: [string, (kernel: KernelClient) => Promise<unknown>][] = [
  ['the heartbeat', (kernel) => kernel.beat()],
  ['kernel_info on control', (kernel) => kernel.request('control', 'kernel_info_request')],
  ['kernel_info on shell', (kernel) => kernel.request('shell', 'kernel_info_request')],
  ['comm_info', (kernel) => kernel.request('shell', 'comm_info_request')],
  [
    'a comm',
    async (kernel) => {
      const id = `asked-${Math.random()}`;
      await kernel.send('shell', 'comm_open', { comm_id: id, target_name: 'nobody', data: {} });
      await kernel.iopub.wait('comm_close', ({ content }) => content['comm_id'] === id);
    },
  ],
  ['list_subshell on control', (kernel) => kernel.request('control', 'list_subshell_request')],
];

describe('while a cell spins', () => {
  let kernel: KernelClient;
  let spinning: string;
  beforeAll(async () => {
    kernel = await KernelClient.start();
    await kernel.execute('1');
    spinning = await kernel.startCell('while (true) { Math.random(); }');
    await kernel.status(spinning, 'busy');
  });
  afterAll(() => kernel.stop());

  test.each(QUESTIONS)('%s answers within 50 ms', async (_, ask) => {
    expect(await bestMedian(() => ask(kernel))).toBeLessThan(PROMISED_MILLISECONDS);
  });

  test('after another request was answered the kernel is still called busy', async () => {
    await kernel.request('shell', 'kernel_info_request');
    const { msg_id: id } = await kernel.request('control', 'kernel_info_request');
    const idle = await kernel.status(String(id), 'idle');
    await kernel.iopub.wait(
      'busy of the running cell after that idle',
      ({ type, parentId, content, at }) =>
        type === 'status' && parentId === spinning && content['execution_state'] === 'busy' && at >= idle.at,
    );
  });
});

describe('while the disk does not answer', () => {
  // A named pipe that nobody reads: who opens it to write waits for ever, as on a network disk whose server is gone.
  const hang = (path: string): void => {
    rmSync(path, { force: true });
    execFileSync('mkfifo', [path]);
  };
  let kernel: KernelClient;
  beforeAll(async () => {
    kernel = await KernelClient.start();
    const state = join(kernel.directory, 'state');
    await kernel.execute('1');
    // Resolves when that cell is on the disk: then its file is there.
    await kernel.request('shell', 'history_request', { hist_access_type: 'tail', n: 1, output: false, raw: true });
    hang(join(state, 'history', '1.jsonl'));
    mkdirSync(join(state, 'logs'), { recursive: true });
    hang(join(state, 'logs', `kernel-${String(kernel.process.pid)}.log`));
    // Something for the log to write.
    await kernel.sendFrames('shell', [Buffer.from('noise')]);
    await kernel.execute('2');
  });
  afterAll(() => kernel.stop());

  test.each(QUESTIONS)('%s answers within 50 ms', async (_, ask) => {
    expect(await bestMedian(() => ask(kernel))).toBeLessThan(PROMISED_MILLISECONDS);
  });

  test('cells run, and the history of this session is answered', async () => {
    await kernel.sendFrames('shell', [Buffer.from('more noise')]);
    expect((await kernel.execute('6 * 7')).result).toMatchObject({ data: { 'text/plain': '42' } });
    const asked = { hist_access_type: 'tail', n: 2, output: false, raw: true };
    expect((await kernel.request('shell', 'history_request', asked))['history']).toEqual([
      [1, 2, '2'],
      [1, 3, '6 * 7'],
    ]);
  });

  test('a shutdown ends the kernel all the same', async () => {
    const gone = new Promise((resolve) => kernel.process.once('exit', resolve));
    expect(await kernel.request('control', 'shutdown_request', { restart: false })).toMatchObject({ status: 'ok' });
    await gone;
  });
});
