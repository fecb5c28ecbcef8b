// A trivial cell in a kernel that has run some, until reply and idle have come.
import { startDeno, startOurs, startReady, startTslab } from './kernels.mjs';
import { alternate, timed } from './row.mjs';

const WARM_UP = 5;

/** @returns {import('./row.mjs').Row} */
function cellAgainst(key, against, startIt, goal) {
  return {
    key,
    name: 'later trivial cell',
    unit: 'ms',
    against,
    goal,
    async measure(bench) {
      const [ours, other] = [await startReady(bench, startOurs), await startReady(bench, startIt)];
      let count = 0;
      const next = (kernel) => kernel.run(`const value${count++} = ${count}; value${count - 1} * 2`);
      for (const kernel of [ours, other]) {
        for (let turn = 0; turn < WARM_UP; turn++) await next(kernel);
      }
      return alternate({ runs: 40, ours: () => timed(() => next(ours)), reference: () => timed(() => next(other)) });
    },
  };
}

export const cell = cellAgainst('cell', 'tslab 1.0.22', startTslab, { atMost: 0.5 });
export const cellBesideDeno = cellAgainst('cell-deno', 'Deno, which checks no types', startDeno, undefined);
