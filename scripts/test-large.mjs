// `npm run test:large`: values of the conformance list at their full sizes. Needs some 6 GB of memory and a few minutes.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from './setup/places.mjs';
import { runScript, setUp } from './setup.mjs';

await runScript(async () => {
  await setUp({ jupyter: false });
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const env = { ...process.env, CELLBURST_LARGE: '1' };
  const child = spawn(process.execPath, [jest, '--runInBand', 'tests/capture/large-values'], {
    cwd: root,
    env,
    stdio: 'inherit',
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
});
