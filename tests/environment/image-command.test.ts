// What container runtimes are told, word by word.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { imageCommand, runtimeEnvironment, type InImage } from '../../magics/runner/image-command';
import { findGpus, gpuOptions } from '../../magics/runner/image-gpus';

const GIVEN: InImage = {
  runtime: 'apptainer',
  program: '/opt/bin/apptainer',
  orders: {
    image: '/images/x.sif',
    mounts: ['/scratch', '/data:/reference'],
    options: ['--nv'],
    folder: '/home/me/work',
  },
  name: 'cellburst-abc123',
  label: 'cellburst.host=n1',
  directory: '/store/jobs/abc123',
  shared: ['/store/jobs/abc123', '/home/me', '/home/me/work', '/', '/tmp', '/store/jobs/abc123'],
  readable: ['/cache/programs/x', '/home/me/.cache/y'],
  nodeProgram: '/opt/node/bin/node',
  environment: {
    HOME: '/home/me',
    PATH: '/bin',
    LD_LIBRARY_PATH: '/opt',
    TZ: 'UTC',
    SLURM_JOB_ID: '7',
    'BASH_FUNC_x%%': '',
  },
  isPlainUser: true,
  takesNoGroups: true,
  gpuOptions: [],
  command: ['/run/cellburst/bin/node', '/cache/programs/x/runner.js', '--inside'],
};

const MOUNTS = [
  '/home/me:/home/me',
  '/store/jobs/abc123:/store/jobs/abc123',
  '/tmp:/tmp',
  '/cache/programs/x:/cache/programs/x:ro',
  '/opt/node/bin/node:/run/cellburst/bin/node:ro',
  '/scratch:/scratch',
  '/data:/reference',
];

test('Apptainer shows the same folders, and takes options before the image', () => {
  expect(imageCommand(GIVEN)).toEqual([
    '/opt/bin/apptainer',
    '--silent',
    'exec',
    ...MOUNTS.flatMap((mount) => ['--bind', mount]),
    '--pwd',
    '/store/jobs/abc123',
    '--nv',
    '/images/x.sif',
    ...GIVEN.command,
  ]);
});

test('podman is given variables by name, so that no value stands in a list of processes, and none about places of the node', () => {
  const said = imageCommand({ ...GIVEN, runtime: 'podman', program: '/usr/bin/podman' });
  expect(said.filter((word) => word.startsWith('--env'))).toEqual(['--env=HOME', '--env=SLURM_JOB_ID', '--env=TZ']);
  expect(said.filter((word) => word.startsWith('--volume'))).toEqual(MOUNTS.map((mount) => `--volume=${mount}`));
  expect(said.slice(-4)).toEqual(['--nv', '/images/x.sif', '/cache/programs/x/runner.js', '--inside']);
  expect(said).toContain('--userns=keep-id');
  expect(imageCommand({ ...GIVEN, runtime: 'podman', isPlainUser: false })).not.toContain('--userns=keep-id');
});

test('an image with a Node.js of its own is shown none, and what lies in a mounted folder is not mounted again', () => {
  const said = imageCommand({
    ...GIVEN,
    runtime: 'podman',
    nodeProgram: undefined,
    readable: ['/home/me/.cache/programs'],
    command: ['/usr/bin/node', '/home/me/.cache/programs/runner.js'],
  });
  expect(said.filter((word) => word.startsWith('--volume'))).toEqual(
    MOUNTS.filter((mount) => !/programs|opt/.test(mount)).map((mount) => `--volume=${mount}`),
  );
  expect(said).toContain('--entrypoint=/usr/bin/node');
});

test('an OCI runtime that wants control groups makes them as its user, by no systemd', () => {
  const said = imageCommand({ ...GIVEN, runtime: 'podman', takesNoGroups: false });
  expect(said.slice(1, 3)).toEqual(['--cgroup-manager=cgroupfs', 'run']);
  expect(said).not.toContain('--cgroups=disabled');
});

test.each([
  ['no GPU', [], [], []],
  ['a graphics card alone', ['dri/card0'], [], []],
  ["NVIDIA's", ['nvidia0', 'nvidiactl', 'nvidia-uvm'], ['--nv'], ['nvidia-uvm', 'nvidia0', 'nvidiactl']],
  ["AMD's", ['kfd', 'dri/card0'], ['--rocm'], ['dri', 'kfd']],
])('on a node with %s', (_what, devices, apptainer, podman) => {
  const root = mkdtempSync(join(tmpdir(), 'gpus-test-'));
  const write = (path: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), '');
  };
  for (const name of devices) write(`dev/${name}`);
  expect(gpuOptions('apptainer', findGpus(root))).toEqual(apptainer);
  expect(gpuOptions('podman', findGpus(root))).toEqual(podman.map((name) => `--device=/dev/${name}`));
  write('etc/cdi/nvidia.yaml');
  if (apptainer.includes('--nv')) expect(gpuOptions('podman', findGpus(root))).toEqual(['--device=nvidia.com/gpu=all']);
  rmSync(root, { recursive: true });
  expect(imageCommand({ ...GIVEN, gpuOptions: ['--rocm'] }).slice(-6)).toEqual([
    '--rocm',
    '--nv',
    '/images/x.sif',
    ...GIVEN.command,
  ]);
});

test("Apptainer is not given what means something to the node's Node.js alone, since it hands all on", () => {
  const own = { PATH: '/bin', LD_LIBRARY_PATH: '/lib', APPTAINERENV_X: '1', SLURM_JOB_ID: '7' };
  const ofNode = { NODE_OPTIONS: '--x', NODE_EXTRA_CA_CERTS: '/etc/x', LD_PRELOAD: '/x.so', npm_config_x: '1' };
  expect(runtimeEnvironment('apptainer', { ...own, ...ofNode })).toEqual(own);
});
