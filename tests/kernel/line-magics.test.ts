// Magics that need no cluster, through the real kernel: what they show, where they run, how they fail.
import { mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KernelClient } from './client';
import type { CellResult, Fields } from './client';

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await KernelClient.start();
});
afterAll(() => kernel.stop());

const textOf = (content: Fields | undefined) => String((content?.['data'] as Fields | undefined)?.['text/plain']);
const shown = async (code: string) => textOf((await kernel.execute(code)).result);
const evalue = ({ reply }: CellResult) => String(reply['evalue']);

test('%lsmagic lists every magic, and a question mark explains one', async () => {
  const list = await shown('%lsmagic');
  for (const name of ['%%cluster', '%cluster', '%%time', '%time', '%%bash', '!COMMAND', '%npm', '%env', '%cd', '%who'])
    expect(list).toContain(name);
  expect(await shown('%cd ?')).toMatch(/%cd \[FOLDER/);
  expect(await shown('%ts --help')).toContain('noUncheckedIndexedAccess');
});

test('line magics run in order, and the code below them runs as a cell', async () => {
  const { messages, result, stdout } = await kernel.execute(`// first the setting
%env GREETING="good morning"
%env GREETING
console.log(process.env['GREETING']);
const answered = 42;
answered`);
  expect(messages.filter(({ type }) => type === 'display_data').map(({ content }) => textOf(content))).toEqual([
    'GREETING=good morning',
    'good morning',
  ]);
  expect(stdout).toBe('good morning\n');
  expect(textOf(result)).toBe('42');
  expect(await shown('answered + 1')).toBe('43');
});

test('a mistake in a later magic line is told before the first one runs', async () => {
  const result = await kernel.execute('%env EARLY=1\n%evn LATE=1');
  expect(evalue(result)).toMatch(/no magic %evn.*Did you mean %env/);
  expect(await shown(`String(process.env['EARLY'])`)).toBe(`'undefined'`);
});

test('type errors below magic lines are told in lines of the cell', async () => {
  const { reply } = await kernel.execute(`%env A=1\nconst n: number = 'text';`);
  expect((reply['traceback'] as string[]).join('\n')).toContain(`Cell [${String(reply['execution_count'])}]:2:7`);
});

describe('%env', () => {
  test('changes what programs inherit, and unsets', async () => {
    await kernel.execute('%env SHARED=through');
    expect((await kernel.execute('!echo $SHARED')).stdout).toBe('through\n');
    await kernel.execute('%env --unset SHARED');
    expect(evalue(await kernel.execute('%env SHARED'))).toContain('SHARED is not set');
  });

  test('hides in the list what looks secret', async () => {
    expect(await shown('%env MY_API_TOKEN=abc123')).not.toContain('abc123');
    const list = await shown('%env');
    expect(list).toMatch(/MY_API_TOKEN\s+… \(hidden\)/);
    expect(await shown('%env MY_API_TOKEN')).toBe('abc123');
  });
});

describe('%cd', () => {
  test('moves cells and programs, back with -, and names a folder that is not there', async () => {
    const home = realpathSync(kernel.directory);
    mkdirSync(join(home, 'measurements', 'raw'), { recursive: true });
    expect(await shown('%cd measurements/raw')).toBe(join(home, 'measurements', 'raw'));
    expect(await shown('process.cwd()')).toBe(`'${join(home, 'measurements', 'raw')}'`);
    expect((await kernel.execute('!pwd')).stdout.trim()).toBe(join(home, 'measurements', 'raw'));
    expect(evalue(await kernel.execute('%cd nowhere'))).toMatch(/no such folder/);
    expect(await shown('%cd -')).toBe(home);
    expect(await shown('%cd')).toBe(home);
  });

  test('completes folders', async () => {
    const code = '%cd meas';
    const { matches } = await kernel.request('shell', 'complete_request', { code, cursor_pos: code.length });
    expect(matches).toEqual(['measurements/']);
  });
});

describe('programs', () => {
  test('of the shell: output of both streams, and the exit code as an error', async () => {
    const { stdout, stderr, reply } = await kernel.execute('!echo out; echo err >&2; exit 3');
    expect([stdout, stderr]).toEqual(['out\n', 'err\n']);
    expect(reply).toMatchObject({ status: 'error', ename: 'CommandFailed' });
    expect(String(reply['evalue'])).toContain('exit code 3');
  });

  test('several in one cell stop at the first that fails', async () => {
    const { stdout, reply } = await kernel.execute('!echo one\n!false\n!echo three');
    expect(stdout).toBe('one\n');
    expect(reply).toMatchObject({ ename: 'CommandFailed', evalue: 'false ended with exit code 1.' });
  });

  test('a negation is TypeScript where it can be nothing else', async () => {
    expect(await shown('!(1 > 2)')).toBe('true');
    expect(await shown('!!Math.PI')).toBe('true');
  });

  test('of bash: the whole cell, with arguments', async () => {
    const { stdout } = await kernel.execute('%%bash "two words" b\nfor i in 1 2; do\n  echo "$i $1"\ndone');
    expect(stdout).toBe('1 two words\n2 two words\n');
  });

  test('output is live, and an interrupt ends the program with its children', async () => {
    const id = await kernel.startCell('%%bash\nsleep 600 &\necho $$ $! started\nwait');
    await kernel.printed(id, 'started');
    const printed = kernel.iopub.messages.find(({ type, parentId }) => type === 'stream' && parentId === id);
    const pids = String(printed?.content['text']).match(/\d+/g) ?? [];
    await kernel.interrupt();
    expect((await kernel.outcome(id)).reply).toMatchObject({ ename: 'KeyboardInterrupt' });
    expect(pids).toHaveLength(2);
    for (const pid of pids) await gone(Number(pid));
    expect(await shown('1 + 1')).toBe('2');
  });

  test('what is left in the background does not hold up the cell', async () => {
    const { stdout, milliseconds } = await kernel.execute('!sleep 20 & echo $!');
    expect(milliseconds).toBeLessThan(10_000);
    process.kill(Number(stdout.trim()), 'SIGKILL');
  });
});

async function gone(pid: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`Process ${pid} is still there.`);
}

