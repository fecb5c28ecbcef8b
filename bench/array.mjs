// 100 MB of numbers captured by a cluster cell and returned by it, against the same bytes sent to another process and back over a Unix socket.
import { spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startOurs, startReady } from './kernels.mjs';
import { PAUSE_MS, alternate, timed } from './row.mjs';

const BYTES = 100_000_000;
const THERE_AND_BACK_MB = (2 * BYTES) / 1e6;

/** @type {import('./row.mjs').Row} */
export const array = {
  key: 'array',
  name: '100 MB Float64Array there and back',
  unit: 'MB/s',
  against: 'a plain copy over a Unix socket',
  goal: { atLeast: 0.5 },
  async measure(bench) {
    const kernel = await startReady(bench, startOurs);
    await kernel.run(
      `const sent = Float64Array.from({ length: ${BYTES / 8} }, (_, i) => i / 3); let back = new Float64Array(0);`,
    );
    const echo = await bench.own(startEcho(bench.directory));
    const perSecond = (milliseconds) => THERE_AND_BACK_MB / (milliseconds / 1000);
    const cell = () => kernel.run('%%cluster\nback = sent.slice();');
    await cell();
    const check = await kernel.run(
      'back !== sent && back.length === sent.length && back.every((x, i) => x === sent[i])',
    );
    if (check?.trim() !== 'true') throw new Error('The array did not come back as it was sent.');
    if (!(await echo.copy()).equals(echo.bytes)) throw new Error('The plain copy did not come back as it was sent.');
    return alternate({
      runs: 5,
      ours: async () => {
        await sleep(PAUSE_MS);
        return perSecond(await timed(cell));
      },
      reference: async () => perSecond(await timed(() => echo.copy())),
    });
  },
};

/** Another process that takes all bytes, then sends them back. */
async function startEcho(directory) {
  const path =
    process.platform === 'win32' ? `\\\\.\\pipe\\cellburst-bench-${process.pid}` : join(directory, 'echo.sock');
  const server = createServer();
  server.listen(path);
  await once(server, 'listening');
  const child = spawn(process.execPath, ['-e', ECHO, path, String(BYTES)], { stdio: 'inherit' });
  const [socket] = await once(server, 'connection');
  const bytes = randomFillSync(Buffer.allocUnsafe(BYTES));
  return {
    bytes,
    copy() {
      const returned = receive(socket, Buffer.allocUnsafe(BYTES));
      socket.write(bytes);
      return returned;
    },
    async close() {
      const ended = once(child, 'exit');
      socket.end();
      server.close();
      await ended;
    },
  };
}

/** Fills the buffer from the socket. */
function receive(socket, into) {
  return new Promise((resolve) => {
    let at = 0;
    const onChunk = (chunk) => {
      chunk.copy(into, at);
      at += chunk.length;
      if (at < into.length) return;
      socket.off('data', onChunk);
      resolve(into);
    };
    socket.on('data', onChunk);
  });
}

const ECHO = `
const [path, size] = process.argv.slice(1);
const socket = require('node:net').connect(path);
const into = Buffer.allocUnsafe(Number(size));
let at = 0;
socket.on('data', (chunk) => {
  chunk.copy(into, at);
  at += chunk.length;
  if (at < into.length) return;
  at = 0;
  socket.write(into);
});
`;
