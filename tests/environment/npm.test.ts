// Packages that npm installs where the cell runs: with binaries, from what is installed here, without a registry.
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KernelClient, ROOT, type CellResult } from '../kernel/client';
import { cellsOf, value } from './cells';
import { writeProject } from './project';

const LONG_MS = 90_000;
let kernel: KernelClient;
const scratch = mkdtempSync(join(tmpdir(), 'scratch-test-'));
beforeAll(async () => {
  kernel = await KernelClient.start({ CELLBURST_SCRATCH: scratch });
  writeProject(kernel.directory);
  symlinkSync(join(ROOT, 'node_modules', 'zeromq'), join(kernel.directory, 'node_modules', 'zeromq'));
});
afterAll(async () => {
  await kernel.stop();
  rmSync(scratch, { recursive: true, force: true });
});
const run = (code: string): Promise<CellResult> => cellsOf(kernel).run(code);
const there = (code: string): Promise<CellResult> => run(`%%cluster local --env-mode npm\n${code}`);

test(
  'a real add-on, a patched package and one of the workspace are installed, once',
  async () => {
    const code = `import { version } from 'zeromq';\nimport patched from 'patched';\nimport { near } from '@team/shape';\n[version.split('.').length, (patched as any).patched, near('cat', 'cut')]`;
    const first = await there(code);
    expect(value(first)).toBe(`[ 3, 'yes', true ]`);
    expect(first.stderr).toMatch(/Installing the packages of this cell .*\n.*Installed in \d+ s/);
    const second = await there(code);
    expect([value(second), second.stderr]).toEqual([`[ 3, 'yes', true ]`, '']);
  },
  LONG_MS,
);
