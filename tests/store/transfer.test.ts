// Files, trees and bundles go to a real agent's store, and only what is not there goes.
import { createCipheriv, randomFillSync } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentConnection } from '../../magics/client';
import { captureCell, forgetCapture } from '../../magics/capture';
import { BUNDLE_FILE } from '../../magics/protocol/layout';
import { containerPart, readAsContent, scan, send, type ContentSource, type Receiver } from '../../magics/store';
import { Setting, ended, specOf, textOf, writeBundle } from '../agent/setting';
import { Notebook } from '../capture/notebook';

const signal = new AbortController().signal;
const MB = 1_000_000;

let setting: Setting;
let agent: AgentConnection;
let directory: string;

beforeAll(async () => {
  setting = new Setting();
  agent = await setting.connect();
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'cb-files-')));
});
afterAll(async () => {
  await setting[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

const path = (name: string): string => join(directory, name);

function noise(bytes: number, seed: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16)).update(Buffer.alloc(bytes));
}

async function read(name: string): Promise<ContentSource> {
  return (await readAsContent(path(name), path('seen'), { signal })).source;
}

/** The agent's store, with a count of what is asked of it. */
function counting(to: Receiver, beforeBringing: (count: number) => Promise<void> = () => Promise.resolve()) {
  const counts = { offers: 0, brings: 0, bytes: 0 };
  const receiver: Receiver = {
    offer: (offer, list) => {
      counts.offers += 1;
      counts.bytes += list?.length ?? 0;
      return to.offer(offer, list);
    },
    bring: async (content, chunks, bytes) => {
      await beforeBringing((counts.brings += 1));
      counts.bytes += bytes.length;
      await to.bring(content, chunks, bytes);
    },
    gather: (content, stop, progress) => to.gather(content, stop, progress),
  };
  return { counts, receiver };
}

async function sendCounted(source: ContentSource) {
  const { counts, receiver } = counting(agent.store);
  await send(source, receiver, { signal });
  return counts;
}

async function placed(source: ContentSource, name: string): Promise<string> {
  await agent.store.place({ content: source.content, path: path(name) }, signal);
  return path(name);
}

describe('a file', () => {
  // The same in each run: where they are cut, and so how much of a change is sent, depends on them.
  const bytes = noise(20 * MB, 1);
  beforeAll(async () => {
    writeFileSync(path('large'), bytes);
    await sendCounted(await read('large'));
  });

  test('arrives whole', async () => {
    const there = await placed(await read('large'), 'large-there');
    expect(readFileSync(there).equals(bytes)).toBe(true);
  });

  test('that is there already costs one question', async () => {
    const counts = await sendCounted(await read('large'));
    expect(counts).toMatchObject({ offers: 1, brings: 0 });
  });

  test('of which a hundredth has changed sends little more than that', async () => {
    const changed = Buffer.from(bytes);
    noise(200_000, 2).copy(changed, 7 * MB);
    writeFileSync(path('changed'), changed);
    const source = await read('changed');
    const counts = await sendCounted(source);
    expect(counts.bytes).toBeLessThan(0.05 * bytes.length);
    expect(readFileSync(await placed(source, 'changed-there')).equals(changed)).toBe(true);
  });

  test('into which bytes were put sends what is around them', async () => {
    const longer = Buffer.concat([bytes.subarray(0, 5 * MB), Buffer.from('a few more'), bytes.subarray(5 * MB)]);
    writeFileSync(path('longer'), longer);
    const source = await read('longer');
    const counts = await sendCounted(source);
    expect(counts.bytes).toBeLessThan(2 * MB);
    expect(readFileSync(await placed(source, 'longer-there')).equals(longer)).toBe(true);
  });

  test('of zeros, or of nothing, is whole as well', async () => {
    writeFileSync(path('zeros'), Buffer.alloc(10 * MB));
    writeFileSync(path('empty'), '');
    const counts = await sendCounted(await read('zeros'));
    expect(counts.bytes).toBeLessThan(2.2 * MB);
    expect(readFileSync(await placed(await read('zeros'), 'zeros-there')).equals(Buffer.alloc(10 * MB))).toBe(true);
    expect(statSync(path('zeros-there')).blocks).toBeLessThan(100);
    await sendCounted(await read('empty'));
    expect(readFileSync(await placed(await read('empty'), 'empty-there')).length).toBe(0);
  });

  test('of 5 GB that is mostly holes costs what is in it, and has the holes there again', async () => {
    const [bytes, middle] = [5_000_000_000, 4_400_000_321];
    const ends = randomFillSync(Buffer.alloc(300_000));
    const file = openSync(path('sparse'), 'w');
    writeSync(file, ends, 0, ends.length, middle);
    ftruncateSync(file, bytes);
    closeSync(file);
    const source = await read('sparse');
    expect(source.bytes).toBe(bytes);
    const counts = await sendCounted(source);
    // 36 bytes for each of 4,800 chunks, a chunk of zeros, and what is around the bytes.
    expect(counts.bytes).toBeLessThan(4 * MB);
    const there = await placed(source, 'sparse-there');
    expect([statSync(there).size, statSync(there).blocks * 512 < 4 * MB]).toEqual([bytes, true]);
    const back = Buffer.alloc(ends.length + 2, 1);
    const placedFile = openSync(there, 'r');
    readSync(placedFile, back, 0, back.length, middle - 1);
    closeSync(placedFile);
    expect(back.equals(Buffer.concat([Buffer.alloc(1), ends, Buffer.alloc(1)]))).toBe(true);
  }, 60_000);

  test('whose way is cut goes on with what is missing', async () => {
    const other = randomFillSync(Buffer.alloc(20 * MB));
    writeFileSync(path('cut'), other);
    const source = await read('cut');
    const first = await setting.connect({ isPassive: true });
    const half = counting(first.store, async (count) => {
      if (count > 12) await first[Symbol.asyncDispose]();
    });
    await expect(send(source, half.receiver, { signal })).rejects.toThrow(/closed/);
    const rest = await sendCounted(source);
    expect(rest.bytes).toBeGreaterThan(1 * MB);
    expect(rest.bytes).toBeLessThan(16 * MB);
    expect(readFileSync(await placed(source, 'cut-there')).equals(other)).toBe(true);
  });

  test('is not put where something is, unless that is said', async () => {
    writeFileSync(path('mine'), 'mine');
    const source = await read('large');
    const { content } = source;
    await expect(agent.store.place({ content, path: path('mine') }, signal)).rejects.toThrow(
      /there is something already/,
    );
    expect(readFileSync(path('mine'), 'utf8')).toBe('mine');
    await agent.store.place({ content, path: path('mine'), replace: true, mode: 0o750 }, signal);
    expect(statSync(path('mine')).mode & 0o777).toBe(0o750);
    // What the user does to it is not done to the store.
    writeFileSync(path('mine'), 'mine again');
    expect(readFileSync(await placed(source, 'large-again')).equals(bytes)).toBe(true);
  });

  test('with other bytes than were announced is refused', async () => {
    writeFileSync(path('lie'), randomFillSync(Buffer.alloc(MB)));
    const source = await read('lie');
    writeFileSync(path('lie'), randomFillSync(Buffer.alloc(MB)));
    await expect(send(source, agent.store, { signal })).rejects.toThrow(/changed while it was sent/);
  });
});

describe('a tree', () => {
  const FILES = 2000;
  beforeAll(() => {
    for (let i = 0; i < FILES; i++) {
      mkdirSync(path(`tree/${i % 20}`), { recursive: true });
      writeFileSync(path(`tree/${i % 20}/file-${i}.txt`), `${i} `.repeat(1000));
    }
    chmodSync(path('tree/3/file-3.txt'), 0o755);
    mkdirSync(path('tree/nothing'));
    symlinkSync('../3/file-3.txt', path('tree/4/link'));
  });

  test('of many files goes in a few pieces, and lies there with modes and links', async () => {
    const source = await read('tree');
    const counts = await sendCounted(source);
    expect(counts.brings).toBeLessThan(20);
    const there = await placed(source, 'tree-there');
    expect(readFileSync(join(there, '7/file-1987.txt'), 'utf8')).toBe('1987 '.repeat(1000));
    expect(statSync(join(there, '3/file-3.txt')).mode & 0o777).toBe(0o755);
    expect(readlinkSync(join(there, '4/link'))).toBe('../3/file-3.txt');
    expect(statSync(join(there, 'nothing')).isDirectory()).toBe(true);
  });

  test('of which one file has changed sends that file', async () => {
    writeFileSync(path('tree/5/file-5.txt'), 'something else');
    const counts = await sendCounted(await read('tree'));
    // The list has 36 bytes a file.
    expect(counts.bytes).toBeLessThan(FILES * 36 + 200_000);
    expect(counts.brings).toBe(1);
  });

  test('sends of a directory what was asked for', async () => {
    const { source } = await readAsContent(path('tree'), path('seen'), { signal, only: ['7/file-7.txt', '4'] });
    await sendCounted(source);
    const there = await placed(source, 'some-there');
    expect(statSync(join(there, '7/file-7.txt')).size).toBe(2000);
    expect(statSync(join(there, '4')).isDirectory()).toBe(true);
  });

  test('with a link that leads out is refused, with the way round', async () => {
    mkdirSync(path('leaky'));
    symlinkSync('../../etc/passwd', path('leaky/out'));
    await expect(read('leaky')).rejects.toThrow(/leads out of .*Copy what it points to/);
  });
});

describe('a bundle', () => {
  const ELEMENTS = 4_000_000;
  let notebook: Notebook;
  beforeAll(async () => {
    notebook = new Notebook();
    await notebook.run(`const array = Float64Array.from({ length: ${ELEMENTS} }, (_, i) => i / 3);`);
    await notebook.run(
      `const objects = Array.from({ length: 100_000 }, (_, i) => ({ id: i, name: 'n' + i, at: i / 7 }));`,
    );
  });
  afterAll(() => {
    notebook.close();
  });

  async function sendCell(code: string) {
    const job = await agent.create(specOf());
    const bundlePath = join(directory, `${job.id}.bundle`);
    const { captureId, bytes } = await captureCell(notebook.realm, {
      cell: notebook.lower(`%%cluster\n${code}`),
      bundlePath,
    });
    forgetCapture(notebook.realm, captureId);
    const source = await scan('bundle', [containerPart(bundlePath)], { signal });
    const counts = await sendCounted(source);
    await agent.store.put(job.id, source.content);
    expect(readFileSync(join(job.directory, BUNDLE_FILE)).equals(readFileSync(bundlePath))).toBe(true);
    await agent.discard(job.id);
    return { sent: counts.bytes, bytes };
  }

  test('over an unchanged array sends next to nothing', async () => {
    const first = await sendCell('array.length');
    expect(first.sent).toBeGreaterThan(first.bytes - 1000);
    const second = await sendCell('/* another cell */ array[0]! + array.length');
    expect(second.sent).toBeLessThan(40_000);
  });

  test('of which one element has changed sends one chunk', async () => {
    await notebook.run('array[1_234_567] = -1');
    const { sent } = await sendCell('array.length + 1');
    expect(sent).toBeLessThan(1.1 * 1024 * 1024);
  });

  test('in which one of many objects has changed sends a few small chunks', async () => {
    const first = await sendCell('objects.length');
    expect(first.sent).toBeGreaterThan(2 * MB);
    await notebook.run('objects[54_321]!.at = 0.125');
    const { sent } = await sendCell('objects.length');
    expect(sent).toBeLessThan(400_000);
  });
});

test('inputs of a job lie in its working directory when it starts', async () => {
  writeFileSync(path('input.csv'), 'a,b\n1,2\n');
  const source = await read('input.csv');
  await sendCounted(source);
  const job = await agent.create(specOf());
  await writeBundle(job.directory, `print(require('node:fs').readFileSync('data/given.csv', 'utf8')); finish();`);
  await agent.submit(job.id, { inputs: [{ content: source.content, path: 'data/given.csv' }] });
  await ended(agent, job);
  expect(await textOf(agent, job.id)).toBe('a,b\n1,2\n');
});

test('a file of this machine goes to the store of a cluster of this machine, and back, by the verbs for everyone', async () => {
  writeFileSync(path('to-local'), 'for the local cluster');
  chmodSync(path('to-local'), 0o640);
  const sent = await agent.store.send({ cluster: 'local', path: path('to-local') }, { signal });
  expect(sent).toMatchObject({ kind: 'file', bytes: 21, mode: 0o640 });
  const back = await agent.store.fetch({ cluster: 'local', path: path('to-local'), to: path('fetched') }, { signal });
  expect(back.content).toBe(sent.content);
  expect(readFileSync(path('fetched'), 'utf8')).toBe('for the local cluster');
  await expect(agent.store.send({ cluster: 'nowhere', path: path('to-local') }, { signal })).rejects.toThrow(
    /no cluster "nowhere"/,
  );
});
