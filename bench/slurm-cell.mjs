// Cells on an idle Slurm, agent connected and Node's files in memory: against what Slurm itself needs for a program, and from the job to the notebook.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { load } from '../scripts/load.mjs';
import { dist } from '../scripts/setup/places.mjs';
import { startOurs, startReady } from './kernels.mjs';
import { PAUSE_MS, alternate, median, timed } from './row.mjs';
import { startSlurm, startSshd } from './slurm.mjs';

const run = promisify(execFile);
const CELL = '%%cluster slurm\n1 + 1';

/** A node that is still completing a job keeps the next one waiting, whoever comes: both sides begin on an idle Slurm. */
async function untilIdle(environment) {
  await sleep(PAUSE_MS);
  for (;;) {
    const { stdout } = await run('squeue', ['-h', '-t', 'running,completing'], { env: environment });
    if (stdout === '') return;
    await sleep(50);
  }
}
const LINES = 20;

/** A kernel whose cells take the quickest way, as after a look by the doctor. */
async function startOnSlurm(bench) {
  const { environment } = await startSlurm(bench);
  const kernel = await startReady({ ...bench, environment }, startOurs);
  const found = await kernel.run('%cluster doctor slurm');
  if (!/independent step +survives/.test(found ?? '')) throw new Error(`No independent step here:\n${found}`);
  for (let turn = 0; turn < 3; turn++) await kernel.run(CELL);
  return { kernel, environment };
}

/** @type {import('./row.mjs').Row} */
export const slurmCell = {
  key: 'slurm-cell',
  name: 'cold cell on idle Slurm',
  unit: 'ms',
  against: 'a bare `srun node -e 0`',
  goal: { atMostMore: 60 },
  async measure(bench) {
    const { kernel, environment } = await startOnSlurm(bench);
    return alternate({
      runs: 20,
      ours: async () => {
        await untilIdle(environment);
        return timed(() => kernel.run(CELL));
      },
      reference: async () => {
        await untilIdle(environment);
        return timed(() => run('srun', ['-n1', process.execPath, '-e', '0'], { env: environment, cwd: '/' }));
      },
    });
  },
};

/** @type {import('./row.mjs').Row} */
export const slurmCellBesideBatch = {
  key: 'slurm-batch',
  name: 'the same, beside a batch job',
  unit: 'ms',
  against: '`sbatch --wait` of `node -e 0`',
  goal: { atMost: 1 },
  async measure(bench) {
    const { kernel, environment } = await startOnSlurm(bench);
    const batch = ['--wait', '--output=/dev/null', '--wrap', `${process.execPath} -e 0`];
    return alternate({
      runs: 5,
      ours: async () => {
        await untilIdle(environment);
        return timed(() => kernel.run(CELL));
      },
      reference: async () => {
        await untilIdle(environment);
        return timed(() => run('sbatch', batch, { env: environment, cwd: '/' }));
      },
    });
  },
};

/** @type {import('./row.mjs').Row} */
export const slurmEnd = {
  key: 'slurm-end',
  name: 'end of a job on Slurm to its value in the cell',
  unit: 'ms',
  against: '',
  goal: { atMostAlone: 100 },
  async measure(bench) {
    const { kernel } = await startOnSlurm(bench);
    const taken = [];
    for (let turn = 0; turn < 10; turn++) {
      await sleep(PAUSE_MS);
      // Both clocks are this machine's.
      const ended = Number(await kernel.run('%%cluster slurm\nDate.now()', { idle: false }));
      taken.push(Date.now() - ended);
    }
    return { ours: median(taken) };
  },
};

/** A line that a cell prints, from there to the notebook's client. `roundTrip`: of a question to the machine there, asked before and after. */
function lineRow(key, name, cluster, open, roundTrip) {
  return {
    key,
    name,
    unit: 'ms',
    against: roundTrip === undefined ? '' : 'a round trip to the agent there',
    goal: roundTrip === undefined ? { atMostAlone: 15 } : { atMostMore: 15 },
    async measure(bench) {
      const kernel = await open(bench);
      const taken = [];
      const heard = (text) => {
        for (const line of text.split('\n'))
          if (/^at \d/.test(line)) taken.push(performance.timeOrigin + performance.now() - Number(line.slice(3)));
      };
      const trips = (await roundTrip?.(bench)) ?? [];
      await kernel.run(
        `%%cluster ${cluster}\nfor (let i = 0; i < ${LINES}; i++) { await new Promise((go) => setTimeout(go, 50)); console.log('at ' + (performance.timeOrigin + performance.now())); }`,
        { heard },
      );
      if (taken.length !== LINES) throw new Error(`${taken.length} of ${LINES} lines came.`);
      if (roundTrip === undefined) return { ours: median(taken) };
      trips.push(...(await roundTrip(bench)));
      return { ours: median(taken), reference: median(trips) };
    },
  };
}

/** Of a question that the agent there answers from memory, in milliseconds. */
async function askFar(bench) {
  const { connectAgent } = await load('magics/client/index.ts');
  const stateDirectory = bench.environment.CELLBURST_STATE_DIR;
  const agent = await bench.own(
    connectAgent({ stateDirectory, agent: [join(dist, 'agent.js')] }).then((connection) =>
      Object.assign(connection, { close: () => connection[Symbol.asyncDispose]() }),
    ),
  );
  const taken = [];
  for (let i = 0; i < LINES; i++) {
    await sleep(50);
    taken.push(await timed(() => agent.files.lookAt({ cluster: 'far', path: '.' })));
  }
  return taken;
}

/** @type {import('./row.mjs').Row} */
export const lineLocal = lineRow('line', 'a printed line to the cell', 'local', (bench) =>
  startReady(bench, startOurs),
);
/** @type {import('./row.mjs').Row} */
export const lineSlurm = lineRow('line-slurm', 'the same, from Slurm', 'slurm', async (bench) => {
  const { kernel } = await startOnSlurm(bench);
  return kernel;
});

/** @type {import('./row.mjs').Row} */
export const lineSsh = lineRow(
  'line-ssh',
  'the same, over SSH',
  'far',
  async (bench) => {
    const kernel = await startReady({ ...bench, environment: await startSshd(bench) }, startOurs);
    await kernel.run('%%cluster far\n1 + 1');
    return kernel;
  },
  askFar,
);
