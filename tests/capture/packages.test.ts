// Objects of real packages: there, computed with, changed, and back. Packages are those of this clone.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { captureCell } from '../../magics/capture';
import { Notebook, runCell } from './notebook';

const MODULES = join(__dirname, '..', '..', 'node_modules');

let notebook: Notebook;
beforeEach(() => {
  notebook = new Notebook();
  mkdirSync(join(notebook.directory, 'node_modules'));
  for (const name of ['decimal.js', 'luxon', 'ml-matrix', 'apache-arrow'])
    symlinkSync(join(MODULES, name), join(notebook.directory, 'node_modules', name));
});
afterEach(() => {
  notebook.close();
});

/** The same expression there and here gives the same text. */
async function same(expression: string): Promise<void> {
  const there = await notebook.value(`String(${expression})`);
  expect([expression, there]).toEqual([
    expression,
    await notebook.run(`require('node:util').inspect(String(${expression}))`),
  ]);
}

test('decimal.js: by its properties, since its prototype is the module’s own', async () => {
  await notebook.run(
    "import Decimal from 'decimal.js'; const d = new Decimal('1.23456789012345678901234567890123'), all = [d, new Decimal(NaN), new Decimal(-0), new Decimal('1e500'), new Decimal(-Infinity)]",
  );
  await same('[all.join(), d.plus(1), d instanceof Decimal, Decimal.isDecimal(d), 1 / Number(all[2]), all[0] === d]');
  await notebook.cluster('const root = d.sqrt(); const list = [root, root, d]');
  expect(
    await notebook.run('[root.eq(d.sqrt()), root instanceof Decimal, list[0] === root, list[2] === d].join()'),
  ).toBe('true,true,true,true');
});

test('a package that was changed after it was imported is named, once', async () => {
  await notebook.run("import Decimal from 'decimal.js'; const d = new Decimal(1)");
  expect((await notebook.cluster('d.div(3)')).capture.notices).toEqual([]);
  await notebook.run('Decimal.set({ precision: 50 })');
  expect((await notebook.cluster('d.div(3)')).capture.notices).toEqual([
    "'decimal.js' was changed here after it was imported (Decimal.precision); the job imports it as it is. Make the change in the cell as well, or in a local module that the notebook imports.",
  ]);
  expect((await notebook.cluster('d.div(3)')).capture.notices).toEqual([]);
});

test('what a cell puts on the builtins is named, once; what a local module puts there is made in the job as well', async () => {
  try {
    await notebook.run(
      'Object.defineProperty(Array.prototype, "last", { value() { return this.at(-1) }, configurable: true, writable: true })',
    );
    expect((await notebook.cluster('[1, 2].at(-1)')).capture.notices).toEqual([
      'What the language brings was changed here (Array.prototype.last); the job has it as it was. Make the change in the cell as well, or in a local module that the notebook imports.',
    ]);
    expect((await notebook.cluster('[1, 2].at(-1)')).capture.notices).toEqual([]);
    writeFileSync(join(notebook.directory, 'first.ts'), 'Array.prototype["first"] = function () { return this[0] };\n');
    await notebook.run('import "./first"');
    const { capture } = await notebook.cluster('const first = [7, 8].first()');
    expect(capture.notices).toEqual([]);
    expect(await notebook.run('first')).toBe(7);
  } finally {
    await notebook.run('delete Array.prototype.last; delete Array.prototype.first');
  }
});

test('a change that a local module makes is made in the job as well, and is no news', async () => {
  writeFileSync(
    join(notebook.directory, 'precise.ts'),
    "import Decimal from 'decimal.js';\nDecimal.set({ precision: 50 });\nexport { Decimal };\n",
  );
  await notebook.run("import { Decimal } from './precise'; const d = new Decimal(1)");
  const { capture } = await notebook.cluster('const third = new Decimal(1).div(3).toString()');
  expect(capture.notices).toEqual([]);
  expect(await notebook.run('third === d.div(3).toString() && third.length')).toBe(52);
});

