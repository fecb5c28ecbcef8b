// 100 MB of numbers through the file that carries them to a cell process (encoded, written, read, decoded, every byte checked), against plain Node code that
// writes the same bytes to a new file and reads them into new memory. Both in one process, with the memory that cells have.
import { execFile } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { load } from '../scripts/load.mjs';
import { alternate, timed } from './row.mjs';

const BYTES = 100_000_000;
const MEGABYTES = BYTES / 1e6;
const HERE = fileURLToPath(import.meta.url);
const run = promisify(execFile);

/** @type {import('./row.mjs').Row} */
export const channel = {
  key: 'channel',
  name: '100 MB Float64Array through the channel',
  unit: 'MB/s',
  against: 'a plain write and read of the bytes',
  goal: { atLeast: 0.8 },
  async measure({ directory, environment }) {
    const { hugePages } = await load('magics/protocol/huge-pages.ts');
    const { stdout } = await run(process.execPath, ['--expose-gc', HERE, directory], {
      env: { ...environment, ...hugePages() },
    });
    return JSON.parse(stdout);
  },
};

async function measureBoth(directory) {
  const { Realm } = await load('magics/realm/realm.ts');
  const { gather, openPack } = await load('magics/realm/bundle.ts');
  const { openContainer, writeContainer } = await load('magics/protocol/container.ts');
  const { keepSpare } = await load('magics/protocol/spare.ts');
  const realm = new Realm({ directory, text: 'local', virtualModules: {} });
  const sent = Float64Array.from({ length: BYTES / 8 }, (_, i) => i / 3);
  let jobs = 0;

  async function ours() {
    const job = join(directory, 'jobs', `job-${++jobs}`);
    mkdirSync(job, { recursive: true });
    const path = join(job, 'bundle.bin');
    // What earlier turns have left must not be cleared away in this one's time.
    globalThis.gc();
    const milliseconds = await timed(async () => {
      const { pack, encoded } = await gather(realm, { names: [], values: [['sent', sent]] });
      writeContainer(path, {}, encoded.graph);
      const container = openContainer(path);
      const { values } = await openPack(realm, pack, container.graph, false);
      container.close();
      if (values[0].length !== sent.length || values[0].at(-1) !== sent.at(-1))
        throw new Error('The array did not come as it was sent.');
    });
    // What the home agent does with the files of a job that is at home.
    keepSpare(path);
    return MEGABYTES / (milliseconds / 1000);
  }

  async function plain() {
    const path = join(directory, 'plain.bin');
    globalThis.gc();
    const milliseconds = await timed(() => {
      writeFully(path, new Uint8Array(sent.buffer));
      const read = new Float64Array(readFully(path));
      if (read.at(-1) !== sent.at(-1)) throw new Error('The plain copy is no copy.');
    });
    unlinkSync(path);
    return MEGABYTES / (milliseconds / 1000);
  }

  await ours();
  await plain();
  return alternate({ runs: 9, ours, reference: plain });
}

function writeFully(path, bytes) {
  const file = openSync(path, 'w');
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
  closeSync(file);
}

function readFully(path) {
  const into = new ArrayBuffer(BYTES);
  const bytes = new Uint8Array(into);
  const file = openSync(path, 'r');
  for (let at = 0; at < bytes.length;) at += readSync(file, bytes, at, bytes.length - at, at);
  closeSync(file);
  return into;
}

if (process.argv[1] === HERE) process.stdout.write(JSON.stringify(await measureBoth(process.argv[2])));
