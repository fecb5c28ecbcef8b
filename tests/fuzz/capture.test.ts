// A fixed lot of random notebooks: what they show and leave behind is the same, whether a cell of each runs here or on a worker. Many more:
// `npm run fuzz -- capture`.
import { fuzz } from './capture/main';

const SEEDS = 300;
/** Small ones, so that many fit: a process of its own for each cluster cell is what they cost. */
const SIZE = { cells: [2, 3], jobs: 1 } as const;

test(`${SEEDS} random notebooks mean the same with cluster cells as without`, async () => {
  const failures = await fuzz({ seed: 1, count: SEEDS, size: SIZE });
  expect(failures.map(({ seed, faults }) => `seed ${seed}\n${faults.join('\n')}`)).toEqual([]);
}, 600_000);
