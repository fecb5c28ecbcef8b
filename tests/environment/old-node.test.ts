// A cluster with an older Node than the notebook's: CELLBURST_TEST_OLD_NODE names its program (18 or later; headers in ../include make the add-on
// test possible), as `npm test` has it from the npm registry. Not tested without it.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hostEntry, startBefore } from '../clusters/notebook';
import { describeOn, openSystem, type OpenedSystem } from '../clusters/open';
import { testUnless } from '../unless';
import type { KernelClient } from '../kernel/client';
import { endProcesses } from '../notebook/processes';
import { cellsOf, value, type Cells } from './cells';
import { writeAddOn } from './add-on';
import { writeProject } from './project';

const LONG_MS = 240_000;
const given = process.env['CELLBURST_TEST_OLD_NODE'] ?? '';
const sshd: OpenedSystem =
  given === '' ? { ok: false, reason: 'CELLBURST_TEST_OLD_NODE is not set' } : openSystem('sshd', { by: 'anybody' });

describeOn('an older Node on the cluster', sshd, (system) => {
  let kernel: KernelClient;
  let cells: Cells;
  let store = '';
  beforeAll(async () => {
    store = system.makeDirectory('store');
    // Where the plain user can read it.
    const prefix = system.makeDirectory('node');
    execFileSync('cp', [
      '-r',
      ...['bin', 'include'].map((name) => join(dirname(given), '..', name)).filter(existsSync),
      prefix,
    ]);
    kernel = await startBefore(system, {
      old: [
        ...hostEntry(system),
        `store: ${store}`,
        `node: ${join(prefix, 'bin', 'node')}`,
        `setup: export CELLBURST_SCRATCH=${system.makeDirectory('scratch')}`,
      ],
    });
    writeProject(kernel.directory);
    cells = cellsOf(kernel);
  });
  afterAll(async () => {
    await kernel.stop();
    await endProcesses(`CELLBURST_STATE_DIR=${store}`);
  });

  test(
    'builtins, packages and pmap work there, and the difference is said once',
    async () => {
      const code = `%%cluster old --cores 2\nimport { userInfo } from 'node:os';\nimport { parse } from 'yaml';\nimport { stringify } from 'devalue';\nimport { pmap } from 'cellburst';\nJSON.stringify([userInfo().username, parse('b: 2').b, stringify(1), await pmap([1, 2], (x) => 2 * x)])`;
      const first = await cells.run(code);
      expect(value(first)).toBe(`'["${system.user.name}",2,"[1]",[2,4]]'`);
      expect(first.stderr).toMatch(/^Note: old runs Node\.js \d+\.\S+, and this notebook /);
      expect((await cells.run(code)).stderr).toBe('');
    },
    LONG_MS,
  );

  const canBuild = existsSync(join(dirname(given), '..', 'include', 'node', 'node.h'));
  testUnless(canBuild ? undefined : 'that Node has no headers beside it')(
    'an add-on that is bound to the ABI is built there, once; one that cannot be built says why',
    async () => {
      writeAddOn(kernel.directory, 'answer', '42');
      const code = `%%cluster old\nimport { answer } from 'answer';\nanswer()`;
      const first = await cells.run(code);
      expect([value(first), first.stderr]).toEqual(['42', expect.stringContaining('Installed in')]);
      expect([value(await cells.run(code)), (await cells.run(code)).stderr]).toEqual(['42', '']);
      writeAddOn(kernel.directory, 'broken', 'no such thing');
      const { reply } = await cells.run(`%%cluster old\nimport { answer } from 'broken';\nanswer()`);
      expect(reply['evalue']).toMatch(/npm ci ended with exit code \d+\. The end of its log:\n.*error/s);
    },
    LONG_MS,
  );
});
