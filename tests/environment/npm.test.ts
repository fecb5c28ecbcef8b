// Packages that npm installs where the cell runs: with binaries, from what is installed here, without a registry.
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { readIfThere } from '../../magics/protocol/files';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { sweepEnvironments } from '../../magics/agent/environments';
import type { JobRecord } from '../../magics/protocol/job';
import { setTimeout as pause } from 'node:timers/promises';
import { clearScratch, noteSize } from '../../magics/runner/scratch';
import { sendSignal } from '../../magics/protocol/platform';
import { readBeat } from '../agent/setting';
import { KernelClient, ROOT, type CellResult } from '../kernel/client';
import { cellsOf, value } from './cells';
import { writeProject } from './project';

const LONG_MS = 90_000;
let kernel: KernelClient;
const scratch = mkdtempSync(join(tmpdir(), 'scratch-test-'));
beforeAll(async () => {
  kernel = await KernelClient.start({ CELLBURST_SCRATCH: scratch });
  writeProject(kernel.directory);
  symlinkSync(join(ROOT, 'node_modules', 'zeromq'), join(kernel.directory, 'node_modules', 'zeromq'));
});
afterAll(async () => {
  await kernel.stop();
  rmSync(scratch, { recursive: true, force: true });
});
const run = (code: string): Promise<CellResult> => cellsOf(kernel).run(code);
const there = (code: string): Promise<CellResult> => run(`%%cluster local --env-mode npm\n${code}`);

test(
  'a real add-on, a patched package and one of the workspace are installed, once',
  async () => {
    const code = `import { version } from 'zeromq';\nimport patched from 'patched';\nimport { near } from '@team/shape';\n[version.split('.').length, (patched as any).patched, near('cat', 'cut')]`;
    const first = await there(code);
    expect(value(first)).toBe(`[ 3, 'yes', true ]`);
    expect(first.stderr).toMatch(/Installing the packages of this cell .*\n.*Installed in \d+ s/);
    const second = await there(code);
    expect([value(second), second.stderr]).toEqual([`[ 3, 'yes', true ]`, '']);
  },
  LONG_MS,
);

test(
  'a binary of here that fits there is not built again',
  async () => {
    // Its binding.gyp says nothing that could be built.
    const { stderr, ...answer } = await there(`import { bound } from 'bound';\nbound`);
    expect([value({ stderr, ...answer }), stderr]).toEqual(['1', expect.stringContaining('Installed in')]);
  },
  LONG_MS,
);

test(
  'two cells that need the same packages at once install them once',
  async () => {
    appendFileSync(join(kernel.directory, 'node_modules', 'patched', 'mod.js'), '// changed\n');
    const jobs: string[] = [];
    for (let i = 0; i < 2; i++) {
      const { messages } = await run(
        `%%cluster local --env-mode npm --detach\nimport patched from 'patched';\n(patched as any).patched + ${i}`,
      );
      jobs.push(/Job (\w{6}) is submitted/.exec(JSON.stringify(messages))?.[1] ?? '');
    }
    const ends = [];
    for (const job of jobs) ends.push(await run(`%cluster attach ${job}`));
    expect(ends.map(value)).toEqual([`'yes0'`, `'yes1'`]);
    expect(ends.filter(({ stderr }) => stderr.includes('Installing'))).toHaveLength(1);
  },
  LONG_MS,
);

test(
  'what somebody died over is made anew, and nothing half made is used',
  async () => {
    const code = `import patched from 'patched';\n(patched as any).patched`;
    expect(value(await there(code))).toBe(`'yes'`);
    const folder = join(scratch, `cellburst-${userInfo().uid}`, 'e');
    for (const name of readdirSync(folder)) {
      rmSync(join(folder, name), { recursive: true });
      // As a maker leaves it that was killed a while ago.
      mkdirSync(join(folder, `${name}.lock`));
      utimesSync(join(folder, `${name}.lock`), new Date(0), new Date(0));
      mkdirSync(join(folder, `${name}.part-1`));
    }
    expect(value(await there(code))).toBe(`'yes'`);
  },
  LONG_MS,
);

