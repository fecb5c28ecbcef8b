// Names while a check keeps the language busy: how long 95 of 100 wait for the first answer. The cell that is checked makes the compiler compare
// types for some seconds.
import { startOurs, startReady } from './kernels.mjs';
import { percentile, timed } from './row.mjs';

const NO_WAIT_MS = 50;
const RUNS = 20;

/** Checking this takes the compiler long, running it nothing. */
const slowCell = (turn) => `type Digit${turn} = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;
type Many${turn} = \`\${Digit${turn}}\${Digit${turn}}\${Digit${turn}}\${Digit${turn}}\`;
type Paired${turn} = { [K in Many${turn}]: { key: K; next: \`\${K}-\${Digit${turn}}\` } };
const paired${turn} = <K extends Many${turn}>(all: Paired${turn}, key: K): Paired${turn}[K]['next'] => all[key].next;
void paired${turn};`;

/** @type {import('./row.mjs').Row} */
export const busyNames = {
  key: 'busy-names',
  name: 'names while a check runs, p95',
  unit: 'ms',
  against: 'no wait for a person',
  goal: { atMost: 1 },
  async measure(bench) {
    const kernel = await startReady(bench, startOurs);
    await kernel.run('const measurements = [1, 2, 3];');
    await kernel.complete('measurem');
    const waits = [];
    for (let turn = 0; turn < RUNS; turn++) {
      let isChecking = true;
      const checked = kernel.run(slowCell(turn)).finally(() => (isChecking = false));
      const wait = await timed(async () => {
        const matches = await kernel.complete('measurem');
        if (!matches.includes('measurements')) throw new Error(`A name is missing: ${matches.join(', ')}`);
      });
      // Only where the check was still running is anything said about it.
      if (isChecking) waits.push(wait);
      await checked;
    }
    if (waits.length < RUNS / 2) throw new Error(`Only ${waits.length} of ${RUNS} checks were still running.`);
    return { ours: percentile(waits, 0.95), reference: NO_WAIT_MS };
  },
};
