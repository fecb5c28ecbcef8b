// `npm run test:gigabytes [-- --gb 5]`: values of several GB. Needs three times as much memory, and twice as much room for temporary files.
import { parseArgs } from 'node:util';
import { load } from './load.mjs';
import { runScript, setUp } from './setup.mjs';
import { SetupError } from './setup/progress.mjs';

await runScript(async () => {
  const { values } = parseArgs({ options: { gb: { type: 'string', default: '5' } } });
  const gib = Number(values.gb);
  if (!Number.isInteger(gib) || gib < 1) throw new SetupError('--gb takes a whole number from 1.');
  await setUp({ jupyter: false });
  const { goThrough, sparseFile } = await load('tests/store/gigabytes.ts');
  await sparseFile(gib, (line) => console.log(line));
  await goThrough(gib, (line) => console.log(line));
  return 0;
});
