// One suite for every pair of a scheduler and a way to it: cells of a real kernel, by a plain user, on real systems that are started for this file. A pair
// that cannot be had here is skipped by name, with the reason.
//   CELLBURST_TEST_PBS=/opt/pbs             adds a real PBS, by its prefix, on this machine, in the present user's name, from here and over a server of SSH of that user's
//   CELLBURST_TEST_SLURM_HOST=me@login      adds a Slurm behind a host, in the present user's name, without a question
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sendSignal } from '../../magics/protocol/platform';
import { KernelClient } from '../kernel/client';
import { endProcesses } from '../notebook/processes';
import { LONG_MS, agentPid, awaitState, cutConnection, detach, runIn, text, writeClusters } from './notebook';
import { describeUnless } from '../unless';
import { missing as missingOf, openSystem, type OpenedSystem } from './open';

type Scheduler = 'none' | 'slurm' | 'gridengine' | 'pbs';
type Way = 'local' | 'ssh2' | 'openssh';

interface Pair {
  /** Of the cluster in the config. */
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly way: Way;
  /** Why it is not tested. */
  readonly missing: string | undefined;
  /** Lines of its entry in the config. */
  readonly entry: readonly string[];
  /** In whose name it is used. */
  readonly as: 'cluster' | 'present';
  /** Where the agent there keeps its jobs, if that can be seen from here. */
  readonly store?: string;
}

// Who is not root has a server of SSH all the same.
const systems = {
  sshd: openSystem('sshd', { by: 'anybody' }),
  slurm: openSystem('slurm'),
  gridengine: openSystem('sge'),
};
const home = systems.sshd.ok ? systems.sshd.makeDirectory('pairs') : mkdtempSync(join(tmpdir(), 'cellburst-pairs-'));

/** Its prefix, on this machine. */
const PBS = process.env['CELLBURST_TEST_PBS'] ?? '';
const pbsMissing = PBS === '' ? 'CELLBURST_TEST_PBS is not set' : undefined;

/** What a login shell of the batch system's users has in its environment. */
const environmentOf = (system: OpenedSystem, pattern: RegExp): Record<string, string> =>
  system.ok ? Object.fromEntries(Object.entries(system.settings).filter(([name]) => pattern.test(name))) : {};

const ENVIRONMENT: Readonly<Record<Scheduler, Readonly<Record<string, string>>>> = {
  none: {},
  slurm: environmentOf(systems.slurm, /^SLURM_CONF$/),
  gridengine: environmentOf(systems.gridengine, /^SGE_(?:ROOT|CELL|QMASTER_PORT|EXECD_PORT|CLUSTER_NAME)$/),
  pbs: PBS === '' ? {} : { PATH: `${PBS}/bin:$PATH` },
};

const ID: Readonly<Record<Scheduler, string>> = {
  none: 'CELLBURST_JOB',
  slurm: 'SLURM_JOB_ID',
  gridengine: 'JOB_ID',
  pbs: 'PBS_JOBID',
};

const LACKING: Readonly<Record<Scheduler, string | undefined>> = {
  none: undefined,
  slurm: missingOf(systems.slurm),
  gridengine: missingOf(systems.gridengine),
  pbs: pbsMissing,
};

const COMMON = ['poll: { first: 1s, longest: 2s }'];

function describedPairs(): Pair[] {
  const batch = (['slurm', 'gridengine'] as const).map((scheduler) => local(scheduler, LACKING[scheduler]));
  const remote = (['ssh2', 'openssh'] as const).flatMap((way) =>
    (['none', 'slurm', 'gridengine', 'pbs'] as const).map((scheduler) => overSsh(scheduler, way)),
  );
  const pbs = local('pbs', pbsMissing);
  return [local('none', undefined), ...batch, ...remote, { ...pbs, as: 'present' }, ...newerSlurm()];
}

function local(scheduler: Scheduler, missing: string | undefined): Pair {
  const entry = [
    `scheduler: ${scheduler}`,
    ...COMMON,
    ...(scheduler === 'gridengine' ? ['parallelEnvironment: smp'] : []),
  ];
  const name = scheduler === 'none' ? 'local' : `${scheduler}-here`;
  return { name, scheduler, way: 'local', missing, entry, as: systems.sshd.ok ? 'cluster' : 'present' };
}