test(
  'a maker that is killed is followed by the next one at once, and what it left half made is not used',
  async () => {
    appendFileSync(join(kernel.directory, 'node_modules', 'patched', 'mod.js'), '// changed again\n');
    const code = `import { version } from 'zeromq';\nimport patched from 'patched';\n(patched as any).patched + version[0]`;
    const { messages } = await run(`%%cluster local --env-mode npm --detach\n${code}`);
    const job = /Job (\w{6}) is submitted/.exec(JSON.stringify(messages))?.[1] ?? '';
    const environments = join(kernel.directory, 'state', 'environments');
    const deadline = Date.now() + LONG_MS;
    // With its name in it: of a lock without one nobody can tell whose it is, and the lease counts.
    const isLocked = (): boolean =>
      readdirSync(environments).some(
        (name) => name.endsWith('.json.lock') && readIfThere(join(environments, name, 'owner.json'))?.endsWith('}'),
      );
    while (!isLocked() && Date.now() < deadline) await pause(5);
    const beat = readBeat(join(kernel.directory, 'state', 'jobs', job));
    sendSignal(beat?.runner.pid ?? 0, 'SIGKILL');
    expect((await run(`%cluster attach ${job}`)).reply['ename']).toBe('JobLostError');
    const since = Date.now();
    const next = await there(code);
    expect([value(next), next.stderr]).toEqual([
      expect.stringMatching(/^'yes\d'$/),
      expect.stringContaining('Installed in'),
    ]);
    // The lease of a maker on another node would be a minute.
    expect(Date.now() - since).toBeLessThan(55_000);
  },
  LONG_MS,
);

test('folders on a node go by age and size, and one in use stays', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sweep-test-'));
  const make = (name: string, hours: number): void => {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'file'), 'x'.repeat(100));
    noteSize(join(folder, name));
    const at = new Date(Date.now() - hours * 3_600_000);
    utimesSync(join(folder, name), at, at);
  };
  for (const [name, hours] of [
    ['old', 200],
    ['idle', 20],
    ['later', 10],
    ['used', 1],
  ] as const)
    make(name, hours);
  expect(clearScratch(folder, 1000, Date.now())).toEqual(['old']);
  expect(clearScratch(folder, 250, Date.now())).toEqual(['idle']);
  expect(clearScratch(folder, 50, Date.now())).toEqual(['later']);
  expect(readdirSync(folder).sort()).toEqual(['used', 'used.bytes']);
  rmSync(folder, { recursive: true });
});

test('archives that nobody needs go by age and size, and those of jobs that run stay', () => {
  const state = mkdtempSync(join(tmpdir(), 'sweep-test-'));
  const folder = join(state, 'environments');
  mkdirSync(folder);
  const archive = (letter: string, days: number): string => {
    const name = `${letter.repeat(64)}.tgz`;
    writeFileSync(join(folder, name), 'x'.repeat(100));
    const at = new Date(Date.now() - days * 86_400_000);
    utimesSync(join(folder, name), at, at);
    return name;
  };
  const [old, needed, second, fresh] = [archive('a', 40), archive('b', 40), archive('c', 2), archive('d', 1)];
  const job = {
    status: { state: 'queued' },
    packages: { mode: 'bundle', reason: '', archive: { sha256: 'b'.repeat(64), bytes: 100 } },
  };
  const sweep = (bytes: number): string[] => {
    sweepEnvironments(state, [job as unknown as JobRecord], { days: 30, bytes }, Date.now());
    return readdirSync(folder).sort();
  };
  expect(existsSync(join(folder, old))).toBe(true);
  expect(sweep(1000)).toEqual([needed, second, fresh]);
  expect(sweep(150)).toEqual([needed, fresh]);
  rmSync(state, { recursive: true });
});
