// From the start of the kernel's process to the reply of its first cell, as a front end goes about it: kernel_info first, then the cell.
import { startOurs, startTslab } from './kernels.mjs';
import { alternate, timed } from './row.mjs';

/** @type {import('./row.mjs').Row} */
export const start = {
  key: 'start',
  name: 'kernel start and first cell',
  unit: 'ms',
  against: 'tslab 1.0.22',
  goal: { atMost: 0.7 },
  measure: (bench) =>
    alternate({ runs: 7, ours: () => firstCell(bench, startOurs), reference: () => firstCell(bench, startTslab) }),
};

async function firstCell(bench, startIt) {
  let kernel;
  try {
    return await timed(async () => {
      kernel = await startIt(bench);
      await kernel.ready();
      await kernel.run('const first: number = 1; first + 1', { idle: false });
    });
  } finally {
    await kernel?.close();
  }
}
