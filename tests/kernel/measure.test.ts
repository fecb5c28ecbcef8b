// Prints what the kernel costs. Judged by the bench; here only so that a change shows.
import { readFileSync } from 'node:fs';
import { KernelClient } from './client';

function residentMiB(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kilobytes) / 1024);
}

test('start, first cell, later cells, memory', async () => {
  const started = performance.now();
  const kernel = await KernelClient.start();
  try {
    const ready = performance.now() - started;
    const first = (await kernel.execute('1 + 1')).milliseconds;
    const later: number[] = [];
    for (let i = 0; i < 30; i++) later.push((await kernel.execute(`${i} + 1`)).milliseconds);
    const { result } = await kernel.execute('process.pid');
    const userPid = Number((result?.['data'] as Record<string, unknown>)['text/plain']);
    const median = later.sort((a, b) => a - b)[15] ?? Infinity;
    const lines = {
      'start to ready (ms)': Math.round(ready),
      'first cell (ms)': Math.round(first),
      'later cell, median (ms)': Number(median.toFixed(1)),
      'supervisor with compiler (MiB)': residentMiB(kernel.process.pid ?? 0),
      'user process (MiB)': residentMiB(userPid),
    };
    process.stdout.write(`${JSON.stringify(lines)}\n`);
    expect(ready).toBeLessThan(10_000);
  } finally {
    await kernel.stop();
  }
});
