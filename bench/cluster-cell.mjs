// A trivial %%cluster cell, from the request to reply and idle, against the cheapest process there is.
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startOurs, startReady } from './kernels.mjs';
import { PAUSE_MS, alternate, timed } from './row.mjs';

const run = promisify(execFile);
const WARM_UP = 3;

/** @type {import('./row.mjs').Row} */
export const clusterCell = {
  key: 'cluster',
  name: 'trivial %%cluster cell',
  unit: 'ms',
  against: 'a bare `node -e 0`',
  goal: { atMost: 1 },
  async measure(bench) {
    const kernel = await startReady(bench, startOurs);
    for (let turn = 0; turn < WARM_UP; turn++) await kernel.run('%%cluster\n1 + 1');
    return alternate({
      runs: 15,
      ours: async () => {
        await sleep(PAUSE_MS);
        return timed(() => kernel.run('%%cluster\n1 + 1'));
      },
      reference: () => timed(() => run(process.execPath, ['-e', '0'])),
    });
  },
};
