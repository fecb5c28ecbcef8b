// Cells that somebody waits for, on a real Slurm: nodes that are granted at once and a step that nothing on the login node keeps alive, where the doctor has
// proved that; a batch job everywhere else. Whatever is lost on the way, there is one job, and no node is kept for nobody.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { sendSignal } from '../../magics/protocol/platform';
import { readBeat } from '../agent/setting';
import { KernelClient, type CellResult } from '../kernel/client';
import { openSystem, type RunningSystem } from './open';

const system = openSystem('slurm');
const LONG_MS = 90_000;

(system.ok ? describe : describe.skip)(
  `steps on nodes of their own${system.ok ? '' : ` (not tested: ${system.reason})`}`,
  () => {
    let kernel: KernelClient;
    beforeAll(async () => {
      if (system.ok) kernel = await startKernel(system);
    });
    afterAll(async () => {
      if (!system.ok) return;
      await system.run(['scancel', '--user=cluster']);
      await kernel.stop();
      system.stop();
    });

    test(
      'a cell is a batch job as long as nothing is proved',
      async () => {
        const { reply, result } = await run('%%cluster slurm\nprocess.env.SLURM_JOB_ID');
        expect(reply).toMatchObject({ status: 'ok' });
        expect(await isBatch(number(result))).toBe(true);
        expect(lastRecord()['path']).toBe('batch job');
      },
      LONG_MS,
    );

    test(
      'the doctor proves that a step survives, once for all cells, and gives the nodes back',
      async () => {
        const found = text((await run('%cluster doctor slurm')).result);
        expect(found).toMatch(/^✓ +independent step +survives the loss of the login node/m);
        const proof = JSON.parse(readFileSync(join(kernel.directory, 'state', 'proofs.json'), 'utf8')) as unknown;
        expect(proof).toEqual({ slurm: { at: expect.any(Number) as number, stepSurvives: true } });
        await untilFree();
      },
      LONG_MS,
    );

    test(
      'then a cell runs as a step, its value, names and files come home, and its nodes are given back',
      async () => {
        await run('const given = [1];');
        const { reply, stdout, result } = await run(
          '%%cluster slurm --cores 2 --memory 300MB --time 5m --queue debug\ngiven.push(2); console.log(process.env.CELLBURST_NODES); process.env.SLURM_JOB_ID',
        );
        expect(reply).toMatchObject({ status: 'ok' });
        expect(stdout).toMatch(/^\w+\n$/);
        expect(await isBatch(number(result))).toBe(false);
        expect(text((await run('given.length')).result)).toBe('2');
        expect(lastRecord()).toMatchObject({ path: 'step', nativeId: number(result) });
        await untilFree();
        const thrown = await run('%%cluster slurm\nthrow new RangeError("far")');
        expect(thrown.reply).toMatchObject({ ename: 'RangeError', evalue: 'far' });
      },
      LONG_MS,
    );

    test(
      'a request that is refused is an error with the words of Slurm, and leaves nothing behind',
      async () => {
        const { reply } = await run('%%cluster slurm --queue nosuchqueue\n1');
        expect(reply).toMatchObject({ ename: 'JobRejectedError' });
        expect(String(reply['evalue'])).toMatch(/Slurm refuses the job: .*partition/is);
        await untilFree();
      },
      LONG_MS,
    );

    test(
      'a cell on two nodes runs once, as a batch job, and is told the names of both; what it starts there finds them',
      async () => {
        const { reply, result, stdout } = await run(
          `%%cluster slurm --nodes 2 --tasks 4 --cores 2\nconsole.log('once');\nconst { execFileSync } = require('node:child_process');\n[process.env.CELLBURST_NODES, process.env.CELLBURST_CORES, execFileSync('srun', ['sh', '-c', 'echo $SLURMD_NODENAME'], { encoding: 'utf8' }).trim().split('\\n').sort().join(',')].join(' ')`,
        );
        expect(reply['evalue']).toBe(undefined);
        expect(stdout).toBe('once\n');
        const [nodes = '', cores, tasks = ''] = number(result).split(' ');
        const [first = '', second = ''] = nodes.split(',');
        expect([cores, [...new Set(tasks.split(','))], tasks.split(',').length]).toEqual(['2', [first, second], 4]);
        expect(lastRecord()['path']).toBe('batch job');
      },
      LONG_MS,
    );

    test(
      'what is detached stays a batch job',
      async () => {
        const job = jobOf(await run('%%cluster slurm --detach\nprocess.env.SLURM_JOB_ID'));
        expect(await isBatch(number((await run(`%cluster attach ${job}`)).result))).toBe(true);
      },
      LONG_MS,
    );

    test(
      'a step goes on when its client is let go and the agent is killed',
      async () => {
        const flag = join(kernel.directory, 'go-on');
        const id = await kernel.startCell(
          `%%cluster slurm\nconst fs = require('node:fs');\nconsole.log('begun');\nwhile (!fs.existsSync(${JSON.stringify(flag)})) await new Promise((go) => setTimeout(go, 50));\n'survived'`,
        );
        await kernel.printed(id, 'begun');
        expect(clients()).toEqual([]);
        sendSignal(agentPid(), 'SIGKILL');
        await pause(300);
        writeFileSync(flag, '');
        const { result, reply } = await kernel.outcome(id, performance.now(), LONG_MS);
        expect(reply).toMatchObject({ status: 'ok' });
        expect(text(result)).toBe("'survived'");
        await untilFree();
      },
      LONG_MS,
    );

    test(
      'the end of a step whose runner is killed is explained by its own row, and its nodes are given back',
      async () => {
        const id = await kernel.startCell(
          `%%cluster slurm\nconsole.log('begun'); await new Promise((go) => setTimeout(go, 80_000));`,
        );
        await kernel.printed(id, 'begun');
        const job = String(lastRecord()['id']);
        const beat = readBeat(join(kernel.directory, 'state', 'jobs', job));
        if (beat !== undefined) sendSignal(beat.runner.pid, 'SIGKILL');
        const { reply } = await kernel.outcome(id, performance.now(), LONG_MS);
        expect(String(reply['evalue'])).toMatch(/ended by SIGKILL/);
        await untilFree();
      },
      LONG_MS,
    );

    test(
      'a step that is cancelled ends, and an operator is told from its user',
      async () => {
        const id = await kernel.startCell(
          `%%cluster slurm\nconsole.log('begun'); await new Promise((go) => setTimeout(go, 80_000));`,
        );
        await kernel.printed(id, 'begun');
        const job = String(lastRecord()['id']);
        // The cell lets its job go on without it.
        await kernel.interrupt();
        await kernel.outcome(id, performance.now(), LONG_MS);
        await run(`%cluster cancel ${job}`);
        expect(String((await run(`%cluster attach ${job}`)).reply['evalue'])).toContain('at your request');
        await untilFree();
        const other = await kernel.startCell(
          `%%cluster slurm\nconsole.log('begun'); await new Promise((go) => setTimeout(go, 80_000));`,
        );
        await kernel.printed(other, 'begun');
        if (system.ok) await system.run(['scancel', String(lastRecord()['nativeId'])], 'root');
        const { reply } = await kernel.outcome(other, performance.now(), LONG_MS);
        expect(reply).toMatchObject({ ename: 'CancelledByOperatorError' });
      },
      LONG_MS,
    );

    test(
      'without free nodes the request is given up, and the job waits in the queue, once',
      async () => {
        if (!system.ok) return;
        const hog = await fill(system);
        const id = await kernel.startCell(`%%cluster slurm --name waits\nprocess.env.SLURM_JOB_ID`);
        await until(async () => (await squeue('pending', '%A %j')).some((line) => /\d+ waits\./.test(line)));
        await until(async () => (await pendingBatch()) === 1);
        await system.run(['scancel', hog]);
        const { result, reply } = await kernel.outcome(id, performance.now(), LONG_MS);
        expect(reply).toMatchObject({ status: 'ok' });
        expect(await isBatch(number(result))).toBe(true);
        const all = await squeue('all', '%j %T');
        expect(all.filter((line) => line.startsWith('waits.') && !line.endsWith('CANCELLED'))).toHaveLength(1);
      },
      LONG_MS,
    );

    test(
      'when the agent is killed while it waits for nodes, the next one has the cell run once',
      async () => {
        if (!system.ok) return;
        const hog = await fill(system);
        const count = join(kernel.directory, 'count');
        const id = await kernel.startCell(
          `%%cluster slurm --name killed\nrequire('node:fs').appendFileSync(${JSON.stringify(count)}, 'x'); 'once'`,
        );
        await until(async () => (await squeue('pending', '%j')).some((line) => line.startsWith('killed.')));
        sendSignal(agentPid(), 'SIGKILL');
        await pause(500);
        // The request that nobody waits for is granted now.
        await system.run(['scancel', hog]);
        const { result, reply } = await kernel.outcome(id, performance.now(), LONG_MS);
        expect(reply).toMatchObject({ status: 'ok' });
        expect(text(result)).toBe("'once'");
        expect(readFileSync(count, 'utf8')).toBe('x');
        await untilFree();
      },
      LONG_MS,
    );

    const run = async (code: string): Promise<CellResult> =>
      kernel.outcome(await kernel.startCell(code), performance.now(), LONG_MS);
    const squeue = async (states: string, format: string): Promise<string[]> => {
      if (!system.ok) return [];
      const { stdout } = await system.run(['squeue', '-h', '-t', states, '-o', format]);
      return stdout.split('\n').filter((line) => line !== '');
    };
    const untilFree = () => until(async () => (await squeue('pending,running,completing', '%A')).length === 0);
    const isBatch = async (job: string): Promise<boolean> =>
      system.ok && (await system.run(['scontrol', 'show', 'job', job])).stdout.includes('BatchFlag=1');
    const pendingBatch = async (): Promise<number> => {
      const ids = await squeue('pending', '%A');
      return (await Promise.all(ids.map(isBatch))).filter(Boolean).length;
    };
    const agentPid = () => {
      const lock = readFileSync(join(kernel.directory, 'state', 'agent.lock'), 'utf8');
      return Number(/"pid":(\d+)/.exec(lock)?.[1]);
    };
    /** The srun clients of our steps, and their watchers. */
    const clients = () =>
      execFileSync('ps', ['-e', '-o', 'args='], { encoding: 'utf8' })
        .split('\n')
        .filter((line) => line.includes('srun ') && line.includes(kernel.directory));
    /** Of the job that was made last. */
    const lastRecord = (): Record<string, unknown> => {
      const jobs = join(kernel.directory, 'state', 'jobs');
      const [last = ''] = execFileSync('ls', ['-1t', '--time=birth', jobs], { encoding: 'utf8' }).split('\n');
      return JSON.parse(readFileSync(join(jobs, last, 'record.json'), 'utf8')) as Record<string, unknown>;
    };
  },
);

