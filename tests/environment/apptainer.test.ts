// Cells in an image, by Apptainer or Singularity: CELLBURST_TEST_APPTAINER names the program, as `npm run test:images` has it. Not tested without it: no
// distribution that we test on has one.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
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
    const files = system?.ok === true ? system.makeDirectory('sif') : '';
    const sif = join(files, 'image.sif');
    let kernel: KernelClient;
    beforeAll(async () => {
      const asUser = (...argv: readonly string[]): void => {
        execFileSync('runuser', ['-u', USER, '--', 'env', `HOME=/home/${USER}`, ...argv], { stdio: 'pipe', cwd: '/' });
      };
      asUser(program, 'build', sif, image);
      writeForeign(sif, join(files, 'foreign.sif'));
      copyFileSync(sif, join(files, 'closed.sif'));
      chmodSync(join(files, 'closed.sif'), 0);
      writeFileSync(join(files, 'damaged.sif'), 'no image');
      const id = (flag: string): number => Number(execFileSync('id', [flag, USER], { encoding: 'utf8' }));
      const path = `${dirname(program)}:${process.env['PATH'] ?? ''}`;
      const given = { APPTAINERENV_GIVEN: 'by Apptainer', NODE_EXTRA_CA_CERTS: '/nowhere/ca.crt' };
      kernel = await KernelClient.start(
        { HOME: `/home/${USER}`, USER, PATH: path, ...given },
        { uid: id('-u'), gid: id('-g') },
      );
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
      'in an image that is one file, its root is read-only, the home is there, and of variables those that mean something in it',
      async () => {
        const answer = await within(
          `import { accessSync, constants, writeFileSync } from 'node:fs';\nlet refused = '';\ntry { writeFileSync('/etc/probe', ''); } catch (error: any) { refused = error.code; }\n` +
            `accessSync(process.env.HOME!, constants.W_OK);\nJSON.stringify([refused, process.env.HOME, process.env.GIVEN, process.env.ASKED, process.env.NODE_EXTRA_CA_CERTS])`,
          "--env 'ASKED=by the line'",
          sif,
        );
        expect([answer.reply['evalue'], answer.stderr]).toEqual([undefined, '']);
        expect(value(answer)).toBe(
          `'${JSON.stringify(['EROFS', `/home/${USER}`, 'by Apptainer', 'by the line', null])}'`,
        );
      },
      LONG_MS,
    );

    test(
      'limits of memory and time are kept',
      async () => {
        const hungry = `const kept: Buffer[] = [];\nfor (;;) { kept.push(Buffer.alloc(20_000_000, 1)); await new Promise((go) => setTimeout(go, 20)); }`;
        expect(evalue(await within(hungry, '--memory 200MB', sif))).toMatch(/^OutOfMemoryError: /);
        const slow = 'await new Promise((go) => setTimeout(go, 60_000))';
        expect(evalue(await within(slow, '--time 2s', sif))).toMatch(/^TimeLimitError: /);
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
      'what is wrong with an image is named: it is not there, for another processor, closed to the user, none at all, without a C library',
      async () => {
        expect(evalue(await within('1', '', '/nowhere/image.sif'))).toMatch(
          /There is no image \/nowhere\/image\.sif on /,
        );
        const at = async (name: string): Promise<string> => evalue(await within('1', '', join(files, name)));
        expect(await at('foreign.sif')).toMatch(/made for another kind of processor than x64.*architecture \(arm64\)/s);
        expect(await at('closed.sif')).toMatch(/closed\.sif is not readable by the current user/);
        expect(await at('damaged.sif')).toMatch(/image format not recognized/);
        expect(evalue(await within('1', '', join(state, 'bare')))).toMatch(/Node\.js does not run in it.*needs glibc/s);
      },
      LONG_MS,
    );
  },
);

/** The image, made for arm64 by its own word: in the header, and in the descriptor of its file system. Source: the SIF format, "Global header" and "Data object descriptors". */
function writeForeign(from: string, to: string): void {
  const bytes = readFileSync(from);
  const [amd64, arm64] = [Buffer.from('02\0'), Buffer.from('04')];
  const magic = bytes.indexOf('SIF_MAGIC\0');
  const descriptors = 4096;
  const places = [magic + 'SIF_MAGIC\0'.length + '01\0'.length, bytes.indexOf(amd64, descriptors)];
  for (const place of places) arm64.copy(bytes, place);
  writeFileSync(to, bytes);
}
