// Packages that travel with a cell: the job sees nothing of the notebook's folder but what was brought.
import { appendFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KernelClient, type CellResult } from '../kernel/client';
import { cellsOf, traceback, value } from './cells';
import { writeProject } from './project';

let kernel: KernelClient;
const scratch = mkdtempSync(join(tmpdir(), 'scratch-test-'));
beforeAll(async () => {
  kernel = await KernelClient.start({ CELLBURST_SCRATCH: scratch });
  writeProject(kernel.directory);
});
afterAll(async () => {
  await kernel.stop();
  rmSync(scratch, { recursive: true, force: true });
});

const run = (code: string): Promise<CellResult> => cellsOf(kernel).run(code);
const there = (code: string): Promise<CellResult> => run(`%%cluster local --env-mode bundle\n${code}`);

test('CommonJS, ESM and both', async () => {
  const answer = await there(
    `import { distance } from 'fastest-levenshtein';\nimport { stringify } from 'devalue';\nimport { parse } from 'yaml';\nimport { z } from 'zod';\n[distance('kitten', 'sitting'), stringify({ a: 1 }), parse('b: 2'), z.string().safeParse(1).success]`,
  );
  expect(value(answer)).toBe(`[ 3, '[{"a":1},1]', { b: 2 }, false ]`);
});

test('what is imported here and there is one module, and its classes are the same ones', async () => {
  await run(
    `import { Counter, load } from 'counter';\nconst held = new Counter(7);\nconst bump = (c: any) => { load(); return c.up(); };`,
  );
  const answer = await there(
    `import { fresh, load as again, late, answer } from 'uses-counter';\n` +
      `const { Counter: Required } = require('counter');\n` +
      `const made = fresh();\n` +
      `String([held instanceof Counter, made instanceof Required, bump(held), bump(made), again(), await late(), answer])`,
  );
  expect(value(answer)).toBe(`'true,true,8,6,3,late,42'`);
  // And home again.
  expect(value(await run('[held.n, made instanceof Counter, made.up()]'))).toBe('[ 8, true, 7 ]');
});

test('the traceback names the files of packages as it does here', async () => {
  await run('const full = new Counter(10);');
  const here = traceback(await run('full.up()'));
  const far = traceback(await there('full.up()'));
  const frame = `    at Counter.up (${join(kernel.directory, 'node_modules', 'counter', 'index.js')}:7:27)`;
  expect([here, far].map((shown) => shown.includes(frame))).toEqual([true, true]);
});

test('files that a package finds beside its code travel too: data, WebAssembly, modules named while it runs', async () => {
  expect(value(await there(`import { sum, plugin } from 'assets';\n[sum('two', 40), plugin('loud')('hey')]`))).toBe(
    `[ 42, 'HEY!' ]`,
  );
});

test('a cell takes modules from where an earlier one has found them, as long as that can be read', async () => {
  const [folder = ''] = readdirSync(scratch).map((name) => join(scratch, name, 'e'));
  const tables = (): string[] => readdirSync(folder).filter((name) => name.endsWith('.found.json'));
  const before = new Set(tables());
  const cell = `import { sum } from 'assets';\nimport speed from 'optional';\nString([sum('two', 40), speed])`;
  expect(value(await there(cell))).toBe(`'42,slow'`);
  const [table = ''] = tables().filter((name) => !before.has(name));
  const path = join(folder, table);
  const found = readFileSync(path, 'utf8');
  // Led astray, to tell that it was asked.
  const other = found.replace(/\/table\.json"/, '/other.json"');
  expect(other).not.toBe(found);
  const file = /"([^"]*\/other\.json)"/.exec(other)?.[1] ?? '';
  writeFileSync(file, '{"two":3}');
  writeFileSync(path, other);
  expect(value(await there(cell))).toBe(`'43,slow'`);
  for (const damaged of [other.slice(0, -1), other.replace(process.version, 'v0.0.0')]) {
    writeFileSync(path, damaged);
    expect(value(await there(cell))).toBe(`'42,slow'`);
    // And it was written again.
    expect(readFileSync(path, 'utf8')).toBe(found);
  }
});

test('a path of a package as TypeScript takes it: a folder, or a file without its ending', async () => {
  const cell = `import { sum } from 'assets/lib';\nimport fresh from 'counter/index';\n[sum('one', 1), new fresh.Counter(1).up()]`;
  expect(value(await run(cell))).toBe('[ 2, 2 ]');
  expect(value(await there(cell))).toBe('[ 2, 2 ]');
  const { reply } = await there(`await import('counter/nowhere')`);
  expect(reply['evalue']).toMatch(/Cannot find module.*counter\/nowhere/);
});

