// Cells of a real kernel on a real batch system, by the plain user of tests/clusters. What a person sees is asserted: values, output, errors.
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { KernelClient } from '../kernel/client';
import { readBeat } from '../agent/setting';
import { sendSignal } from '../../magics/protocol/platform';
import { describeImages, imageEntries } from './image-cells';
import { writeLosing } from './losing';
import { describePackages, moreClusters } from './package-cells';
import { LONG_MS, agentPid, awaitState, detach, runIn, startOn, text, until, type Clusters } from './notebook';
import { describeOn, openSystem, type OpenedSystem, type RunningSystem } from './open';

export interface Given {
  readonly system: OpenedSystem;
  /** The word on the magic line, and the one in the config. */
  readonly scheduler: string;
  /** More of the cluster's entry in the config, as YAML lines. */
  readonly entry?: readonly string[];
  /** Environment variable with the batch system's id of a job. */
  readonly idVariable: string;
  readonly refusedQueue: RegExp;
  /** How the batch system ends a job whose runner was killed, in its words. */
  readonly killed: RegExp;
  /** A cell that takes ever more memory, and what is said of its end. */
  readonly memory: { readonly options: string; readonly seen: RegExp };
  /** Options of a cell that wants a GPU, where there are any. */
  readonly gpu?: string;
  readonly submitCommand: string;
  /** How a submit command complains that its question was sent and the answer never came. */
  readonly lostAnswer: string;
  /** Names of all jobs that were ever submitted. */
  names(system: RunningSystem): Promise<readonly string[]>;
  /** How often the batch system was asked about jobs, as it counts. */
  readonly questions?: (system: RunningSystem) => Promise<number>;
  /** As a native argument: the job waits. */
  readonly held?: string;
  /** Names of those that wait or run. */
  living(system: RunningSystem): Promise<readonly string[]>;
}

