// The helpers of 'cellburst' that show things, through the real kernel: what front ends get, and what reads well without them.
import { KernelClient } from './client';
import type { CellResult, Fields } from './client';

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await KernelClient.start();
  await kernel.execute(
    `import { html, markdown, latex, svg, png, jpeg, json, vegaLite, table, progress, display } from 'cellburst';`,
  );
});
afterAll(() => kernel.stop());

const displays = ({ messages }: CellResult) =>
  messages.filter(({ type }) => type.includes('display_data')).map(({ content }) => content['data'] as Fields);
const shown = async (code: string) => {
  const result = await kernel.execute(code);
  expect(result.reply).toMatchObject({ status: 'ok' });
  return displays(result);
};

const PIXEL = `Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==', 'base64')`;
const JPEG_HEAD = `new Uint8Array([255, 216, 255, 224, 0, 4, 0, 0, 255, 192, 0, 17, 8, 0, 48, 0, 64, 3, 0, 0, 0, 0])`;

test.each([
  [`html('<h1>Orbits</h1><p>a &lt; b</p><script>bad()</script>')`, 'text/html', 'Orbits\na < b'],
  [`html('<table><tr><td>1</td><td>2</td></tr></table>')`, 'text/html', '1  2'],
  [`markdown('# Orbits')`, 'text/markdown', '# Orbits'],
  [`latex('$e^x$')`, 'text/latex', '$e^x$'],
  [`svg('<svg width="30" height="20"></svg>')`, 'image/svg+xml', '[SVG image, 30 × 20]'],
  [`png(${PIXEL})`, 'image/png', '[PNG image, 1 × 1, 70 B]'],
  [`jpeg(${JPEG_HEAD})`, 'image/jpeg', '[JPEG image, 64 × 48, 22 B]'],
  [`json({ radius: [1, 2] })`, 'application/json', '{ radius: [ 1, 2 ] }'],
  [
    `vegaLite({ mark: 'bar', encoding: { x: { field: 'year' }, y: { field: 'speed' } } })`,
    'application/vnd.vegalite.v5+json',
    '[Vega-Lite chart: bar, x: year, y: speed]',
  ],
  [
    `vegaLite({ $schema: 'https://vega.github.io/schema/vega-lite/v6.json', mark: { type: 'point' } })`,
    'application/vnd.vegalite.v6+json',
    '[Vega-Lite chart: point]',
  ],
])('%s gives %s, and text that reads well', async (code, type, text) => {
  const [data, ...more] = await shown(code);
  expect(more).toEqual([]);
  expect(Object.keys(data ?? {}).sort()).toEqual([type, 'text/plain'].sort());
  expect(data?.['text/plain']).toBe(text);
});

describe('table', () => {
  test('of records: numbers to the right, all columns that occur, markup as text', async () => {
    const [data] = await shown(
      `table([{ name: 'Earth', radius: 6371 }, { name: '<b>Mars</b>', radius: 3389.5, moons: ['Phobos'] }])`,
    );
    expect(data?.['text/plain']).toBe(
      [`name         radius  moons`, `Earth          6371`, `<b>Mars</b>  3389.5  [ 'Phobos' ]`].join('\n'),
    );
    expect(data?.['text/html']).toContain('<td style="text-align:right">3389.5</td>');
    expect(data?.['text/html']).toContain('&#60;b&#62;Mars');
  });

  test('of columns, of chosen ones, and of many rows', async () => {
    const [columns, chosen, many] = await shown(`
table({ n: new Float64Array([1, 2]), word: ['a', 'b'] });
table([{ a: 1, b: 2, c: 3 }], { columns: ['c', 'a'] });
table(Array.from({ length: 1000 }, (_, n) => ({ n })), { rows: 2 });`);
    expect(columns?.['text/plain']).toBe('n  word\n1  a\n2  b');
    expect(chosen?.['text/plain']).toBe('c  a\n3  1');
    expect(many?.['text/plain']).toBe('n\n0\n1\n… 998 more rows');
  });

  test('of what is none is an error that says what it takes', async () => {
    expect((await kernel.execute('table(5 as never)')).reply).toMatchObject({
      ename: 'TypeError',
      evalue: expect.stringContaining('array of objects') as string,
    });
  });

  test('is shown only when asked for: an array stays an array', async () => {
    const { result } = await kernel.execute('[{ a: 1 }]');
    expect(result?.['data']).toEqual({ 'text/plain': '[ { a: 1 } ]' });
  });
});

