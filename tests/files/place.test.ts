// The copies of a job's inputs: made where it runs, and cleared away when its result is at home.
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gatherInputs } from '../../magics/files/inputs';
import { placeInputs, removeInputs } from '../../magics/files/place';

const signal = new AbortController().signal;
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'place-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

test('copies go when they are of no more use; what the job has made or changed stays, and so do the originals', async () => {
  for (const name of ['data/a', 'data/deep/b', 'data/c', 'one']) {
    mkdirSync(dirname(join(directory, 'home', name)), { recursive: true });
    writeFileSync(join(directory, 'home', name), name);
  }
  const home = join(directory, 'home');
  const inputs = [
    { text: 'data', by: '--in' },
    { text: 'one', by: '--in' },
  ];
  const { files, list } = await gatherInputs({ directory: home, inputs, outputs: [] }, signal);
  const work = join(directory, 'work');
  mkdirSync(work);
  expect(placeInputs(work, files, list)).toEqual([]);
  appendFileSync(join(work, 'data/c'), 'changed');
  writeFileSync(join(work, 'own'), 'own');
  await removeInputs(work, list, signal);
  expect(readdirSync(work, { recursive: true }).map(String).sort()).toEqual(['data', 'data/c', 'own']);
  expect(['data/a', 'data/deep/b', 'one'].map((name) => existsSync(join(home, name)))).toEqual([true, true, true]);
  // Done twice, it is done once.
  await removeInputs(work, list, signal);
  expect(existsSync(join(work, 'own'))).toBe(true);
});
