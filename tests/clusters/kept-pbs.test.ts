// Nodes that are kept on a real PBS, where CELLBURST_TEST_PBS names its prefix. It gives no way into a running job: their agent calls back, or is spoken to through files.
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sendSignal } from '../../magics/protocol/platform';
import type { KernelClient } from '../kernel/client';
import { LONG_MS, agentPid, jobFolders, lastRecord, runIn, startOn, text, until, countThrough } from './notebook';
import { describeOn, openInstalled } from './open';
import { pbsQueue } from './queues';

describeOn(
  'jobs and kept nodes on PBS',
  openInstalled(process.env['CELLBURST_TEST_PBS'], 'CELLBURST_TEST_PBS'),
  (system) => {
    let kernel: KernelClient;
    beforeAll(async () => {
      const entry = ['scheduler: pbs', 'poll: { first: 2s }'];
      kernel = await startOn(system, { pbs: entry, blocked: [...entry, 'listen: none'] });
    });
    afterAll(async () => {
      const left = await jobs();
      if (left.length > 0) await system.run(['qdel', ...left]);
      await kernel.stop();
    });
    const run = runIn(() => kernel);
    const jobs = () => pbsQueue(system, 'id');
    const keptFolder = () => jobFolders(kernel).find((folder) => readdirSync(folder).includes('key')) ?? '';

    test(
      'what a cell uses is counted for its job, though it leads a session of its own',
      async () => {
        const busy = 'for (const end = Date.now() + 14_000; Date.now() < end;);';
        const { result } = await run(`%%cluster pbs\n${busy}\nprocess.env.PBS_JOBID`);
        const id = text(result).replaceAll("'", '');
        // The node takes count every ten seconds at first.
        let used = '';
        await until(async () => {
          const { stdout } = await system.run(['qstat', '-x', '-f', '-F', 'dsv', id]);
          used = /\|resources_used\.cput=([\d:]+)/.exec(stdout)?.[1] ?? '';
          return stdout.includes('|job_state=F|');
        });
        expect(used).toMatch(/^00:00:(?:0[4-9]|1\d)$/);
      },
      LONG_MS,
    );

    test(
      'cells run in the job that is kept, and its agent has called by the key of its job',
      async () => {
        expect((await run('%cluster start pbs --cores 2 --time 10m --keep 5m')).reply).toMatchObject({ status: 'ok' });
        const [kept, ...others] = await jobs();
        expect(others).toEqual([]);
        const { result, stdout } = await run('%%cluster pbs --cores 2\nconsole.log("there"); process.env.PBS_JOBID');
        expect([stdout, text(result)]).toEqual(['there\n', `'${kept ?? ''}'`]);
        expect(statSync(join(keptFolder(), 'key')).mode & 0o777).toBe(0o600);
        expect(readdirSync(keptFolder())).not.toContain('calls');
      },
      LONG_MS,
    );

    test(
      'when the agent here is killed, the cell goes on, its agent calls the next one, and its output is whole',
      async () => {
        await countThrough(kernel, '%%cluster pbs', () => {
          sendSignal(agentPid(kernel), 'SIGKILL');
        });
      },
      LONG_MS,
    );

    test(
      'a cell in nodes that are deleted is told of it, and they are given back when they are not wanted any more',
      async () => {
        const id = await kernel.startCell(
          '%%cluster pbs\nconsole.log("begun"); await new Promise((go) => setTimeout(go, 600_000));',
        );
        await kernel.printed(id, 'begun');
        await system.run(['qdel', ...(await jobs())]);
        const { reply } = await kernel.outcome(id, performance.now(), LONG_MS);
        expect(String(reply['evalue'])).toContain('allocation');
        expect((await run('%cluster start pbs --cores 2 --time 10m --keep 5m')).reply).toMatchObject({ status: 'ok' });
        expect(text((await run('%cluster stop pbs')).result)).toMatch(/^Allocation \w+ on pbs/);
        await until(async () => (await jobs()).length === 0);
      },
      LONG_MS,
    );

    test(
      'where nobody can call, cells go through files, and their line says how slow that is',
      async () => {
        expect((await run('%cluster start blocked --time 10m --keep 5m')).reply).toMatchObject({ status: 'ok' });
        const [kept = ''] = await jobs();
        const flag = join(kernel.directory, 'seen');
        const id = await kernel.startCell(
          `%%cluster blocked\nconst fs = require('node:fs');\nconsole.log('begun');\nwhile (!fs.existsSync(${JSON.stringify(flag)})) await new Promise((go) => setTimeout(go, 50));\nprocess.env.PBS_JOBID`,
        );
        await until(() => JSON.stringify(lastRecord(kernel)).includes('kept nodes'));
        expect(JSON.stringify(lastRecord(kernel))).toContain('through files, looked at every 0.5 s');
        writeFileSync(flag, '');
        const { result, stdout } = await kernel.outcome(id, performance.now(), LONG_MS);
        expect([stdout, text(result)]).toEqual(['begun\n', `'${kept}'`]);
        await run('%cluster stop blocked');
        await until(async () => (await jobs()).length === 0);
      },
      LONG_MS,
    );

    test(
      'nodes that nobody uses are given back by themselves, with kernel and agent dead',
      async () => {
        const { reply } = await run('%%cluster pbs --keep 6s --time 10m\nprocess.env.PBS_JOBID');
        expect(reply).toMatchObject({ status: 'ok' });
        expect(await jobs()).toHaveLength(1);
        kernel.process.kill('SIGKILL');
        sendSignal(agentPid(kernel), 'SIGKILL');
        await until(async () => (await jobs()).length === 0);
      },
      LONG_MS,
    );
  },
);