describe('%time', () => {
  test('measures one expression, which may await, and shows its value', async () => {
    const code = `%time await new Promise((resolve) => setTimeout(() => resolve('slept'), 120))`;
    const { stdout, result } = await kernel.execute(code);
    expect(stdout).toMatch(/^took (1[2-9]\d|[2-9]\d\d) ms · computed [\d.]+ (µs|ms)/);
    expect(textOf(result)).toBe(`'slept'`);
  });

  test('declares what it declares', async () => {
    await kernel.execute('%time const timed = [1, 2, 3].length');
    expect(await shown('timed')).toBe('3');
  });

  test('%%time measures the cell, one that throws as well', async () => {
    const { stdout, reply } = await kernel.execute(`%%time\nconst half = 0.5;\nthrow new RangeError(String(half));`);
    expect(stdout).toMatch(/^took /);
    expect(reply).toMatchObject({ ename: 'RangeError', evalue: '0.5' });
    expect((reply['traceback'] as string[]).join('\n')).toContain(':3:');
  });

  test.each([
    ['%time 1\n2', /put %%time on its first line/],
    ['%time', /what\?/],
    ['%%time', /nothing below/],
  ])('%j says what is wrong', async (code, message) => {
    expect(evalue(await kernel.execute(code))).toMatch(message);
  });

  test('its expression is completed as TypeScript', async () => {
    const code = '%time Math.hyp';
    const reply = await kernel.request('shell', 'complete_request', { code, cursor_pos: code.length });
    expect(reply).toMatchObject({ matches: ['hypot'], cursor_start: '%time Math.'.length });
  });
});

test('a magic below %%cluster is refused before anything is sent', async () => {
  const { reply } = await kernel.execute(`%%cluster --cores 1\n%%time\n1`);
  expect(String(reply['evalue'])).toContain('%%time stands on line 2');
});

