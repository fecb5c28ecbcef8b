// The scripts are programs: they are run as a person runs them.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(__dirname, '..', '..');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cellburst-scripts-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('npm run setup', () => {
  test('does nothing and says nothing when all is there', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'scripts', 'setup.mjs')], {
      encoding: 'utf8',
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});

describe('npm test', () => {
  const tally = pathToFileURL(join(root, 'scripts', 'test', 'tally.mjs')).href;

  test('ends with the sum over all runs, alone on the last line, and names what failed and what was left out', () => {
    const file = { name: join(root, 'tests', 'a.test.ts'), status: 'failed' };
    const statuses = ['passed', 'passed', 'failed', 'pending', 'todo'];
    const results = statuses.map((status) => ({ status, fullName: `it is ${status}` }));
    const crashed = { name: join(root, 'tests', 'b.test.ts'), status: 'failed', assertionResults: [] };
    const group = ['outer', 'inner (not tested: there is none)'];
    const together = ['one', 'two'].map((name) => ({ status: 'pending', fullName: name, ancestorTitles: group }));
    const report = { testResults: [{ ...file, assertionResults: [...results, ...together] }, crashed] };
    const output = inModule(`
      import { Tally } from ${JSON.stringify(tally)};
      const tally = new Tally();
      tally.pass();
      tally.addReport(${JSON.stringify(report)}, 'Node 1');
      tally.skip('Node 2', 'it cannot be had', tally.countIn(['tests']));
      tally.print();`);
    expect(output.trimEnd().split('\n').at(-1)).toBe('3 passed, 2 failed, 11 skipped');
    expect(output).toContain('Node 1: tests/a.test.ts: it is failed');
    expect(output).toContain('Node 1: tests/b.test.ts: does not run');
    expect(output).toContain('Node 1: tests/a.test.ts: it is pending');
    expect(output).toContain('Node 1: tests/a.test.ts: outer inner (not tested: there is none): 2 tests\n');
    expect(output).toContain('Node 2 (it cannot be had)');
  });
});

describe('the check of files', () => {
  test('passes clean files, and finds a path of this machine and a registry by file and line', () => {
    mkdirSync(join(folder, 'scripts', 'setup'), { recursive: true });
    for (const name of ['check-files.mjs', 'setup/places.mjs'])
      cpSync(join(root, 'scripts', name), join(folder, 'scripts', name));
    execFileSync('git', ['init', '--quiet'], { cwd: folder });
    expect(checkFiles().status).toBe(0);
    const registry = ['registry', 'npmjs', 'org'].join('.');
    writeFileSync(join(folder, 'bad.txt'), `fine\nsee ${folder}/x\nfrom ${registry}\n`);
    const { status, stderr } = checkFiles();
    expect(status).toBe(1);
    expect(stderr).toMatch(/bad\.txt:2: .*path of this machine/);
    expect(stderr).toMatch(/bad\.txt:3: .*registry/);
  });

  function checkFiles() {
    return spawnSync(process.execPath, [join(folder, 'scripts', 'check-files.mjs')], { encoding: 'utf8' });
  }
});

describe('npm run bench', () => {
  test('refuses a row that there is not, and names those that there are', () => {
    const args = [join(root, 'scripts', 'bench.mjs'), '--rows', 'strat'];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toMatch(/no row strat.* start,.* completion,/);
  });
});

test('a stamp changes with a file’s content and name, and not with its place or date', () => {
  const stamp = pathToFileURL(join(root, 'scripts', 'setup', 'stamp.mjs')).href;
  for (const name of ['a', 'b']) mkdirSync(join(folder, name, 'src'), { recursive: true });
  writeFileSync(join(folder, 'a', 'src', 'x.ts'), '1');
  writeFileSync(join(folder, 'b', 'src', 'x.ts'), '1');
  const digests = () =>
    inModule(`
      import { digest } from ${JSON.stringify(stamp)};
      for (const name of ['a', 'b']) console.log(digest(${JSON.stringify(`${folder}/`)} + name, ['src']));`)
      .trim()
      .split('\n');
  const [a, b] = digests();
  expect(a).toBe(b);
  writeFileSync(join(folder, 'b', 'src', 'x.ts'), '2');
  expect(digests()[1]).not.toBe(b);
});

function inModule(source: string): string {
  return execFileSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8' });
}
