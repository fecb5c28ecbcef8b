// Output that comes after its cell has ended belongs to that cell, however it comes, while another cell runs and prints.
import { KernelClient } from './client';

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await KernelClient.start();
  await kernel.execute(`
import { readFile } from 'node:fs';
import * as fs from 'node:fs/promises';
import { createServer, connect } from 'node:net';
import { execFile, spawn } from 'node:child_process';
const path = process.execPath;
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
let release = () => {};
const gate = new Promise<void>((resolve) => { release = resolve; });`);
});
afterAll(() => kernel.stop());

/** Name, and what the cell leaves behind: it prints 'late' some time later. */
const WAYS: [string, string][] = [
  ['a timer', `setTimeout(() => console.log('late'), 60);`],
  ['a promise of a file', `void (async () => { await pause(60); await fs.readFile(path); console.log('late'); })();`],
  ['a promise of a file, by then', `setTimeout(() => void fs.stat(path).then(() => console.log('late')), 60);`],
  ['a callback of a file', `setTimeout(() => readFile(path, () => console.log('late')), 60);`],
  [
    'a callback of a file that was asked for at once',
    `readFile(path, () => setTimeout(() => console.log('late'), 60));`,
  ],
  ['a child process', `spawn('sleep', ['0.1']).on('exit', () => console.log('late'));`],
  ['a callback of a child process', `execFile('sleep', ['0.1'], () => console.log('late'));`],
  [
    'a socket',
    `const server = createServer((socket) => setTimeout(() => socket.end('hi'), 60)).listen(0, '127.0.0.1', () => {
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1');
  socket.on('data', (data) => { console.log('late'); server.close(); });
});`,
  ],
  [
    'a promise that another cell resolves',
    `void gate.then(undefined); void (async () => { await gate; console.log('late'); })();`,
  ],
  [
    'an async loop over what comes',
    `void (async () => { for await (const chunk of spawn('sh', ['-c', 'sleep 0.1; echo x']).stdout) console.log('late'); })();`,
  ],
];

test.each(WAYS)('by %s', async (_, code) => {
  const first = await kernel.startCell(code);
  expect((await kernel.outcome(first)).reply).toMatchObject({ status: 'ok' });
  const second = await kernel.startCell(`
for (let n = 0; n < 8; n++) { await pause(20); console.log('mine', n); if (n === 4) { release(); console.log('and mine'); } }`);
  const { reply } = await kernel.outcome(second);
  expect(reply).toMatchObject({ status: 'ok' });
  await kernel.printed(first, 'late');
  // Whatever has come to the second cell by now, the line of the first is not in it.
  const { stdout } = await kernel.outcome(second);
  expect(stdout.split('\n').filter((line) => line === 'late')).toEqual([]);
  expect(stdout.match(/mine \d+/g)).toHaveLength(8);
  expect(stdout).toContain('and mine');
});