test('%%cluster below %%time is refused, not run here', async () => {
  const { reply, stdout } = await kernel.execute(`%%time\n%%cluster\nconsole.log('ran');`);
  expect(stdout).not.toContain('ran');
  expect(String(reply['evalue'])).toContain('%%cluster stands on line 2');
});

test('%who lists names with kind, type, value and cell; %reset forgets them', async () => {
  const { reply } = await kernel.execute(`
class Orbit { constructor(readonly radius: number) {} }
const orbits = new Map([['Earth', new Orbit(1)]]);
let count = 3;
function area(orbit: Orbit) { return orbit.radius; }
const rude = { get [Symbol.toStringTag](): string { throw new Error('no'); } };`);
  const cell = String(reply['execution_count']);
  const list = await shown('%who');
  expect(list).toMatch(new RegExp(`Orbit\\s+class\\s+class\\s+.*Cell \\[${cell}\\]`));
  expect(list).toMatch(/orbits\s+const\s+Map\(1\)\s+Map\(1\) \{ ?'Earth'/);
  expect(list).toMatch(/count\s+let\s+number\s+3/);
  expect(list).toMatch(/area\s+function\s+function/);
  expect(list).toMatch(/rude\s+const/);
  expect(await shown('%reset')).toMatch(/^Forgot \d+ names\.$/);
  expect(await kernel.execute('count')).toMatchObject({ reply: { ename: 'TypeScriptError' } });
  expect(await shown('%who')).toBe('The notebook has no names yet.');
  expect(await shown('const count = "again"; count')).toBe(`'again'`);
});

test('%reset NAME forgets just these, for the check and for the cells', async () => {
  await kernel.execute('const keep = 1; const drop = 2; let gone = { deep: 3 };');
  expect(await shown('%reset drop gone')).toBe('Forgot drop, gone.');
  expect((await kernel.execute('drop')).reply).toMatchObject({ ename: 'TypeScriptError' });
  expect(await shown('keep')).toBe('1');
  expect(await shown('const drop = "another type"; drop')).toBe(`'another type'`);
  expect(await shown('%who')).not.toMatch(/^gone/m);
  const misspelt = await kernel.execute('%reset kep');
  expect(evalue(misspelt)).toMatch(/no name kep\. Did you mean keep\?/);
  expect(await shown('keep')).toBe('1');
  const code = '%reset ke';
  expect(await kernel.request('shell', 'complete_request', { code, cursor_pos: code.length })).toMatchObject({
    matches: ['keep'],
  });
});

test('%memory tells the heap, its limit, and what to do', async () => {
  const text = await shown('%memory');
  expect(text).toMatch(/JavaScript heap\s+[\d.]+ MB\s+[\d.]+ [MG]B/);
  expect(text).toContain('--max-old-space-size');
});

describe('%ts', () => {
  test('alone it shows what applies, and who has said so', async () => {
    await kernel.execute('%ts noImplicitReturns=true');
    const rows = (await shown('%ts')).split('\n');
    expect(rows.find((row) => row.startsWith('noImplicitReturns'))).toMatch(/\bon\b.*%ts/);
    expect(rows.find((row) => row.startsWith('noImplicitAny'))).toMatch(/\bon\b.*by default/);
    expect(rows.at(-1)).toBe('There is no tsconfig.json over this folder.');
    await kernel.execute('%ts noImplicitReturns=false');
  });

  test('the tsconfig.json of the folder counts from the next cell on, and a mistake in it is told', async () => {
    const path = join(kernel.directory, 'tsconfig.json');
    writeFileSync(path, '{ "compilerOptions": { "noImplicitAny": false, "strcit": true } }');
    const { stderr, result } = await kernel.execute('const same = (x) => x; same(42)');
    expect(textOf(result)).toBe('42');
    expect(stderr).toMatch(/^tsconfig\.json:1:\d+ - TS5025: .*Did you mean 'strict'/);
    expect(await shown('%ts')).toMatch(/noImplicitAny +off +tsconfig\.json/);
    rmSync(path);
    expect((await kernel.execute('const again = (x) => x')).reply).toMatchObject({ ename: 'TypeScriptError' });
  });

  test('strict=false lets through what strict refuses, and back', async () => {
    const loose = 'const some: number[] | undefined = [42]; const sure: { n: number | null } = { n: 42 }; sure.n + 0';
    expect((await kernel.execute(loose)).reply).toMatchObject({ ename: 'TypeScriptError' });
    expect(await shown(`%ts strict=false\n${loose}`)).toBe('42');
    await kernel.execute('%ts strict=true');
    expect((await kernel.execute(loose)).reply).toMatchObject({ ename: 'TypeScriptError' });
  });

  test('check=false leaves only what does not parse', async () => {
    await kernel.execute('%ts check=false');
    expect(await shown(`const n: number = 'text'; n`)).toBe(`'text'`);
    expect((await kernel.execute('const = 1')).reply).toMatchObject({ ename: 'TypeScriptError' });
    await kernel.execute('%ts check=true');
    expect((await kernel.execute(`const n: number = 'text'; n`)).reply).toMatchObject({ ename: 'TypeScriptError' });
  });

  test('a typo is shown with the nearest option', async () => {
    expect(evalue(await kernel.execute('%ts stict=false'))).toMatch(/Did you mean strict/);
    expect(evalue(await kernel.execute('%ts strict=perhaps'))).toMatch(/true or false/);
  });
});

test('%npm install: the package can be imported at once, types included', async () => {
  const folder = join(kernel.directory, 'source', 'tiny-orbit');
  mkdirSync(folder, { recursive: true });
  const manifest = { name: 'tiny-orbit', version: '1.0.0', main: 'index.js', types: 'index.d.ts' };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'index.js'), 'exports.period = (radius) => radius ** 1.5;');
  writeFileSync(join(folder, 'index.d.ts'), 'export declare function period(radius: number): number;');
  const use = `import { period } from 'tiny-orbit';\nperiod(4)`;
  expect((await kernel.execute(use)).reply).toMatchObject({ status: 'error' });
  const { reply, stderr } = await kernel.execute('%npm install ./source/tiny-orbit');
  expect({ reply, stderr }).toMatchObject({ reply: { status: 'ok' } });
  const used = await kernel.execute(use);
  expect({ reply: used.reply, shown: textOf(used.result) }).toMatchObject({ reply: { status: 'ok' }, shown: '8' });
  expect((await kernel.execute(`import { period } from 'tiny-orbit';\nperiod('4')`)).reply).toMatchObject({
    ename: 'TypeScriptError',
  });
  expect(evalue(await kernel.execute('%npm'))).toContain('something is missing');
}, 60_000);

