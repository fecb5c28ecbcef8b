// Files of a host behind a real sshd: another user, another agent, another directory.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSystem } from '../clusters/open';
import { KernelClient } from '../kernel/client';
import { endProcesses } from '../notebook/processes';
import { describeVerbs, shellIn } from './verbs';

const system = openSystem('sshd');
const describeIf = system.ok ? describe : describe.skip;
const LONG_MS = 90_000;

describeIf(`files over ssh2${system.ok ? '' : ` (not tested: ${system.reason})`}`, () => {
  let kernel: KernelClient;
  let store = '';
  let folder = '';
  beforeAll(async () => {
    if (!system.ok) return;
    store = system.makeDirectory('store');
    folder = system.makeDirectory('files');
    const config = join(system.settings['SSHD_STATE'] ?? '', 'files.yaml');
    const lines = [
      'clusters:',
      '  far:',
      '    scheduler: none',
      '    host: cb-login',
      `    sshConfig: ${system.settings['SSHD_CONFIG'] ?? ''}`,
      `    store: ${store}`,
    ];
    writeFileSync(config, `${lines.join('\n')}\n`);
    kernel = await KernelClient.start({ CELLBURST_CONFIG: config });
  }, LONG_MS);
  afterAll(async () => {
    await kernel.stop();
    await endProcesses(`CELLBURST_STATE_DIR=${store}`);
    if (system.ok) system.stop();
  });

  describeVerbs({
    kernel: () => kernel,
    cluster: 'far',
    folder: () => folder,
    shell: (line) => shellIn(folder, 'cluster')(line),
    forbidden: '/etc/shadow',
  });
});