export function describeCells(title: string, given: Given): void {
  const podman = podmanOf(given.system);
  const images = imageEntries(podman);
  describeOn(`cells on ${title}`, given.system, (system) => {
    let kernel: KernelClient;
    beforeAll(async () => {
      kernel = await startKernel(system, given, images);
    });
    afterAll(async () => {
      await kernel.stop();
      if (podman.ok) podman.stop();
    });
    const on = (options = '') => `%%cluster ${given.scheduler} ${options}`.trimEnd();
    const run = runIn(() => kernel);

    test(
      'a cell returns its value, from a process of the batch system',
      async () => {
        await run('const given = [1, 2, 3]; class Point { constructor(public x: number) {} }');
        const { result, reply } = await run(
          `${on('--cores 2')}\ngiven.push(4);\nconst point = new Point(given.length);\n[process.env.${given.idVariable}, process.env.CELLBURST_CORES, process.pid]`,
        );
        expect(reply).toMatchObject({ status: 'ok' });
        expect(text(result)).toMatch(/^\[ '\d+[\w.-]*', '2', \d+ \]$/);
        const here = await run('[given.length, point instanceof Point, point.x]');
        expect(text(here.result)).toBe('[ 4, true, 4 ]');
      },
      LONG_MS,
    );

    test(
      'named files are there as copies, what the job writes comes home, and what may not be read is told before',
      async () => {
        const place = (path: string): string => join(kernel.directory, path);
        const source = `import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
appendFileSync('given.txt', '?'); writeFileSync('made.txt', readFileSync('given.txt', 'utf8') + '!')`;
        writeFileSync(place('given.txt'), 'given', { mode: 0o644 });
        writeFileSync(place('secret.txt'), '', { mode: 0 });
        const answer = await run(`${on('--in given.txt --out made.txt')}\n${source}`);
        expect(answer.reply['evalue']).toBeUndefined();
        expect(readFileSync(place('made.txt'), 'utf8')).toBe('given?!');
        expect(readFileSync(place('given.txt'), 'utf8')).toBe('given');
        const refused = await run(`${on('--in secret.txt')}\n1`);
        expect(String(refused.reply['evalue'])).toMatch(/^Cannot read .*secret\.txt \(--in\): EACCES/);
      },
      LONG_MS,
    );

    describePackages(given.scheduler, { kernel: () => kernel, run, milliseconds: LONG_MS });
    describeImages(podman, {
      clusters: images,
      ...given,
      kernel: () => kernel,
      run,
      milliseconds: LONG_MS,
      leavesQueue: () => leavesQueue(given, system),
    });

    test(
      'an error is thrown here as it was there',
      async () => {
        const { reply } = await run(`${on()}\nthrow new RangeError('too far');`);
        expect(reply).toMatchObject({ status: 'error', ename: 'RangeError', evalue: 'too far' });
      },
      LONG_MS,
    );

    test(
      'output arrives before the job ends',
      async () => {
        const flag = join(kernel.directory, 'go-on');
        const id = await kernel.startCell(
          `${on()}\nconst fs = require('node:fs');\nconsole.log('first');\nwhile (!fs.existsSync(${JSON.stringify(flag)})) await new Promise((go) => setTimeout(go, 50));\nconsole.log('second');`,
        );
        await kernel.printed(id, 'first');
        writeFileSync(flag, '');
        const { stdout, reply } = await kernel.outcome(id, performance.now(), LONG_MS);
        expect(reply).toMatchObject({ status: 'ok' });
        expect(stdout).toBe('first\nsecond\n');
      },
      LONG_MS,
    );

    test(
      'a cancelled job ends as its user wished, and is gone from the queue',
      async () => {
        const job = await detach(run, `${on('--detach')}\nawait new Promise((go) => setTimeout(go, 60_000));`);
        await awaitState(run, job, 'running');
        await run(`%cluster cancel ${job}`);
        const { reply } = await run(`%cluster attach ${job}`);
        expect(reply).toMatchObject({ status: 'error', ename: 'JobCancelledError' });
        expect(String(reply['evalue'])).toContain('at your request');
        await leavesQueue(given, system);
      },
      LONG_MS,
    );

    test(
      'a time limit is told as one',
      async () => {
        const { reply } = await run(`${on('--time 3s')}\nawait new Promise((go) => setTimeout(go, 60_000));`);
        expect(reply).toMatchObject({ status: 'error', ename: 'TimeLimitError' });
        expect(String(reply['evalue'])).toContain('time limit');
      },
      LONG_MS,
    );

    test(
      'a lack of memory is told as one',
      async () => {
        const { reply } = await run(
          `${on(given.memory.options)}\nconst kept: Buffer[] = [];\nfor (;;) { kept.push(Buffer.alloc(20_000_000, 1)); await new Promise((go) => setTimeout(go, 20)); }`,
        );
        expect(reply).toMatchObject({ status: 'error', ename: 'OutOfMemoryError' });
        expect(String(reply['evalue'])).toMatch(given.memory.seen);
      },
      LONG_MS,
    );

    test(
      'a request that the batch system refuses is an error with its words, and leaves nothing behind',
      async () => {
        const { reply } = await run(`${on('--queue nosuchqueue')}\n1`);
        expect(reply).toMatchObject({ status: 'error', ename: 'JobRejectedError' });
        expect(String(reply['evalue'])).toMatch(given.refusedQueue);
      },
      LONG_MS,
    );

    test(
      'a detached job outlives its kernel, and another one gets its result',
      async () => {
        const job = await detach(
          run,
          `${on('--detach --name lasting')}\nconst answer = 6 * 7;\nconsole.log('done');\nanswer`,
        );
        const { stdout, result, reply } = await run(`%cluster attach ${job}`);
        expect(reply).toMatchObject({ status: 'ok' });
        expect([stdout, text(result)]).toEqual(['done\n', '42']);
        const again = await run(`%cluster attach ${job}`);
        expect(String(again.reply['evalue'])).toContain('delivered already');
      },
      LONG_MS,
    );

    test(
      'a job goes on when the agent is killed, and the next one brings it home',
      async () => {
        const flag = join(kernel.directory, 'agent-killed');
        const job = await detach(
          run,
          `${on('--detach')}\nconst fs = require('node:fs');\nwhile (!fs.existsSync(${JSON.stringify(flag)})) await new Promise((go) => setTimeout(go, 50));\n'survived'`,
        );
        await awaitState(run, job, 'running');
        sendSignal(agentPid(kernel), 'SIGKILL');
        await pause(300);
        writeFileSync(flag, '');
        const { result } = await run(`%cluster attach ${job}`);
        expect(text(result)).toBe("'survived'");
      },
      LONG_MS,
    );

    test(
      'a job whose runner is killed is explained by the batch system',
      async () => {
        const job = await detach(run, `${on('--detach')}\nawait new Promise((go) => setTimeout(go, 60_000));`);
        await awaitState(run, job, 'running');
        const beat = readBeat(join(kernel.directory, 'state', 'jobs', job));
        expect(beat).toBeDefined();
        if (beat !== undefined) sendSignal(beat.runner.pid, 'SIGKILL');
        const { reply } = await run(`%cluster attach ${job}`);
        expect(reply).toMatchObject({ status: 'error', ename: 'JobSignalError' });
        expect(String(reply['evalue'])).toMatch(given.killed);
      },
      LONG_MS,
    );

    test(
      'when the answer to a submission is lost, the job is found by its name and submitted once',
      async () => {
        writeFileSync(join(kernel.directory, 'bin', 'lose'), 'lost');
        const { result, reply } = await run(`${on('--name once')}\n'only once'`);
        expect(reply).toMatchObject({ status: 'ok' });
        expect(text(result)).toBe("'only once'");
        expect(existsSync(join(kernel.directory, 'bin', 'lose'))).toBe(false);
        // A second one would come after it has been looked for.
        await pause(6000);
        const named = (await given.names(system)).filter((name) => /^once\.cb[0-9a-f]{12}$/.test(name));
        expect(named).toHaveLength(1);
      },
      LONG_MS,
    );

    if (given.questions !== undefined && given.held !== undefined) {
      const { questions, held } = given;
      test(
        'many jobs that wait are one question, and no more than one for each interval',
        async () => {
          for (let i = 0; i < 12; i++) await detach(run, `${on(`--detach --name many${i} --native '${held}'`)}\n${i}`);
          const [before, began] = [await questions(system), performance.now()];
          await pause(12_000);
          const asked = (await questions(system)) - before;
          // A floor of 2 s that doubles: at 2, 4, 8 and 16 s after the last news.
          const most = Math.floor((performance.now() - began) / 2000);
          expect(asked).toBeGreaterThan(0);
          expect(asked).toBeLessThan(most);
          await system.run(['scancel', '--user=cluster']);
          await leavesQueue(given, system);
        },
        LONG_MS,
      );
    }

    for (const [how, what] of [
      ['hangs-after', 'after the batch system has taken the job'],
      ['hangs-before', 'before the batch system has heard of the job'],
    ] as const)
      test(
        `when the agent is killed ${what}, the next one has it submitted once`,
        async () => {
          const lose = join(kernel.directory, 'bin', 'lose');
          writeFileSync(lose, how);
          const id = await kernel.startCell(`${on(`--name ${how}`)}\n'only once'`);
          const deadline = Date.now() + 20_000;
          while (existsSync(lose) && Date.now() < deadline) await pause(50);
          // The submit command has begun; where it submits, give it the time to.
          await pause(1000);
          sendSignal(agentPid(kernel), 'SIGKILL');
          const { reply, result } = await kernel.outcome(id, performance.now(), LONG_MS);
          expect(reply).toMatchObject({ status: 'ok' });
          expect(text(result)).toBe("'only once'");
          await pause(6000);
          const named = (await given.names(system)).filter((name) => name.startsWith(`${how}.cb`));
          expect(named).toHaveLength(1);
        },
        LONG_MS,
      );
  });
}