describe('the line itself', () => {
  const complete = async (code: string) =>
    (await kernel.request('shell', 'complete_request', { code, cursor_pos: code.length }))['matches'];

  test.each([
    ['%', ['%%cluster', '%cluster', '%lsmagic']],
    ['%%', ['%%cluster', '%%time', '%%bash']],
    ['%re', ['%reset']],
    ['%ts str', ['strict=false', 'strictNullChecks=true']],
    ['%ts strict=', ['true', 'false']],
    ['%npm ins', ['install']],
    ['%env HOM', ['HOME']],
  ])('%j is completed', async (code, expected) => {
    expect(await complete(code)).toEqual(expect.arrayContaining(expected));
  });

  test('the body of a bash cell is not completed as TypeScript', async () => {
    expect(await complete('%%bash\nMath.sq')).toEqual([]);
  });

  test('a magic is explained where the cursor stands', async () => {
    const reply = await kernel.request('shell', 'inspect_request', {
      code: '%cd data',
      cursor_pos: 2,
      detail_level: 0,
    });
    expect(JSON.stringify(reply['data'])).toContain('working directory');
  });

  test.each([
    ['%cd data', 'complete'],
    ['%%bash\nls', 'incomplete'],
    ['%%bash\nls\n', 'complete'],
    ['%env A=1\nfor (;;) {', 'incomplete'],
  ])('is %j complete?', async (code, status) => {
    expect(await kernel.request('shell', 'is_complete_request', { code })).toMatchObject({ status });
  });
});

