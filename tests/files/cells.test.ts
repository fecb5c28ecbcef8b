// Files of `%%cluster` cells in a real kernel, on this machine: what goes along, what comes home, and every way to get it wrong.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { KernelClient, type CellResult } from '../kernel/client';

let kernel: KernelClient;
const PATIENCE_MS = 60_000;

beforeAll(async () => {
  kernel = await KernelClient.start();
}, PATIENCE_MS);
afterAll(async () => {
  await kernel.stop();
});

const run = async (code: string): Promise<CellResult> =>
  kernel.outcome(await kernel.startCell(code), performance.now(), PATIENCE_MS);
const place = (path: string): string => join(kernel.directory, path);
const write = (path: string, text: string): void => {
  mkdirSync(dirname(place(path)), { recursive: true });
  writeFileSync(place(path), text);
};
const read = (path: string): string => readFileSync(place(path), 'utf8');

/** The plain text of what a cell gave; fails with its error if it has one. */
async function valueOf(code: string): Promise<string> {
  const { reply, result } = await run(code);
  expect([reply['ename'], reply['evalue']]).toEqual([undefined, undefined]);
  const bundle = result?.['data'] as Record<string, string> | undefined;
  // eslint-disable-next-line no-control-regex -- Colours of values are no part of what is asserted.
  return (bundle?.['text/plain'] ?? '').replaceAll(/\u001b\[\d+m/g, '');
}

async function errorOf(code: string): Promise<string> {
  const { reply } = await run(code);
  expect(reply['status']).toBe('error');
  return `${String(reply['ename'])}: ${String(reply['evalue'])}`;
}

test('a named file is at the same relative path there, and nothing beside it', async () => {
  write('data/a.csv', '1,2\n');
  write('data/b.csv', '3,4\n');
  write('data/deep/c.csv', '5,6\n');
  const source = `import { readFileSync, lstatSync, readdirSync } from 'node:fs';
[readFileSync('data/a.csv', 'utf8').trim(), lstatSync('data/b.csv').isSymbolicLink(), readdirSync('data')]`;
  expect(await valueOf(`%%cluster --in data/*.csv\n${source}`)).toBe("[ '1,2', false, [ 'a.csv', 'b.csv' ] ]");
});

test('what a cell does to its inputs is done to copies: the files here stay as they are', async () => {
  write('mine/a.txt', 'mine');
  write('mine/b.txt', 'mine');
  write('mine/tool.sh', '#!/bin/sh\n');
  chmodSync(place('mine/tool.sh'), 0o755);
  const source = `import { appendFileSync, rmSync, writeFileSync, readdirSync, statSync } from 'node:fs';
const before = [statSync('mine/tool.sh').mode & 0o777, Math.round(statSync('mine/a.txt').mtimeMs / 1000)];
appendFileSync('mine/a.txt', ' and yours'); writeFileSync('mine/tool.sh', 'other'); rmSync('mine/b.txt'); [...before, readdirSync('mine')]`;
  utimesSync(place('mine/a.txt'), 1_000_000, 1_000_000);
  expect(await valueOf(`%%cluster --in mine\n${source}`)).toBe("[ 493, 1000000, [ 'a.txt', 'tool.sh' ] ]");
  expect([read('mine/a.txt'), read('mine/b.txt'), read('mine/tool.sh')]).toEqual(['mine', 'mine', '#!/bin/sh\n']);
});

test('very large inputs are not copied where blocks cannot be shared, and what was done to them is told', async () => {
  write('huge/a.bin', '');
  truncateSync(place('huge/a.bin'), 1_200_000_000);
  const source = `import { appendFileSync, lstatSync } from 'node:fs';
appendFileSync('huge/a.bin', 'x'); console.log(lstatSync('huge/a.bin').isSymbolicLink())`;
  const { stdout, stderr } = await run(`%%cluster --in huge\n${source}`);
  const isSame = statSync(place('huge/a.bin')).size === 1_200_000_000;
  if (stdout === 'true\n') expect(stderr).toMatch(/^Changed while the job ran: huge\/a\.bin\. .*--out as well\.$/m);
  else expect([stdout, isSame]).toEqual(['false\n', true]);
  rmSync(place('huge/a.bin'));
});

test('** goes into folders, a folder brings all in it, and names with blanks, quotes and other letters are names', async () => {
  write('odd/a b.txt', '1');
  write("odd/it's.txt", '2');
  write('odd/ümläut/日本 [1].txt', '3');
  write('odd/new\nline.txt', '4');
  write('odd/.hidden', '5');
  const names = async (line: string): Promise<unknown> => {
    const source = `console.log(JSON.stringify((require('node:fs') as typeof import('node:fs')).readdirSync('odd', { recursive: true }).map(String).sort()))`;
    return JSON.parse((await run(`%%cluster ${line}\n${source}`)).stdout) as unknown;
  };
  const all = ['.hidden', 'a b.txt', "it's.txt", 'new\nline.txt', 'ümläut', 'ümläut/日本 [1].txt'];
  expect(await names(`--in 'odd'`)).toEqual(all);
  expect(await names('--in odd/**')).toEqual(all.slice(1));
  expect(await names(`--in "odd/a b.txt" --in 'odd/ümläut/日本 [1].txt'`)).toEqual([all[1], all[4], all[5]]);
});

test('what was named for output comes home whole, with its mode, and only that', async () => {
  const source = `import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
mkdirSync('results/deep', { recursive: true });
writeFileSync('results/one.txt', 'one');
writeFileSync('results/deep/two.bin', Buffer.from([0, 255, 10]));
chmodSync('results/deep/two.bin', 0o750);
writeFileSync('scratch.txt', 'stays');`;
  const { messages, reply } = await run(`%%cluster --out results/**\n${source}`);
  expect(reply['status']).toBe('ok');
  expect(read('results/one.txt')).toBe('one');
  expect([...readFileSync(place('results/deep/two.bin'))]).toEqual([0, 255, 10]);
  expect(statSync(place('results/deep/two.bin')).mode & 0o777).toBe(0o750);
  expect(existsSync(place('scratch.txt'))).toBe(false);
  expect(JSON.stringify(messages.map(({ content }) => content))).toContain('Came home: 2 files, 6 B.');
  expect(readdirSync(place('results')).sort()).toEqual(['deep', 'one.txt']);
});

test('a second run replaces what the first has written', async () => {
  const cell = (text: string) => `%%cluster --out again.txt\nrequire('node:fs').writeFileSync('again.txt', '${text}')`;
  await valueOf(cell('first'));
  await valueOf(cell('second'));
  expect(read('again.txt')).toBe('second');
});

test('input() and output() mean the same file in a cell at home and in a job, and their literals need no option', async () => {
  write('numbers.txt', '1 2 3');
  const source = `import { readFileSync, writeFileSync } from 'node:fs';
writeFileSync(output('made/sum.txt'), String(readFileSync(input('numbers.txt'), 'utf8').split(' ').map(Number).reduce((a, b) => a + b)));
[input('numbers.txt'), output('made/sum.txt')].map((path) => path.startsWith('/'))`;
  mkdirSync(place('made'));
  expect(await valueOf(source)).toBe('[ false, false ]');
  expect(read('made/sum.txt')).toBe('6');
  write('numbers.txt', '4 5 6');
  expect(await valueOf(`%%cluster\n${source}`)).toBe('[ true, true ]');
  expect(read('made/sum.txt')).toBe('15');
});

test('the files that a function names go along with it, also into the threads of pmap, and those of other functions stay', async () => {
  write('used.txt', 'used');
  write('unused.txt', 'unused');
  await valueOf(`import { readFileSync } from 'node:fs';
const load = (n: number) => readFileSync(input('used.txt'), 'utf8') + n;
const other = () => input('unused.txt');
const before = input('unused.txt');`);
  expect(await valueOf(`%%cluster\nimport { pmap } from 'cellburst';\nawait pmap([1, 2], load)`)).toBe(
    "[ 'used1', 'used2' ]",
  );
  expect(await errorOf(`%%cluster\nload(1); const hidden = 'unused.txt'; input(hidden)`)).toMatch(
    /^Error: input\("unused.txt"\): the file did not come along.*--in unused.txt/,
  );
});

test('notebook names input and output are names like any other', async () => {
  await valueOf('const input = [1, 2]; let output = 0;');
  expect(await valueOf('%%cluster\noutput = input.length;\n[input, output]')).toBe('[ [ 1, 2 ], 2 ]');
  await valueOf('%reset');
});

test.each([
  ['--in nowhere.csv', /^UsageError: There is no nowhere\.csv \(--in\)/],
  ['--in numbres.txt', /^UsageError: There is no numbres\.txt .* Did you mean numbers\.txt\?/],
  ['--in data/*.parquet', /^UsageError: Nothing in .* matches data\/\*\.parquet \(--in\)/],
  ['--in nowhere/*.csv', /^UsageError: Nothing in .* matches nowhere\/\*\.csv/],
  ['--in stray', /^UsageError: stray \(--in\) is a symbolic link out of .*, which is not followed/],
  ['--in broken', /^UsageError: broken \(--in\) is a symbolic link to something that is not there/],
  ['--in pipe', /^UsageError: pipe \(--in\) is neither a file nor a folder/],
  ['--in', /^UsageError: --in needs a value: --in FILES/],
  ['--out ""', /^UsageError: --out: expected a file, a folder or a pattern/],
])('%s is a mistake that is told before anything is submitted', async (options, message) => {
  if (!existsSync(place('pipe'))) {
    execFileSync('mkfifo', [place('pipe')]);
    symlinkSync('/etc/passwd', place('stray'));
    symlinkSync('nothing', place('broken'));
  }
  const jobs = join(kernel.directory, 'state', 'jobs');
  const before = readdirSync(jobs).length;
  expect(await errorOf(`%%cluster ${options}\n1`)).toMatch(message);
  expect(readdirSync(jobs)).toHaveLength(before);
});

test('links inside of what is sent stay links; those that lead out stay here, and that is said', async () => {
  write('linked/real.txt', 'real');
  symlinkSync('real.txt', place('linked/good'));
  symlinkSync(place('linked/real.txt'), place('linked/absolute'));
  symlinkSync('/etc/passwd', place('linked/bad'));
  const { stderr, stdout } = await run(
    `%%cluster --in linked\nimport { readdirSync, readlinkSync, readFileSync } from 'node:fs';
console.log(JSON.stringify([readdirSync('linked'), readlinkSync('linked/good'), readFileSync('linked/absolute', 'utf8')]))`,
  );
  expect(JSON.parse(stdout)).toEqual([['absolute', 'good', 'real.txt'], '../linked/real.txt', 'real']);
  expect(stderr).toContain('Not sent: linked/bad (it is a symbolic link to /etc/passwd, which is not sent).');
});

test('a file that was changed here while the job ran is not overwritten: both are there, and that is said', async () => {
  write('shared.txt', 'before');
  const flag = place('go-on');
  const id = await kernel.startCell(`%%cluster --out shared.txt
import { existsSync, writeFileSync } from 'node:fs';
console.log('started');
while (!existsSync(${JSON.stringify(flag)})) await new Promise((go) => setTimeout(go, 20));
writeFileSync('shared.txt', 'by the job');`);
  await kernel.printed(id, 'started');
  write('shared.txt', 'by a person');
  writeFileSync(flag, '');
  const { stderr, reply } = await kernel.outcome(id, performance.now(), PATIENCE_MS);
  expect(reply['status']).toBe('ok');
  const kept = /shared\.txt is left as it is, since it was changed here meanwhile.*beside it: (\S+)/.exec(stderr)?.[1];
  expect(read('shared.txt')).toBe('by a person');
  expect(read(kept ?? '')).toBe('by the job');
});

test('of two jobs that write one file the second to come home is put beside', async () => {
  const send = async (text: string): Promise<string> => {
    const { messages } = await run(
      `%%cluster --detach --out both.txt\n(require('node:fs') as typeof import('node:fs')).writeFileSync('both.txt', '${text}')`,
    );
    return /Job (\w{6})/.exec(JSON.stringify(messages.map(({ content }) => content)))?.[1] ?? '';
  };
  const [first, second] = [await send('one'), await send('two')];
  await run(`%cluster attach ${first}`);
  const { stderr } = await run(`%cluster attach ${second}`);
  expect(stderr).toContain(`beside it: both.job-${second}.txt`);
  expect([read('both.txt'), read(`both.job-${second}.txt`)]).toEqual(['one', 'two']);
});

test('an output that was never written is an error, and the values are here all the same', async () => {
  expect(await errorOf('%%cluster --out never.txt\nconst kept = 7;')).toMatch(
    /^JobFailedError: Job \w+ ended and its values are here, but it has not written never\.txt/,
  );
  expect(await valueOf('kept')).toBe('7');
});

test('what a job had written when it was ended is kept beside, and told', async () => {
  const { reply, stderr } = await run(`%%cluster --time 2s --out checkpoint/*
import { mkdirSync, writeFileSync } from 'node:fs';
mkdirSync('checkpoint'); writeFileSync('checkpoint/1.json', '{}'); await new Promise((go) => setTimeout(go, 60_000));`);
  expect(reply['ename']).toBe('TimeLimitError');
  const folder = /was not put into its place: 1 file, 2 B in (.*)$/m.exec(stderr)?.[1] ?? '';
  expect(readFileSync(join(folder, 'checkpoint/1.json'), 'utf8')).toBe('{}');
  expect(existsSync(place('checkpoint'))).toBe(false);
});

test('a folder in the place of an output is left, and a cell that throws brings home what it had written', async () => {
  mkdirSync(place('taken.txt'));
  const { stderr, reply } = await run(
    `%%cluster --out taken.txt --out part.txt\nimport { writeFileSync } from 'node:fs';
writeFileSync('taken.txt', 'x'); writeFileSync('part.txt', 'half'); throw new RangeError('later');`,
  );
  expect(reply['ename']).toBe('RangeError');
  expect(stderr).toContain('taken.txt is left as it is, since there is a folder of that name here');
  expect(read('part.txt')).toBe('half');
});

test('a file that goes along and comes back is changed at home only then; an unchanged one does not come back', async () => {
  write('model.txt', 'v1');
  write('same.txt', 'same');
  utimesSync(place('same.txt'), 1_000_000, 1_000_000);
  const source = `import { appendFileSync, lstatSync } from 'node:fs';
const isOwn = lstatSync('model.txt').isFile(); appendFileSync('model.txt', '+v2'); isOwn`;
  expect(await valueOf(`%%cluster --in model.txt --in same.txt --out model.txt --out same.txt\n${source}`)).toBe(
    'true',
  );
  expect([read('model.txt'), statSync(place('same.txt')).mtimeMs]).toEqual(['v1+v2', 1_000_000_000]);
});

test('files above the working directory keep their place beside it', async () => {
  write('beside/data.txt', 'from above');
  mkdirSync(place('notes'));
  await valueOf('%cd notes');
  const source = `import { readFileSync, writeFileSync } from 'node:fs';
writeFileSync('../beside/out.txt', 'to above'); readFileSync('../beside/data.txt', 'utf8')`;
  expect(await valueOf(`%%cluster --in ../beside/data.txt --out ../beside/out.txt\n${source}`)).toBe("'from above'");
  expect(read('beside/out.txt')).toBe('to above');
  await valueOf('%cd ..');
});

test('a file that the code plainly names is offered, and never sent by itself', async () => {
  write('plain.csv', '1');
  const { stderr, reply } = await run(
    `%%cluster\nimport { readFileSync, writeFileSync } from 'node:fs';\nwriteFileSync('lost.json', '{}'); readFileSync('plain.csv')`,
  );
  expect(reply['ename']).toBe('Error');
  expect(reply['evalue']).toContain('ENOENT');
  expect(stderr).toContain('To send it along: --in plain.csv\n');
  expect(stderr).toContain('To bring it home: --out lost.json\n');
  const named = await run(
    `%%cluster --in plain.csv --out lost.json\nimport { readFileSync, writeFileSync } from 'node:fs';\nwriteFileSync('lost.json', '{}'); String(readFileSync('plain.csv'))`,
  );
  expect([named.reply['status'], named.stderr, read('lost.json')]).toEqual(['ok', '', '{}']);
});

test('a file that a function of an earlier cell names is offered as well; what is not here is not', async () => {
  write('deep/plain 2.csv', '1');
  await valueOf(`import { createReadStream } from 'node:fs';
const load = () => createReadStream('deep/plain 2.csv');
const other = () => createReadStream('plain.csv');`);
  const { stderr } = await run(`%%cluster\n[typeof load, require('node:fs').existsSync('absent.csv')]`);
  expect(stderr).toContain('To send it along: --in "deep/plain 2.csv"\n');
  expect(stderr).not.toMatch(/absent|plain\.csv/);
  expect((await run(`%%cluster --in deep\ntypeof load`)).stderr).toBe('');
});

test('--dry-run lists the files and their sizes', async () => {
  write('listed/one.bin', 'x'.repeat(2000));
  const { result } = await run('%%cluster --dry-run --in listed/*\n1');
  expect(JSON.stringify(result)).toMatch(/listed\/one\.bin *input *2 kB/);
});

test('paths are completed behind --in and --out', async () => {
  write('complete/me.csv', '');
  const complete = async (code: string): Promise<unknown> =>
    (await kernel.request('shell', 'complete_request', { code, cursor_pos: code.length }))['matches'];
  expect(await complete('%%cluster --in comp')).toEqual(['complete/']);
  expect(await complete('%%cluster --cores 2 --out=complete/m')).toEqual(['complete/me.csv']);
});

test('an input that is gone when the job starts is named', async () => {
  write('passing.txt', 'x');
  const flag = place('start-next');
  const wait = `while (!(require('node:fs') as typeof import('node:fs')).existsSync(${JSON.stringify(flag)})) await new Promise((go) => setTimeout(go, 20));`;
  await run(`%%cluster --detach --cores ${availableParallelism()}\n${wait}`);
  const { messages } = await run(`%%cluster --detach --in passing.txt\n1`);
  const id = /Job (\w{6})/.exec(JSON.stringify(messages.map(({ content }) => content)))?.[1] ?? '';
  rmSync(place('passing.txt'));
  writeFileSync(flag, '');
  expect(await errorOf(`%cluster attach ${id}`)).toMatch(
    /^JobStartError: .*passing\.txt cannot be seen on .*nodes share/,
  );
});

test('a full disk where outputs land is told, and the result can still be taken when there is room', async () => {
  if (process.getuid?.() !== 0) return;
  const small = place('small');
  mkdirSync(small);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]);
  try {
    const cell = `%%cluster --out small/big.bin\nconst result = 41;\nimport { mkdirSync, writeFileSync } from 'node:fs';\nmkdirSync('small', { recursive: true }); writeFileSync('small/big.bin', new Uint8Array(3_000_000));`;
    const { reply } = await run(cell);
    expect(String(reply['evalue'])).toMatch(
      /^Cannot put small\/big\.bin into its place: the disk is full\. .*%cluster attach \w{6}/,
    );
    expect([readdirSync(small), await errorOf('result')]).toEqual([[], expect.stringContaining('result')]);
    execFileSync('mount', ['-o', 'remount,size=16m', small]);
    const id = /attach (\w{6})/.exec(String(reply['evalue']))?.[1] ?? '';
    await run(`%cluster attach ${id}`);
    expect([statSync(join(small, 'big.bin')).size, await valueOf('result')]).toEqual([3_000_000, '41']);
  } finally {
    execFileSync('umount', [small]);
  }
});
