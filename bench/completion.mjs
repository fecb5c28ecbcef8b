// Completion of a member of a value that an earlier cell has declared.
import { startDeno, startOurs, startReady, startTslab } from './kernels.mjs';
import { alternate, timed } from './row.mjs';

const WARM_UP = 3;

/** @returns {import('./row.mjs').Row} */
function completionAgainst(key, against, startIt, goal) {
  return {
    key,
    name: 'completion',
    unit: 'ms',
    against,
    goal,
    async measure(bench) {
      const [ours, other] = [await startReady(bench, startOurs), await startReady(bench, startIt)];
      const ask = async (kernel) => {
        const matches = await kernel.complete('samples.fil');
        if (!matches.includes('filter'))
          throw new Error(`A completion lacks what it should hold: ${matches.join(', ')}`);
      };
      for (const kernel of [ours, other]) {
        await kernel.run('const samples = [1, 2, 3];');
        for (let turn = 0; turn < WARM_UP; turn++) await ask(kernel);
      }
      return alternate({ runs: 30, ours: () => timed(() => ask(ours)), reference: () => timed(() => ask(other)) });
    },
  };
}

export const completion = completionAgainst('completion', 'tslab 1.0.22', startTslab, { atMost: 1 });
export const completionBesideDeno = completionAgainst('completion-deno', 'Deno', startDeno, undefined);