test('packages of the workspace, patched ones, and ones whose optional part is missing', async () => {
  const answer = await there(
    `import { near } from '@team/shape';\nimport patched from 'patched';\nimport speed from 'optional';\n[near('cat', 'cut'), (patched as any).patched, speed]`,
  );
  expect(value(answer)).toBe(`[ true, 'yes', 'slow' ]`);
});

test('a package that changes is sent anew', async () => {
  await there(`import speed from 'optional';\nspeed`);
  writeFileSync(join(kernel.directory, 'node_modules', 'optional', 'index.js'), "module.exports = 'changed';\n");
  expect(value(await there(`import speed from 'optional';\nspeed`))).toBe(`'changed'`);
});

test('only what the cell reaches travels', async () => {
  const answer = await there(
    `import { readdirSync } from 'node:fs';\nimport { dirname } from 'node:path';\n` +
      `const home = dirname(require.resolve('uses-counter'));\n` +
      `const seen = [readdirSync(home).sort(), readdirSync(dirname(home)).includes('assets')];\nimport { answer } from 'uses-counter';\nseen`,
  );
  expect(value(answer)).toBe(`[ [ 'late.js', 'main.js', 'package.json' ], false ]`);
});

test('a module that was not named in the cell is missing there, with what to do', async () => {
  const { reply } = await there(`const name = 'ya' + 'ml';\nawait import(name)`);
  expect(reply['evalue']).toMatch(/Cannot find package 'yaml'.*--env-mode/s);
});

test('a package that is bound to a kind of machine is refused by name, and nothing is left behind', async () => {
  const { reply } = await there(`import { bound } from 'bound';\nbound`);
  expect(reply).toMatchObject({ ename: 'EnvironmentSetupError' });
  expect(reply['evalue']).toMatch(/Cannot bundle bound 1\.2\.3: .*binding\.gyp builds a binary.*--env-mode npm/s);
  expect(JSON.stringify((await run('%cluster jobs')).messages)).not.toMatch(/preparing|queued/);
});

test('a dry run tells the way and why', async () => {
  const { messages } = await run(`%%cluster local --dry-run\nimport { parse } from 'yaml';\nparse('1')`);
  expect(JSON.stringify(messages)).toContain('Packages: none (the packages of this machine are used in place)');
  expect(JSON.stringify(messages)).toMatch(/yaml +package +\d[\d.]* +used in place/);
});

test('a dry run tells what travels as one archive, what cannot, and of the image whether it is there', async () => {
  const shownBy = async (line: string): Promise<string> => {
    const { messages, reply } = await run(`${line}\nimport { parse } from 'yaml';\nparse('1')`);
    return `${JSON.stringify(messages)}${JSON.stringify(reply)}`;
  };
  const brought = await shownBy('%%cluster local --dry-run --env-mode bundle');
  expect(brought).toMatch(/yaml +package +\d[\d.]* +stays here/);
  expect(brought).toMatch(/Packages: bundle \(--env-mode bundle\), \d+ kB as one archive/);
  const image = join(kernel.directory, 'image.sif');
  const missing = await shownBy(`%%cluster local --dry-run --container ${image}`);
  expect(missing).toMatch(new RegExp(`${image} +image +the cluster +not on `));
  writeFileSync(image, Buffer.alloc(300_000));
  const there = await shownBy(`%%cluster local --dry-run --container ${image}`);
  expect(there).toMatch(new RegExp(`${image} +image +300 kB +the cluster +already there \\(`));
  // Its packages cannot be seen from within.
  expect(there).toContain('Packages: bundle');
  const named = await shownBy('%%cluster local --dry-run --container nobody/has-it:1');
  expect(named).toMatch(/nobody\/has-it:1 +image +the cluster +(not on |not known: there is no podman on )/);
  const { messages, reply } = await run(
    `%%cluster local --dry-run --env-mode bundle\nimport { bound } from 'bound';\nbound`,
  );
  expect(JSON.stringify(messages)).toMatch(/bound +package +1\.2\.3/);
  expect(reply['evalue']).toMatch(/Cannot bundle bound/);
});

test('cells that start at once share one unpacking', async () => {
  appendFileSync(join(kernel.directory, 'node_modules', 'counter', 'index.js'), '// changed\n');
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) {
    const { messages } = await run(
      `%%cluster local --env-mode bundle --detach\nimport { Counter } from 'counter';\nnew Counter(${i}).up()`,
    );
    ids.push(/Job (\w{6}) is submitted/.exec(JSON.stringify(messages))?.[1] ?? '');
  }
  const values = [];
  for (const id of ids) values.push(value(await run(`%cluster attach ${id}`)));
  expect(values).toEqual(['1', '2', '3']);
});

