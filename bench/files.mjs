// Files on their way to a host behind a real sshd of this machine: ten thousand small ones against `scp -r`, the same again, and one large one of which a
// little has changed. The servers are started by the scripts of the tests, which need root.
import { execFile } from 'node:child_process';
import { createHash, randomBytes, randomFillSync } from 'node:crypto';
import { closeSync, createReadStream, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { load } from '../scripts/load.mjs';
import { alternate, timed } from './row.mjs';

const run = promisify(execFile);
const CIPHER = 'aes128-gcm@openssh.com';
const FILES = 10_000;
const FILE_BYTES = 10_000;
const FOLDERS = 100;
const LARGE_BYTES = 1_000_000_000;
const FRESH_BYTES = 500_000_000;
const LIMIT_MS = 300_000;

/** A host, and the way to it: `agent` for us, `scp` for the reference. */
async function openHost(bench) {
  const { openSystem } = await load('tests/clusters/open.ts');
  const { connectAgent } = await load('magics/client/index.ts');
  const { endProcesses } = await load('tests/notebook/processes.ts');
  const { root } = await import('../scripts/setup/places.mjs');
  const system = openSystem('sshd');
  if (!system.ok) throw new Error(system.reason);
  const store = system.makeDirectory('store');
  const there = system.makeDirectory('files');
  const sshConfig = system.settings.SSHD_CONFIG;
  const config = join(bench.directory, 'config.yaml');
  writeFileSync(
    config,
    `clusters: { far: { scheduler: none, host: cb-login, sshConfig: ${sshConfig}, store: ${store} } }\n`,
  );
  // The agent inherits both.
  Object.assign(process.env, { ...bench.environment, CELLBURST_CONFIG: config });
  const agent = await connectAgent({
    stateDirectory: bench.environment.CELLBURST_STATE_DIR,
    agent: [join(root, 'dist', 'agent.js')],
  });
  const close = async () => {
    await agent.finish();
    await agent[Symbol.asyncDispose]();
    await endProcesses(`CELLBURST_STATE_DIR=${store}`);
    // Their script has a minute for all it does.
    for (const folder of [there, store]) await rm(folder, { recursive: true, force: true });
    system.stop();
  };
  // All of them by the cipher that ours uses.
  const scp = (...words) => run('scp', ['-q', '-F', sshConfig, '-c', CIPHER, ...words]);
  const rsync = (...words) => run('rsync', ['--whole-file', '-e', `ssh -F ${sshConfig} -c ${CIPHER}`, ...words]);
  /** As people call it: the cipher is what ssh and the server agree on. */
  const plainRsync = (...words) => run('rsync', ['--archive', '-e', `ssh -F ${sshConfig}`, ...words]);
  return bench.own(Promise.resolve({ agent, there, scp, rsync, plainRsync, close }));
}

function makeSmallFiles(folder) {
  for (let group = 0; group < FOLDERS; group++) {
    mkdirSync(join(folder, String(group)), { recursive: true });
    for (let index = 0; index < FILES / FOLDERS; index++)
      writeFileSync(join(folder, String(group), `${index}.bin`), randomBytes(FILE_BYTES));
  }
}

const signal = () => AbortSignal.timeout(LIMIT_MS);

async function put(agent, path, target) {
  const to = target === undefined ? {} : { to: { path: target } };
  const { sentBytes } = await agent.store.send({ cluster: 'far', path, ...to }, { signal: signal() });
  return sentBytes;
}

/** @type {import('./row.mjs').Row} */
export const smallFiles = {
  key: 'files',
  name: '10,000 files of 10 kB to a host',
  unit: 'ms',
  against: '`scp -r`',
  goal: { atMost: 0.5 },
  async measure(bench) {
    const { agent, there, scp } = await openHost(bench);
    await agent.files.lookAt({ cluster: 'far', path: '.' });
    let turn = 0;
    // New files each time: none of them may be there already.
    const fresh = () => {
      const folder = join(bench.directory, `small-${turn++}`);
      makeSmallFiles(folder);
      return folder;
    };
    return alternate({
      runs: 3,
      ours: async () => {
        const folder = fresh();
        return timed(() => put(agent, folder, `${there}/ours-${turn}`));
      },
      reference: async () => {
        const folder = fresh();
        return timed(() => scp('-r', folder, `cb-login:${there}/scp-${turn}`));
      },
    });
  },
};

/** @type {import('./row.mjs').Row} */
export const smallFilesAgain = {
  key: 'files-again',
  name: 'the same 10,000 files again, unchanged',
  unit: 'ms',
  against: '0.3 s',
  goal: { atMost: 1 },
  async measure(bench) {
    const { agent } = await openHost(bench);
    const folder = join(bench.directory, 'small');
    makeSmallFiles(folder);
    await put(agent, folder);
    return alternate({ runs: 7, ours: () => timed(() => put(agent, folder)), reference: () => Promise.resolve(300) });
  },
};

function makeLargeFile(path, bytes) {
  const block = Buffer.alloc(10_000_000);
  const file = openSync(path, 'w');
  for (let at = 0; at < bytes; at += block.length) writeSync(file, randomFillSync(block));
  closeSync(file);
}

/** A file that is new each time, of random bytes; ours is checked by its digests on the way, and lies in its place when it is counted. */
function largeFile(key, against, goal, reference) {
  return {
    key,
    name: '500 MB of random bytes to a host, digests checked',
    unit: 'ms',
    against,
    goal,
    async measure(bench) {
      const host = await openHost(bench);
      const { agent, there } = host;
      await agent.files.lookAt({ cluster: 'far', path: '.' });
      const path = join(bench.directory, 'fresh.bin');
      let turn = 0;
      const fresh = async (work) => {
        makeLargeFile(path, FRESH_BYTES);
        const target = `${there}/${key}-${turn++}`;
        try {
          return await timed(() => work(target));
        } finally {
          rmSync(path);
          rmSync(target, { force: true });
        }
      };
      return alternate({
        runs: 3,
        ours: () => fresh((target) => put(agent, path, target)),
        reference: () => fresh((target) => reference(host, path, `cb-login:${target}`)),
      });
    },
  };
}

/** @type {import('./row.mjs').Row} */
export const largeBesideRsync = largeFile(
  'large-rsync',
  '`rsync --whole-file` by the same cipher',
  { atMost: 0.667 },
  ({ rsync }, ...words) => rsync(...words),
);

/** @type {import('./row.mjs').Row} */
export const largeBesidePlainRsync = largeFile(
  'large-rsync-plain',
  '`rsync --archive` by ssh’s own cipher',
  { atMost: 0.667 },
  ({ plainRsync }, ...words) => plainRsync(...words),
);

/** @type {import('./row.mjs').Row} */
export const largeBesideScp = largeFile('large-scp', '`scp` by the same cipher', undefined, ({ scp }, ...words) =>
  scp(...words),
);

/** @type {import('./row.mjs').Row} */
export const changedFile = {
  key: 'file-changed',
  name: '1 GB file of which 1 % has changed: bytes sent',
  unit: 'MB',
  against: 'the whole file',
  goal: { atMost: 0.05 },
  async measure(bench) {
    const { agent } = await openHost(bench);
    const path = join(bench.directory, 'large.bin');
    makeLargeFile(path, LARGE_BYTES);
    const block = Buffer.alloc(10_000_000);
    const whole = await put(agent, path);
    // One run of 1 % somewhere in the middle, as a table does whose latest part is written anew.
    const changed = openSync(path, 'r+');
    writeSync(changed, randomFillSync(block), 0, block.length, 437_000_123);
    closeSync(changed);
    const ours = (await put(agent, path)) / 1e6;
    rmSync(path);
    return { ours, reference: whole / 1e6 };
  },
};

const READ_BYTES = 500_000_000;

/** @type {import('./row.mjs').Row} */
export const readFile = {
  key: 'file-read',
  name: 'a new file of 500 MB read, cut and digested',
  unit: 'ms',
  against: 'its SHA-256 alone',
  goal: { atMost: 3 },
  async measure(bench) {
    const { readAsContent } = await load('magics/store/index.ts');
    const path = join(bench.directory, 'new.bin');
    const block = Buffer.alloc(10_000_000);
    const file = openSync(path, 'w');
    for (let at = 0; at < READ_BYTES; at += block.length) writeSync(file, randomFillSync(block));
    closeSync(file);
    let turn = 0;
    return alternate({
      runs: 5,
      // Nothing is known of it, each time.
      ours: () => timed(() => readAsContent(path, join(bench.directory, `seen-${turn++}`), { signal: signal() })),
      reference: () => timed(() => pipeline(createReadStream(path, { highWaterMark: 4 << 20 }), createHash('sha256'))),
    });
  },
};
