// E3, E7, E8, E9 and G3 of the conformance list at their full sizes: gigabytes and minutes, so only when asked for, by `npm run test:large`.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describeUnless } from '../unless';
import { Notebook } from './notebook';

const notNow = process.env['CELLBURST_LARGE'] === '1' ? undefined : 'takes minutes and gigabytes; npm run test:large';
const PATIENCE = 600_000;

describeUnless(notNow, 'values at full size', () => {
  let notebook: Notebook;
  beforeEach(() => {
    notebook = new Notebook(PATIENCE);
  });
  afterEach(() => {
    notebook.close();
  });

  test(
    'E3 and G3: a Float64Array of 1 GB is sent as its bytes, and nothing of it comes back unless it was changed',
    async () => {
      await notebook.run('const big = new Float64Array(125e6); big[124999999] = 7; let last = 0');
      const { capture, directory, report } = await notebook.cluster('last = big[124999999]; big.length');
      expect(capture.bytes - 1e9).toBeLessThan(10_000);
      expect(report.changed).toEqual(['last']);
      expect(statSync(join(directory, 'envelope.bin')).size).toBeLessThan(10_000);
      expect(await notebook.run('last')).toBe(7);
    },
    PATIENCE,
  );

  test(
    'E7 a list of a million links',
    async () => {
      await notebook.run('let list = null; for (let i = 0; i < 1e6; i++) list = { i, next: list }');
      expect(
        await notebook.value('let n = 0; for (let at = list; at !== null; at = at.next) n++; list.i = -1; n'),
      ).toBe('1000000');
      expect(await notebook.run('[list.i, list.next.i].join()')).toBe('-1,999998');
    },
    PATIENCE,
  );

  test(
    'E8 20 million distinct numbers',
    async () => {
      await notebook.run('const numbers = Array.from({ length: 2e7 }, (_, i) => i / 3)');
      const cell = 'numbers[5] = -0; let sum = 0; for (const x of numbers) sum += x; sum > 6e13 && numbers.length';
      expect(await notebook.value(cell)).toBe('20000000');
      expect(await notebook.run('Object.is(numbers[5], -0) && numbers[19999999] === 19999999 / 3')).toBe(true);
    },
    PATIENCE,
  );

  test(
    'E9 a Uint8Array of 420 MB',
    async () => {
      await notebook.run('const bytes = new Uint8Array(420e6)');
      expect(await notebook.value('bytes[419999999] = 9; bytes.length')).toBe('420000000');
      expect(await notebook.run('bytes[419999999]')).toBe(9);
    },
    PATIENCE,
  );
});
