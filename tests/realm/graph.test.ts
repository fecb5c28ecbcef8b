import { runInThisContext } from 'node:vm';
import { ProtocolError, describeRefusals } from '../../magics/protocol/errors';
import { decodeGraph, encodeGraph } from '../../magics/protocol/graph';
import type { DecodeHooks, EncodeHooks, Encoded } from '../../magics/protocol/graph';
import { References } from '../../magics/realm/references';
import { difference } from './same';
import { REFUSALS, VALUES } from './values';

const references = new References();
const unknownCode = { kind: 'refused', reason: { what: 'code', advice: 'no code in this test' } } as const;
const encodeHooks: EncodeHooks = {
  pathOf: (value) => references.pathOf(value),
  describe: (value) => {
    const bound = boundParts.get(value);
    return bound === undefined ? unknownCode : { kind: 'bound', ...bound };
  },
  isImplied: () => false,
  refuse: () => undefined,
  privatesOf: () => [],
  nameOf: () => '',
};
const decodeHooks: DecodeHooks = {
  resolve: (path) => references.resolve(path),
  build: () => {
    throw new Error('no code in this test');
  },
  member: () => undefined,
  revive: () => {
    throw new Error('no code in this test');
  },
  setPrivates: () => false,
  fromSource: () => {
    throw new Error('no code in this test');
  },
};
const boundParts = new WeakMap<object, { target: object; self: unknown; args: unknown[] }>();

function encode(value: unknown): Encoded {
  return encodeGraph({ roots: [value], rootNames: ['v'], hooks: encodeHooks });
}

export function readable({ graph }: Encoded) {
  const { blobs } = graph;
  return {
    ...graph,
    blobs: {
      lengths: blobs.map((blob) => blob.byteLength),
      read: (index: number, offset: number, into: Uint8Array): void => {
        const blob = blobs[index];
        if (blob === undefined) throw new ProtocolError('no such blob');
        into.set(blob.subarray(offset, offset + into.length));
      },
    },
  };
}

function roundTrip(value: unknown): unknown {
  const encoded = encode(value);
  if (encoded.refusals.length > 0) throw new Error(describeRefusals(encoded.refusals));
  return decodeGraph({ graph: readable(encoded), hooks: decodeHooks }).roots[0];
}

test.each(VALUES)('%s arrives as it was', (_name, expression) => {
  const value: unknown = runInThisContext(expression);
  if (typeof value === 'function')
    boundParts.set(value, runInThisContext('({ target: Math.max, self: null, args: [3, { valueOf: 1 }] })') as never);
  expect(difference(value, roundTrip(value))).toBeUndefined();
});

test.each(REFUSALS)('%s is refused by path', (expression, message) => {
  expect(describeRefusals(encode(runInThisContext(expression)).refusals)).toBe(message);
});

test('all refusals are collected', () => {
  const { refusals } = encode(runInThisContext('({ a: new WeakMap(), b: { c: new Proxy({}, {}) } })'));
  expect(refusals.map((refusal) => refusal.path)).toEqual(['v.a', 'v.b.c']);
});

test('a list a million deep goes both ways', () => {
  const list = runInThisContext(
    '(() => { let l = null; for (let i = 0; i < 1e6; i++) l = { next: l, i }; return l; })()',
  ) as Link;
  let depth = 0;
  for (let link = roundTrip(list) as Link | null; link !== null; link = link.next) depth += 1;
  expect(depth).toBe(1_000_000);
});

test('2e7 numbers go both ways', () => {
  const numbers = runInThisContext(
    '(() => { const a = []; for (let i = 0; i < 2e7; i++) a.push(i * 1.1); return a; })()',
  ) as number[];
  const back = roundTrip(numbers) as number[];
  expect([back.length, back[0], back[19_999_999]]).toEqual([20_000_000, 0, 19_999_999 * 1.1]);
});

test('equal graphs are written as equal bytes', () => {
  const make = (): unknown => runInThisContext('({ a: [1, "x", new Map([[{}, 2]])], b: new Float64Array(3) })');
  expect(encode(make()).graph.columns).toEqual(encode(make()).graph.columns);
});

interface Link {
  readonly next: Link | null;
}
