import { guessCompleteness } from '../../language/brackets';

test.each([
  ['1 + 1', 'unknown'],
  ['f(1, [2], { a: 3 })', 'unknown'],
  ['function f() {', 'incomplete'],
  ['f(1,', 'incomplete'],
  ['const text = `two\nlines', 'incomplete'],
  ['const text = `one`', 'unknown'],
  ["const brace = '{'", 'unknown'],
  ['"a \\" quote {"', 'unknown'],
  ['1 // (not yet', 'unknown'],
  ['/* a comment {', 'incomplete'],
  ['/* a comment { */ 1', 'unknown'],
  ['})', 'unknown'],
])('by its brackets alone %j is %s', (text, status) => {
  expect(guessCompleteness(text).status).toBe(status);
});

test('the next line is indented below an opening bracket', () => {
  expect(guessCompleteness('  if (a) {')).toEqual({ status: 'incomplete', indent: '    ' });
});

test('many quotes take no time', () => {
  const started = performance.now();
  guessCompleteness(`'${'\\'.repeat(100_000)}`);
  guessCompleteness('`('.repeat(50_000));
  expect(performance.now() - started).toBeLessThan(2_000);
});