test('luxon: times in every kind of zone, durations, intervals, invalid ones', async () => {
  await notebook.run(
    `import { DateTime, Duration, Interval } from 'luxon';
     const paris = DateTime.fromISO('2026-03-29T03:30:00', { zone: 'Europe/Paris' });
     const times = [paris, DateTime.utc(2020), DateTime.local(2020), DateTime.fromISO('2020-01-01T00:00:00+05:30', { setZone: true }),
       DateTime.invalid('no', 'why'), paris.setLocale('fr'), paris.reconfigure({ numberingSystem: 'beng', outputCalendar: 'islamic' })];
     paris.toLocaleString(DateTime.DATETIME_FULL);
     const took = Duration.fromObject({ hours: 3, minutes: -20 }, { conversionAccuracy: 'longterm' }), span = Interval.fromDateTimes(paris, paris.plus({ days: 2 })), none = Interval.invalid('x')`,
  );
  await same(
    `[...times.map((t) => [t.toISO(), t.zoneName, t.locale, t.invalidExplanation, t.toLocaleString(), t.weekNumber].join()), times[0] === paris,
      took.toISO(), took.as('weeks'), span.toISO(), span.length('hours'), none.invalidReason, paris.plus(took).toISO()]`.replace(
      /\s+/g,
      ' ',
    ),
  );
  await notebook.cluster("const later = paris.plus({ hours: 1 }), long = span.toDuration('hours')");
  expect(
    await notebook.run('[later instanceof DateTime, later.equals(paris.plus({ hours: 1 })), long.hours].join()'),
  ).toBe('true,true,48');
  await notebook.run('const odd = Duration.fromObject({ hours: 1 }, { matrix: { hours: { minutes: 7 } } })');
  expect(await notebook.refusal('odd')).toBe(
    'cannot ship odd: a Duration with units or a locale of its own — teach how it travels: registerCodec(Duration, { encode, decode })',
  );
});

test('ml-matrix: matrices and decompositions by their properties, changed in place', async () => {
  await notebook.run(
    "import { Matrix, LuDecomposition } from 'ml-matrix'; const m = new Matrix([[4, 2], [1, 3]]), lu = new LuDecomposition(m), same = { m }",
  );
  await same('[m.mmul(m).to1DArray(), lu.determinant, m instanceof Matrix, lu.solve(m).get(0, 0)]');
  await notebook.cluster('m.set(0, 0, 9); const inverse = m.mmul(m); same.m.get(0, 0)');
  expect(await notebook.run('[m.get(0, 0), same.m === m, inverse instanceof Matrix, inverse.get(1, 1)].join()')).toBe(
    '9,true,true,11',
  );
});

test('apache-arrow: tables as Arrow writes them; what else of it cannot travel is refused as one thing', async () => {
  await notebook.run(
    "import { tableFromArrays, Table, vectorFromArray } from 'apache-arrow'; const t = tableFromArrays({ x: Float64Array.from([1, 2, 3]), n: ['a', 'b', 'a'], k: Int32Array.from([7, 8, 9]) }), box = { t }, v = vectorFromArray([1, null, 3])",
  );
  await same('[t.numRows, t.get(1).n, t.getChild("x").toArray(), String(t.schema), t instanceof Table, box.t === t]');
  await notebook.cluster('const half = t.slice(1), all = t.concat(t)');
  expect(
    await notebook.run('[half instanceof Table, half.numRows, half.get(0).n, all.numRows, all.get(5).k].join()'),
  ).toBe('true,2,b,6,9');
  expect(await notebook.refusal('v')).toMatch(
    /^cannot ship v: Vector of 'apache-arrow' holds what cannot travel \(.*\) — teach how it travels: registerCodec\(Vector, \{ encode, decode \}\)$/,
  );
});

test('a package that is only where the cell ran keeps nothing else from coming home', async () => {
  const folder = join(notebook.directory, 'node_modules', 'far');
  mkdirSync(folder);
  writeFileSync(join(folder, 'index.js'), 'exports.twice = (n) => 2 * n; exports.list = [1];');
  const { report } = await notebook.cluster(
    "import far, { twice } from 'far'; const n = twice(4); const ways = [twice, twice]; n",
    {
      meanwhile: async () => {
        await rm(folder, { recursive: true });
      },
    },
  );
  expect(report.outcome).toMatchObject({ ok: true, display: { data: { 'text/plain': '8' } } });
  expect(await notebook.run('n')).toBe(8);
  expect(await notebook.run('ways[0] === ways[1] && ways[0] === twice')).toBe(true);
  await expect(notebook.run('twice(1)')).rejects.toThrow(
    /`twice of 'far'` stayed with the job that made it: Cannot find package 'far'/,
  );
  await expect(notebook.run('far.list')).rejects.toThrow(/`default of 'far'` stayed with the job/);
});

test('B6 a package of another version there than here is told, with both', async () => {
  const folder = join(notebook.directory, 'node_modules', 'tool');
  mkdirSync(folder);
  const install = (version: string): void => {
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'tool', version }));
  };
  writeFileSync(join(folder, 'index.js'), 'exports.double = (n) => 2 * n;');
  install('4.17.21');
  await notebook.run("import { double } from 'tool'; const run = (n) => double(n)");
  const said = async (): Promise<string> => {
    const code = notebook.lower('%%cluster\nrun(2)');
    const directory = notebook.newJob();
    await captureCell(notebook.realm, { cell: code, bundlePath: join(directory, 'bundle.bin') });
    install('3.10.1');
    const { output } = await runCell(directory);
    return output.map((record) => ('text' in record ? record.text : '')).join('');
  };
  expect(await said()).toBe(
    "Note: this cell runs with tool 3.10.1, and the notebook has 4.17.21. --env-mode bundle brings the notebook's.\n",
  );
  expect(await said()).toBe('');
});
