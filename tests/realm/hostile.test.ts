import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { runInThisContext } from 'node:vm';
import { openContainer, writeContainer } from '../../magics/protocol/container';
import { ProtocolError } from '../../magics/protocol/errors';
import { decodeGraph, encodeGraph } from '../../magics/protocol/graph';
import type { DecodeHooks, EncodeHooks } from '../../magics/protocol/graph';
import { difference } from './same';
import { decodeHooks, encodeHooks } from './hooks';

let folder: string;
let file: string;
let original: Buffer;
const value: unknown = runInThisContext(`({
  a: [1, 'x', , -0, 2n ** 70n], m: new Map([['k', { deep: [true] }]]), s: new Set([1]), d: new Date(5), r: /a/g,
  e: Object.assign(new TypeError('m'), { cause: new Error('c') }), b: new Float64Array(1000), t: new Uint8Array([1, 2]),
  o: Object.create({ p: 1 }), f: Object.freeze({ q: 1 }), u: new URL('http://a/b'), n: new Number(3), y: Symbol.for('z'),
  g: Object.defineProperty({}, 'h', { get: Math.random }), l: Array.from({ length: 50 }, (_, i) => ({ i, name: 'n' + i })),
})`);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hostile-'));
  file = join(folder, 'graph.bin');
  const { graph } = encodeGraph({ roots: [value], rootNames: ['v'], hooks: encodeHooks });
  writeContainer(file, { some: 'head' }, graph);
  original = readFileSync(file);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function read(bytes: Uint8Array): unknown {
  writeFileSync(file, bytes);
  const container = openContainer(file);
  try {
    return decodeGraph({ graph: container.graph, hooks: decodeHooks }).roots[0];
  } finally {
    container.close();
  }
}

/** The digest made right again, as whoever wants to do harm would. */
function sealed(bytes: Buffer): Buffer {
  const skeleton = bytes.readDoubleLE(24);
  const hash = createHash('sha256')
    .update(bytes.subarray(8, 32))
    .update(bytes.subarray(64, 64 + skeleton));
  hash.digest().copy(bytes, 32);
  return bytes;
}

function outcomeOf(bytes: Uint8Array): 'read' | 'refused' {
  try {
    read(bytes);
    return 'read';
  } catch (error) {
    if (error instanceof ProtocolError) return 'refused';
    throw error;
  }
}

test('a container is read as it was written', () => {
  expect(difference(value, read(original))).toBeUndefined();
});

test('a flipped bit anywhere in the skeleton is noticed', () => {
  const skeleton = 64 + original.readDoubleLE(24);
  for (let at = 0; at < skeleton; at += 7) {
    const bytes = Buffer.from(original);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
    expect(() => read(bytes)).toThrow(ProtocolError);
  }
});

test('a flipped bit in an array is noticed where Node can compute the checksum', () => {
  const bytes = Buffer.from(original);
  const last = bytes.length - 100;
  bytes[last] = (bytes[last] ?? 0) ^ 1;
  const hasChecksum = typeof Reflect.get(zlib, 'crc32') === 'function';
  expect(outcomeOf(bytes)).toBe(hasChecksum ? 'refused' : 'read');
});

test('a container cut anywhere is refused, with a sentence', () => {
  for (let length = 0; length < original.length; length += 97) {
    expect(() => read(original.subarray(0, length))).toThrow(/cannot be read: .*(cut short|bytes and has|digest)/);
  }
});

test('thousands of damaged containers whose digest is right are read or refused, never worse', () => {
  let seed = 12_345;
  const random = (limit: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff;
    return seed % limit;
  };
  const skeleton = 64 + original.readDoubleLE(24);
  const before = Reflect.ownKeys(runInThisContext('Object.prototype') as object).length;
  let refused = 0;
  for (let turn = 0; turn < 4000; turn++) {
    const bytes = Buffer.from(original);
    for (let count = 1 + random(3); count > 0; count--) {
      const at = 64 + random(skeleton - 64);
      if (random(2) === 0) bytes[at] = random(256);
      else if (at + 4 <= skeleton) bytes.writeInt32LE([-1, 0x7fff_ffff, 0, 1, 4_000_000][random(5)] ?? 0, at);
    }
    if (outcomeOf(sealed(bytes)) === 'refused') refused += 1;
  }
  expect(refused).toBeGreaterThan(1000);
  expect(Reflect.ownKeys(runInThisContext('Object.prototype') as object)).toHaveLength(before);
});

test('the same of graphs with objects that codecs make: each is called with what fits, or not at all', () => {
  const [values, Coded] = runInThisContext(`(() => {
    class Coded { constructor(held) { this.held = held } }
    const shared = { n: 1 }, inner = new Coded([shared]);
    return [[inner, { deep: new Map([[inner, new Coded({ inner, shared })]]) }, new Coded('text'), shared, Object.freeze([new Coded(-0)])], Coded];
  })()`) as [unknown[], { new (held: unknown): object; readonly prototype: object }];
  const codec = runInThisContext('({ codec: "of the test" })') as object;
  const known = new Map<object | symbol, string>([
    [Coded.prototype, 'test'],
    [codec, 'codec'],
  ]);
  const encoding: EncodeHooks = {
    ...encodeHooks,
    pathOf: (value) => known.get(value) ?? encodeHooks.pathOf(value),
    codedBy: (value) =>
      value instanceof Coded
        ? { codec, payload: Reflect.getOwnPropertyDescriptor(value, 'held')?.value as unknown }
        : undefined,
  };
  const decoding: DecodeHooks = {
    ...decodeHooks,
    resolve: (path) => (path === 'test' ? Coded.prototype : path === 'codec' ? codec : decodeHooks.resolve(path)),
    decodeBy: (given, payload, prototype) => {
      if (given !== codec || prototype !== Coded.prototype) throw new Error('unknown');
      return new Coded(payload);
    },
  };
  const { graph } = encodeGraph({ roots: [values], rootNames: ['v'], hooks: encoding });
  writeContainer(file, {}, graph);
  const bytes = readFileSync(file);
  const open = (data: Uint8Array): unknown => {
    writeFileSync(file, data);
    const container = openContainer(file);
    try {
      return decodeGraph({ graph: container.graph, hooks: decoding }).roots[0];
    } finally {
      container.close();
    }
  };
  expect(difference(values, open(bytes))).toBeUndefined();
  const skeleton = 64 + bytes.readDoubleLE(24);
  let refused = 0;
  for (let turn = 0; turn < 1500; turn++) {
    const damaged = Buffer.from(bytes);
    const at = 64 + ((turn * 7919) % (skeleton - 68));
    if (turn % 2 === 0) damaged[at] = turn % 251;
    else damaged.writeInt32LE([-1, 0x7fff_ffff, 0, 1, 4_000_000][turn % 5] ?? 0, at);
    try {
      open(sealed(damaged));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      refused += 1;
    }
  }
  expect(refused).toBeGreaterThan(300);
});
