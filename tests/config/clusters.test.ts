// The config file: what it means, and that each mistake is shown where it stands.
import { chownSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KernelClient } from '../kernel/client';
import { testUnless } from '../unless';
import { Clusters, configPath, explain, readClusters } from '../../magics/config';

const directory = mkdtempSync(join(tmpdir(), 'cellburst-config-'));
const path = join(directory, 'config.yaml');
const env = { CELLBURST_CONFIG: path, PATH: '' };

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function read(text: string) {
  writeFileSync(path, text);
  return readClusters(env).clusters;
}

function mistakesIn(text: string): string[] {
  try {
    read(text);
  } catch (error) {
    return (error as Error).message
      .split('\n')
      .slice(1)
      .map((line) => line.replace(`${path}:`, ''));
  }
  throw new Error(`It was accepted:\n${text}`);
}

test('an entry is read in the units of a job', () => {
  const found = read(`
clusters:
  hpc:
    scheduler: slurm
    host: me@login.example.org
    partition: long
    account: p123
    prologue: |
      module purge
      module load nodejs/22
    native: [--licenses=matlab]
    env: [OMP_NUM_THREADS=2, NOTE=a=b]
    defaults: { cores: 4, memory: 8GB, time: 1h30m }
    poll: { first: 30s }
`).get('hpc');
  expect(found).toEqual({
    name: 'hpc',
    scheduler: 'slurm',
    host: 'me@login.example.org',
    transport: 'ssh2',
    agent: 'detached',
    setup: [],
    modules: [],
    prologue: ['module purge', 'module load nodejs/22'],
    variables: { OMP_NUM_THREADS: '2', NOTE: 'a=b' },
    batch: { queue: 'long', account: 'p123', native: ['--licenses=matlab'] },
    defaults: { cores: 4, memoryMiB: 8192, wallTimeSeconds: 5400 },
    site: {},
    poll: { firstSeconds: 30, longestSeconds: 60 },
    isOfProject: false,
    origin: path,
  });
});

test('modules are loaded by the job where there are jobs, else by the host, and an image is a word or more', () => {
  const found = read(`
clusters:
  hpc: { scheduler: slurm, modules: gcc/12.2 cuda, prologue: ulimit -n 4096, container: debian:12 }
  box: { scheduler: none, host: h, modules: [gcc/12.2], container: { image: x.sif, runtime: apptainer, options: [--nv] } }
`);
  const { setup, prologue, container } = found.get('hpc') ?? {};
  expect([setup, prologue?.at(-1), container]).toEqual([
    [],
    'ulimit -n 4096',
    { image: 'debian:12', mounts: [], options: [] },
  ]);
  expect(prologue?.filter((line) => line.startsWith('module load')).map((line) => line.split(' ')[2])).toEqual([
    'gcc/12.2',
    'cuda',
  ]);
  const box = found.get('box');
  expect([box?.prologue, box?.setup.at(-1)]).toEqual([[], expect.stringMatching(/^module load gcc\/12\.2 \|\| /)]);
  expect(box?.container).toEqual({ image: 'x.sif', runtime: 'apptainer', mounts: [], options: ['--nv'] });
  expect(
    mistakesIn('clusters:\n  a:\n    scheduler: slurm\n    modules: "gcc; rm -rf"\n    container: { imag: x }\n'),
  ).toEqual([
    expect.stringMatching(/modules\.0: a module is named by one word/),
    expect.stringMatching(/modules\.2: a module is named by one word/),
    expect.stringMatching(/container.*image/),
    expect.stringMatching(/there is no "imag" here\. Did you mean image\?$/),
  ]);
});

test('no file, an empty file and a list with nothing in it yet mean no clusters', () => {
  expect(readClusters({ CELLBURST_CONFIG: join(directory, 'none.yaml'), PATH: '' }).clusters).toEqual(new Map());
  expect(read('')).toEqual(new Map());
  expect(read('default: local\nclusters:\n  # hpc: { scheduler: slurm }\n')).toEqual(new Map());
});

