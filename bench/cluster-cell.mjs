// A trivial %%cluster cell, from the request to reply and idle, against the cheapest process there is.
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startOurs, startReady } from './kernels.mjs';
import { PAUSE_MS, alternate, timed } from './row.mjs';

const run = promisify(execFile);
const WARM_UP = 3;

/** @returns {import('./row.mjs').Row} */
function clusterCellRow(key, name, quantile, goal) {
  return {
    key,
    name,
    unit: 'ms',
    against: 'a bare `node -e 0`',
    goal,
    async measure(bench) {
      const kernel = await startReady(bench, startOurs);
      for (let turn = 0; turn < WARM_UP; turn++) await kernel.run('%%cluster\n1 + 1');
      return alternate({
        runs: 20,
        quantile,
        ours: async () => {
          await sleep(PAUSE_MS);
          return timed(() => kernel.run('%%cluster\n1 + 1'));
        },
        reference: () => timed(() => run(process.execPath, ['-e', '0'])),
      });
    },
  };
}

export const clusterCell = clusterCellRow('cluster', 'trivial %%cluster cell', 0.5, { atMost: 1 });
export const clusterCellP95 = clusterCellRow('cluster-p95', 'the same, 95 of 100 cells', 0.95, undefined);
