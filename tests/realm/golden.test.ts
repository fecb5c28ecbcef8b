// Files of one version can be read by every program of that version, on other machines too: what is written may change only with its number.
import { createHash } from 'node:crypto';
import { runInThisContext } from 'node:vm';
import { BUNDLE_PROTOCOL } from '../../magics/protocol/bundle';
import { encodeList, idOf } from '../../magics/protocol/chunks';
import { ENVELOPE_PROTOCOL } from '../../magics/protocol/envelope';
import { GRAPH_VERSION } from '../../magics/protocol/graph-format';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeContainer } from '../../magics/protocol/container';
import { encode } from './round-trip';

/** One of each kind of value that needs no code of a notebook. */
const VALUE: unknown = runInThisContext(`(() => {
  const buffer = new ArrayBuffer(64), shared = { self: null };
  shared.self = shared;
  return [undefined, null, true, false, 1, -0, 1.5, NaN, 'narrow', 'w\\u0142de', 'narrow', 2n ** 70n, -3n, [], [1, , 3], [1.5, 2, 3, 4, 5, 6, 7, 8],
    Object.assign([1], { named: 2 }), Object.assign(new Array(5000), { 7: 'sparse' }), { a: 1, b: { c: 2 } }, { a: 2, b: shared }, shared,
    Object.create(null, { x: { value: 1 } }), Object.freeze({ f: 1 }), Object.defineProperty({}, 'g', { get: Math.random }),
    new Map([['k', new Set([1, shared])]]), new Date(5), new Date(NaN), /a/gy, new TypeError('m', { cause: 'c' }).cause, new Array(10).fill(1), new Number(3), new String('s'),
    new Uint8Array(buffer, 8, 16), new Float64Array(buffer), new DataView(buffer, 1), new Float64Array(600).fill(1.25), new SharedArrayBuffer(8),
    Symbol('unique'), Symbol.for('registered'), Symbol.iterator, Math.max, new URL('http://a/b?c=d'), new URLSearchParams('x=y'),
    Array.from({ length: 30 }, (_, i) => ({ id: i, name: 'n' + i, at: i / 2 }))];
})()`);

/** By what is written: its version, and the digest of these values in it. Raise the one whenever the other changes; old pairs go. */
const RECORDED = {
  graph: { version: 3, digest: 'cb84b3d26003fed87c244bba214b97d11aa19e1609ce4dc6148015ac9a4abe4f' },
  bundle: { version: 3 },
  envelope: { version: 2 },
  list: '6b7151',
} as const;

const ADVICE =
  'What is written has changed: raise GRAPH_VERSION (magics/protocol/graph-format.ts), and record both here.';

test('equal values are equal bytes, and bytes change only with the version of the graph', () => {
  const folder = mkdtempSync(join(tmpdir(), 'golden-'));
  try {
    const path = join(folder, 'graph.bin');
    writeContainer(path, { some: 'head' }, encode(VALUE));
    const bytes = readFileSync(path);
    // What follows the digest: checksums of arrays depend on what this Node can compute.
    const columns = Object.values(encode(VALUE).columns).map((column: Uint8Array | Int32Array | Float64Array) =>
      Buffer.from(column.buffer, column.byteOffset, column.byteLength),
    );
    const digest = createHash('sha256').update(bytes.subarray(0, 16)).update(Buffer.concat(columns)).digest('hex');
    expect([GRAPH_VERSION, digest, ADVICE]).toEqual([RECORDED.graph.version, RECORDED.graph.digest, ADVICE]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the versions of bundles and envelopes are those that were recorded', () => {
  expect([BUNDLE_PROTOCOL, ENVELOPE_PROTOCOL]).toEqual([RECORDED.bundle.version, RECORDED.envelope.version]);
});

test('the id of a content is the same on every machine', () => {
  const digests = Buffer.alloc(64, 7);
  const list = encodeList({ kind: 'file', digests, sizes: Uint32Array.of(1024, 5) });
  expect(idOf('file', list).slice(0, 6)).toBe(RECORDED.list);
});