function overSsh(scheduler: Scheduler, way: 'ssh2' | 'openssh'): Pair {
  const missing = missingOf(systems.sshd) ?? LACKING[scheduler];
  const name = `${scheduler}-${way}`;
  const store = join(home, `store-${name}`);
  const exports = Object.entries(ENVIRONMENT[scheduler]).map(([key, value]) => `${key}=${value}`);
  const entry = [
    `scheduler: ${scheduler}`,
    'host: cb-login',
    `transport: ${way}`,
    `sshConfig: ${join(home, 'ssh_config')}`,
    `store: ${store}`,
    ...(exports.length === 0 ? [] : [`setup: export ${exports.join(' ')}`]),
    ...(scheduler === 'none' ? [] : COMMON),
    ...(scheduler === 'gridengine' ? ['parallelEnvironment: smp'] : []),
    'env: [ASKED_FOR=by the config, GIVEN=by the config]',
  ];
  return { name, scheduler, way, missing, entry, as: 'cluster', store };
}

function newerSlurm(): Pair[] {
  const host = process.env['CELLBURST_TEST_SLURM_HOST'] ?? '';
  const missing = host === '' ? 'CELLBURST_TEST_SLURM_HOST is not set' : undefined;
  return (['ssh2', 'openssh'] as const).map((way) => ({
    name: `newer-slurm-${way}`,
    scheduler: 'slurm',
    way,
    missing,
    entry: ['scheduler: slurm', `host: ${host || 'nowhere'}`, `transport: ${way}`, ...COMMON],
    as: 'present',
  }));
}

const pairs = describedPairs();
const kernels = new Map<Pair['as'], KernelClient>();

/** One kernel, and so one home agent, for all clusters of a user. */
async function kernelFor(as: Pair['as']): Promise<KernelClient> {
  const known = kernels.get(as);
  if (known !== undefined) return known;
  const mine = pairs.filter((pair) => pair.as === as && pair.missing === undefined && pair.name !== 'local');
  const clusters = Object.fromEntries(mine.map(({ name, entry }) => [name, entry]));
  const config = writeClusters(join(home, `config-${as}.yaml`), clusters);
  const path = PBS === '' ? '' : `${PBS}/bin:`;
  const own = { CELLBURST_CONFIG: config, PATH: `${path}${process.env['PATH'] ?? ''}` };
  const plain = { ...own, ...ENVIRONMENT.slurm, ...ENVIRONMENT.gridengine, HOME: home };
  const kernel =
    as === 'cluster' && systems.sshd.ok
      ? await KernelClient.start(plain, systems.sshd.user.ids)
      : await KernelClient.start(own);
  kernels.set(as, kernel);
  return kernel;
}

beforeAll(() => {
  if (!systems.sshd.ok) return;
  // The plain user's own key and config.
  const key = join(home, 'id_ed25519');
  const { SSHD_KEYS: keys = '', SSHD_CONFIG: config = '' } = systems.sshd.settings;
  const owner = systems.sshd.user.ids === undefined ? [] : ['-o', systems.sshd.user.name];
  execFileSync('install', [...owner, '-m', '600', join(keys, 'id_ed25519'), key]);
  writeFileSync(
    join(home, 'ssh_config'),
    readFileSync(config, 'utf8').replaceAll(/^( {2}IdentityFile) .*id_ed25519$/gm, `$1 ${key}`),
  );
});

afterAll(async () => {
  for (const kernel of kernels.values()) await kernel.stop();
  for (const { store } of pairs) if (store !== undefined) await endProcesses(`CELLBURST_STATE_DIR=${store}`);
  for (const system of Object.values(systems)) if (system.ok) system.stop();
  rmSync(home, { recursive: true, force: true });
});

const WORDS: Readonly<Record<Scheduler, string>> = {
  none: 'no scheduler',
  slurm: 'Slurm',
  gridengine: 'Grid Engine',
  pbs: 'PBS',
};

