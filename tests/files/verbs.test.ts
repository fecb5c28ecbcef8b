// `%cluster fs` on this machine, in a notebook and on the command line.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { KernelClient, ROOT } from '../kernel/client';
import { describeVerbs, shellIn } from './verbs';

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await KernelClient.start();
  mkdirSync(folder());
});
afterAll(async () => {
  await kernel.stop();
});
const folder = (): string => join(kernel.directory, 'files');

describeVerbs({ kernel: () => kernel, cluster: 'local', folder, shell: (line) => shellIn(folder())(line) });

test('relative paths of this machine begin where the cells are', async () => {
  const { result } = await kernel.execute('%cluster fs ls local:');
  expect(JSON.stringify(result)).toContain('connection.json');
});

test.each([
  ['fs lss local:', /%cluster fs has no verb "lss"\. Did you mean ls\?/],
  ['fs ls', /%cluster fs ls .*: something is missing/],
  ['fs ls local: more', /"more" is one too many/],
  ['fs cat -r local:x', /there is no option -r/],
  ['fs ls data.csv', /"data\.csv" names no cluster: NAME:path is needed/],
  ['fs ls nowhere:x', /There is no cluster "nowhere"/],
])('%%cluster %s is a mistake that is told', async (line, message) => {
  const { reply } = await kernel.execute(`%cluster ${line}`);
  expect(reply['ename']).toBe('UsageError');
  expect(String(reply['evalue'])).toMatch(message);
});

test('the same verbs are on the command line', () => {
  const cli = (...words: string[]) =>
    spawnSync(process.execPath, [join(ROOT, 'dist', 'cli.js'), 'fs', ...words], {
      cwd: folder(),
      encoding: 'utf8',
      env: { ...process.env, CELLBURST_STATE_DIR: join(kernel.directory, 'state') },
    });
  shellIn(folder())('printf text > cli.txt');
  expect(cli('cat', 'local:cli.txt').stdout).toBe('text');
  expect(cli('ls', 'local:*.txt').stdout).toMatch(/cli\.txt/);
  const missing = cli('cat', 'local:none');
  expect([missing.status, missing.stderr]).toEqual([2, expect.stringMatching(/no such file/)]);
});

test('in a job, cluster.fs says that node:fs is what is wanted', async () => {
  const { reply } = await kernel.execute(
    "%%cluster\nimport { cluster } from 'cellburst'; await cluster.fs.list('local:.')",
  );
  expect(String(reply['evalue'])).toMatch(/^cluster\.fs\.list is for cells at home\. In a job, node:fs/);
});