function text(result: CellResult['result']): string {
  const data = result?.['data'] as Record<string, unknown> | undefined;
  return String(data?.['text/plain']);
}

/** `'48213'` as it is shown. */
function number(result: CellResult['result']): string {
  return text(result).replaceAll("'", '');
}

function jobOf({ result, reply }: CellResult): string {
  const job = /Job (\w+) is submitted/.exec(text(result))?.[1];
  if (job === undefined) throw new Error(`No job was submitted: ${JSON.stringify(reply)}`);
  return job;
}

/** All nodes, by one job that does nothing. */
async function fill(running: RunningSystem): Promise<string> {
  const asked = [
    'sbatch',
    '--parsable',
    '--exclusive',
    '--nodes=2',
    '--output=/dev/null',
    '--wrap',
    'sleep 120',
  ] as const;
  const hog = (await running.run(asked)).stdout.trim();
  await until(async () => (await running.run(['squeue', '-h', '-j', hog, '-o', '%T'])).stdout.includes('RUNNING'));
  return hog;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + LONG_MS / 2;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('It never came to that.');
    await pause(200);
  }
}

async function startKernel(running: RunningSystem): Promise<KernelClient> {
  const ids = (flag: string) => Number(execFileSync('id', [flag, 'cluster'], { encoding: 'utf8' }));
  const home = running.makeDirectory('home');
  const config = join(home, 'config.yaml');
  if (!existsSync(config))
    writeFileSync(config, 'clusters:\n  slurm: { scheduler: slurm, poll: { first: 2s } }\n', { mode: 0o644 });
  return await KernelClient.start(
    { ...running.settings, HOME: home, CELLBURST_CONFIG: config },
    { uid: ids('-u'), gid: ids('-g') },
  );
}
