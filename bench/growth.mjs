// The 200th cell of a realistic notebook against its 20th: what is forgotten must not be paid for.
import { startOurs, startReady } from './kernels.mjs';
import { cellOf, CELLS } from './long-notebook.mjs';
import { median, timed } from './row.mjs';

/** Cells around the early one, and as many at the end. */
const EARLY = [11, 30];
const LATE = [CELLS - 19, CELLS];
const NOTEBOOKS = 3;

/** @type {import('./row.mjs').Row} */
export const growth = {
  key: 'growth',
  name: 'cell 200 of a notebook',
  unit: 'ms',
  against: 'its cell 20',
  goal: { atMost: 1 },
  async measure(bench) {
    const early = [];
    const late = [];
    for (let turn = 0; turn < NOTEBOOKS; turn++) {
      const kernel = await startReady(bench, startOurs);
      for (let index = 1; index <= CELLS; index++) {
        const took = await timed(() => kernel.run(cellOf(index)));
        if (index >= EARLY[0] && index <= EARLY[1]) early.push(took);
        if (index >= LATE[0] && index <= LATE[1]) late.push(took);
      }
    }
    return { ours: median(late), reference: median(early) };
  },
};
