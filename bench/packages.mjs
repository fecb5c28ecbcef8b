// Packages of a cell on another machine's terms: brought along, against used in place.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startOurs, startReady } from './kernels.mjs';
import { PAUSE_MS, alternate, timed } from './row.mjs';
import { load } from '../scripts/load.mjs';
import { root } from '../scripts/setup/places.mjs';

const COUNT = 200;
const MODULES = 10;
/** What bringing them may cost when they are there already. */
const ALLOWED_MS = 10;

/** Packages of ten files each, one importing the next. */
function writePackages(directory) {
  for (let i = 0; i < COUNT; i++) {
    const folder = join(directory, 'node_modules', `package-${i}`);
    mkdirSync(folder, { recursive: true });
    const name = `package-${i}`;
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version: '1.0.0', main: 'index.js' }));
    const parts = Array.from({ length: MODULES - 1 }, (_, part) => `./part-${part}`);
    for (const part of parts) writeFileSync(join(folder, `${part}.js`), `module.exports = ${i};\n`);
    const next = i + 1 < COUNT ? [`package-${i + 1}`] : [];
    const requires = [...parts, ...next].map((each) => `require(${JSON.stringify(each)})`);
    writeFileSync(join(folder, 'index.js'), `exports.all = [${requires.join(', ')}];\n`);
  }
}

/** @type {import('./row.mjs').Row} */
export const packagesAgain = {
  key: 'packages',
  name: `second run of a cell with ${COUNT} packages, brought along`,
  unit: 'ms',
  against: 'the same, used in place, and 10 ms',
  goal: { atMost: 1 },
  async measure(bench) {
    const environment = { ...bench.environment, CELLBURST_SCRATCH: bench.directory };
    writePackages(bench.directory);
    const kernel = await startReady({ ...bench, environment }, startOurs);
    const cell = (mode) => kernel.run(`%%cluster --env-mode ${mode}\nimport { all } from 'package-0';\nall.length`);
    for (const mode of ['bundle', 'none', 'bundle', 'none']) await cell(mode);
    const paused = async (mode) => {
      await sleep(PAUSE_MS);
      return timed(() => cell(mode));
    };
    return alternate({
      runs: 15,
      ours: () => paused('bundle'),
      reference: async () => (await paused('none')) + ALLOWED_MS,
    });
  },
};

/** @type {import('./row.mjs').Row} */
export const packagesFirst = {
  key: 'packages-first',
  name: 'first bundle of a real library (zod)',
  unit: 'ms',
  against: 'one second',
  goal: { atMost: 1 },
  async measure(bench) {
    const { Environments } = await load('magics/environment/environments.ts');
    const facts = () => Promise.reject(new Error('A bundle asks nothing of the cluster.'));
    const request = {
      roots: [{ specifier: 'zod', kind: 'import' }],
      directory: root,
      host: 'host',
      mode: 'bundle',
      facts,
    };
    let turn = 0;
    const first = () => {
      // Nothing is known yet, neither in memory nor on the disk.
      const environments = new Environments(join(bench.directory, `state-${turn++}`));
      return timed(() => environments.prepare(request, AbortSignal.timeout(60_000)));
    };
    return alternate({ runs: 5, ours: first, reference: () => Promise.resolve(1000) });
  },
};
