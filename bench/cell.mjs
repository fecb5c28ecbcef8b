// A trivial cell in a kernel that has run some, until reply and idle have come.
import { startOurs, startReady, startTslab } from './kernels.mjs';
import { alternate, timed } from './row.mjs';

const WARM_UP = 5;

/** @type {import('./row.mjs').Row} */
export const cell = {
  key: 'cell',
  name: 'later trivial cell',
  unit: 'ms',
  against: 'tslab 1.0.22',
  goal: { atMost: 0.5 },
  async measure(bench) {
    const [ours, tslab] = [await startReady(bench, startOurs), await startReady(bench, startTslab)];
    let count = 0;
    const next = (kernel) => kernel.run(`const value${count++} = ${count}; value${count - 1} * 2`);
    for (const kernel of [ours, tslab]) {
      for (let turn = 0; turn < WARM_UP; turn++) await next(kernel);
    }
    return alternate({ runs: 40, ours: () => timed(() => next(ours)), reference: () => timed(() => next(tslab)) });
  },
};
