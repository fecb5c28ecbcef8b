// A recorded job of this version of the formats: bundle and envelope as another machine may have written them. What reads them may change; that it reads them
// may not, unless a version is raised (tests/realm/golden.test.ts), and then the job is recorded anew.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { settleCell } from '../../magics/capture';
import { BUNDLE_PROTOCOL, bundleHead, toWritten } from '../../magics/protocol/bundle';
import { openContainer, writeContainer } from '../../magics/protocol/container';
import { ENVELOPE_PROTOCOL, envelopeHead } from '../../magics/protocol/envelope';
import { GRAPH_VERSION } from '../../magics/protocol/graph-format';
import type { ReadableGraph } from '../../magics/protocol/graph-decode';
import { BUNDLE_FILE, ENVELOPE_FILE } from '../../magics/protocol/layout';
import { Notebook } from './notebook';

const RECORDED = join(__dirname, '..', 'recorded', 'job');
const VERSIONS = `${GRAPH_VERSION}.${BUNDLE_PROTOCOL}.${ENVELOPE_PROTOCOL}`;
const ADVICE =
  'If what is written has changed, raise its version, and record the job anew: CELLBURST_RECORD=1 node node_modules/jest/bin/jest.js tests/capture/golden';

let notebook: Notebook;
beforeEach(() => {
  notebook = new Notebook();
});
afterEach(() => {
  notebook.close();
});

const BEFORE = [
  'class Point { #secret = 7; x = 1; get secret() { return this.#secret } up = () => ++this.x } class Trouble extends RangeError { #code = 4; get code() { return this.#code } }',
  'function counter() { let n = 0; return { inc: () => ++n, get: () => n } } const c = counter(), p = new Point, trouble = new Trouble("t")',
  'const data = { list: [1, -0, NaN, , "w\u0142"], map: new Map([[p, new Set([1n])]]), bytes: new Float64Array(1000).fill(0.5), when: new Date(5), done: Promise.resolve(p), re: /a/gy, frozen: Object.freeze({ a: 1 }), format: new Intl.NumberFormat("en") }',
];
const CELL =
  'c.inc(); p.up(); data.bytes[5] = 2; data.map.set("new", data.list); const made = [new Point, data.list], failed = new Trouble("f"); data.when.setTime(9); [c.get(), p.x].join()';

async function record(): Promise<void> {
  for (const source of BEFORE) await notebook.run(source);
  const { directory } = await notebook.cluster(CELL);
  mkdirSync(RECORDED, { recursive: true });
  const bundle = openContainer(join(directory, BUNDLE_FILE));
  const { cell, pack } = bundleHead(bundle.head);
  writeContainer(
    join(RECORDED, BUNDLE_FILE),
    toWritten(cell, { ...pack, directory: '/notebook' }),
    whole(bundle.graph),
  );
  const envelope = openContainer(join(directory, ENVELOPE_FILE));
  const runtime = { node: 'v20.0.0', platform: 'linux-x64', hostname: 'node1', pid: 1, directory: '/scratch' };
  const head = { ...envelopeHead(envelope.head, 'the envelope'), runtime, startedAt: 0, endedAt: 1 };
  writeContainer(join(RECORDED, ENVELOPE_FILE), head, whole(envelope.graph));
  writeFileSync(join(RECORDED, 'versions.txt'), `${VERSIONS}\n`);
}

function whole(graph: ReadableGraph) {
  const blobs = graph.blobs.lengths.map((length, index) => {
    const bytes = new Uint8Array(length);
    graph.blobs.read(index, 0, bytes);
    return bytes;
  });
  return { ...graph, blobs };
}

test('a recorded job of this version comes home as it did when it was recorded', async () => {
  if (process.env['CELLBURST_RECORD'] === '1') await record();
  expect([readFileSync(join(RECORDED, 'versions.txt'), 'utf8').trim(), ADVICE]).toEqual([VERSIONS, ADVICE]);
  notebook.close();
  notebook = new Notebook();
  const report = await settleCell(notebook.realm, { directory: RECORDED, atomic: false, where: 'ran long ago' });
  expect(report.outcome).toMatchObject({ ok: true, display: { data: { 'text/plain': "'1,2'" } } });
  for (const { name, kind } of report.cell.declarations) notebook.declare(name, kind);
  for (const name of ['c', 'p', 'data', 'Point', 'Trouble']) notebook.declare(name, 'let');
  const expression =
    '[c.get(), c.inc(), p.x, p.secret, p.up(), data.bytes[5], data.bytes[6], data.map.get("new") === data.list, made[1] === data.list, made[0] instanceof Point, made[0].secret, failed instanceof Trouble, failed.code, failed.message, Object.is(data.list[1], -0), 3 in data.list, data.list[4], data.map.get(p).has(1n), data.when.getTime(), await data.done === p, data.re.flags, Object.isFrozen(data.frozen), data.format.format(1234.5)].join()';
  expect(await notebook.run(expression)).toBe(
    '1,2,2,7,3,2,0.5,true,true,true,7,true,4,f,true,false,w\u0142,true,9,true,gy,true,1,234.5',
  );
});

test('H7 equal states of a notebook are equal bytes, after a restart too', async () => {
  const digest = async (): Promise<string> => {
    const own = new Notebook();
    try {
      for (const source of BEFORE) await own.run(source);
      const { directory } = await own.cluster(CELL);
      const bundle = openContainer(join(directory, BUNDLE_FILE));
      const { cell, pack } = bundleHead(bundle.head);
      const path = join(directory, 'again.bin');
      // The notebook's folder is another one each time.
      writeContainer(path, toWritten(cell, { ...pack, directory: '/notebook' }), whole(bundle.graph));
      return createHash('sha256').update(readFileSync(path)).digest('hex');
    } finally {
      own.close();
    }
  };
  expect(await digest()).toBe(await digest());
});