test('local TypeScript by an alias of tsconfig.json, with the package that it uses in turn', async () => {
  const answer = await there(`import { area } from '@lib/area';\narea(3)`);
  expect(value(answer)).toBe('9');
  expect(value(await run(`import { area } from '@lib/area';\narea(4)`))).toBe('16');
});

test('%cluster env shows what the notebook runs with, and what has changed since it was locked', async () => {
  const shown = async (code: string): Promise<string> => {
    const { messages, reply } = await run(code);
    return reply['status'] === 'ok'
      ? JSON.stringify(messages.map(({ content }) => content['data']))
      : JSON.stringify(reply);
  };
  const first = await shown('%cluster env');
  expect(first).toContain(`Node.js ${process.versions.node} (ABI ${process.versions.modules})`);
  for (const row of [
    /yaml +2\./,
    /@team\/shape +1\.2\.3 +workspace/,
    /bound +1\.2\.3 +node_modules\/bound +binary/,
    /suffix +1\.2\.3/,
  ])
    expect(first).toMatch(row);
  expect(await shown('%cluster env lock')).toMatch(/Locked \d+ packages and Node\.js .*cellburst-lock\.json/);
  expect(await shown('%cluster env')).toContain('As locked in');
  const manifest = join(kernel.directory, 'node_modules', 'optional', 'package.json');
  writeFileSync(manifest, JSON.stringify({ name: 'optional', version: '9.9.9' }));
  expect(await shown('%cluster env')).toContain('node_modules/optional: 9.9.9 here, 1.2.3 when it was locked');
  expect(await shown('%cluster env')).toContain('To have it as it was: %npm install --no-save optional@1.2.3');
  const sent = `%%cluster local\nimport speed from 'optional';\nspeed`;
  expect((await run(sent)).stderr).toMatch(
    /^Note: optional is 9\.9\.9, and 1\.2\.3 when it was locked in .*cellburst-lock\.json/,
  );
  expect((await run(sent)).stderr).toBe('');
  writeFileSync(manifest, JSON.stringify({ name: 'optional', version: '1.2.3' }));
  expect(await shown('%cluster env')).toContain('As locked in');
  expect(await shown('%cluster env diff local')).toMatch(/bound +1\.2\.3 +used in place/);
  expect(await shown('%cluster env diff nowhere')).toContain('There is no cluster');
  expect(await shown('%cluster env dif')).toContain('Did you mean diff?');
});

test('time zone and language are those of the notebook, and the record tells where a cell ran', async () => {
  const code = `[new Date(0).getHours(), (1234.5).toLocaleString()]`;
  await run('%env TZ=Asia/Tokyo');
  await run('%env LC_ALL=de_DE.UTF-8');
  expect(value(await run(`%%cluster local\n${code}`))).toBe(`[ 9, '1.234,5' ]`);
  expect(value(await run(`%%cluster local --env TZ=UTC --env LC_ALL=C\n${code}`))).toBe(`[ 0, '1,234.5' ]`);
  const jobs = join(kernel.directory, 'state', 'jobs');
  const last = readdirSync(jobs).sort().at(-1) ?? '';
  const record = JSON.parse(readFileSync(join(jobs, last, 'record.json'), 'utf8')) as { ranOn?: { node?: string } };
  expect(record.ranOn?.node).toBe(process.versions.node);
  const shown = JSON.stringify((await run(`%cluster jobs ${last}`)).messages.map(({ content }) => content['data']));
  expect(shown).toMatch(new RegExp(`Node\\.js +${process.versions.node.replaceAll('.', '\\.')}.*C library.*processor`));
  expect(shown).not.toContain('differs');
  const path = join(jobs, last, 'record.json');
  expect(readFileSync(path, 'utf8')).toContain('"machine"');
});

test('a seed gives the same numbers each time, whatever thread draws them', async () => {
  const code = `import { pmap } from 'cellburst';\nJSON.stringify([Math.random(), await pmap([1, 2, 3, 4, 5, 6], () => Math.random())])`;
  const draw = async (seed: number): Promise<string> =>
    value(await run(`%%cluster local --cores 2 --seed ${seed}\n${code}`));
  const first = await draw(7);
  expect(await draw(7)).toBe(first);
  expect(await draw(8)).not.toBe(first);
  expect(new Set(first.match(/0\.\d+/g)).size).toBe(7);
});
