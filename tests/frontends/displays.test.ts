// The example of displays, run cell by cell through a real Jupyter server: it must run as it lies there, and show what it says.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NotebookOutput } from '../notebook/outputs';
import { succeed, useNotebook } from '../notebook/open';

const EXAMPLES = join(__dirname, '..', '..', 'examples');
const opened = useNotebook({ directory: EXAMPLES });

interface Cell {
  readonly cell_type: string;
  readonly source: readonly string[];
}

type Bundle = Readonly<Record<string, unknown>>;
const bundles = (outputs: readonly NotebookOutput[]): Bundle[] =>
  outputs.flatMap((output) => ('data' in output ? [output.data] : []));
const textOf = (bundle: Bundle | undefined, type = 'text/plain') => String(bundle?.[type]);

test('every cell runs, and shows what it says', async () => {
  const { cells } = JSON.parse(readFileSync(join(EXAMPLES, 'displays.ipynb'), 'utf8')) as { cells: readonly Cell[] };
  const shown: Bundle[][] = [];
  for (const { cell_type, source } of cells)
    if (cell_type === 'code') shown.push(bundles((await succeed(opened.notebook, source.join(''))).outputs));
  const [count, records, arquero, plot, vega, words, own, looking] = shown;
  expect(count).toEqual([{ 'text/plain': '100' }]);
  expect(textOf(records?.[0])).toMatch(/^run +speed\n +1 +299850[^]*… 95 more rows$/);
  expect(textOf(arquero?.[0], 'text/html')).toContain('<th style="text-align:right">deviation</th>');
  expect(textOf(arquero?.[0]).split('\n')).toHaveLength(6);
  const svg = textOf(plot?.[0], 'image/svg+xml');
  expect(svg).toMatch(/^<svg[^>]* xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  expect(svg.match(/<circle/g)).toHaveLength(100);
  expect(textOf(plot?.[0])).toBe('[SVG image, 640 × 320]');
  expect(vega?.[0]).toHaveProperty(['application/vnd.vegalite.v5+json', 'mark', 'type'], 'boxplot');
  expect(textOf(vega?.[0])).toBe('[Vega-Lite chart: Michelson, 1879, boxplot, x: run, y: speed]');
  expect((words ?? []).map((bundle) => Object.keys(bundle)[0])).toEqual([
    'text/latex',
    'text/markdown',
    'text/html',
    'application/json',
  ]);
  expect(textOf(words?.[0], 'text/latex')).toContain('299852.4');
  expect(own).toEqual([
    {
      'text/html': '<b>299852.4</b> km/s, 100.0200 % of <i>c</i>',
      'text/plain': '299852.4 km/s, 100.0200 % of c',
    },
  ]);
  expect(textOf(looking?.[0])).toBe(`'fastest so far: 300070 km/s'`);
  expect(textOf(looking?.[1])).toMatch(/100 of 100 · 100 %/);
  // Each of them can be read without a picture.
  for (const bundle of shown.flat()) expect(textOf(bundle)).not.toBe('undefined');
}, 120_000);
