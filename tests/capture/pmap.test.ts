import { join } from 'node:path';
import type { OutputRecord } from '../../magics/protocol/output';
import { makePmap, raiseEpoch } from '../../magics/realm';
import type { Mapper } from '../../magics/realm/pmap';
import { Notebook } from './notebook';

let notebook: Notebook;
const output: OutputRecord[] = [];
const pmap = makePmap(() => notebook.realm, {
  sink: { write: (record) => output.push(record) },
  program: join(__dirname, '..', '..', 'dist', 'pmap.js'),
});
beforeEach(() => {
  notebook = new Notebook();
  output.length = 0;
});
afterEach(() => {
  notebook.close();
});

async function mapper(source: string): Promise<Mapper> {
  return (await notebook.run(source)) as Mapper;
}

test('results come in order, whatever the number of threads', async () => {
  const f = await mapper(
    'const f = async (x, i) => { if (x % 2) await new Promise(r => setTimeout(r, 5)); return x * 10 + i }; f',
  );
  const items = Array.from({ length: 20 }, (_, i) => i);
  const expected = items.map((x) => x * 11);
  expect([...(await pmap(items, f, { cores: 1 }))]).toEqual(expected);
  expect([...(await pmap(items, f, { cores: 3 }))]).toEqual(expected);
});

test('what f uses travels with it, and instances come back as of the class here', async () => {
  await notebook.run('class P { constructor(x) { this.x = x } }; const k = 3; function g(x) { return new P(x * k) }');
  const f = await mapper('(x) => g(x)');
  const back = await pmap([1, 2], f, { cores: 2 });
  expect(back.map((p) => Reflect.get(p as object, 'x') as number)).toEqual([3, 6]);
  notebook.realm.bind('back', back);
  expect(await notebook.run('const P2 = P; back.every(p => p instanceof P2)')).toBe(true);
});

test('an item that is given back is the very item', async () => {
  const item = await notebook.run('({ a: 1 })');
  expect((await pmap([item], await mapper('x => x')))[0]).toBe(item);
});

test('an error says which item it was, has its class, and stops the rest', async () => {
  const f = await mapper('class Odd extends Error {}; (x) => { if (x === 3) throw new Odd("three"); return x }');
  const error: unknown = await pmap([1, 2, 3, 4], f, { cores: 2 }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ index: 2, message: 'three (item 2 of pmap)' });
  notebook.realm.bind('thrown', error);
  expect(await notebook.run('thrown.constructor.name')).toBe('Odd');
  expect(String(Reflect.get(error as object, 'stack'))).toContain('Cell [1]:1');
});

test('output of threads arrives', async () => {
  await pmap([1, 2], await mapper('x => { console.log("item " + x); return x }'), { cores: 2 });
  const text = output.map((record) => ('text' in record ? record.text : '')).join('');
  expect(text.split('\n').sort().join()).toBe(',item 1,item 2');
});

test('an interrupt ends the threads', async () => {
  const f = await mapper('() => { for (;;); }');
  setTimeout(raiseEpoch, 300);
  const error: unknown = await pmap([1, 2], f, { cores: 2 }).catch((thrown: unknown) => thrown);
  expect(String(error)).toBe('KeyboardInterrupt: The cell was interrupted.');
});

test('a function that cannot travel is refused before anything runs', async () => {
  const f = await mapper('const socket = new WeakMap(); () => socket');
  await expect(pmap([1], f)).rejects.toThrow('cannot ship socket: WeakMap cannot be read — use a Map or Set');
});

test('it works in a cluster cell', async () => {
  await notebook.run('const square = x => x * x');
  expect(
    await notebook.value("import { pmap } from 'cellburst'; (await pmap([1, 2, 3], square, { cores: 2 })).join()"),
  ).toBe("'1,4,9'");
});
