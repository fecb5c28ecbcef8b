// A file that is sent while it is read, straight to its place; and what the store may believe of a file that is somebody's own.
import { createCipheriv } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  existsSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { AgentConnection } from '../../magics/client';
import { contentId } from '../../magics/protocol/chunks';
import { placeFile } from '../../magics/protocol/platform';
import {
  Contents,
  Reading,
  lookAt,
  nameTransfer,
  readAsContent,
  send,
  sendWhileReading,
  type SendProgress,
  type SendTarget,
  type StreamReceiver,
} from '../../magics/store';
import { Setting, ended, specOf, until, writeBundle } from '../agent/setting';

const signal = new AbortController().signal;
const MB = 1_000_000;

let setting: Setting;
let agent: AgentConnection;
let directory: string;

beforeAll(async () => {
  setting = new Setting();
  agent = await setting.connect();
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'cb-streaming-')));
  writeFileSync(path('new'), noise(30 * MB, 1));
  mkdirSync(path('tree/deep'), { recursive: true });
  writeFileSync(path('tree/large'), noise(10 * MB, 4));
  for (let i = 0; i < 300; i++) writeFileSync(path(`tree/deep/${i}`), `${i} `.repeat(500));
  writeFileSync(path('tree/empty'), '');
});
afterAll(async () => {
  await setting[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

const path = (name: string): string => join(directory, name);
const stored = (): string[] => readdirSync(join(setting.stateDirectory, 'store'));
const contentsKept = (): string[] => stored().filter((name) => name.endsWith('.content'));

function noise(bytes: number, seed: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16)).update(Buffer.alloc(bytes));
}

interface Watched {
  readonly brought: (count: number) => void | Promise<void>;
  readonly to: StreamReceiver;
  readonly progress: (progress: SendProgress) => void;
}

/** Nothing is known of it from an earlier time, but by a reading that is gone on with. */
async function beginning(name: string, target?: SendTarget) {
  const looked = await lookAt(path(name), path(`seen-${Math.random()}`), { signal });
  const reading = new Reading(looked.found);
  const { bytes, diskBytes } = looked;
  const what = { kind: looked.found.kind, bytes, diskBytes, ...(target === undefined ? {} : { target }) };
  const transfer = nameTransfer(path(name), looked.found, target);
  return async ({ to = agent.store, brought, progress }: Partial<Watched> = {}) => {
    let count = 0;
    const counting: StreamReceiver = {
      announce: (...given) => to.announce(...given),
      tell: (...given) => to.tell(...given),
      complete: (...given) => to.complete(...given),
      offer: (...given) => to.offer(...given),
      gather: (...given) => to.gather(...given),
      bring: async (...given) => {
        await brought?.((count += 1));
        await to.bring(...given);
      },
    };
    const options = { signal, ...(progress === undefined ? {} : { progress }) };
    return await sendWhileReading(reading, what, transfer, counting, options);
  };
}

async function streamTo(name: string, target: string, replace = false) {
  return await (
    await beginning(name, { path: path(target), replace, mode: 0o640 })
  )();
}

test('a new file lies at its place, whole, with its mode, and not once more in the store', async () => {
  const bytes = readFileSync(path('new'));
  const sent = await streamTo('new', 'below/there');
  expect(sent.sentBytes).toBe(bytes.length);
  expect(readFileSync(path('below/there')).equals(bytes)).toBe(true);
  expect(statSync(path('below/there')).mode & 0o777).toBe(0o640);
  expect(readdirSync(path('below'))).toEqual(['there']);
  expect(contentsKept()).toEqual([]);
  // Read the usual way, it is the same content.
  expect((await readAsContent(path('new'), path('seen'), { signal })).source.content).toBe(sent.content);
});

test('of a file that has changed a little goes that little, and what there was is put together, with news of it', async () => {
  const bytes = noise(30 * MB, 2);
  writeFileSync(path('table'), bytes);
  await streamTo('table', 'table-there');
  const changed = Buffer.concat([bytes.subarray(0, 9 * MB), Buffer.from('a few more'), bytes.subarray(9 * MB)]);
  writeFileSync(path('table'), changed);
  const news: SendProgress[] = [];
  const sendAgain = await beginning('table', { path: path('table-there'), replace: true, mode: 0o600 });
  const { sentBytes } = await sendAgain({ progress: (one) => news.push(one) });
  expect(sentBytes).toBeLessThan(2 * MB);
  expect(readFileSync(path('table-there')).equals(changed)).toBe(true);
  const last = news.filter((one) => one.kind === 'copied').at(-1);
  expect(last).toEqual({ kind: 'copied', bytes: changed.length - sentBytes, of: changed.length - sentBytes });
  expect(contentsKept()).toEqual([]);
});

test('what is there twice goes once, and holes stay holes', async () => {
  const block = noise(5 * MB, 3);
  writeFileSync(path('twice'), Buffer.concat([block, Buffer.alloc(12 * MB), block, Buffer.from('end')]));
  const { sentBytes } = await streamTo('twice', 'twice-there');
  expect(sentBytes).toBeLessThan(9 * MB);
  expect(readFileSync(path('twice-there')).equals(readFileSync(path('twice')))).toBe(true);
  const file = openSync(path('hollow'), 'w');
  writeSync(file, block, 0, block.length, 300 * MB);
  ftruncateSync(file, 400 * MB);
  closeSync(file);
  expect((await streamTo('hollow', 'hollow-there')).sentBytes).toBeLessThan(9 * MB);
  expect(statSync(path('hollow-there')).blocks * 512).toBeLessThan(20 * MB);
  expect(
    readFileSync(path('hollow-there'))
      .subarray(300 * MB, 305 * MB)
      .equals(block),
  ).toBe(true);
}, 60_000);

test('a tree of new files goes while it is read', async () => {
  const { content } = await (await beginning('tree'))();
  await agent.store.place({ content, path: path('tree-there') }, signal);
  expect(readFileSync(path('tree-there/large')).equals(readFileSync(path('tree/large')))).toBe(true);
  expect(readFileSync(path('tree-there/deep/299'), 'utf8')).toBe('299 '.repeat(500));
  expect(statSync(path('tree-there/empty')).size).toBe(0);
});

test.each([
  ['goes on where it was', (sendIt: Awaited<ReturnType<typeof beginning>>) => sendIt],
  ['is gone on with by a sender that has forgotten everything', undefined],
])('a way that was cut %s', async (how, again) => {
  const bytes = noise(30 * MB, how.length);
  writeFileSync(path('cut'), bytes);
  const target = { path: path(`cut-there-${how.length}`), replace: false, mode: 0o600 };
  const first = await setting.connect({ isPassive: true });
  const sendIt = await beginning('cut', target);
  const cut = async (count: number): Promise<void> => {
    if (count > 20) await first[Symbol.asyncDispose]();
  };
  await expect(sendIt({ to: first.store, brought: cut })).rejects.toThrow(/closed/);
  expect(existsSync(target.path)).toBe(false);
  const { sentBytes } = await (again?.(sendIt) ?? (await beginning('cut', target)))();
  expect(sentBytes).toBeGreaterThan(MB);
  expect(sentBytes).toBeLessThan(25 * MB);
  expect(readFileSync(target.path).equals(bytes)).toBe(true);
  // Only the last answer was lost: it is asked once more, and nothing has to be said about what lies there.
  expect(await sendIt()).toMatchObject({ sentBytes: 0 });
  expect(readFileSync(target.path).equals(bytes)).toBe(true);
});

test('what came before the agent died is there when the next one goes on', async () => {
  const bytes = noise(40 * MB, 6);
  writeFileSync(path('survivor'), bytes);
  const target = { path: path('survivor-there'), replace: false, mode: 0o600 };
  const other = new Setting();
  try {
    await other.connect();
    const first = await other.connect({ isPassive: true });
    const pid = other.agentPid();
    const die = (count: number): void => {
      if (count === 30 && pid !== undefined) process.kill(pid, 'SIGKILL');
    };
    const sendIt = await beginning('survivor', target);
    await expect(sendIt({ to: first.store, brought: die })).rejects.toThrow(/closed/);
    const next = await other.connect();
    const { sentBytes } = await sendIt({ to: next.store });
    expect(sentBytes).toBeLessThan(35 * MB);
    expect(readFileSync(target.path).equals(bytes)).toBe(true);
  } finally {
    await other[Symbol.asyncDispose]();
  }
}, 60_000);

test('what nobody goes on with is cleared away, also beside the place where it should have been', async () => {
  writeFileSync(path('given-up'), noise(20 * MB, 12));
  const directoryOfStore = path('swept');
  const open = () =>
    new Contents({ directory: directoryOfStore, limits: { bytes: 1e9, days: 1 }, log: () => undefined });
  const { source } = await readAsContent(path('given-up'), path('seen-swept'), { signal });
  const transfer = contentId('a'.repeat(64), 'transfer');
  const target = { path: path('swept-there/file'), replace: false, mode: 0o600 };
  open().announce(transfer, { kind: 'file', bytes: source.bytes, diskBytes: source.bytes, target });
  expect(readdirSync(path('swept-there'))).toHaveLength(1);
  open().sweep(Date.now());
  expect(readdirSync(path('swept-there'))).toHaveLength(1);
  open().sweep(Date.now() + 2 * 86_400_000);
  expect(readdirSync(path('swept-there'))).toEqual([]);
  expect(readdirSync(directoryOfStore)).toEqual([]);
});

test('a file that is changed while it is sent is refused, and nothing of it appears', async () => {
  writeFileSync(path('busy'), noise(30 * MB, 7));
  const sendIt = await beginning('busy', { path: path('busy-there') });
  const touch = (count: number): void => {
    if (count === 3) appendFileSync(path('busy'), 'more');
  };
  await expect(sendIt({ brought: touch })).rejects.toThrow(/busy was changed while it was read/);
  expect(existsSync(path('busy-there'))).toBe(false);
});

test('a place that is taken is refused before anything goes', async () => {
  writeFileSync(path('taken'), 'mine');
  let brought = 0;
  const sendIt = await beginning('new', { path: path('taken') });
  await expect(sendIt({ brought: () => void (brought += 1) })).rejects.toThrow(/there is something already/);
  expect(brought).toBe(0);
  expect(readFileSync(path('taken'), 'utf8')).toBe('mine');
});

test('what its owner has changed is not taken for what was sent, however alike it looks', async () => {
  const bytes = noise(20 * MB, 8);
  writeFileSync(path('own'), bytes);
  const { content } = await streamTo('own', 'own-there');
  const { atime, mtime } = statSync(path('own-there'));
  const file = openSync(path('own-there'), 'r+');
  writeSync(file, Buffer.from('changed'), 0, 7, 12 * MB);
  closeSync(file);
  utimesSync(path('own-there'), atime, mtime);
  await expect(agent.store.place({ content, path: path('copy') }, signal)).rejects.toThrow(/Send it again/);
  const { source } = await readAsContent(path('own'), path('seen-own'), { signal });
  // Only what was changed comes again; the rest is copied, and looked at.
  const { sentBytes } = await send(source, agent.store, { signal });
  expect(sentBytes).toBeGreaterThan(0);
  expect(sentBytes).toBeLessThan(2 * MB);
  await agent.store.place({ content, path: path('copy') }, signal);
  expect(readFileSync(path('copy')).equals(bytes)).toBe(true);
  // What the user has is nobody else's to correct.
  expect(
    readFileSync(path('own-there'))
      .subarray(12 * MB, 12 * MB + 7)
      .toString(),
  ).toBe('changed');
});

test('a job reaches neither the store nor anybody’s file through what it was given', async () => {
  const bytes = noise(20 * MB, 9);
  writeFileSync(path('given'), bytes);
  const { content } = await streamTo('given', 'given-there');
  const kept = (
    await send((await readAsContent(path('tree'), path('seen'), { signal })).source, agent.store, { signal })
  ).content;
  const job = await agent.create(specOf());
  await writeBundle(
    job.directory,
    `const fs = require('node:fs'); for (const name of ['given', 'tree/large']) { fs.chmodSync(name, 0o600); fs.writeFileSync(name, 'spoilt'); } finish();`,
  );
  await agent.submit(job.id, {
    inputs: [
      { content, path: 'given' },
      { content: kept, path: 'tree' },
    ],
  });
  await ended(agent, job);
  expect(readFileSync(path('given-there')).equals(bytes)).toBe(true);
  await agent.store.place({ content: kept, path: path('tree-again') }, signal);
  expect(readFileSync(path('tree-again/large')).equals(readFileSync(path('tree/large')))).toBe(true);
  await agent.store.place({ content, path: path('given-again') }, signal);
  expect(readFileSync(path('given-again')).equals(bytes)).toBe(true);
});

test('a place that was asked for twice, since its answer was lost, is done once', async () => {
  const file = await streamTo('new', 'once');
  const tree = await (await beginning('tree'))();
  for (const { content } of [file, tree]) {
    const to = path(`placed-${content.slice(0, 4)}`);
    const first = await agent.store.place({ content, path: to }, signal);
    expect(await agent.store.place({ content, path: to, again: true }, signal)).toEqual(first);
    await expect(agent.store.place({ content, path: to }, signal)).rejects.toThrow(/something already/);
  }
  writeFileSync(path('not-it'), 'x');
  await expect(agent.store.place({ content: file.content, path: path('not-it'), again: true }, signal)).rejects.toThrow(
    /something already/,
  );
});

test('a place whose answer was lost with the connection is asked for again, and is there', async () => {
  const file = await streamTo('new', 'origin');
  let cuts = 0;
  // A connection that passes on the request, and ends when its answer is about to come.
  const connect = async (): Promise<{ stream: Duplex }> => {
    const socket = createConnection(readFileSync(placeFile(setting.stateDirectory), 'utf8').trim());
    await once(socket, 'connect');
    const isLast = cuts > 0;
    let isAsked = false;
    const stream = new Duplex({
      read: () => undefined,
      write: (bytes: Buffer, _encoding, written) => {
        isAsked ||= bytes.includes('"place"');
        socket.write(bytes, () => written());
      },
      destroy: (error, done) => {
        socket.destroy();
        done(error);
      },
    });
    socket.on('data', (bytes: Buffer) => {
      if (!isAsked || isLast) stream.push(bytes);
      else {
        cuts += 1;
        stream.destroy();
      }
    });
    return { stream };
  };
  await using lossy = new AgentConnection({
    connect,
    ...{ agent: 'agent', place: 'agent.log', requestTimeoutMs: 30_000, isPassive: true },
  });
  await lossy.store.place({ content: file.content, path: path('after-a-loss') }, signal);
  expect(cuts).toBe(1);
  expect(readFileSync(path('after-a-loss')).equals(readFileSync(path('new')))).toBe(true);
});

test('to and from this machine itself nothing stays in the store', async () => {
  writeFileSync(path('plain'), noise(3 * MB, 10));
  const before = stored().sort();
  const to = path('plain-there');
  await agent.store.send({ cluster: 'local', path: path('plain'), to: { path: to } }, { signal });
  await agent.store.fetch({ cluster: 'local', path: to, to: path('plain-back') }, { signal });
  expect(readFileSync(path('plain-back')).equals(readFileSync(path('plain')))).toBe(true);
  const tree = path('tree-put');
  await agent.store.send({ cluster: 'local', path: path('tree'), to: { path: tree } }, { signal });
  await agent.store.fetch({ cluster: 'local', path: tree, only: ['deep/7'], to: path('tree-back') }, { signal });
  expect(readFileSync(path('tree-back/deep/7'), 'utf8')).toBe('7 '.repeat(500));
  expect(statSync(join(tree, 'large')).size).toBe(10 * MB);
  await expect(
    agent.store.send({ cluster: 'local', path: path('plain'), to: { path: to } }, { signal }),
  ).rejects.toThrow(/something already/);
  expect(
    stored()
      .filter((name) => !name.startsWith('seen'))
      .sort(),
  ).toEqual(before.filter((name) => !name.startsWith('seen')));
});

test('what the store lets go of stays with its owner', async () => {
  writeFileSync(path('lent'), noise(20 * MB, 11));
  const { content } = await streamTo('lent', 'lent-there');
  linkSync(path('lent-there'), path('lent-link'));
  rmSync(path('lent-there'));
  await expect(agent.store.place({ content, path: path('nowhere') }, signal)).rejects.toThrow(/Send it again/);
  await until('the store has forgotten it', () => !stored().some((name) => name.startsWith(content)));
  expect(statSync(path('lent-link')).size).toBe(20 * MB);
});