for (const pair of pairs) {
  const { name, scheduler, way, missing, store, entry } = pair;
  const title = `${WORDS[scheduler]}, ${way === 'local' ? 'from here' : `over ${way}`} (${name})`;
  describeUnless(missing, title, () => {
    let kernel: KernelClient;
    beforeAll(async () => {
      kernel = await kernelFor(pair.as);
    }, LONG_MS);
    const run = runIn(() => kernel);
    const on = (options = '') => `%%cluster ${name} ${options}`.trimEnd();
    const isBatch = scheduler !== 'none';
    const asked = entry.some((line) => line.startsWith('env:')) ? "'by the config'" : 'undefined';

    test(
      'a cell runs there: its value, its names, what it changed and what it printed are here',
      async () => {
        await run('var given = [1, 2, 3]; class Point { constructor(public x: number) {} }');
        const { result, reply, stdout } = await run(
          `${on("--cores 2 --env 'GIVEN=by the line'")}\ngiven.push(4);\nvar point = new Point(given.length);\nconsole.log('from there');\n[process.env.CELLBURST_CORES, process.env.${ID[scheduler]} !== undefined, process.env.ASKED_FOR, process.env.GIVEN]`,
        );
        expect([reply['status'], reply['evalue'], stdout]).toEqual(['ok', undefined, 'from there\n']);
        expect(text(result)).toBe(`[ '2', ${isBatch}, ${asked}, 'by the line' ]`);
        expect(text((await run('[given.length, point instanceof Point, point.x]')).result)).toBe('[ 4, true, 4 ]');
      },
      LONG_MS,
    );

    test(
      'an error is thrown here as it was there, and a limit that it hit is told as one',
      async () => {
        const { reply } = await run(`${on()}\nthrow new RangeError('too far');`);
        expect(reply).toMatchObject({ status: 'error', ename: 'RangeError', evalue: 'too far' });
        const late = await run(`${on('--time 2s')}\nawait new Promise((go) => setTimeout(go, 60_000));`);
        expect(late.reply).toMatchObject({ status: 'error' });
        expect(String(late.reply['evalue'])).toContain('time limit');
      },
      LONG_MS,
    );

    test(
      'a cancelled job ends there as its user wished',
      async () => {
        const job = await detach(run, `${on('--detach')}\nawait new Promise((go) => setTimeout(go, 60_000));`);
        await awaitState(run, job, 'running');
        await run(`%cluster cancel ${job}`);
        const { reply } = await run(`%cluster attach ${job}`);
        expect(reply).toMatchObject({ status: 'error', ename: 'JobCancelledError' });
        expect(String(reply['evalue'])).toContain('at your request');
      },
      LONG_MS,
    );

    test(
      'a detached job goes on when the agent here is killed, and the next one brings it home whole',
      async () => {
        const job = await detach(
          run,
          `${on('--detach')}\nfor (let i = 0; i < 30; i++) { console.log('line', i); await new Promise((go) => setTimeout(go, 50)); }\n'survived'`,
        );
        await awaitState(run, job, 'running');
        sendSignal(agentPid(kernel), 'SIGKILL');
        const { stdout, result } = await run(`%cluster attach ${job}`);
        expect(text(result)).toBe("'survived'");
        expect(stdout).toBe(Array.from({ length: 30 }, (_, i) => `line ${i}\n`).join(''));
      },
      LONG_MS,
    );

    if (store !== undefined)
      test(
        'a connection that is cut loses nothing and doubles nothing',
        async () => {
          const runs = join(home, `runs-${name}`);
          const id = await kernel.startCell(
            `${on()}\nimport { appendFileSync } from 'node:fs';\nappendFileSync(${JSON.stringify(runs)}, 'x');\nfor (let i = 0; i < 60; i++) { console.log('line', i); await new Promise((go) => setTimeout(go, 30)); }\n'whole'`,
          );
          await kernel.printed(id, 'line 5\n');
          await cutConnection(store);
          const { stdout, result, reply } = await kernel.outcome(id, performance.now(), LONG_MS);
          expect([reply['status'], text(result)]).toEqual(['ok', "'whole'"]);
          expect(stdout).toBe(Array.from({ length: 60 }, (_, i) => `line ${i}\n`).join(''));
          expect(readFileSync(runs, 'utf8')).toBe('x');
        },
        LONG_MS,
      );

    if (isBatch)
      test(
        'what the batch system refuses is told in its words',
        async () => {
          const { reply } = await run(`${on('--queue nosuchqueue')}\n1`);
          expect(reply).toMatchObject({ status: 'error' });
          expect(String(reply['evalue'])).toMatch(/refuses the job: .*(partition|queue)/is);
        },
        LONG_MS,
      );

    if (way !== 'openssh' && isBatch)
      test(
        'the doctor finds everything in place, the nodes too',
        async () => {
          const found = text((await run(`%cluster doctor ${name}`)).result);
          expect(found).toMatch(/^✓ +compute node +\S+: Node v[\d.]+, a job starts after [\d.]+ s/m);
          expect(found).toMatch(/^✓ +store on nodes +is the same on \S+; .* after \d+ ms/m);
          for (const check of ['store', 'space', 'limits', 'clock of nodes', 'ports', 'a tiny job'])
            expect(found).toMatch(new RegExp(`^✓ +${check} `, 'm'));
          expect(found).not.toMatch(/^✗/m);
        },
        LONG_MS,
      );
  });
}
