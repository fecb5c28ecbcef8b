// Completion in a notebook of 200 cells, asked for at every key: what 95 of 100 wait at most, against what is no wait for a person.
import { startOurs, startReady } from './kernels.mjs';
import { fill, TYPED } from './long-notebook.mjs';
import { percentile, timed } from './row.mjs';

const NO_WAIT_MS = 50;
const ROUNDS = 3;

/** @type {import('./row.mjs').Row} */
export const typing = {
  key: 'typing',
  name: 'completion after 200 cells, p95',
  unit: 'ms',
  against: 'no wait for a person',
  goal: { atMost: 1 },
  async measure(bench) {
    const kernel = await startReady(bench, startOurs);
    await fill(kernel);
    await kernel.complete(TYPED[0]);
    const waits = [];
    for (let round = 0; round < ROUNDS; round++)
      for (const text of TYPED)
        for (let length = text.length - 3; length <= text.length; length++) {
          const typed = text.slice(0, length);
          waits.push(await timed(() => kernel.complete(typed)));
        }
    return { ours: percentile(waits, 0.95), reference: NO_WAIT_MS };
  },
};