test('a shutdown ends what a cell runs, with all its children', async () => {
  const own = await KernelClient.start();
  try {
    const id = await own.startCell('%%bash\nsleep 600 &\necho $$ $! started\nwait');
    await own.printed(id, 'started');
    const printed = own.iopub.messages.find(({ type, parentId }) => type === 'stream' && parentId === id);
    const pids = String(printed?.content['text']).match(/\d+/g) ?? [];
    expect(pids).toHaveLength(2);
    await own.request('control', 'shutdown_request', { restart: false });
    for (const pid of pids) await gone(Number(pid));
  } finally {
    await own.stop();
  }
});

test('%memory SIZE starts the process anew with a larger heap', async () => {
  const own = await KernelClient.start();
  const shownBy = async (code: string) => textOf((await own.execute(code)).result);
  try {
    await own.execute('const before = 1;');
    const pid = await shownBy('process.pid');
    expect(evalue(await own.execute('%memory lots'))).toMatch(/takes a size/);
    expect(await shownBy('before')).toBe('1');
    const { result, stderr } = await own.execute('%memory 600MB');
    expect(textOf(result)).toMatch(/may grow to 600 MB\. All names are gone/);
    expect(stderr).toBe('');
    expect(await shownBy('process.pid')).not.toBe(pid);
    expect((await own.execute('before')).reply).toMatchObject({ ename: 'TypeScriptError' });
    const limit = Number(await shownBy(`(await import('node:v8')).getHeapStatistics().heap_size_limit / 1024 / 1024`));
    expect(limit).toBeGreaterThanOrEqual(600);
    expect(limit).toBeLessThan(1_000);
  } finally {
    await own.stop();
  }
});

describe('every magic is explained by ?, by --help and by inspection, and its line is completed', () => {
  /** What is typed, what completion must offer there, and a word of its help. */
  const MAGICS: [string, string, string[], RegExp][] = [
    ['%%cluster', '%%cluster --co', ['--cores'], /--cores/],
    ['%cluster', '%cluster ca', ['cancel'], /jobs/],
    ['%%time', '%%ti', ['%%time'], /how long it took/],
    ['%time', '%ti', ['%time'], /how long it took/],
    ['%%bash', '%%ba', ['%%bash'], /in bash/],
    ['%npm', '%npm inst', ['install'], /imported at once/],
    ['%env', '%env PAT', ['PATH'], /environment variables/],
    ['%cd', '%cd .', ['..'], /working directory/],
    ['%who', '%wh', ['%who'], /Lists the names/],
    ['%reset', '%res', ['%reset'], /Forgets all names/],
    ['%memory', '%memory 8', ['8GB'], /heap/],
    ['%ts', '%ts stric', ['strict=false'], /strict/],
    ['%lsmagic', '%ls', ['%lsmagic'], /magic/],
  ];

  test.each(MAGICS)('%s', async (magic, typed, offered, word) => {
    for (const question of ['?', '--help']) {
      const text = await shown(`${magic} ${question}`);
      expect(text).toContain(magic);
      expect(text).toMatch(word);
    }
    const explained = await kernel.request('shell', 'inspect_request', { code: magic, cursor_pos: 3, detail_level: 0 });
    expect(explained).toMatchObject({ status: 'ok', found: true });
    expect(JSON.stringify(explained['data'])).toMatch(word);
    const completed = await kernel.request('shell', 'complete_request', { code: typed, cursor_pos: typed.length });
    expect(completed['matches']).toEqual(expect.arrayContaining(offered));
  });

  test('and none is missing here', async () => {
    const list = await shown('%lsmagic');
    const listed = [...list.matchAll(/^(%{1,2}\w+)/gm)].map(([, name]) => name);
    expect(new Set(listed)).toEqual(new Set(MAGICS.map(([name]) => name)));
  });
});
