// What a store keeps, and what it trusts: nothing that a crash or a disk may have damaged.
import { createHash, randomBytes, randomFillSync } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statfsSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
  closeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contentId, toRanges, type ChunkList, type ContentKind } from '../../magics/protocol/chunks';
import { Contents, filePart, linkTo, scan, type ContentSource, type StoreLimits } from '../../magics/store';

const signal = new AbortController().signal;
const MB = 1_000_000;
const nothing = (): void => undefined;

let directory: string;
const logged: string[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'contents-'));
  logged.length = 0;
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const open = (limits: Partial<StoreLimits> = {}): Contents =>
  new Contents({
    directory: join(directory, 'store'),
    limits: { bytes: 1e9, days: 30, ...limits },
    log: (line) => logged.push(line),
  });

async function sourceOf(bytes: Buffer, kind: ContentKind = 'file'): Promise<ContentSource> {
  const path = join(directory, `file-${Math.random()}`);
  writeFileSync(path, bytes);
  return scan(kind, [filePart(path, bytes.length)], { signal });
}

const random = (bytes: number): Buffer => randomFillSync(Buffer.alloc(bytes));

async function bring(contents: Contents, source: ContentSource, only?: readonly number[]): Promise<void> {
  const arrival = contents.arrival(source.content, source.list);
  for (const index of only ?? arrival.lacks())
    await arrival.take(toRanges([index]), await source.read(index, index + 1));
}

async function put(contents: Contents, source: ContentSource) {
  await bring(contents, source);
  return contents.arrival(source.content, source.list).gather(source.content, signal, nothing);
}

test('what came before the agent died is there, and what a crash has damaged of it comes again', async () => {
  const source = await sourceOf(random(3 * MB));
  await bring(open(), source, [0, 1, 2]);
  const part = readdirSync(join(directory, 'store')).find((name) => name.endsWith('.arriving')) ?? '';
  const file = openSync(join(directory, 'store', part), 'r+');
  // The machine died: the note of chunk 1 is on the disk, its bytes are not.
  writeSync(file, Buffer.alloc(1000), 0, 1000, source.list.sizes[0]);
  closeSync(file);
  const next = open();
  const arrival = next.arrival(source.content, source.list);
  expect(arrival.lacks()).not.toContain(0);
  await bring(next, source);
  expect(await arrival.gather(source.content, signal, nothing)).toEqual({ state: 'lacks', indices: [1] });
  await bring(next, source, [1]);
  expect(await arrival.gather(source.content, signal, nothing)).toEqual({ state: 'whole' });
  expect(readFileSync(next.get(source.content).path).equals(await source.read(0, source.list.sizes.length))).toBe(true);
});

test('a chunk that was damaged where it is kept is not copied, but asked for', async () => {
  const bytes = random(3 * MB);
  const contents = open();
  const first = await sourceOf(bytes);
  await put(contents, first);
  const file = openSync(contents.get(first.content).path, 'r+');
  writeSync(file, Buffer.from('damage'), 0, 6, 10);
  closeSync(file);
  const second = await sourceOf(Buffer.concat([bytes, random(1000)]));
  const known = await put(contents, second);
  expect(known).toEqual({ state: 'lacks', indices: [0] });
  await bring(contents, second, [0]);
  expect(await contents.arrival(second.content, second.list).gather(second.content, signal, nothing)).toEqual({
    state: 'whole',
  });
});

test('a content whose list or file a crash has cut is forgotten, with a line in the log', async () => {
  const [a, b] = [await sourceOf(random(MB)), await sourceOf(random(MB))];
  const contents = open();
  await put(contents, a);
  await put(contents, b);
  const names = readdirSync(join(directory, 'store'));
  const list = names.find((name) => name.startsWith(a.content) && name.endsWith('.list')) ?? '';
  truncateSync(join(directory, 'store', list), 10);
  truncateSync(contents.get(b.content).path, 10);
  const next = open();
  expect([next.find(a.content), next.find(b.content)]).toEqual([undefined, undefined]);
  expect(logged).toHaveLength(2);
  expect(readdirSync(join(directory, 'store'))).toEqual([]);
  expect(await put(next, a)).toEqual({ state: 'whole' });
});

