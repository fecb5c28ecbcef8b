// What a worker that means harm could put into a reply. At home a reply is data: none of it runs.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { captureCell, settleCell } from '../../magics/capture';
import { recall, remember } from '../../magics/capture/captures';
import { openContainer, writeContainer } from '../../magics/protocol/container';
import type { Graph } from '../../magics/protocol/graph';
import { ENVELOPE_FILE } from '../../magics/protocol/layout';
import { MAIN } from '../../magics/protocol/main-context';
import { isObject } from '../../magics/protocol/shape';
import { Notebook, runCell } from './notebook';

let notebook: Notebook;
beforeEach(() => {
  notebook = new Notebook();
});
afterEach(() => {
  notebook.close();
});

/** Runs a cell in its process, changes the head of what it answers, and settles that. */
async function settleChanged(cell: string, change: (head: Record<string, unknown>) => Record<string, unknown>) {
  const directory = notebook.newJob();
  const code = notebook.lower(`%%cluster\n${cell}`);
  const { captureId } = await captureCell(notebook.realm, { cell: code, bundlePath: join(directory, 'bundle.bin') });
  const end = await runCell(directory);
  expect(end.stderr).toBe('');
  const path = join(directory, ENVELOPE_FILE);
  const { head, graph } = takeApart(path);
  if (!isObject(head)) throw new Error('An envelope has no head.');
  writeContainer(path, change(head), graph);
  return await settleCell(notebook.realm, { captureId, directory, atomic: false, where: 'nowhere' });
}

function takeApart(path: string): { head: unknown; graph: Graph } {
  renameSync(path, `${path}.good`);
  const container = openContainer(`${path}.good`);
  const blobs = container.graph.blobs.lengths.map((length, index) => {
    const bytes = new Uint8Array(length);
    container.graph.blobs.read(index, 0, bytes);
    return bytes;
  });
  container.close();
  return { head: container.head, graph: { ...container.graph, blobs } };
}

test('a name that is program text is refused, and nothing is bound', async () => {
  const text = 'x; globalThis.__hostile = 1; let y';
  await expect(settleChanged('const mine = 1', (head) => ({ ...head, names: [text] }))).rejects.toThrow(
    /assigns "x; globalThis.*which its cell does not/,
  );
  expect(Reflect.get(MAIN, '__hostile')).toBeUndefined();
  expect(notebook.realm.has('mine')).toBe(false);
});

test('a name that the cell has nothing to do with is refused', async () => {
  await notebook.run('const other = 1');
  await expect(settleChanged('const mine = 1', (head) => ({ ...head, names: ['other'] }))).rejects.toThrow(
    /assigns "other", which its cell does not/,
  );
  expect(await notebook.run('other')).toBe(1);
});

test('a reply that cannot be told whole is not applied in part', async () => {
  await notebook.run('const list = [1]');
  await expect(
    settleChanged('list.push(2); throw new Error("x")', (head) => ({ ...head, error: undefined })),
  ).rejects.toThrow(/does not say how its error reads/);
  expect(await notebook.run('list.length')).toBe(1);
});

test('whatever object a view is said to show, none of its methods runs', async () => {
  await notebook.run(
    'globalThis.__viewed = 0; class Loud { valueOf() { return ++globalThis.__viewed } toString() { return String(++globalThis.__viewed) } }\nconst list = [new Loud()], loud = new Loud()',
  );
  const directory = notebook.newJob();
  const code = notebook.lower(
    '%%cluster\nconst numbers = new Float64Array(4), bytes = Buffer.alloc(3); [list, loud].length',
  );
  const { captureId } = await captureCell(notebook.realm, { cell: code, bundlePath: join(directory, 'bundle.bin') });
  const capture = recall(notebook.realm, captureId);
  expect((await runCell(directory)).stderr).toBe('');
  const path = join(directory, ENVELOPE_FILE);
  const { head, graph } = takeApart(path);
  const numbers = capture?.objects.length ?? 0;
  expect([graph.columns.headInts.length, numbers].every((count) => count > 0 && count < 40)).toBe(true);
  let refused = 0;
  for (const at of graph.columns.headInts.keys())
    for (let number = 0; number < numbers + 8; number++) {
      const headInts = graph.columns.headInts.with(at, number);
      writeContainer(path, head, { ...graph, columns: { ...graph.columns, headInts } });
      const again = capture === undefined ? captureId : remember(notebook.realm, capture);
      await settleCell(notebook.realm, { captureId: again, directory, atomic: false, where: 'nowhere' }).catch(
        (error: unknown) => {
          expect(error).toMatchObject({ name: 'ProtocolError' });
          refused += 1;
        },
      );
    }
  expect(refused).toBeGreaterThan(numbers);
  expect(Reflect.get(MAIN, '__viewed')).toBe(0);
  Reflect.deleteProperty(MAIN, '__viewed');
});

test('a value shows itself where it was made, and runs nothing at home', async () => {
  const witness = join(notebook.directory, 'ran');
  writeFileSync(witness, '');
  const { report } = await notebook.cluster(
    `import { appendFileSync } from 'node:fs';
    const shown = (how: string) => appendFileSync.bind(null, ${JSON.stringify(witness)}, how, 'utf8');
    ({ [Symbol.for('Jupyter.display')]: shown('d'), [Symbol.for('nodejs.util.inspect.custom')]: shown('i'), then: 1,
       toString: shown('s'), get outerHTML() { return shown('o')() } })`,
  );
  expect(report.outcome.ok).toBe(true);
  // By its own method and, since that gives no bundle, as text: there, and there only.
  expect(readFileSync(witness, 'utf8')).toBe('di');
  await notebook.cluster('0');
  expect(readFileSync(witness, 'utf8')).toBe('di');
});

test('an error reads at home as it read there, and none of its getters runs', async () => {
  const witness = join(notebook.directory, 'read');
  writeFileSync(witness, '');
  const { report } = await notebook.cluster(
    `import { appendFileSync } from 'node:fs';
    const error = new RangeError('far');
    Object.defineProperty(error, 'code', { enumerable: true, get: appendFileSync.bind(null, ${JSON.stringify(witness)}, 'c', 'utf8') });
    throw error;`,
  );
  expect(report.outcome).toMatchObject({ ok: false, error: { name: 'RangeError', message: 'far' } });
  expect(readFileSync(witness, 'utf8')).toBe('c');
});
