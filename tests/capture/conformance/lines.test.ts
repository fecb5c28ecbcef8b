// Each line of the conformance list in a real kernel, three ways: as a local cell, as a cluster cell, and as a detached job that is attached later on. All
// lines share one kernel: names are declared anew.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { KernelClient, type CellResult } from '../../kernel/client';
import { CODE } from './code';
import { attach, detach, errorless, textOf } from './kernel-cells';
import type { Line } from './line';
import { NAMES } from './names';
import { VALUES } from './values';

type Way = 'local' | 'cluster' | 'detached';

let kernel: KernelClient;
beforeAll(async () => {
  kernel = await KernelClient.start();
  writeFileSync(
    join(kernel.directory, 'tally.ts'),
    'let tallies = 0;\nexport class Tally {\n  constructor(public sum: number) {\n    tallies++;\n  }\n  add(n: number): void {\n    this.sum += n;\n  }\n}\nexport const total = (): number => Math.min(tallies, 1) || 1;\n',
  );
  const gauge = join(kernel.directory, 'node_modules', 'gauge');
  mkdirSync(gauge, { recursive: true });
  writeFileSync(join(gauge, 'package.json'), '{ "name": "gauge", "version": "1.0.0" }');
  writeFileSync(
    join(gauge, 'index.js'),
    'exports.Gauge = class Gauge { constructor(value) { this.value = value } twice() { return 2 * this.value } };',
  );
}, 60_000);
afterAll(() => kernel.stop(), 60_000);

const ROWS = [...NAMES, ...CODE, ...VALUES].flatMap((line) =>
  (['local', 'cluster', 'detached'] as const).map((way) => [line[0], way, line] as const),
);

test.each(ROWS)('%s (%s)', async (_sentence, way, [, before, cell, value, after = []]: Line) => {
  const prepared = before.map((source) => kernel.startCell(unchecked(source), { stop_on_error: false }));
  const shown = run(cell, way);
  for (const id of prepared) errorless(await kernel.outcome(await id));
  expect(textOf(errorless(await shown))).toBe(value);
  if (after.length === 0) return;
  const looked = await kernel.execute(unchecked(`[${after.map(([expression]) => `(${expression})`).join(', ')}]`));
  expect(textOf(errorless(looked))).toBe(inspect(after.map(([, expected]) => expected)));
});

async function run(cell: string, way: Way): Promise<CellResult> {
  if (way === 'local') return kernel.execute(unchecked(cell));
  if (way === 'cluster') return kernel.execute(`%%cluster\n${unchecked(cell)}`);
  return attach(kernel, await detach(kernel, unchecked(cell)));
}

/** The lines are about what happens when code runs, and written as people write who do not care for types. */
function unchecked(source: string): string {
  return `// @ts-nocheck\n${source}`;
}
