// What kernels hold in memory, all their processes together; what several share is counted once (the kernel's "proportional set size").
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startOurs, startReady, startTslab } from './kernels.mjs';
import { median } from './row.mjs';

const CELLS = 200;
const MONITOR_MB = 60;
/** What a start leaves behind is collected, and threads end, in this time. */
const REST_MS = 3000;

/** @type {import('./row.mjs').Row} */
export const memory = {
  key: 'memory',
  name: `memory after ${CELLS} cells`,
  unit: 'MB',
  against: 'tslab 1.0.22',
  goal: { atMost: 1.2 },
  async measure(bench) {
    const measured = [];
    for (const startIt of [startOurs, startTslab]) {
      const kernel = await startReady(bench, startIt);
      // Not until it is idle: tslab holds that message back now and then.
      for (let turn = 1; turn <= CELLS; turn++) await kernel.run(realisticCell(turn), { idle: false });
      await sleep(REST_MS);
      measured.push(memoryOf(kernel.pid, 'Pss'));
    }
    const [ours, reference] = measured;
    return { ours, reference };
  },
};

/** @type {import('./row.mjs').Row} */
export const monitor = {
  key: 'monitor',
  name: 'memory of a monitor kernel',
  unit: 'MB',
  against: 'the promise',
  goal: { atMost: 1 },
  async measure(bench) {
    const environment = { ...bench.environment, JPY_SESSION_NAME: '.cellburst-monitor' };
    const kernel = await startReady({ ...bench, environment }, startOurs);
    const values = [];
    for (let turn = 0; turn < 3; turn++) {
      await sleep(REST_MS);
      values.push(memoryOf(kernel.pid, 'Rss'));
    }
    return { ours: median(values), reference: MONITOR_MB };
  },
};

/** Types, a function, a class and values, each using some of an earlier cell. */
function realisticCell(turn) {
  const earlier = turn > 1 ? ` + total${turn - 1}` : '';
  return `
interface Sample${turn} { readonly id: number; readonly name: string; readonly values: number[] }
function average${turn}(samples: Sample${turn}[]): number {
  return samples.map((sample) => sample.values.reduce((sum, value) => sum + value, 0) / sample.values.length).reduce((a, b) => a + b, 0);
}
class Store${turn} {
  samples: Sample${turn}[] = [];
  add(name: string, values: number[]): this { this.samples.push({ id: this.samples.length, name, values }); return this; }
}
const store${turn} = new Store${turn}().add('first', [1, 2, 3]).add('second', [4, 5, ${turn}]);
const total${turn} = average${turn}(store${turn}.samples)${earlier};
total${turn}.toFixed(3)`;
}

/**
 * In MB (10^6 bytes), of a process and all its descendants.
 * @param {number} pid
 * @param {'Pss' | 'Rss'} kind
 */
function memoryOf(pid, kind) {
  if (process.platform !== 'linux') throw new Error('The memory of several processes is told by Linux alone.');
  const parents = new Map();
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name)) parents.set(Number(name), parentOf(name));
  }
  const family = [pid];
  for (const member of family) for (const [child, parent] of parents) if (parent === member) family.push(child);
  return (family.reduce((sum, member) => sum + kilobytesOf(member, kind), 0) * 1024) / 1e6;
}

function parentOf(pid) {
  // The command's name stands in parentheses and may hold any character.
  return Number(read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ')[1]);
}

function kilobytesOf(pid, kind) {
  return Number(new RegExp(`^${kind}:\\s+(\\d+) kB`, 'm').exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
}

/** A process may end while we look. */
function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