test('an element of a DOM is shown as its markup', async () => {
  const element = await kernel.execute(`({ outerHTML: '<p>hello</p>' })`);
  expect(element.result?.['data']).toEqual({ 'text/html': '<p>hello</p>', 'text/plain': 'hello' });
  const picture = await kernel.execute(`({ outerHTML: '<svg viewBox="0 0 10 20"></svg>' })`);
  expect(picture.result?.['data']).toEqual({
    'image/svg+xml': '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 20"></svg>',
    'text/plain': '[SVG image, 10 × 20]',
  });
  const rude = await kernel.execute(`({ get outerHTML(): string { throw new Error('no'); } })`);
  expect(rude.reply).toMatchObject({ status: 'ok' });
});

test('a bundle of its own gets text when it has none', async () => {
  const { result } = await kernel.execute(
    `({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<i>me</i>' }) })`,
  );
  expect(result?.['data']).toEqual({ 'text/html': '<i>me</i>', 'text/plain': 'me' });
});

describe('progress', () => {
  test('shows one display that is written over, and ends full', async () => {
    const { messages, result, reply } = await kernel.execute(`
let sum = 0;
for (const x of progress([1, 2, 3, 4], { label: 'adding' })) {
  await new Promise((resolve) => setTimeout(resolve, 110));
  sum += x;
}
sum`);
    expect(reply).toMatchObject({ status: 'ok' });
    expect(result?.['data']).toEqual({ 'text/plain': '10' });
    const seen = messages.filter(({ type }) => type.includes('display_data'));
    expect(new Set(seen.map(({ content }) => (content['transient'] as Fields)['display_id'])).size).toBe(1);
    expect(seen.map(({ type }) => type).slice(0, 2)).toEqual(['display_data', 'update_display_data']);
    const texts = seen.map(({ content }) => String((content['data'] as Fields)['text/plain']));
    expect(texts[0]).toMatch(/^░+ adding · 0 of 4 · 0 %/);
    expect(texts.some((text) => /█░* adding · [123] of 4 .* left$/.test(text))).toBe(true);
    expect(texts.at(-1)).toMatch(/^█+ adding · 4 of 4 · 100 % · [\d.]+ s$/);
    expect(JSON.stringify(seen.at(-1)?.content)).toContain('<progress value=\\"4\\" max=\\"4\\">');
  });

  test('of a quick loop costs next to nothing', async () => {
    const result = await kernel.execute(
      `let steps = 0; for (const n of progress(200_000)) steps += n > 0 ? 1 : 0; steps`,
    );
    expect(result.result?.['data']).toEqual({ 'text/plain': '199999' });
    expect(displays(result).length).toBeLessThan(50);
  });

  test('that is left shows where; that throws as well', async () => {
    const left = await shown(`for (const x of progress([1, 2, 3])) if (x === 2) break;`);
    expect(left.at(-1)?.['text/plain']).toContain('1 of 3');
    const thrown = await kernel.execute(`for (const x of progress([1, 2])) throw new Error('at ' + x);`);
    expect(thrown.reply).toMatchObject({ evalue: 'at 1' });
    expect(displays(thrown).at(-1)?.['text/plain']).toContain('0 of 2');
  });

  test('follows what arrives with time, of unknown length', async () => {
    const seen = await shown(`
async function* stream() { yield 1; yield 2; }
for await (const x of progress(stream())) { void x; }`);
    expect(seen.at(-1)?.['text/plain']).toMatch(/2 done/);
  });
});

test('a display with a name is written over from a later cell', async () => {
  const first = await kernel.execute(`display('one', { id: 'status' });`);
  const [opened] = first.messages.filter(({ type }) => type === 'display_data');
  expect(opened?.content['transient']).toEqual({ display_id: 'status' });
  const second = await kernel.execute(`display({ 'text/html': '<b>two</b>' }, { id: 'status', update: true });`);
  expect(second.messages.filter(({ type }) => type === 'display_data')).toEqual([]);
  const [update] = second.messages.filter(({ type }) => type === 'update_display_data');
  expect(update?.content).toEqual({
    data: { 'text/html': '<b>two</b>', 'text/plain': 'two' },
    metadata: {},
    transient: { display_id: 'status' },
  });
  expect((await kernel.execute(`display(1, { update: true })`)).reply).toMatchObject({
    evalue: expect.stringContaining('needs the `id`') as string,
  });
});

test('what has rows and names of columns is shown as a table, without reading more rows than it shows', async () => {
  const { result } = await kernel.execute(`
let read = 0;
const frame = {
  numRows: () => 1_000_000,
  columnNames: () => ['n', 'square'],
  *[Symbol.iterator]() { for (let n = 0; n < 1_000_000; n++) { read++; yield { n, square: n * n }; } },
};
frame`);
  const data = result?.['data'] as Fields;
  expect(data['text/plain']).toMatch(/^ *n +square\n[^]*\n… 999950 more rows$/);
  expect(data['text/html']).toContain('<th style="text-align:right">square</th>');
  expect((await kernel.execute('read < 100')).result).toMatchObject({ data: { 'text/plain': 'true' } });
});
