// What a front end asks of the language: completion, inspection, is it complete, is it right.
import { errorOf, succeed, useNotebook, valueOf } from './open';

const opened = useNotebook();

beforeAll(
  () =>
    succeed(
      opened.notebook,
      'interface Sample { label: string; weight: number }\nconst sample: Sample = { label: "a", weight: 2 };',
    ),
  60_000,
);

test('members of a value of an earlier cell are completed', async () => {
  const source = 'sample.we';
  const { matches, start, end } = await opened.notebook.complete(source);
  expect(matches).toContain('weight');
  expect([start, end]).toEqual([source.indexOf('we'), source.length]);
});

test('positions count code points, so an emoji before the cursor does not shift them', async () => {
  const { matches, start } = await opened.notebook.complete('"😀"; sample.lab');
  expect(matches).toContain('label');
  expect(start).toBe(Array.from('"😀"; sample.').length);
});

test('names of earlier cells and globals are completed', async () => {
  expect((await opened.notebook.complete('samp')).matches).toContain('sample');
  expect((await opened.notebook.complete('structuredCl')).matches).toContain('structuredClone');
});

test('a name is inspected with its type', async () => {
  expect(await opened.notebook.inspect('sample', 3)).toMatch(/sample: Sample/);
  expect(await opened.notebook.inspect('   ', 1)).toBeUndefined();
});

test('unfinished code is known as such, and wrong code too', async () => {
  expect((await opened.notebook.isComplete('const a = 1')).status).toBe('complete');
  expect((await opened.notebook.isComplete('for (const x of [1]) {')).status).toBe('incomplete');
  expect((await opened.notebook.isComplete('const = ;')).status).toBe('invalid');
});

test('a type error stops the cell before it runs, with TypeScript’s number and the place', async () => {
  const error = await errorOf(opened.notebook, 'let ran = true;\nconst wrong: number = sample.label;');
  expect(error.traceback).toMatch(/TS2322|2322/);
  expect(error.traceback).toMatch(/Type 'string' is not assignable to type 'number'/);
  expect(error.traceback).toMatch(/2:7/);
  expect((await errorOf(opened.notebook, 'ran')).traceback).toMatch(/2304|Cannot find name 'ran'/);
});

test('what a cluster cell has declared is typed for the next cell', async () => {
  await succeed(
    opened.notebook,
    '%%cluster\nconst tally = new Map([["a", 1]]);\nfunction twice(x: number) { return 2 * x }',
  );
  expect((await opened.notebook.complete('tally.en')).matches).toContain('entries');
  expect((await errorOf(opened.notebook, 'tally.get(1)')).traceback).toMatch(
    /not assignable to parameter of type 'string'/,
  );
  expect(await valueOf(opened.notebook, 'twice(4)')).toBe('8');
});

test('code inside a cluster cell is completed and inspected like any other', async () => {
  expect((await opened.notebook.complete('%%cluster --cores 1\nsample.we')).matches).toContain('weight');
  expect(await opened.notebook.inspect('%%cluster\nsample', '%%cluster\nsam'.length)).toMatch(/sample: Sample/);
});