test('what belongs to ended jobs makes room first; what is sent now may be more than is kept, and goes again later', async () => {
  const contents = open({ bytes: 5 * MB });
  await put(contents, await sourceOf(random(3 * MB), 'bundle'));
  const lists = () => readdirSync(join(directory, 'store')).filter((name) => name.endsWith('.list')).length;
  await put(contents, await sourceOf(random(4 * MB)));
  expect(lists()).toBe(1);
  expect(await put(contents, await sourceOf(random(2 * MB)))).toEqual({ state: 'whole' });
  // Both may be about to be named by a job.
  contents.sweep(Date.now());
  expect(lists()).toBe(2);
  contents.sweep(Date.now() + 2 * 3_600_000);
  expect(lists()).toBe(1);
});

test('what there is no room for on the disk is refused before it comes, and holes need none', () => {
  const contents = open();
  const { bavail, bsize } = statfsSync(directory);
  const chunks = Math.ceil((bavail * bsize) / 2 ** 20) + 10_000;
  const sizes = new Uint32Array(chunks).fill(2 ** 20);
  const listOf = (digest: Buffer): ChunkList => ({ kind: 'file', sizes, digests: Buffer.alloc(chunks * 32, digest) });
  const arrive = (list: ChunkList) => contents.arrival(contentId('a'.repeat(64), 'id'), list);
  expect(() => arrive(listOf(randomBytes(32)))).toThrow(
    /no room for [\d.]+ GB in the store .*: [\d.]+ GB are left there.*set `store` of the cluster/,
  );
  const zeros = createHash('sha256')
    .update(Buffer.alloc(2 ** 20))
    .digest();
  expect(arrive(listOf(zeros)).lacks()).toEqual([0]);
});

test('a newer bundle takes the place of the one it repeats; a job keeps its own', async () => {
  const bytes = random(3 * MB);
  const contents = open();
  const first = await sourceOf(bytes, 'bundle');
  await put(contents, first);
  const kept = join(directory, 'bundle.bin');
  await linkTo(contents.get(first.content), kept);
  const second = await sourceOf(Buffer.concat([bytes, random(1000)]), 'bundle');
  expect(await put(contents, second)).toEqual({ state: 'whole' });
  expect(contents.find(first.content)).toBeUndefined();
  expect(readFileSync(kept).equals(bytes)).toBe(true);
});

test('what has not been used for long goes, and so do transfers that nobody went on with', async () => {
  const contents = open({ days: 1 });
  const [old, fresh, half] = [await sourceOf(random(MB)), await sourceOf(random(MB)), await sourceOf(random(MB))];
  await put(contents, old);
  await put(contents, fresh);
  await bring(contents, half, [0]);
  const long = new Date(Date.now() - 2 * 86_400_000);
  for (const name of readdirSync(join(directory, 'store')))
    if (name.startsWith(old.content) || name.startsWith(half.content))
      utimesSync(join(directory, 'store', name), long, long);
  const next = open({ days: 1 });
  next.sweep(Date.now());
  expect(next.find(old.content)).toBeUndefined();
  expect(next.find(fresh.content)).toBeDefined();
  expect(readdirSync(join(directory, 'store')).filter((name) => name.startsWith(half.content))).toEqual([]);
  expect(existsSync(join(directory, 'store'))).toBe(true);
});

test('a transfer that was cut counts with what is kept, and goes when there is too much of both and nobody came back to it', async () => {
  const contents = open({ bytes: 4 * MB });
  const half = await sourceOf(random(3 * MB));
  await bring(contents, half, [0, 1, 2, 3, 4]);
  await put(contents, await sourceOf(random(3 * MB)));
  const parts = () => readdirSync(join(directory, 'store')).filter((name) => name.startsWith(half.content)).length;
  contents.sweep(Date.now());
  expect(parts()).toBe(2);
  const earlier = new Date(Date.now() - 2 * 3_600_000);
  for (const name of readdirSync(join(directory, 'store')))
    if (name.startsWith(half.content)) utimesSync(join(directory, 'store', name), earlier, earlier);
  // Whoever goes on with it finds it.
  const next = open({ bytes: 4 * MB });
  expect(next.arrival(half.content, half.list).lacks()).not.toContain(4);
  for (const name of readdirSync(join(directory, 'store')))
    if (name.startsWith(half.content)) utimesSync(join(directory, 'store', name), earlier, earlier);
  next.sweep(Date.now());
  expect(parts()).toBe(0);
  expect(await put(next, half)).toEqual({ state: 'whole' });
});
