// The magic line: what is wrong with it is said before anything is sent.
import { CAPTURE_MIME } from '../../magics/protocol/capture';
import type { CaptureData } from '../../magics/show-capture';
import type { CellRun } from './notebook';
import { errorOf, shownText, succeed, useNotebook, valueOf } from './open';

const opened = useNotebook();

test('a typo in an option is shown with a caret under it and the nearest option', async () => {
  const source = '%%cluster --cores 2 --memroy 4GB\n1';
  const error = await errorOf(opened.notebook, source);
  expect(error.message).toMatch(/--memroy/);
  expect(error.message).toMatch(/--memory/);
  const lines = error.message.split('\n');
  const shown = lines.findIndex((line) => line.includes('--cores 2 --memroy 4GB'));
  const caret = lines[shown + 1]?.indexOf('^');
  expect(caret).toBe(lines[shown]?.indexOf('--memroy'));
});

const MISTAKES: readonly (readonly [string, string, RegExp])[] = [
  ['a value that is no number', '%%cluster --cores many\n1', /--cores[^]*many|many[^]*--cores/],
  ['no cores at all', '%%cluster --cores 0\n1', /--cores[^]*0|0[^]*--cores/],
  ['more cores than the machine has', '%%cluster --cores 100000\n1', /100000|cores/],
  ['a unit that is none', '%%cluster --memory 4ZZ\n1', /4ZZ/],
  ['an empty cell', '%%cluster --cores 1\n', /empty|no code|nothing/i],
  ['an unknown magic', '%%clutser --cores 1\n1', /%%clutser[^]*%%cluster/],
  ['an unknown line magic', '%cluster jbos', /jbos[^]*jobs/],
  ['%%cluster in the middle of a cell', 'const before = 1;\n%%cluster\nbefore', /first line/],
];

test.each(MISTAKES)('%s is refused with a sentence that says so', async (_name, source, sentence) => {
  const error = await errorOf(opened.notebook, source);
  expect(`${error.message}\n${error.traceback}`).toMatch(sentence);
});

test('--dry-run and %cluster capture tell all that would go along, as a table and as data', async () => {
  await succeed(
    opened.notebook,
    `const weights = new Float64Array(125_000);
const model = { weights, name: 'm',
  layers: Array.from({ length: 100 }, (_, i) => ({ i, text: 'x'.repeat(1000) })) };
enum Kind { A, B }
const apply = (x: number) => x * weights.length + Kind.B;
class Shape { sides = 4 }`,
  );
  const number = (await succeed(opened.notebook, '1')).executionCount;
  const run = await succeed(opened.notebook, '%%cluster --dry-run\n[apply(1), model]');
  const data = dataOf(run);
  const row = (name: string) => data.names.find((entry) => entry.name === name);
  expect(data.names.map(({ name, kind }) => `${name}: ${kind}`)).toEqual([
    'apply: function apply',
    'model: Object',
    'Kind: enum Kind',
    'weights: Float64Array(125000)',
  ]);
  expect(row('model')?.bytes).toBeGreaterThan(1_000_000);
  expect(row('weights')).toMatchObject({ sharedWith: 'model' });
  expect(row('apply')?.origin).toBe(`Cell [${(number ?? 0) - 1}]:5`);
  expect(row('model')?.origin).toBe(`Cell [${(number ?? 0) - 1}]:2`);
  expect(run.value).toMatch(/^Would send 4 things, \d/);
  // This machine has it.
  expect(run.value).toMatch(/model +Object .* stays here/);
  expect(row('model')?.sends).toBe(0);

  const named = dataOf(await succeed(opened.notebook, `%cluster capture Shape weights`));
  expect(named.names.map(({ name, kind }) => `${name}: ${kind}`)).toEqual([
    'Shape: class Shape',
    'weights: Float64Array(125000)',
  ]);
  const ofCell = dataOf(await succeed(opened.notebook, `%cluster capture [${(number ?? 0) - 1}]`));
  expect(ofCell.names.map(({ name }) => name).sort()).toEqual(['Kind', 'Shape', 'apply', 'model', 'weights']);
  const wrong = await opened.notebook.run('%cluster capture weigths');
  expect(wrong.error?.message).toContain('There is no name "weigths" in this notebook. Did you mean weights?');
});

test('a dry run of what cannot travel tells all refusals, in words and as data', async () => {
  await succeed(opened.notebook, 'const hidden = Array.from({ length: 12 }, () => new WeakMap()); let plain = 5');
  const run = await opened.notebook.run('%%cluster --dry-run\n[hidden, plain]');
  expect(run.error?.name).toBe('CaptureError');
  expect(run.error?.message).toMatch(
    /^12 values cannot be shipped:\ncannot ship hidden\[0\]: WeakMap cannot be read — use a Map or Set\n(.*\n){9}… and 2 more$/,
  );
  const data = dataOf(run);
  expect(data.refusals).toHaveLength(12);
  expect(data.refusals[1]).toEqual({ path: 'hidden[1]', what: 'WeakMap cannot be read', advice: 'use a Map or Set' });
  expect(data.names.map(({ name }) => name)).toEqual(['hidden', 'plain']);
});

function dataOf(run: CellRun): CaptureData {
  for (const output of run.outputs) {
    const data = 'data' in output ? Reflect.get(output.data, CAPTURE_MIME) : undefined;
    if (data !== undefined) return data as CaptureData;
  }
  throw new Error(`The cell shows no capture: ${JSON.stringify(run.outputs)}`);
}

test('--dry-run shows what would be sent, and sends nothing', async () => {
  await succeed(
    opened.notebook,
    'const table = new Float64Array(1000); const mean = (xs: Float64Array) => xs.reduce((a, b) => a + b) / xs.length;',
  );
  const run = await succeed(opened.notebook, '%%cluster --dry-run\nmean(table)');
  expect(shownText(run)).toMatch(/table[^]*Float64Array\(1000\)/);
  expect(shownText(run)).toMatch(/mean/);
  expect(shownText(await succeed(opened.notebook, '%cluster jobs'))).not.toMatch(/mean\(table\)/);
});

test('options are completed on the magic line', async () => {
  const { matches } = await opened.notebook.complete('%%cluster --co\n1', '%%cluster --co'.length);
  expect(matches).toContain('--cores');
});

test('options are explained on the magic line', async () => {
  expect(await opened.notebook.inspect('%%cluster --memory 4GB\n1', '%%cluster --mem'.length)).toMatch(/memory/i);
});

test('%%cluster --help explains every option, %cluster help every line magic', async () => {
  const options = shownText(await succeed(opened.notebook, '%%cluster --help'));
  for (const option of ['cores', 'memory', 'time', 'gpus', 'name', 'env', 'detach', 'atomic', 'dry-run'])
    expect(options).toContain(`--${option}`);
  const magics = shownText(await succeed(opened.notebook, '%cluster help'));
  for (const magic of ['jobs', 'logs', 'cancel', 'attach', 'use']) expect(magics).toContain(`%cluster ${magic}`);
});

test('a modulo at the start of a line of ordinary code is no magic', async () => {
  expect(await valueOf(opened.notebook, '7\n% 4')).toBe('3');
});
