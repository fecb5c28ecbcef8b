// Cells that somebody waits for, on a real Slurm: nodes that are granted at once and a step that nothing on the login node keeps alive, where the doctor has
// proved that; a batch job everywhere else. Whatever is lost on the way, there is one job, and no node is kept for nobody.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { sendSignal } from '../../magics/protocol/platform';
import { readBeat } from '../agent/setting';
import type { KernelClient } from '../kernel/client';
import { LONG_MS, agentPid, detach, lastRecord, runIn, srunClients, startOn, string, text, until } from './notebook';
import { describeOn, openSystem } from './open';
import { slurmQueue } from './queues';

describeOn('steps on nodes of their own', openSystem('slurm'), (system) => {
  let kernel: KernelClient;
  beforeAll(async () => {
    kernel = await startOn(system, { slurm: ['scheduler: slurm', 'poll: { first: 2s }'] });
  });
  afterAll(async () => {
    await system.run(['scancel', '--user=cluster']);
    await kernel.stop();
  });

  test(
    'a cell is a batch job as long as nothing is proved',
    async () => {
      const { reply, result } = await run('%%cluster slurm\nprocess.env.SLURM_JOB_ID');
      expect(reply).toMatchObject({ status: 'ok' });
      expect(await isBatch(string(result))).toBe(true);
      expect(lastRecord(kernel)['path']).toBe('batch job');
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
      expect(await isBatch(string(result))).toBe(false);
      expect(text((await run('given.length')).result)).toBe('2');
      expect(lastRecord(kernel)).toMatchObject({ path: 'step', nativeId: string(result) });
      await untilFree();
      const thrown = await run('%%cluster slurm\nthrow new RangeError("far")');
      expect(thrown.reply).toMatchObject({ ename: 'RangeError', evalue: 'far' });
    },
    LONG_MS,
  );

  test(
    'a short cell is over for Slurm when it is for us, so that the next one finds its node free',
    async () => {
      const job = string((await run('%%cluster slurm\nprocess.env.SLURM_JOB_ID')).result);
      const rows = async (): Promise<string[][]> => {
        const asked = ['sacct', '-n', '-P', '-j', job, '-o', 'JobID,State,ExitCode,End'] as const;
        return (await system.run(asked)).stdout
          .trim()
          .split('\n')
          .map((row) => row.split('|'));
      };
      await until(async () => {
        const all = await rows();
        return all.length === 2 && all.every(([, , , end]) => end !== 'Unknown');
      });
      const [[, , , nodesEnd = ''] = [], [step, state, code, stepEnd = ''] = []] = await rows();
      expect([step, state, code]).toEqual([`${job}.0`, 'COMPLETED', '0:0']);
      // A step whose client is gone ends 2.5 s late.
      expect(Date.parse(stepEnd) - Date.parse(nodesEnd)).toBeLessThan(2000);
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
      const [nodes = '', cores, tasks = ''] = string(result).split(' ');
      const [first = '', second = ''] = nodes.split(',');
      expect([cores, [...new Set(tasks.split(','))], tasks.split(',').length]).toEqual(['2', [first, second], 4]);
      expect(lastRecord(kernel)['path']).toBe('batch job');
    },
    LONG_MS,
  );

  test(
    'what is detached stays a batch job',
    async () => {
      const job = await detach(run, '%%cluster slurm --detach\nprocess.env.SLURM_JOB_ID');
      expect(await isBatch(string((await run(`%cluster attach ${job}`)).result))).toBe(true);
    },
    LONG_MS,
  );

  test(
    'a step goes on when the agent is killed, and its client by the next one, so that nothing here can end it',
    async () => {
      const flag = join(kernel.directory, 'go-on');
      const id = await kernel.startCell(
        `%%cluster slurm\nconst fs = require('node:fs');\nconsole.log('begun');\nwhile (!fs.existsSync(${JSON.stringify(flag)})) await new Promise((go) => setTimeout(go, 50));\n'survived'`,
      );
      await kernel.printed(id, 'begun');
      expect(srunClients(kernel)).not.toEqual([]);
      sendSignal(agentPid(kernel), 'SIGKILL');
      await until(() => Promise.resolve(srunClients(kernel).length === 0));
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
      // Some time after it has begun no process here can end it any more.
      await until(() => Promise.resolve(srunClients(kernel).length === 0));
      const job = String(lastRecord(kernel)['id']);
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
      const job = String(lastRecord(kernel)['id']);
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
      await system.run(['scancel', String(lastRecord(kernel)['nativeId'])], 'root');
      const { reply } = await kernel.outcome(other, performance.now(), LONG_MS);
      expect(reply).toMatchObject({ ename: 'CancelledByOperatorError' });
    },
    LONG_MS,
  );

  test(
    'a cell whose job is put back into the queue is not run twice, is told as what it is, and leaves the queue',
    async () => {
      const count = join(kernel.directory, 'begun');
      const id = await kernel.startCell(
        `%%cluster slurm --nodes 2 --name back\nrequire('node:fs').appendFileSync(${JSON.stringify(count)}, 'x'); console.log('begun'); await new Promise((go) => setTimeout(go, 80_000));`,
      );
      await kernel.printed(id, 'begun');
      const job = String(lastRecord(kernel)['nativeId']);
      // Ours asks not to be put back; an administrator, or a plugin of the site, can.
      await system.run(['scontrol', 'update', `jobid=${job}`, 'requeue=1'], 'root');
      await system.run(['scontrol', 'requeue', job], 'root');
      const { reply } = await kernel.outcome(id, performance.now(), LONG_MS);
      expect(reply).toMatchObject({ status: 'error', ename: 'PreemptedError' });
      expect(String(reply['evalue'])).toMatch(/put it back into the queue.*is not run twice/);
      await untilFree();
      expect(readFileSync(count, 'utf8')).toBe('x');
    },
    LONG_MS,
  );

  test(
    'without free nodes the request is given up, and the job waits in the queue, once',
    async () => {
      const hog = await fill();
      const id = await kernel.startCell(`%%cluster slurm --name waits\nprocess.env.SLURM_JOB_ID`);
      await until(async () => (await queue('pending', '%A %j')).some((line) => /\d+ waits\./.test(line)));
      await until(async () => (await pendingBatch()) === 1);
      await system.run(['scancel', hog]);
      const { result, reply } = await kernel.outcome(id, performance.now(), LONG_MS);
      expect(reply).toMatchObject({ status: 'ok' });
      expect(await isBatch(string(result))).toBe(true);
      const all = await queue('all', '%j %T');
      expect(all.filter((line) => line.startsWith('waits.') && !line.endsWith('CANCELLED'))).toHaveLength(1);
    },
    LONG_MS,
  );

  test(
    'when the agent is killed while it waits for nodes, the next one has the cell run once',
    async () => {
      const hog = await fill();
      const count = join(kernel.directory, 'count');
      const id = await kernel.startCell(
        `%%cluster slurm --name killed\nrequire('node:fs').appendFileSync(${JSON.stringify(count)}, 'x'); 'once'`,
      );
      await until(async () => (await queue('pending', '%j')).some((line) => line.startsWith('killed.')));
      sendSignal(agentPid(kernel), 'SIGKILL');
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

  const run = runIn(() => kernel);
  const queue = (states: string, format: string) => slurmQueue(system, states, format);
  const untilFree = () => until(async () => (await queue('pending,running,completing', '%A')).length === 0);
  const isBatch = async (job: string): Promise<boolean> =>
    (await system.run(['scontrol', 'show', 'job', job])).stdout.includes('BatchFlag=1');
  const pendingBatch = async (): Promise<number> =>
    (await Promise.all((await queue('pending', '%A')).map(isBatch))).filter(Boolean).length;
  /** All nodes, by one job that does nothing. */
  const fill = async (): Promise<string> => {
    const asked = ['--parsable', '--exclusive', '--nodes=2', '--output=/dev/null', '--wrap', 'sleep 120'];
    const hog = (await system.run(['sbatch', ...asked])).stdout.trim();
    await until(async () => (await system.run(['squeue', '-h', '-j', hog, '-o', '%T'])).stdout.includes('RUNNING'));
    return hog;
  };
});
