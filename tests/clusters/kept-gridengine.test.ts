// Nodes that are kept on a real Grid Engine, which gives no way into a running job: their agent calls back, or is spoken to through files.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identify, isAlive, sendSignal } from '../../magics/protocol/platform';
import { readBeat } from '../agent/setting';
import type { KernelClient } from '../kernel/client';
import { LONG_MS, agentPid, countThrough, detach, jobFolders, runIn, startOn, text, until } from './notebook';
import { describeOn, openSystem, type RunningSystem } from './open';
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
      await countThrough(kernel, '%%cluster ge', () => {
        sendSignal(agentPid(kernel), 'SIGKILL');
      });
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

  describe('where a job that is deleted loses its shell only (no ENABLE_ADDGRP_KILL)', () => {
    beforeAll(async () => {
      await followShellsOnly(system);
    }, LONG_MS);
    /** Starts a process that leaves its group, and notes it. */
    const stays = (far: string) =>
      `const { spawn } = require('node:child_process');\nconst fs = require('node:fs');\nconst child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });\nfs.writeFileSync(${JSON.stringify(far)}, String(child.pid));\nconsole.log('begun');\nawait new Promise((go) => setTimeout(go, 600_000));`;
    const processesOf = (folder: string, far: string) => {
      const { runner, cell } = readBeat(folder) ?? {};
      if (runner === undefined || cell === undefined) throw new Error(`Nothing runs in ${folder}.`);
      return [runner, cell, identify(Number(readFileSync(far, 'utf8')))];
    };

    test(
      'all that it has started ends, in kept nodes as well, and no cell is told before',
      async () => {
        const [far, farKept] = ['far', 'far-kept'].map((name) => join(kernel.directory, name)) as [string, string];
        const begun = (note: string) =>
          until(() => Promise.resolve(existsSync(note) && readFileSync(note, 'utf8') !== ''));
        const plain = await detach(run, `%%cluster ge --detach\n${stays(far)}`);
        await begun(far);
        const ofPlain = processesOf(jobFolders(kernel)[0] ?? '', far);
        expect((await run('%cluster start ge --time 10m --keep 5m')).reply).toMatchObject({ status: 'ok' });
        const kept = await detach(run, `%%cluster ge --detach\n${stays(farKept)}`);
        await begun(farKept);
        const here = join(keptFolder(), 'agent', 'jobs');
        const ofKept = processesOf(join(here, readdirSync(here)[0] ?? ''), farKept);
        expect([...ofPlain, ...ofKept].filter(isAlive)).toHaveLength(6);
        await system.run(['qdel', ...(await jobs())]);
        const ended = await run(`%cluster attach ${plain}`);
        expect(ofPlain.filter(isAlive)).toEqual([]);
        expect(ended.reply).toMatchObject({ status: 'error', ename: 'JobSignalError' });
        const endedKept = await run(`%cluster attach ${kept}`);
        expect(ofKept.filter(isAlive)).toEqual([]);
        expect(endedKept.reply).toMatchObject({ status: 'error' });
        expect(String(endedKept.reply['evalue'])).toContain('allocation');
      },
      LONG_MS,
    );
  });

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

/** Set while it runs; the node has heard of it when a process that has left its job's group is still there after the job. */
async function followShellsOnly(running: RunningSystem): Promise<void> {
  const place = running.makeDirectory('shells');
  const asRoot = async (command: string): Promise<void> => {
    const { exitCode, stderr } = await running.run(['sh', '-c', command], 'root');
    if (exitCode !== 0) throw new Error(`${command}: ${stderr}`);
  };
  const change = `s/ENABLE_ADDGRP_KILL=true/ENABLE_ADDGRP_KILL=false/`;
  await asRoot(`qconf -sconf global | sed '${change}' >'${place}/global' && qconf -Mconf '${place}/global'`);
  const note = join(place, 'pid');
  const script = join(place, 'job.sh');
  writeFileSync(script, `#!/bin/sh\nsetsid sleep 30 &\necho $! >${note}\nwait\n`, { mode: 0o755 });
  await until(async () => {
    rmSync(note, { force: true });
    const { stdout } = await running.run(['qsub', '-terse', '-o', '/dev/null', '-j', 'y', '-S', '/bin/sh', script]);
    await until(() => Promise.resolve(existsSync(note) && readFileSync(note, 'utf8') !== ''));
    await running.run(['qdel', stdout.trim()]);
    await until(async () => !(await running.run(['qstat', '-u', '*'])).stdout.includes(stdout.trim()));
    return sendSignal(Number(readFileSync(note, 'utf8')), 'SIGKILL');
  });
}
