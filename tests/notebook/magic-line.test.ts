// The magic line: what is wrong with it is said before anything is sent.
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
