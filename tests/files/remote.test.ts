// Files of a host behind a real sshd: another user, another agent, another directory.
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connectAgent } from '../../magics/client';
import { runFs } from '../../magics/fs';
import { sendSignal } from '../../magics/protocol/platform';
import { LONG_MS, cutConnection, hostEntry, runIn, startBefore } from '../clusters/notebook';
import { describeOn, openSystem } from '../clusters/open';
import type { CellResult, KernelClient } from '../kernel/client';
import { endProcesses, processesWith } from '../notebook/processes';
import { describeVerbs, shellIn } from './verbs';

describeOn('files over ssh2', openSystem('sshd', { by: 'anybody' }), (system) => {
  let kernel: KernelClient;
  let store = '';
  let folder = '';
  beforeAll(async () => {
    store = system.makeDirectory('store');
    folder = system.makeDirectory('files');
    kernel = await startBefore(system, { far: [...hostEntry(system), `store: ${store}`] });
  }, LONG_MS);
  afterAll(async () => {
    await kernel.stop();
    await endProcesses(`CELLBURST_STATE_DIR=${store}`);
  });

  const run = runIn(() => kernel);
  const place = (path: string): string => join(kernel.directory, path);
  const write = (path: string, text: string | Buffer): void => {
    mkdirSync(dirname(place(path)), { recursive: true });
    writeFileSync(place(path), text);
  };
  const good = ({ reply }: CellResult): void =>
    expect([reply['ename'], reply['evalue']]).toEqual([undefined, undefined]);

  test(
    'inputs are there under the same relative path, with modes and links, and outputs come home whole',
    async () => {
      write('data/a.csv', '1,2');
      write('data/ü b.csv', '3,4');
      write('data/tool.sh', '#!/bin/sh\necho ran');
      chmodSync(place('data/tool.sh'), 0o755);
      symlinkSync('a.csv', place('data/link'));
      symlinkSync(place('data/a.csv'), place('data/absolute'));
      mkdirSync(place('data/empty'));
      const answer = await run(`%%cluster far --in data --out results/** --out done.txt
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync, readdirSync, readlinkSync, mkdirSync, chmodSync, symlinkSync } from 'node:fs';
import { userInfo } from 'node:os';
console.log(JSON.stringify([userInfo().username, readdirSync('data').sort(), readlinkSync('data/link'), readFileSync('data/absolute', 'utf8'),
  readFileSync('data/ü b.csv', 'utf8'), execFileSync('data/tool.sh', { encoding: 'utf8' })]));
mkdirSync('results/deep', { recursive: true });
writeFileSync('results/deep/x.bin', Buffer.from([0, 1, 255]));
chmodSync('results/deep/x.bin', 0o700);
symlinkSync('deep/x.bin', 'results/link');
symlinkSync('/etc/passwd', 'results/out');
writeFileSync('done.txt', 'done');
writeFileSync('scratch', 'stays');`);
      good(answer);
      expect(JSON.parse(answer.stdout)).toEqual([
        system.user.name,
        ['a.csv', 'absolute', 'empty', 'link', 'tool.sh', 'ü b.csv'],
        '../data/a.csv',
        '1,2',
        '3,4',
        'ran\n',
      ]);
      expect([...readFileSync(place('results/deep/x.bin'))]).toEqual([0, 1, 255]);
      expect(statSync(place('results/deep/x.bin')).mode & 0o777).toBe(0o700);
      expect(readlinkSync(place('results/link'))).toBe('deep/x.bin');
      expect([existsSync(place('results/out')), existsSync(place('scratch'))]).toEqual([false, false]);
      expect(answer.stderr).toContain('Not brought home: results/out (it is a symbolic link to /etc/passwd');
      expect(readFileSync(place('done.txt'), 'utf8')).toBe('done');
    },
    LONG_MS,
  );

  test(
    'input() and output() name the place there, and what is there already is not sent again',
    async () => {
      write('once.bin', randomBytes(3_000_000));
      const cell = `%%cluster far
import { readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
writeFileSync(output('sum.txt'), createHash('sha256').update(readFileSync(input('once.bin'))).digest('hex'));`;
      good(await run(cell));
      const digest = (): string =>
        createHash('sha256')
          .update(readFileSync(place('once.bin')))
          .digest('hex');
      expect(readFileSync(place('sum.txt'), 'utf8')).toBe(digest());
      await using agent = await connectAgent({ stateDirectory: join(kernel.directory, 'state'), isPassive: true });
      const what = { cluster: 'far', path: kernel.directory, only: ['once.bin'] };
      const sentAgain = async () => (await agent.store.send(what, { signal: AbortSignal.timeout(LONG_MS) })).sentBytes;
      expect(await sentAgain()).toBe(0);
      const bytes = readFileSync(place('once.bin'));
      bytes[1_500_000] = (bytes[1_500_000] ?? 0) ^ 1;
      writeFileSync(place('once.bin'), bytes);
      // The chunk that has changed, and the list of files.
      expect(await sentAgain()).toBeLessThan(1_200_000);
      good(await run(cell));
      expect(readFileSync(place('sum.txt'), 'utf8')).toBe(digest());
    },
    LONG_MS,
  );

  test(
    'what two notebooks send at the same moment goes once, and both have it',
    async () => {
      const bytes = 60_000_000;
      writeFileSync(place('both.bin'), randomBytes(bytes));
      await using agent = await connectAgent({ stateDirectory: join(kernel.directory, 'state'), isPassive: true });
      const what = { cluster: 'far', path: place('both.bin') };
      const sent = await Promise.all(
        [1, 2].map(() => agent.store.send(what, { signal: AbortSignal.timeout(LONG_MS) })),
      );
      expect(sent.map(({ sentBytes }) => sentBytes).sort((a, b) => a - b)).toEqual([0, bytes]);
      expect(sent[0]?.content).toBe(sent[1]?.content);
    },
    LONG_MS,
  );

  test(
    'what a cell does to its inputs there reaches neither the store nor the files here, and unchanged ones do not come back',
    async () => {
      write('given/a.txt', 'given');
      write('given/b.txt', 'given');
      write('alone.txt', 'given');
      const before = statSync(place('given/b.txt')).ino;
      const cell = (line: string) => `%%cluster far --in given --in alone.txt ${line}
import { appendFileSync, readFileSync } from 'node:fs';
const found = ['given/a.txt', 'given/b.txt', 'alone.txt'].map((path) => readFileSync(path, 'utf8'));
for (const path of ['given/a.txt', 'alone.txt']) appendFileSync(path, ' and changed');
console.log(found.join())`;
      for (let turn = 0; turn < 2; turn++) {
        const answer = await run(cell(''));
        good(answer);
        expect(answer.stdout).toBe('given,given,given\n');
      }
      expect(readFileSync(place('alone.txt'), 'utf8')).toBe('given');
      good(await run(cell('--out given')));
      expect([readFileSync(place('given/a.txt'), 'utf8'), statSync(place('given/b.txt')).ino]).toEqual([
        'given and changed',
        before,
      ]);
    },
    LONG_MS,
  );

  test(
    'mistakes are told before anything is sent, and missing outputs at the end',
    async () => {
      const { reply } = await run('%%cluster far --in nowhere.csv\n1');
      expect(String(reply['evalue'])).toMatch(/^There is no nowhere\.csv \(--in\)/);
      const missing = await run('%%cluster far --out never.txt\nconst kept = 1;');
      expect(String(missing.reply['evalue'])).toMatch(/has not written never\.txt/);
    },
    LONG_MS,
  );

  test(
    'a transfer whose way is cut goes on where it was, there and back',
    async () => {
      write('heavy.bin', randomBytes(150_000_000));
      const id = await kernel.startCell(`%%cluster far --in heavy.bin --out copy.bin
import { copyFileSync } from 'node:fs';
copyFileSync('heavy.bin', 'copy.bin');`);
      const end = { isThere: false };
      const outcome = kernel.outcome(id, performance.now(), LONG_MS).finally(() => {
        end.isThere = true;
      });
      // Where the input goes to, and where the output comes home to.
      const uncut = new Set([store, join(kernel.directory, 'state')]);
      while (!end.isThere && uncut.size > 0) {
        for (const state of uncut) {
          if (arriving(state) < 10_000_000) continue;
          await cutConnection(store);
          uncut.delete(state);
        }
        await pause(5);
      }
      good(await outcome);
      // A busy machine may look away at the wrong moment, but hardly twice.
      expect(uncut.size).toBeLessThan(2);
      expect(readFileSync(place('copy.bin')).equals(readFileSync(place('heavy.bin')))).toBe(true);
    },
    LONG_MS,
  );

  test(
    'a transfer in the middle of which both agents and the way between them were killed sends the rest and no more',
    async () => {
      const bytes = 120_000_000;
      const stateDirectory = join(kernel.directory, 'state');
      const what = { cluster: 'far', path: place('resumed.bin') };
      // The kernel starts its agent where there is none.
      const connect = async () => {
        good(await run(`%cluster fs ls far:${folder}`));
        return await connectAgent({ stateDirectory, isPassive: true });
      };
      let arrived = 0;
      for (let attempt = 0; arrived === 0 && attempt < 3; attempt++) {
        write('resumed.bin', randomBytes(bytes));
        await using agent = await connect();
        const killed = new AbortController();
        const sending = agent.store.send(what, { signal: killed.signal }).then(
          () => true,
          () => false,
        );
        while (arrived < 40_000_000 && (await Promise.race([sending, pause(5)])) !== true) arrived = arriving(store);
        for (const state of [store, stateDirectory])
          for (const { pid } of processesWith(`CELLBURST_STATE_DIR=${state}`).filter(({ command }) =>
            command.includes('agent.js'),
          ))
            sendSignal(pid, 'SIGKILL');
        killed.abort();
        // It was all there before we looked.
        if ((await sending) || arriving(store) === 0) arrived = 0;
      }
      expect(arrived).toBeGreaterThan(0);
      await using next = await connect();
      const rest = await next.store.send(what, { signal: AbortSignal.timeout(LONG_MS) });
      // What was on its way when it was cut comes again, and nothing else.
      expect(rest.sentBytes).toBeGreaterThan(0);
      expect(rest.sentBytes).toBeLessThan(bytes - arrived + 16_000_000);
      await next.store.place(
        { cluster: 'far', content: rest.content, path: join(folder, 'resumed.bin') },
        AbortSignal.timeout(LONG_MS),
      );
      expect(readFileSync(join(folder, 'resumed.bin')).equals(readFileSync(place('resumed.bin')))).toBe(true);
      const told: string[] = [];
      const shown = await runFs(
        ['get', `far:${folder}/resumed.bin`, 'again.bin'],
        {
          agent: next,
          directory: kernel.directory,
          signal: AbortSignal.timeout(LONG_MS),
          print: () => undefined,
          progress: (words) => told.push(words),
        },
        'fs',
      );
      expect(shown?.value).toMatchObject({ files: 1, bytes });
      expect(told).toContain('120 MB of 120 MB');
      expect(told.join()).toMatch(/looked at [\d.]+ MB/);
    },
    LONG_MS,
  );

  test(
    'a file of 5 GB that is mostly holes goes there and back in no time, and has its holes',
    async () => {
      const bytes = 5_000_000_000;
      const end = randomBytes(100_000);
      const check = (path: string): void => {
        const back = Buffer.alloc(end.length);
        const file = openSync(path, 'r');
        readSync(file, back, 0, back.length, bytes - end.length);
        closeSync(file);
        const { size, blocks } = statSync(path);
        expect([size, blocks * 512 < 3_000_000, back.equals(end)]).toEqual([bytes, true, true]);
      };
      const file = openSync(place('sparse.img'), 'w');
      writeSync(file, end, 0, end.length, bytes - end.length);
      closeSync(file);
      good(await run(`%cluster fs put sparse.img far:${folder}/sparse.img`));
      check(join(folder, 'sparse.img'));
      good(await run(`%cluster fs get far:${folder}/sparse.img back.img`));
      check(place('back.img'));
    },
    LONG_MS,
  );

  describeVerbs({
    kernel: () => kernel,
    cluster: 'far',
    folder: () => folder,
    shell: (line) => shellIn(folder, system.user.ids === undefined ? undefined : system.user.name)(line),
    forbidden: '/etc/shadow',
  });
});

/** Bytes of contents that are on their way to the store there. */
function arriving(store: string): number {
  const folder = join(store, 'store');
  if (!existsSync(folder)) return 0;
  return readdirSync(folder)
    .filter((name) => name.endsWith('.arriving'))
    .reduce((sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.blocks ?? 0) * 512, 0);
}
