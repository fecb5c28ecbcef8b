import { runInThisContext } from 'node:vm';
import { describeRefusals } from '../../magics/protocol/errors';
import { decodeGraph, encodeGraph } from '../../magics/protocol/graph';
import type { Encoded, ReadableGraph } from '../../magics/protocol/graph';
import { memoryBlobs } from '../../magics/protocol/graph-blobs';
import { boundParts, decodeHooks, encodeHooks } from './hooks';
import { difference } from './same';
import { REFUSALS, VALUES } from './values';

function encode(value: unknown): Encoded {
  return encodeGraph({ roots: [value], rootNames: ['v'], hooks: encodeHooks });
}

function readable({ graph }: Encoded): ReadableGraph {
  return { ...graph, blobs: memoryBlobs(graph.blobs) };
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
