// Containers with large arrays: written over the file of an earlier job, and every byte of them checked.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runInThisContext } from 'node:vm';
import { openContainer, writeContainer } from '../../magics/protocol/container';
import { decodeGraph, encodeGraph } from '../../magics/protocol/graph';
import { dropSpares, keepSpare, sparePath } from '../../magics/protocol/spare';
import { decodeHooks, encodeHooks } from './hooks';

const MiB = 1 << 20;
let state: string;
let jobs = 0;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'cellburst-state-'));
});
afterEach(() => {
  rmSync(state, { recursive: true, force: true });
});

/** Where the next job's bundle is to be written. */
function nextBundle(): string {
  const directory = join(state, 'jobs', `j${++jobs}`);
  mkdirSync(directory, { recursive: true });
  return join(directory, 'bundle.bin');
}

function write(path: string, value: unknown): void {
  const { graph } = encodeGraph({ roots: [value], rootNames: ['value'], hooks: encodeHooks });
  expect(writeContainer(path, {}, graph)).toBe(statSync(path).size);
}

function read(path: string): unknown {
  const container = openContainer(path);
  try {
    return decodeGraph({ graph: container.graph, hooks: decodeHooks }).roots[0];
  } finally {
    container.close();
  }
}

/** An array of Node's own context, where cells make theirs. */
const numbers = runInThisContext(
  '(bytes, first) => Float64Array.from({ length: bytes / 8 }, (_, index) => first + index)',
) as (bytes: number, first: number) => Float64Array;

/** By their bytes: a difference between millions of numbers is nothing to print. */
function isSame(a: unknown, b: Float64Array): boolean {
  return ArrayBuffer.isView(a) && Buffer.from(a.buffer).equals(Buffer.from(b.buffer));
}

test.each([
  ['as long', 8 * MiB],
  ['longer', 9 * MiB],
  ['shorter', 5 * MiB],
])('a file written over an earlier one that was %s holds what was written, and nothing else', (_, earlier) => {
  const first = nextBundle();
  write(first, numbers(earlier, 1));
  const { ino } = statSync(first);
  keepSpare(first);
  expect(existsSync(first)).toBe(false);

  const second = nextBundle();
  write(second, numbers(8 * MiB, 7));
  expect(statSync(second).ino).toBe(ino);
  expect(existsSync(sparePath(second))).toBe(false);
  expect(isSame(read(second), numbers(8 * MiB, 7))).toBe(true);
});

test('a small bundle leaves the spare file for a large one, and so does one far smaller than the file', () => {
  const first = nextBundle();
  write(first, numbers(32 * MiB, 1));
  keepSpare(first);
  for (const bytes of [1024, 5 * MiB]) {
    const bundle = nextBundle();
    write(bundle, numbers(bytes, 3));
    expect(isSame(read(bundle), numbers(bytes, 3))).toBe(true);
  }
  expect(statSync(sparePath(first)).size).toBeGreaterThan(32 * MiB);
  dropSpares(state);
  expect(existsSync(dirname(sparePath(first)))).toBe(false);
});

test('small and large arrays in any order are found where they were written', () => {
  const sizes = [8, 4096, MiB, 5000, 3 * MiB + 8, MiB - 8, ...Array<number>(1200).fill(4104), 2 * MiB];
  const arrays = sizes.map((bytes, index) => numbers(bytes, index));
  const list = runInThisContext('(items) => [...items]') as (items: unknown[]) => unknown[];
  const path = nextBundle();
  write(path, list(arrays));
  const back = read(path);
  if (!Array.isArray(back)) throw new Error('The list did not come back as a list.');
  expect(back).toHaveLength(arrays.length);
  expect(arrays.every((array, index) => isSame(back[index], array))).toBe(true);
});

test.each([
  ['small', 64 * 1024],
  ['large', 3 * MiB],
])('one changed bit anywhere in a %s array is found', (_, bytes) => {
  const path = nextBundle();
  write(path, numbers(bytes, 1));
  const whole = readFileSync(path);
  for (const at of [1, bytes >> 1, bytes - 8]) {
    const damaged = Buffer.from(whole);
    damaged.writeUInt8((damaged[whole.length - at] ?? 0) ^ 4, whole.length - at);
    writeFileSync(path, damaged);
    expect(() => read(path)).toThrow('bytes of an array do not match their checksum');
  }
});