test('every mistake is told with its place and the word that was probably meant', () => {
  expect(
    mistakesIn('clusters:\n  hpc:\n    scheduler: slrum\n    partiton: x\n    defaults:\n      memory: lots\n'),
  ).toEqual([
    expect.stringMatching(/^3:16: clusters\.hpc\.scheduler: .*Did you mean slurm\?$/),
    expect.stringMatching(/^6:15: clusters\.hpc\.defaults\.memory: expected a size of memory/),
    expect.stringMatching(/^4:5: clusters\.hpc: there is no "partiton" here\. Did you mean partition\?$/),
  ]);
  expect(mistakesIn('cluster: {}\n')).toEqual(['1:1: there is no "cluster" here. Did you mean clusters?']);
  expect(mistakesIn('clusters:\n  local: { scheduler: slurm }\n')).toEqual([
    '2:3: local is this machine, and needs no entry',
  ]);
  expect(mistakesIn('clusters:\n  a: { scheduler: none }\n')).toEqual([
    expect.stringMatching(/^2:8: .*a host is needed/),
  ]);
  expect(mistakesIn('clusters:\n  a: { scheduler: none, host: h, prologue: module load x }\n')).toEqual([
    expect.stringMatching(/^2:\d+: a prologue begins batch jobs, .*use setup$/),
  ]);
  expect(mistakesIn('clusters: [1\n')).toEqual([expect.stringMatching(/^\d:\d+: /)]);
});

test('a file that changes is read again', () => {
  const clusters = new Clusters(env);
  writeFileSync(path, 'clusters: { a: { scheduler: pbs } }\n');
  expect([...clusters.current().clusters.keys()]).toEqual(['a']);
  writeFileSync(path, 'clusters: { other: { scheduler: pbs } }\n');
  utimesSync(path, 1, 1);
  expect([...clusters.current().clusters.keys()]).toEqual(['other']);
});

test('the file lies where the platform keeps configs, or where the environment says', () => {
  expect(configPath({}, '/home/me')).toBe(join('/home/me', '.config', 'cellburst', 'config.yaml'));
  expect(configPath({ XDG_CONFIG_HOME: '/cfg' }, '/home/me')).toBe(join('/cfg', 'cellburst', 'config.yaml'));
});

test('a batch system is found where its commands and its configuration are', () => {
  const bin = mkdtempSync(join(directory, 'bin-'));
  for (const name of ['sbatch', 'qsub']) writeFileSync(join(bin, name), '', { mode: 0o755 });
  const found = (more: Record<string, string>) => [
    ...readClusters({ CELLBURST_CONFIG: '/nonexistent', PATH: bin, ...more }).clusters.keys(),
  ];
  expect(found({ SLURM_CONF: '/etc/x', SGE_ROOT: '/opt/sge' })).toEqual(['slurm', 'gridengine']);
  expect(readClusters({ CELLBURST_CONFIG: '/nonexistent', PATH: '', SGE_ROOT: '/opt/sge' }).clusters).toEqual(
    new Map(),
  );
});

