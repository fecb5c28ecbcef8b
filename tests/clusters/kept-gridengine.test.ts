// Nodes that are kept on a real Grid Engine, which gives no way into a running job: their agent calls back, or is spoken to through files.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { sendSignal } from '../../magics/protocol/platform';
import type { KernelClient } from '../kernel/client';
import { LONG_MS, agentPid, jobFolders, runIn, startOn, text, until } from './notebook';
import { describeOn, openSystem } from './open';
import { gridEngineQueue } from './queues';

describeOn('nodes kept on Grid Engine', openSystem('sge'), (system) => {
  let kernel: KernelClient;
  beforeAll(async () => {
    const entry = ['scheduler: gridengine', 'parallelEnvironment: smp', 'poll: { first: 2s }'];
    kernel = await startOn(system, { ge: entry, blocked: [...entry, 'listen: none'] });
  });
  afterAll(async () => {
    await system.run(['qdel', '-u', 'cluster']);
    await kernel.stop();
  });

  test(
    'cells run in the job that is kept, with its files, and its agent has called by the key of its job',
    async () => {
      const { reply } = await run('%cluster start ge --cores 2 --time 10m --keep 5m');
      expect(reply).toMatchObject({ status: 'ok' });
      const [kept, ...others] = await jobs();
      expect(others).toEqual([]);
      await run('const given = [1];');
      const first = await run('%%cluster ge --cores 2\ngiven.push(2); console.log("there"); process.env.JOB_ID');
      expect(first.stdout).toBe('there\n');
      expect(text(first.result)).toBe(`'${kept ?? ''}'`);
      expect(text((await run('given.length')).result)).toBe('2');
      const folder = keptFolder();
      expect(statSync(join(folder, 'key')).mode & 0o777).toBe(0o600);
      expect(readdirSync(folder)).not.toContain('calls');
      const key = readFileSync(join(folder, 'key'), 'utf8').trim();
      expect(execFileSync('ps', ['-e', '-o', 'args='], { encoding: 'utf8' })).not.toContain(key);
    },
    LONG_MS,
  );

  test(
    'when the agent here is killed, the cell goes on, its agent calls the next one, and its output is whole',
    async () => {
      const flag = join(kernel.directory, 'go-on');
      const id = await kernel.startCell(
        `%%cluster ge\nconst fs = require('node:fs');\nlet i = 0;\nwhile (!fs.existsSync(${JSON.stringify(flag)})) { console.log(i++); await new Promise((go) => setTimeout(go, 50)); }\ni`,
      );
      await kernel.printed(id, '5\n');
      sendSignal(agentPid(kernel), 'SIGKILL');
      await pause(500);
      writeFileSync(flag, '');
      const { reply, stdout, result } = await kernel.outcome(id, performance.now(), LONG_MS);
      expect(reply).toMatchObject({ status: 'ok' });
      const count = Number(text(result));
      expect(stdout).toBe(Array.from({ length: count }, (_, i) => `${i}\n`).join(''));
    },
    LONG_MS,
  );

  test(
    'they are given back when they are not wanted any more',
    async () => {
      expect(text((await run('%cluster stop ge')).result)).toMatch(/^Allocation \w+ on ge/);
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
        `%%cluster blocked\nconst fs = require('node:fs');\nconsole.log('begun');\nwhile (!fs.existsSync(${JSON.stringify(flag)})) await new Promise((go) => setTimeout(go, 50));\nprocess.env.JOB_ID`,
      );
      await until(() => lastStatus().includes('kept nodes'));
      expect(lastStatus()).toContain('through files, looked at every 0.5 s');
      writeFileSync(flag, '');
      const { result, stdout } = await kernel.outcome(id, performance.now(), LONG_MS);
      expect([stdout, text(result)]).toEqual(['begun\n', `'${kept}'`]);
      expect(readdirSync(keptFolder())).toContain('calls');
      await run('%cluster stop blocked');
      await until(async () => (await jobs()).length === 0);
    },
    LONG_MS,
  );

  test(
    'nodes that nobody uses are given back by themselves, with kernel and agent dead',
    async () => {
      const { reply } = await run('%%cluster ge --keep 6s --time 10m\nprocess.env.JOB_ID');
      expect(reply).toMatchObject({ status: 'ok' });
      expect(await jobs()).toHaveLength(1);
      kernel.process.kill('SIGKILL');
      sendSignal(agentPid(kernel), 'SIGKILL');
      await until(async () => (await jobs()).length === 0);
    },
    LONG_MS,
  );

  const run = runIn(() => kernel);
  const jobs = () => gridEngineQueue(system, 'JB_job_number');
  const lastStatus = () => readFileSync(join(jobFolders(kernel)[0] ?? '', 'record.json'), 'utf8');
  /** Of the allocation that was made last. */
  const keptFolder = () => jobFolders(kernel).find((folder) => readdirSync(folder).includes('key')) ?? '';
});
