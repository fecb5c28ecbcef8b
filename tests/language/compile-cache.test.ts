// The compiler's compiled code on disk makes starts faster, and is never needed: whatever its state, cells are answered.
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import * as nodeModule from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { CURRENT_SLOT, type Request, type WorkerStart } from '../../language/messages';
import { testUnless } from '../unless';

const directory = mkdtempSync(join(tmpdir(), 'cellburst-compiled-'));
const workerPath = join(__dirname, '../../dist/language.js');
const folder = join(directory, 'state', 'compiled');
// From 22.1 on, Node keeps compiled code by itself.
const onlyHere = testUnless('enableCompileCache' in nodeModule ? 'this Node does it by itself' : undefined);

afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** Starts a worker, and ends it after a cell and the writing that follows. */
async function answersACell(): Promise<void> {
  const workerData: WorkerStart = {
    settings: { directory, isJS: false },
    cancelled: new SharedArrayBuffer(4 * (CURRENT_SLOT + 1)),
  };
  const env = { ...process.env, CELLBURST_STATE_DIR: join(directory, 'state') };
  const worker = new Worker(workerPath, { workerData, env });
  try {
    const ask = async (request: Request): Promise<unknown> => {
      const answered = once(worker, 'message');
      worker.postMessage(request);
      return (await answered)[0];
    };
    const question = { source: 'const n: number = 1', execution: 1 };
    expect(await ask({ id: 1, method: 'prepare', question })).toMatchObject({ ok: true, answer: { ok: true } });
    await new Promise((done) => setTimeout(done, 200));
    expect(await ask({ id: 2, method: 'isComplete', question: { source: '1' } })).toMatchObject({ ok: true });
  } finally {
    await worker.terminate();
  }
}

function onlyFile(): string {
  const names = readdirSync(folder);
  expect(names).toHaveLength(1);
  return join(folder, names[0] ?? '');
}

onlyHere('a start keeps the compiled code, later ones take it as it is', async () => {
  await answersACell();
  const file = onlyFile();
  expect(statSync(file).size).toBeGreaterThan(1_000_000);
  expect(statSync(file).mode & 0o077).toBe(0);
  const written = statSync(file).mtimeMs;
  await answersACell();
  expect(statSync(file).mtimeMs).toBe(written);
});

onlyHere('damaged code is not run but replaced', async () => {
  const file = onlyFile();
  const bytes = readFileSync(file);
  const half = bytes.length >> 1;
  writeFileSync(file, Buffer.concat([bytes.subarray(0, half), Buffer.alloc(64, 0xff), bytes.subarray(half + 64)]));
  const damaged = statSync(file).mtimeMs;
  await answersACell();
  expect(statSync(onlyFile()).mtimeMs).toBeGreaterThan(damaged);
  truncateSync(file, 1000);
  await answersACell();
  expect(statSync(onlyFile()).size).toBeGreaterThan(1_000_000);
});

onlyHere('where nothing can be written, cells are answered all the same', async () => {
  rmSync(folder, { recursive: true });
  writeFileSync(folder, 'a file where the folder should be');
  await answersACell();
  rmSync(folder);
  mkdirSync(folder);
});