describe('a project', () => {
  const project = mkdtempSync(join(directory, 'project-'));
  const folder = join(project, 'notebooks', 'deep');
  const projectFile = join(project, 'cellburst.yaml');
  mkdirSync(folder, { recursive: true });
  const readBoth = (user: string, own: string) => {
    writeFileSync(path, user);
    writeFileSync(projectFile, own);
    return readClusters(env, folder);
  };
  const USER =
    'clusters:\n  hpc: { scheduler: slurm, host: login, partition: long, defaults: { cores: 4, memory: 8GB } }\n';

  test('says what differs, key by key, over the config of the user', () => {
    const { clusters, defaultCluster } = readBoth(
      USER,
      'default: hpc\nclusters:\n  hpc: { queue: short, defaults: { cores: 16 } }\n',
    );
    expect(defaultCluster).toBe('hpc');
    expect(clusters.get('hpc')).toMatchObject({
      host: 'login',
      batch: { queue: 'short' },
      defaults: { cores: 16, memoryMiB: 8192 },
      isOfProject: true,
    });
    expect(readClusters(env).clusters.get('hpc')).toMatchObject({ batch: { queue: 'long' }, isOfProject: false });
  });

  test('each value tells where it comes from', () => {
    readBoth(
      USER,
      'clusters:\n  hpc:\n    queue: short\n    defaults:\n      cores: 16\n    modules: gcc/12.2\n    container: x.sif\n    env: A=1\n',
    );
    const from = Object.fromEntries(explain('hpc', env, folder).map((row) => [row.key, `${row.value} < ${row.from}`]));
    expect(from).toMatchObject({
      scheduler: `slurm < ${path}:2:10`,
      queue: `short < ${projectFile}:3:5`,
      'defaults.cores': `16 < ${projectFile}:5:7`,
      'defaults.memory': `8 GB < ${path}:2:80`,
      modules: `gcc/12.2 < ${projectFile}:6:5`,
      container: `x.sif < ${projectFile}:7:5`,
      env: `A=1 < ${projectFile}:8:5`,
      transport: 'ssh2 < default',
      'poll.first': '30 s < default',
    });
    expect(() => explain('hpx', env, folder)).toThrow('There is no cluster "hpx". Did you mean hpc? Known: hpc.');
  });

  test('a mistake is told with the file it stands in, also where only both together are wrong', () => {
    expect(() => readBoth(USER, 'clusters:\n  hcp: { queue: short }\n')).toThrow(
      `${projectFile}:2:3: a cluster needs a scheduler`,
    );
    expect(() => readBoth(USER, 'default: hcp\n')).toThrow(
      `${projectFile}:1:1: there is no cluster "hcp". Did you mean hpc?`,
    );
    expect(() => readBoth(USER, 'clusters:\n  hpc: { queue: a, partition: b }\n')).toThrow(
      new RegExp(`cellburst\\.yaml:2:\\d+: .*two words for the same thing`),
    );
  });

  test('its clusters are known to its notebooks', async () => {
    writeFileSync(path, '');
    const kernel = await KernelClient.start({ CELLBURST_CONFIG: path });
    try {
      writeFileSync(
        join(kernel.directory, 'cellburst.yaml'),
        'default: far\nclusters:\n  far: { scheduler: none, host: nobody@127.0.0.1 }\n',
      );
      const listed = await kernel.execute('%cluster config');
      expect(JSON.stringify(listed.result)).toContain('far (default)');
      const explained = await kernel.execute('%cluster config explain far');
      expect(JSON.stringify(explained.result)).toContain('cellburst.yaml:3:27');
      expect((await kernel.execute('%cluster config explane')).reply['evalue']).toContain('"explane"');
      expect((await kernel.execute('%%cluster local\n1 + 1')).reply).toMatchObject({ status: 'ok' });
    } finally {
      await kernel.stop();
    }
  });

  testUnless(process.getuid?.() === 0 ? undefined : 'only root can make it')(
    'a file that somebody else put above the notebook is refused',
    () => {
      writeFileSync(path, '');
      writeFileSync(projectFile, 'clusters: {}\n');
      chownSync(projectFile, 12_345, 12_345);
      expect(() => readClusters(env, folder)).toThrow(/belongs to another user \(uid 12345\)/);
      chownSync(projectFile, 0, 0);
    },
  );
});

test('a config with a mistake stops cluster cells with its place, and neither completion nor inspection', async () => {
  writeFileSync(path, 'clusters: { a: { scheduler: slrum } }\n');
  const kernel = await KernelClient.start({ CELLBURST_CONFIG: path });
  try {
    const code = '%%cluster --co';
    const completed = await kernel.request('shell', 'complete_request', { code, cursor_pos: code.length });
    expect(completed).toMatchObject({ status: 'ok' });
    const inspected = await kernel.request('shell', 'inspect_request', {
      code: '%%cluster',
      cursor_pos: 4,
      detail_level: 0,
    });
    expect(JSON.stringify(inspected)).toContain('config.yaml:1:');
    const { reply } = await kernel.execute('%%cluster a\n1');
    expect(reply).toMatchObject({ status: 'error', ename: 'UsageError' });
    expect(reply['evalue']).toMatch(/config\.yaml:1:\d+: clusters\.a\.scheduler: .*Did you mean slurm\?/);
  } finally {
    await kernel.stop();
  }
});

test('a secret in the config is refused by line and column, and is not repeated', () => {
  const look = () =>
    read(`clusters:
  hpc:
    scheduler: none
    host: me@there
    password: hunter2
`);
  expect(look).toThrow(/:5:5: clusters\.hpc: there is no "password" here\. Secrets belong in no file/);
  expect(look).not.toThrow(/hunter2/);
});
