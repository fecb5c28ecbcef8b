// Cells in an image, by real rootless podman: a plain user's kernel, images made of this machine's files.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { sendSignal } from '../../magics/protocol/platform';
import { readBeat } from '../agent/setting';
import { describeOn, openSystem } from '../clusters/open';
import { KernelClient, ROOT, type CellResult } from '../kernel/client';
import { cellsOf, value } from './cells';
import { writeProject } from './project';

const LONG_MS = 90_000;

describeOn('cells in an image, by podman', openSystem('podman', { by: 'anybody' }), (system) => {
  const { PODMAN_ENTER: enter = '', PODMAN_IMAGE: image = '', PODMAN_BARE: bare = '' } = system.settings;
  const { name: USER, home: HOME, ids } = system.user;
  let kernel: KernelClient;
  beforeAll(async () => {
    kernel = await KernelClient.start({ HOME, USER }, ids, [], [enter]);
    writeProject(kernel.directory);
    symlinkSync(join(ROOT, 'node_modules', 'zeromq'), join(kernel.directory, 'node_modules', 'zeromq'));
  });
  afterAll(async () => {
    await kernel.stop();
  });
  const run = (code: string): Promise<CellResult> => cellsOf(kernel).run(code);
  const within = (code: string, options = ''): Promise<CellResult> =>
    run(`%%cluster local --container ${image} ${options}\n${code}`);
  const evalue = ({ reply }: CellResult): string => `${String(reply['ename'])}: ${String(reply['evalue'])}`;
  const containers = (): string =>
    execFileSync(enter, ['podman', 'ps', '--quiet'], {
      encoding: 'utf8',
      env: { ...process.env, HOME },
    });
  const untilNone = async (): Promise<void> => {
    const deadline = Date.now() + 30_000;
    while (containers() !== '' && Date.now() < deadline) await pause(200);
    expect(containers()).toBe('');
  };

  test(
    "values, packages and output travel, the root is that of the image, and what is written is the user's",
    async () => {
      await run(`import { Counter } from 'counter';\nconst held = new Counter(7);`);
      writeFileSync(join(kernel.directory, 'given.txt'), 'given', { mode: 0o644 });
      const answer = await within(
        `import { readFileSync, writeFileSync } from 'node:fs';\nimport { hostname, userInfo } from 'node:os';\nimport { parse } from 'yaml';\nimport { sum } from 'assets';\n` +
          `console.log('inside');\nwriteFileSync('made.txt', readFileSync('given.txt', 'utf8') + '!');\n` +
          `JSON.stringify([readFileSync('/etc/os-release', 'utf8').trim(), userInfo().username, hostname(), parse('b: 2').b, sum('two', 40), held.up(), process.env.HOME, process.execPath])`,
        '--in given.txt --out made.txt',
      );
      const { hostname } = await import('node:os');
      expect([answer.reply['evalue'], answer.stdout]).toEqual([undefined, 'inside\n']);
      expect(value(answer)).toBe(
        `'${JSON.stringify(['ID=cellburst-image', USER, hostname(), 2, 42, 8, HOME, '/run/cellburst/bin/node'])}'`,
      );
      expect(value(await run('held.n'))).toBe('8');
      const made = join(kernel.directory, 'made.txt');
      expect([readFileSync(made, 'utf8'), statSync(made).uid]).toEqual(['given!', statSync(kernel.directory).uid]);
      await untilNone();
    },
    LONG_MS,
  );

  test(
    'an error, an exit code and a signal are told as what they are',
    async () => {
      expect(evalue(await within(`throw new RangeError('too far')`))).toBe('RangeError: too far');
      expect(evalue(await within(`process.exit(3)`))).toMatch(/\w+Error: .*exit code 3\b/);
      expect(evalue(await within(`process.kill(process.pid, 'SIGSEGV'); await new Promise(() => {})`))).toMatch(
        /\w+Error: .*SIGSEGV/,
      );
    },
    LONG_MS,
  );

  test(
    'limits of memory and time are kept, and cancelling ends what the cell has started',
    async () => {
      const hungry = `const kept: Buffer[] = [];\nfor (;;) { kept.push(Buffer.alloc(20_000_000, 1)); await new Promise((go) => setTimeout(go, 20)); }`;
      expect(evalue(await within(hungry, '--memory 200MB'))).toMatch(/\w+Error: .*200 MiB|more memory/s);
      const slow = `await new Promise((go) => setTimeout(go, 60_000))`;
      expect(evalue(await within(slow, '--time 3s'))).toMatch(/\w+Error: .*time limit/s);
      const { messages } = await within(
        `import { spawn } from 'node:child_process';\nspawn('sleep', ['60'], { detached: true });\n${slow}`,
        '--detach',
      );
      const job = jobOf(messages);
      await beatOf(job);
      await run(`%cluster cancel ${job}`);
      expect(evalue(await run(`%cluster attach ${job}`))).toContain('JobCancelledError');
      await untilNone();
    },
    LONG_MS,
  );

  test(
    'a job goes on when its agent is killed; when its runner is killed, nothing of it stays',
    async () => {
      const flag = join(kernel.directory, 'go-on');
      const waiting = `const fs = require('node:fs');\nwhile (!fs.existsSync(${JSON.stringify(flag)})) await new Promise((go) => setTimeout(go, 50));\n'survived'`;
      const first = jobOf((await within(waiting, '--detach')).messages);
      await beatOf(first);
      const lock = readFileSync(join(kernel.directory, 'state', 'agent.lock'), 'utf8');
      sendSignal(Number(/"pid":(\d+)/.exec(lock)?.[1]), 'SIGKILL');
      await pause(300);
      writeFileSync(flag, '');
      expect(value(await run(`%cluster attach ${first}`))).toBe(`'survived'`);
      const second = jobOf((await within(`await new Promise(() => setInterval(() => {}, 1000))`, '--detach')).messages);
      sendSignal((await beatOf(second)).runner.pid, 'SIGKILL');
      expect(evalue(await run(`%cluster attach ${second}`))).toMatch(/\w+Error: .*runner ended/s);
      await untilNone();
    },
    LONG_MS,
  );

  test(
    'when everything of a container was killed at once, which podman does not get over by itself, the next cell runs, and nothing is left',
    async () => {
      const job = jobOf((await within(`await new Promise(() => setInterval(() => {}, 1000))`, '--detach')).messages);
      await beatOf(job);
      const all = execFileSync('ps', ['-u', USER, '-o', 'pid=,args='], { encoding: 'utf8' }).split('\n');
      const state = dirname(dirname(enter));
      // The helper that holds podman's namespace does not name its state: it is told by its parentless process alone, in a file.
      const pause = readFileSync(join(state, 'run', 'libpod', 'tmp', 'pause.pid'), 'utf8');
      const its = all
        .filter((line) => line.includes(state) || line.includes(`cellburst-${job}`))
        .map((line) => parseInt(line, 10));
      for (const pid of [Number(pause), ...its]) sendSignal(pid, 'SIGKILL');
      expect(evalue(await run(`%cluster attach ${job}`))).toMatch(/\w+Error: /);
      expect(value(await within(`'well again'`))).toBe(`'well again'`);
      await untilNone();
      const left = execFileSync(enter, ['podman', 'ps', '--all', '--quiet'], {
        encoding: 'utf8',
        env: { ...process.env, HOME },
      });
      expect(left).toBe('');
    },
    LONG_MS,
  );

  test(
    'what is missing is named: the image, a C library in it, the runtime',
    async () => {
      const at = (name: string): Promise<CellResult> => run(`%%cluster local --container ${name}\n1`);
      expect(evalue(await at('no-such-image:7'))).toMatch(/podman has no such image there.*podman pull/s);
      expect(evalue(await at(bare))).toMatch(/Node\.js does not run in it.*needs glibc 2\.28/s);
      expect(evalue(await at('/nowhere/image.sif'))).toMatch(/there is no apptainer and no singularity on /);
      expect((await run('%cluster jobs')).reply['status']).toBe('ok');
    },
    LONG_MS,
  );

  test(
    'a package with a binary is installed in the image',
    async () => {
      const answer = await within(`import { version } from 'zeromq';\nversion.split('.').length`);
      expect([value(answer), answer.stderr]).toEqual(['3', expect.stringMatching(/Installed in \d+ s/)]);
    },
    LONG_MS,
  );

  function jobOf(messages: CellResult['messages']): string {
    return /Job (\w{6}) is submitted/.exec(JSON.stringify(messages))?.[1] ?? '';
  }

  async function beatOf(job: string) {
    const directory = join(kernel.directory, 'state', 'jobs', job);
    const deadline = Date.now() + 30_000;
    while (!existsSync(join(directory, 'heartbeat.json')) && Date.now() < deadline) await pause(50);
    const beat = readBeat(directory);
    if (beat === undefined) throw new Error(`Job ${job} has not begun.`);
    return beat;
  }
});
