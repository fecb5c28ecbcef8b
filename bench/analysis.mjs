// What it takes to find out what a cell needs in a notebook of 200 cells, each with a function that calls the one before: from its text to its capture.
import { load } from '../scripts/load.mjs';
import { processorTime } from './objects.mjs';
import { alternate } from './row.mjs';

const CELLS = 200;

/** @type {import('./row.mjs').Row} */
export const analysis = {
  key: 'analysis',
  name: 'a cell of a 200-cell notebook, analysed and captured (CPU)',
  unit: 'ms',
  against: 'as many milliseconds as are allowed',
  goal: { atMost: 1 },
  async measure() {
    const { openNotebook } = await load('tests/capture/capture-alone.ts');
    const notebook = await openNotebook(
      Array.from(
        { length: CELLS },
        (_, i) =>
          `function f${i}(x: number): number { return ${i === 0 ? 'x' : `f${i - 1}(x)`} + ${i}; } const v${i} = { i: ${i} };`,
      ),
    );
    try {
      await notebook.analyse(`f${CELLS - 1}(v3.i)`);
      return await alternate({
        runs: 7,
        ours: () => processorTime(() => notebook.analyse(`f${CELLS - 1}(v${Math.floor(Math.random() * CELLS)}.i)`)),
        reference: () => Promise.resolve(20),
      });
    } finally {
      notebook.close();
    }
  },
};
