// What a cell is told of the error classes of 'cellburst' stands beside the classes themselves, as text that the compiler reads: both have to say the same.
import { join } from 'node:path';
import { AMBIENT_TYPES } from '../../language/ambient';
import { NotebookLanguage } from '../../language/notebook';
import { errorClasses } from '../../magics/protocol/error-classes';

const PROTOCOL = join(__dirname, '..', '..', 'magics', 'protocol');
const classes = new Map(Object.entries(errorClasses));
const declared = new Map(
  [...AMBIENT_TYPES.matchAll(/export (?:abstract )?class (\w*Error)\b(?: extends (\w+))?/g)].map(
    ([, name = '', base]) => [name, base],
  ),
);

test('every class that a cell can import is declared, and no other', () => {
  expect([...declared.keys()].sort()).toEqual([...classes.keys()].sort());
});

test.each([...declared])('%s is declared with the nearest class above it that a cell knows: %s', (name, base) => {
  const known = new Map<unknown, string>([...classes].map(([key, value]) => [value, key]));
  let above: unknown = Object.getPrototypeOf(classes.get(name));
  while (above !== Error && !known.has(above)) above = Object.getPrototypeOf(above);
  expect(base).toBe(known.get(above) ?? 'Error');
});

test('what is known of a failed job has the same fields, of the same types; each class has those it is said to have', () => {
  const language = new NotebookLanguage({ directory: __dirname, isJS: false });
  const source = [
    `import type * as real from '${PROTOCOL}/job-errors';`,
    `import type { ClusterError as RealBase } from '${PROTOCOL}/errors';`,
    "import type * as told from 'cellburst';",
    'type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;',
    'const facts: Same<real.JobFacts, told.JobFacts> = true;',
    "type Fields<T> = Omit<T, keyof real.JobFacts | 'code'>;",
    'const base: RealBase extends Fields<told.ClusterError> ? true : false = true;',
    ...[...classes.keys()]
      .filter((name) => name !== 'ClusterError')
      .map((name) => `const of${name}: real.${name} extends Fields<told.${name}> ? true : false = true;`),
  ];
  const check = (lines: readonly string[]) => {
    language.reset();
    const prepared = language.prepare({ source: lines.join('\n'), execution: 1 });
    return prepared.ok ? [] : prepared.problems.map(({ line, message }) => `${lines[line] ?? ''}: ${message}`);
  };
  expect(check(source)).toEqual([]);
  // A word too many would be seen.
  const wrong = source.map((line) => line.replace('Same<real.JobFacts,', 'Same<real.JobFacts & { more?: 1 },'));
  expect(check(wrong)).toHaveLength(1);
});
