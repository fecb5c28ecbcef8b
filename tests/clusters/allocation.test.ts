// Nodes that are kept on a real Slurm: cells start there at once, and nothing that happens to the allocation, the agent or the way there loses a job or a node.
import { existsSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ROOT, type KernelClient } from '../kernel/client';
import { sendSignal } from '../../magics/protocol/platform';
import { withEnvironment } from '../../magics/transports/shell';
import { LONG_MS, agentPid, detach, runIn, srunClients, startOn, text, until } from './notebook';
import { describeOn, openSystem } from './open';
import { slurmQueue } from './queues';

describeOn('allocations', openSystem('slurm'), (system) => {
  let kernel: KernelClient;
  beforeAll(async () => {
    kernel = await startOn(system, { slurm: ['scheduler: slurm', 'poll: { first: 2s }'] });
  });
  afterAll(async () => {
    await kernel.stop();
    await system.run(['scancel', '--user=cluster']);
    await until(async () => (await jobs('pending,running,completing')).length === 0);
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
      expect(text(first.result)).toBe(`'${allocation[0] ?? ''}'`);
      expect(text((await run('[given.length, p instanceof Point]')).result)).toBe('[ 2, true ]');
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
      expect(text(answer.result)).toBe(`'${(await running())[0] ?? ''}'`);
      expect(readFileSync(join(kernel.directory, 'made', 'it.txt'), 'utf8')).toBe('given!');
    },
    LONG_MS,
  );

  test(
    'a program of the command line runs on kept nodes like a cell',
    async () => {
      const program = join(kernel.directory, 'where.ts');
      writeFileSync(program, 'console.log(`in ${process.env.SLURM_JOB_ID}`);', { mode: 0o644 });
      const { directory } = kernel;
      const own = {
        ...{
          CELLBURST_STATE_DIR: join(directory, 'state'),
          XDG_RUNTIME_DIR: directory,
          HOME: system.makeDirectory('home'),
        },
        CELLBURST_CONFIG: join(system.makeDirectory('home'), 'config.yaml'),
      };
      const args = [join(ROOT, 'dist', 'cli.js'), 'run', program, '--on', 'slurm'] as const;
      const { exitCode, stdout, stderr } = await system.run(withEnvironment(own, [process.execPath, ...args]));
      expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
      expect(stdout).toBe(`in ${(await running())[0] ?? ''}\n`);
    },
    LONG_MS,
  );

  test(
    'the doctor asks the batch system, and tries a job',
    async () => {
      const found = text((await run('%cluster doctor slurm')).result);
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
      expect(text(result)).toBe(`'${allocation}'`);
      const job = await detach(run, '%%cluster slurm --exclusive --detach\nprocess.env.SLURM_JOB_ID');
      await until(async () => (await jobs('pending,running')).length > 1);
      await run(`%cluster cancel ${job}`);
    },
    LONG_MS,
  );

  test(
    'when the way there is cut, and the agent here is killed, the job goes on and its output is whole',
    async () => {
      const flag = join(kernel.directory, 'go-on');
      const job = await detach(
        run,
        `%%cluster slurm --detach\nconst fs = require('node:fs');\nlet i = 0;\nwhile (!fs.existsSync(${JSON.stringify(flag)})) { console.log(i++); await new Promise((go) => setTimeout(go, 20)); }\ni`,
      );
      await until(async () => /^5$/m.test((await run(`%cluster logs ${job}`)).stdout));
      for (const pid of srunClients(kernel)) sendSignal(pid, 'SIGKILL');
      await pause(300);
      sendSignal(agentPid(kernel), 'SIGKILL');
      writeFileSync(flag, '');
      const { reply, stdout, result } = await run(`%cluster attach ${job}`);
      expect(reply).toMatchObject({ status: 'ok' });
      const count = Number(text(result));
      expect(stdout).toBe(Array.from({ length: count }, (_, i) => `${i}\n`).join(''));
    },
    LONG_MS,
  );

  test(
    'a job whose allocation is ended by somebody says so, what it printed is there, and one that waited runs elsewhere',
    async () => {
      const cut = await detach(
        run,
        '%%cluster slurm --cores 2 --detach --out step.txt\nrequire("node:fs").writeFileSync("step.txt", "1"); console.log("begun"); await new Promise((go) => setTimeout(go, 80_000));',
      );
      await until(async () => (await run(`%cluster logs ${cut}`)).stdout.includes('begun'));
      const waiting = await detach(run, '%%cluster slurm --cores 2 --detach\n"elsewhere"');
      const [allocation = ''] = await running();
      await system.run(['scancel', allocation]);
      const ended = await run(`%cluster attach ${cut}`);
      expect(ended.stdout).toContain('begun');
      expect(ended.reply).toMatchObject({ status: 'error' });
      const left = /not put into its place: 1 file, 1 B in (.*)$/m.exec(ended.stderr)?.[1] ?? '';
      expect(readFileSync(join(left, 'step.txt'), 'utf8')).toBe('1');
      expect(text((await run(`%cluster attach ${waiting}`)).result)).toBe("'elsewhere'");
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
      await until(async () => (await jobs('running,completing')).length === 0);
      await run('%cluster start slurm --cores 1 --time 10m --keep 5m');
      await until(async () => (await running()).length === 1);
      const job = await detach(
        run,
        `%%cluster slurm --detach --in given.txt --out late/**
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
console.log('begun');
while (!existsSync(${JSON.stringify(flag)})) await new Promise((go) => setTimeout(go, 50));
mkdirSync('late/deep', { recursive: true });
writeFileSync('late/deep/it.bin', new Uint8Array(3_000_000).fill(7));
symlinkSync('deep/it.bin', 'late/link');
readFileSync('given.txt', 'utf8')`,
      );
      await until(async () => (await run(`%cluster logs ${job}`)).stdout.includes('begun'));
      const store = join(kernel.directory, 'state', 'jobs');
      const outcomes = () =>
        readdirSync(store, { recursive: true })
          .map(String)
          .filter((path) => /\/agent\/jobs\/[^/]+\/outcome\.json$/.test(path));
      // Earlier tests had allocations, too.
      const before = outcomes().length;
      const [allocation = ''] = await running();
      sendSignal(agentPid(kernel), 'SIGKILL');
      for (const pid of srunClients(kernel)) sendSignal(pid, 'SIGKILL');
      writeFileSync(flag, '');
      await until(() => outcomes().length > before);
      await system.run(['scancel', allocation]);
      await until(async () => (await jobs('running,completing')).length === 0);
      // Nobody has brought it home meanwhile.
      expect(() => process.kill(agentPid(kernel), 0)).toThrow('ESRCH');
      expect(existsSync(join(kernel.directory, 'late'))).toBe(false);
      expect(text((await run(`%cluster attach ${job}`)).result)).toBe("'given'");
      const late = join(kernel.directory, 'late');
      expect(readFileSync(join(late, 'link')).equals(Buffer.alloc(3_000_000, 7))).toBe(true);
      expect(readlinkSync(join(late, 'link'))).toBe('deep/it.bin');
    },
    LONG_MS,
  );

  test(
    'nodes that are given back have done their work, to Slurm: the job and the steps that led there are completed',
    async () => {
      await run('%cluster start slurm --cores 1 --time 10m --keep 5m');
      const id = (await run('%%cluster slurm\nprocess.env.SLURM_JOB_ID')).result;
      const job = text(id).replaceAll("'", '');
      await run('%cluster stop slurm');
      await until(async () => (await jobs('running,completing')).length === 0);
      // Rows of steps may come some seconds later.
      const states = async (): Promise<string[]> => {
        const { stdout } = await system.run(['sacct', '-n', '-P', '-j', job, '-o', 'JobID,State,ExitCode']);
        return stdout.trim().split('\n');
      };
      await until(async () => (await states()).length >= 3 && !(await states()).some((row) => row.includes('RUNNING')));
      expect(await states()).toEqual([`${job}|COMPLETED|0:0`, `${job}.batch|COMPLETED|0:0`, `${job}.0|COMPLETED|0:0`]);
    },
    LONG_MS,
  );

  test('an allocation without an end is refused, and so is one of this machine', async () => {
    expect((await run('%cluster start slurm --cores 2')).reply['evalue']).toContain('--time 2h');
    expect((await run('%cluster start local --cores 2 --time 1h')).reply['evalue']).toContain('no nodes to keep');
    expect(text((await run('%cluster stop slurm')).result)).toContain('No nodes are kept on slurm');
  });

  test(
    'an allocation ends by itself when no cell comes, with kernel and agent dead',
    async () => {
      const { reply } = await run('%%cluster slurm --keep 6s --time 10m\nprocess.env.SLURM_JOB_ID');
      expect(reply).toMatchObject({ status: 'ok' });
      expect(await running()).toHaveLength(1);
      // The notebook's machine is as good as gone.
      kernel.process.kill('SIGKILL');
      sendSignal(agentPid(kernel), 'SIGKILL');
      for (const pid of srunClients(kernel)) sendSignal(pid, 'SIGKILL');
      await until(async () => (await running()).length === 0);
    },
    LONG_MS,
  );

  const run = runIn(() => kernel);
  const jobs = (states: string) => slurmQueue(system, states, '%A');
  const running = () => jobs('running');
});
