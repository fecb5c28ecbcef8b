// `npm run test:faults`: every fault of tests/faults/faults.ts, on a real Slurm, a real Grid Engine and a host behind a real sshd. Needs root and half an
// hour. `npm run test:faults -- ssh -t reset` tries some of them, with Jest's arguments.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from './setup/places.mjs';
import { runScript, setUp } from './setup.mjs';

await runScript(async () => {
  await setUp({ jupyter: false });
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const [place, ...rest] = process.argv.slice(2);
  const isPlace = place !== undefined && !place.startsWith('-');
  const which = isPlace ? [`tests/faults/${place}`, ...rest] : ['tests/faults', ...process.argv.slice(2)];
  const env = { ...process.env, CELLBURST_FAULTS: 'all' };
  // One after the other: three systems at once would be impatient with each other.
  const child = spawn(process.execPath, [jest, '--verbose', '--runInBand', ...which], {
    cwd: root,
    env,
    stdio: 'inherit',
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
});
