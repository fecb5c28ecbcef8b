// Completion of a member of a value that an earlier cell has declared.
import { startOurs, startReady, startTslab } from './kernels.mjs';
import { alternate, timed } from './row.mjs';

const WARM_UP = 3;

/** @type {import('./row.mjs').Row} */
export const completion = {
  key: 'completion',
  name: 'completion',
  unit: 'ms',
  against: 'tslab 1.0.22',
  goal: { atMost: 1 },
  async measure(bench) {
    const [ours, tslab] = [await startReady(bench, startOurs), await startReady(bench, startTslab)];
    const ask = async (kernel) => {
      const matches = await kernel.complete('samples.fil');
      if (!matches.includes('filter')) throw new Error(`A completion lacks what it should hold: ${matches.join(', ')}`);
    };
    for (const kernel of [ours, tslab]) {
      await kernel.run('const samples = [1, 2, 3];');
      for (let turn = 0; turn < WARM_UP; turn++) await ask(kernel);
    }
    return alternate({ runs: 30, ours: () => timed(() => ask(ours)), reference: () => timed(() => ask(tslab)) });
  },
};
