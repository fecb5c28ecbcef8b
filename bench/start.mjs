// From the start of the kernel's process to the reply of its first cell, as a front end goes about it: kernel_info first, then the cell.
import { startDeno, startOurs, startTslab } from './kernels.mjs';
import { alternate, timed } from './row.mjs';

/** @returns {import('./row.mjs').Row} */
function startAgainst(key, against, startIt, goal) {
  return {
    key,
    name: 'kernel start and first cell',
    unit: 'ms',
    against,
    goal,
    measure: (bench) =>
      alternate({ runs: 7, ours: () => firstCell(bench, startOurs), reference: () => firstCell(bench, startIt) }),
  };
}

export const start = startAgainst('start', 'tslab 1.0.22', startTslab, { atMost: 0.7 });
export const startBesideDeno = startAgainst('start-deno', 'Deno, which checks no types', startDeno, undefined);

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
