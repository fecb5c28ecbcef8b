// Nodes that are kept on a real Slurm: cells start there at once, and nothing that happens to the allocation, the agent or the way there loses a job or a node.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { KernelClient, ROOT, type CellResult } from '../kernel/client';
import { sendSignal } from '../../magics/protocol/platform';
import { withEnvironment, type Argv } from '../../magics/transports/shell';
import { openSystem, type RunningSystem } from './open';

const system = openSystem('slurm');
const LONG_MS = 90_000;

(system.ok ? describe : describe.skip)(`allocations${system.ok ? '' : ` (not tested: ${system.reason})`}`, () => {
  let kernel: KernelClient;
  beforeAll(async () => {
    if (system.ok) kernel = await startKernel(system);
  });
  afterAll(async () => {
    await kernel.stop();
    if (!system.ok) return;
    await system.run(['scancel', '--user=cluster']);
    await until(async () => (await squeue('pending,running,completing')).length === 0);
    system.stop();
  });

  test(
    'cells run in the allocation, in their own processes, and leave no job of their own',
    async () => {
      const { reply, stdout } = await run('%cluster start slurm --cores 2 --gpus 2 --queue debug --time 10m --keep 5m');
      expect(reply).toMatchObject({ status: 'ok' });
      expect(stdout).toContain('Keeping 2 cores for 10 min 0 s at most: 0.3 core-hours');
      const allocation = await running();
      expect(allocation).toHaveLength(1);
      await run('const given = [1]; class Point { constructor(public x: number) {} }');
      const first = await run(
        '%%cluster slurm --cores 2 --gpus 1 --queue debug\ngiven.push(2); const p = new Point(given.length); console.log("there"); process.env.SLURM_JOB_ID',
      );
      expect(first.stdout).toBe('there\n');
      expect(text(first)).toBe(`'${allocation[0] ?? ''}'`);
      expect(text(await run('[given.length, p instanceof Point]'))).toBe('[ 2, true ]');
      const thrown = await run('%%cluster slurm\nthrow new RangeError("far")');
      expect(thrown.reply).toMatchObject({ ename: 'RangeError', evalue: 'far' });
      expect(await running()).toEqual(allocation);
    },
    LONG_MS,
  );

  test(
    'named files are there on kept nodes as well, and what the cell writes comes home',
    async () => {
      writeFileSync(join(kernel.directory, 'given.txt'), 'given', { mode: 0o644 });
      const answer = await run(
        `%%cluster slurm --in given.txt --out made/*.txt\nimport { mkdirSync, readFileSync, writeFileSync } from 'node:fs';\nmkdirSync('made'); writeFileSync('made/it.txt', readFileSync('given.txt', 'utf8') + '!'); process.env.SLURM_JOB_ID`,
      );
      expect(answer.reply['evalue']).toBe(undefined);
      expect(text(answer)).toBe(`'${(await running())[0] ?? ''}'`);
      expect(readFileSync(join(kernel.directory, 'made', 'it.txt'), 'utf8')).toBe('given!');
    },
    LONG_MS,
  );

  test(
    'a program of the command line runs on kept nodes like a cell',
    async () => {
      const program = join(kernel.directory, 'where.ts');
      writeFileSync(program, 'console.log(`in ${process.env.SLURM_JOB_ID}`);', { mode: 0o644 });
      const args = [join(ROOT, 'dist', 'cli.js'), 'run', program, '--on', 'slurm'];
      const { exitCode, stdout, stderr } = await asUser([process.execPath, ...args]);
      expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
      expect(stdout).toBe(`in ${(await running())[0] ?? ''}\n`);
    },
    LONG_MS,
  );

  test(
    'the doctor asks the batch system, and tries a job',
    async () => {
      const found = text(await run('%cluster doctor slurm'));
      expect(found).toMatch(/^✓ +Slurm +partitions and nodes: \S+: \d/m);
      expect(found).toMatch(/^✓ +accounting +sacct answers/m);
      expect(found).toMatch(/^✓ +store /m);
      expect(found).toMatch(/^✓ +a tiny job +ran on /m);
    },
    LONG_MS,
  );

  test(
    'a cell that does not fit goes to the queue',
    async () => {
      const [allocation = ''] = await running();
      const { result, reply } = await run(
        '%%cluster slurm --cores 2 --memory 600MB --name big\nprocess.env.SLURM_JOB_ID',
      );
      expect(reply).toMatchObject({ status: 'ok' });
      expect(text({ result })).toBe(`'${allocation}'`);
      const other = await run('%%cluster slurm --exclusive --detach\nprocess.env.SLURM_JOB_ID');
      const job = jobOf(other);
      await until(async () => (await submitted()).length > 1);
      await run(`%cluster cancel ${job}`);
    },
    LONG_MS,
  );

  test(
    'when the way there is cut, and the agent here is killed, the job goes on and its output is whole',
    async () => {
      const flag = join(kernel.directory, 'go-on');
      const job = jobOf(
        await run(
          `%%cluster slurm --detach\nconst fs = require('node:fs');\nlet i = 0;\nwhile (!fs.existsSync(${JSON.stringify(flag)})) { console.log(i++); await new Promise((go) => setTimeout(go, 20)); }\ni`,
        ),
      );
      await until(async () => /^5$/m.test((await run(`%cluster logs ${job}`)).stdout));
      for (const pid of bridges()) sendSignal(pid, 'SIGKILL');
      await pause(300);
      sendSignal(agentPid(), 'SIGKILL');
      writeFileSync(flag, '');
      const { reply, stdout, result } = await run(`%cluster attach ${job}`);
      expect(reply).toMatchObject({ status: 'ok' });
      const count = Number(text({ result }));
      expect(stdout).toBe(Array.from({ length: count }, (_, i) => `${i}\n`).join(''));
    },
    LONG_MS,
  );

  test(
    'a job whose allocation is ended by somebody says so, what it printed is there, and one that waited runs elsewhere',
    async () => {
      const cut = jobOf(
        await run(
          '%%cluster slurm --cores 2 --detach --out step.txt\nrequire("node:fs").writeFileSync("step.txt", "1"); console.log("begun"); await new Promise((go) => setTimeout(go, 80_000));',
        ),
      );
      await until(async () => (await run(`%cluster logs ${cut}`)).stdout.includes('begun'));
      const waiting = jobOf(await run('%%cluster slurm --cores 2 --detach\n"elsewhere"'));
      const [allocation = ''] = await running();
      if (system.ok) await system.run(['scancel', allocation]);
      const ended = await run(`%cluster attach ${cut}`);
      expect(ended.stdout).toContain('begun');
      expect(ended.reply).toMatchObject({ status: 'error' });
      const left = /not put into its place: 1 file, 1 B in (.*)$/m.exec(ended.stderr)?.[1] ?? '';
      expect(readFileSync(join(left, 'step.txt'), 'utf8')).toBe('1');
      expect(text(await run(`%cluster attach ${waiting}`))).toBe("'elsewhere'");
    },
    LONG_MS,
  );

  test(
    'the result and the files of a job whose allocation ended while nobody was here to take them come home',
    async () => {
      const flag = join(kernel.directory, 'finish');
      writeFileSync(join(kernel.directory, 'given.txt'), 'given', { mode: 0o644 });
      // What earlier tests have left may be about to end.
      await run('%cluster stop slurm');
      await until(async () => (await squeue('running,completing')).length === 0);
      await run('%cluster start slurm --cores 1 --time 10m --keep 5m');
      await until(async () => (await running()).length === 1);
      const sent = await run(`%%cluster slurm --detach --in given.txt --out late/**
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
console.log('begun');
while (!existsSync(${JSON.stringify(flag)})) await new Promise((go) => setTimeout(go, 50));
mkdirSync('late/deep', { recursive: true });
writeFileSync('late/deep/it.bin', new Uint8Array(3_000_000).fill(7));
symlinkSync('deep/it.bin', 'late/link');
readFileSync('given.txt', 'utf8')`);
      const job = jobOf(sent);
      await until(async () => (await run(`%cluster logs ${job}`)).stdout.includes('begun'));
      const jobs = join(kernel.directory, 'state', 'jobs');
      const outcomes = () =>
        readdirSync(jobs, { recursive: true })
          .map(String)
          .filter((path) => /\/agent\/jobs\/[^/]+\/outcome\.json$/.test(path));
      // Earlier tests had allocations, too.
      const before = outcomes().length;
      const [allocation = ''] = await running();
      sendSignal(agentPid(), 'SIGKILL');
      for (const pid of bridges()) sendSignal(pid, 'SIGKILL');
      writeFileSync(flag, '');
      await until(() => Promise.resolve(outcomes().length > before));
      if (system.ok) await system.run(['scancel', allocation]);
      await until(async () => (await squeue('running,completing')).length === 0);
      // Nobody has brought it home meanwhile.
      expect(() => process.kill(agentPid(), 0)).toThrow('ESRCH');
      expect(existsSync(join(kernel.directory, 'late'))).toBe(false);
      expect(text(await run(`%cluster attach ${job}`))).toBe("'given'");
      const late = join(kernel.directory, 'late');
      expect(readFileSync(join(late, 'link')).equals(Buffer.alloc(3_000_000, 7))).toBe(true);
      expect(readlinkSync(join(late, 'link'))).toBe('deep/it.bin');
    },
    LONG_MS,
  );

  test('an allocation without an end is refused, and so is one of this machine', async () => {
    expect((await run('%cluster start slurm --cores 2')).reply['evalue']).toContain('--time 2h');
    expect((await run('%cluster start local --cores 2 --time 1h')).reply['evalue']).toContain('no nodes to keep');
    expect(text(await run('%cluster stop slurm'))).toContain('No nodes are kept on slurm');
  });

  test(
    'an allocation ends by itself when no cell comes, with kernel and agent dead',
    async () => {
      const { reply } = await run('%%cluster slurm --keep 6s --time 10m\nprocess.env.SLURM_JOB_ID');
      expect(reply).toMatchObject({ status: 'ok' });
      expect(await running()).toHaveLength(1);
      // The notebook's machine is as good as gone.
      kernel.process.kill('SIGKILL');
      sendSignal(agentPid(), 'SIGKILL');
      for (const pid of bridges()) sendSignal(pid, 'SIGKILL');
      await until(async () => (await running()).length === 0);
    },
    LONG_MS,
  );

  const run = async (code: string): Promise<CellResult> =>
    kernel.outcome(await kernel.startCell(code), performance.now(), LONG_MS);
  const squeue = async (states: string): Promise<string[]> => {
    if (!system.ok) return [];
    const { stdout } = await system.run(['squeue', '-h', '-t', states, '-o', '%A']);
    return stdout.split('\n').filter((line) => line !== '');
  };
  /** A command with the notebook's agent. */
  const asUser = (argv: Argv) => {
    if (!system.ok) throw new Error('There is no Slurm.');
    const own = {
      ...{ CELLBURST_STATE_DIR: join(kernel.directory, 'state'), XDG_RUNTIME_DIR: kernel.directory },
      CELLBURST_CONFIG: configOf(system),
    };
    return system.run(withEnvironment(own, argv));
  };
  const running = () => squeue('running');
  const submitted = () => squeue('pending,running');
  const agentPid = () => {
    const lock = readFileSync(join(kernel.directory, 'state', 'agent.lock'), 'utf8');
    return Number(/"pid":(\d+)/.exec(lock)?.[1]);
  };
  /** The srun clients that our agent holds, and their watchers. */
  const bridges = () => {
    const all = execFileSync('ps', ['-e', '-o', 'pid=,args='], { encoding: 'utf8' }).split('\n');
    const ours = all.filter((line) => line.includes('srun ') && line.includes(kernel.directory));
    return ours.map((line) => Number(line.trim().split(' ')[0]));
  };
});

function text({ result }: Pick<CellResult, 'result'>): string {
  const data = result?.['data'] as Record<string, unknown> | undefined;
  return String(data?.['text/plain']);
}

function jobOf(result: CellResult): string {
  const job = /(?:Job|job) (\w+) is submitted/.exec(text(result))?.[1];
  if (job === undefined) throw new Error(`No job was submitted: ${JSON.stringify(result.reply)}`);
  return job;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + LONG_MS / 2;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('It never came to that.');
    await pause(200);
  }
}

function configOf(running: RunningSystem): string {
  return join(running.makeDirectory('home'), 'config.yaml');
}

async function startKernel(running: RunningSystem): Promise<KernelClient> {
  const ids = (flag: string) => Number(execFileSync('id', [flag, 'cluster'], { encoding: 'utf8' }));
  const home = running.makeDirectory('home');
  const config = configOf(running);
  if (!existsSync(config))
    writeFileSync(config, 'clusters:\n  slurm: { scheduler: slurm, poll: { first: 2s } }\n', { mode: 0o644 });
  return await KernelClient.start(
    { ...running.settings, HOME: home, CELLBURST_CONFIG: config },
    { uid: ids('-u'), gid: ids('-g') },
  );
}
