// Cells in an image, by Apptainer or Singularity: CELLBURST_TEST_APPTAINER names the program. Not tested without it: no distribution that we test on has one.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isAlive } from '../../magics/protocol/platform';
import { readBeat } from '../agent/setting';
import { openSystem } from '../clusters/open';
import { KernelClient, type CellResult } from '../kernel/client';
import { cellsOf, value } from './cells';
import { writeProject } from './project';

const LONG_MS = 90_000;
const USER = 'cluster';
const program = process.env['CELLBURST_TEST_APPTAINER'] ?? '';
const system = program === '' ? undefined : openSystem('podman');
const reason = system === undefined ? 'CELLBURST_TEST_APPTAINER is not set' : system.ok ? '' : system.reason;
const describeIf = system?.ok === true ? describe : describe.skip;

describeIf(
  `cells in an image, by ${basename(program) || 'Apptainer'}${reason === '' ? '' : ` (not tested: ${reason})`}`,
  () => {
    const state = system?.ok === true ? (system.settings['PODMAN_STATE'] ?? '') : '';
    const image = join(state, 'image');
    let kernel: KernelClient;
    beforeAll(async () => {
      const id = (flag: string): number => Number(execFileSync('id', [flag, USER], { encoding: 'utf8' }));
      const path = `${dirname(program)}:${process.env['PATH'] ?? ''}`;
      kernel = await KernelClient.start({ HOME: `/home/${USER}`, USER, PATH: path }, { uid: id('-u'), gid: id('-g') });
      writeProject(kernel.directory);
    });
    afterAll(async () => {
      await kernel.stop();
      if (system?.ok === true) system.stop();
    });
    const run = (code: string): Promise<CellResult> => cellsOf(kernel).run(code);
    const within = (code: string, options = '', root = image): Promise<CellResult> =>
      run(`%%cluster local --container ${root} ${options}\n${code}`);
    const evalue = ({ reply }: CellResult): string => `${String(reply['ename'])}: ${String(reply['evalue'])}`;

    test(
      "values, packages and files travel, the root is that of the image, and what is written is the user's",
      async () => {
        await run(`import { Counter } from 'counter';\nconst held = new Counter(7);`);
        writeFileSync(join(kernel.directory, 'given.txt'), 'given', { mode: 0o644 });
        const answer = await within(
          `import { readFileSync, writeFileSync } from 'node:fs';\nimport { userInfo } from 'node:os';\nimport { parse } from 'yaml';\nimport { sum } from 'assets';\n` +
            `console.log('inside');\nwriteFileSync('made.txt', readFileSync('given.txt', 'utf8') + '!');\n` +
            `JSON.stringify([readFileSync('/etc/os-release', 'utf8').trim(), userInfo().username, parse('b: 2').b, sum('two', 40), held.up(), process.execPath])`,
          '--in given.txt --out made.txt',
        );
        expect([answer.reply['evalue'], answer.stdout]).toEqual([undefined, 'inside\n']);
        expect(value(answer)).toBe(
          `'${JSON.stringify(['ID=cellburst-image', USER, 2, 42, 8, '/run/cellburst/bin/node'])}'`,
        );
        const made = join(kernel.directory, 'made.txt');
        expect([readFileSync(made, 'utf8'), statSync(made).uid]).toEqual(['given!', statSync(kernel.directory).uid]);
      },
      LONG_MS,
    );

    test(
      'ends are told as what they are, and a cancelled cell is gone',
      async () => {
        expect(evalue(await within(`process.exit(3)`))).toMatch(/exit code 3\b/);
        expect(evalue(await within(`process.kill(process.pid, 'SIGSEGV'); await new Promise(() => {})`))).toMatch(
          /SIGSEGV/,
        );
        const { messages } = await within(`await new Promise(() => setInterval(() => {}, 1000))`, '--detach');
        const job = /Job (\w{6}) is submitted/.exec(JSON.stringify(messages))?.[1] ?? '';
        const directory = join(kernel.directory, 'state', 'jobs', job);
        const deadline = Date.now() + 30_000;
        while (!existsSync(join(directory, 'heartbeat.json')) && Date.now() < deadline) await pause(50);
        const cell = readBeat(directory)?.cell ?? { pid: 0 };
        expect(isAlive(cell)).toBe(true);
        await run(`%cluster cancel ${job}`);
        expect(evalue(await run(`%cluster attach ${job}`))).toContain('JobCancelledError');
        expect(isAlive(cell)).toBe(false);
      },
      LONG_MS,
    );

    test(
      'what is missing is named: the image, a C library in it',
      async () => {
        expect(evalue(await within('1', '', '/nowhere/image.sif'))).toMatch(
          /There is no image \/nowhere\/image\.sif on /,
        );
        expect(evalue(await within('1', '', join(state, 'bare')))).toMatch(/Node\.js does not run in it.*needs glibc/s);
      },
      LONG_MS,
    );
  },
);