/** Whose jobs may use it: its storage is one user's. */
function podmanOf(system: OpenedSystem): OpenedSystem {
  if (!system.ok) return system;
  const podman = openSystem('podman');
  if (!podman.ok || podman.user.name === system.user.name) return podman;
  podman.stop();
  return {
    ok: false,
    reason: `its containers are those of ${podman.user.name}, and jobs those of ${system.user.name}`,
  };
}

function leavesQueue(given: Given, system: RunningSystem): Promise<void> {
  return until(async () => (await given.living(system)).length === 0);
}

/** Its submit command can be told to lose an answer: the job is made, and the client complains. */
async function startKernel(system: RunningSystem, given: Given, images: Clusters): Promise<KernelClient> {
  const { scheduler, entry = [], submitCommand, lostAnswer } = given;
  const bin = system.makeDirectory('bin');
  const clusters = { [scheduler]: [`scheduler: ${scheduler}`, 'poll: { first: 2s }', ...entry] };
  const path = system.settings['PATH'] ?? process.env['PATH'];
  writeLosing(bin, submitCommand, lostAnswer, path);
  const kernel = await startOn(
    system,
    { ...clusters, ...moreClusters(scheduler, entry, images) },
    { PATH: `${bin}:${path ?? ''}` },
  );
  symlinkSync(bin, join(kernel.directory, 'bin'));
  return kernel;
}
