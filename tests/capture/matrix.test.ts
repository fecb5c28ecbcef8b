// Every row of the table of values: carried exactly both ways, wherever it stands, or refused by path. docs/values.md says the same.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { difference } from '../realm/same';
import { CARRIED, REFUSED } from './matrix';
import { Notebook } from './notebook';

const SAME = join(__dirname, '..', 'realm', 'same.ts');
const DOCUMENT = join(__dirname, '..', '..', 'docs', 'values.md');
const EXPRESSIONS = CARRIED.flatMap(({ value, expressions }) =>
  expressions.map((expression) => ({ value, expression })),
);

let notebook: Notebook;
beforeEach(() => {
  notebook = new Notebook();
});
afterEach(() => {
  notebook.close();
});

/** Stacks name the place they were made at, functions made twice are two, and Node's hidden class of its errors does not travel: their builtin class does. */
const BY_PLACE = /\.stack|\[\[Prototype\]\]\.constructor: writable|<\d+>\.(get|set)$|: another identity$/;

test('what is carried arrives there as it would have been made there, and back as it would have been made here', async () => {
  for (const [i, { expression }] of EXPRESSIONS.entries()) await notebook.run(`const v${i} = ${expression}`);
  const compared = EXPRESSIONS.map(({ expression }, i) => `difference(v${i}, (${expression}))`).join(', ');
  const made = EXPRESSIONS.map(({ expression }, i) => `const m${i} = ${expression};`).join('\n');
  const { report } = await notebook.cluster(
    `import { difference } from ${JSON.stringify(SAME)};\nconst there = [${compared}];\n${made}\n0`,
  );
  expect(report.outcome.ok ? [] : report.outcome.error.traceback).toEqual([]);
  // Nothing was changed on the way.
  expect(report.changed.filter((name) => name.startsWith('v'))).toEqual([]);
  const there = notebook.realm.get('there') as (string | undefined)[];
  for (const [i, { value, expression }] of EXPRESSIONS.entries()) {
    const back = difference(await notebook.run(`(${expression})`), notebook.realm.get(`m${i}`));
    const problems = [there[i], back].filter((problem) => problem !== undefined && !BY_PLACE.test(problem));
    expect([value, expression, ...problems]).toEqual([value, expression]);
  }
});

test('it is carried wherever it stands: property, key of a Map, closure, field of an error, argument, twice', async () => {
  for (const [i, { expression }] of EXPRESSIONS.entries())
    await notebook.run(
      `const h${i} = ((v) => ({ p: v, m: new Map([[v, 1]]), s: new Set([v]), c: () => v, e: Object.assign(new Error('x'), { v }), b: ((x) => x).bind(null, v instanceof Blob || v instanceof Headers || v instanceof TextEncoder || v instanceof DOMException ? 0 : v) }))(${expression})`,
    );
  const holders = EXPRESSIONS.map((_, i) => `h${i}`).join(', ');
  const check =
    'const seen = all.map((h) => h.m.has(h.p) && h.s.has(h.p) && Object.is(h.c(), h.p) && Object.is(h.e.v, h.p) && (h.b() === 0 || Object.is(h.b(), h.p)))';
  await notebook.cluster(`const all = [${holders}]; ${check}; all.forEach((h) => { h.again = h.c(); })`);
  const seen = notebook.realm.get('seen') as boolean[];
  const here = (await notebook.run(
    `[${holders}].map((h) => Object.is(h.again, h.p) && h.m.has(h.again) && Object.is(h.e.v, h.again) && (h.b() === 0 || Object.is(h.b(), h.again)))`,
  )) as boolean[];
  EXPRESSIONS.forEach(({ expression }, i) => {
    expect([expression, seen[i], here[i]]).toEqual([expression, true, true]);
  });
});

test.each(REFUSED.map((row) => [row.value, row] as const))(
  '%s: refused, by path',
  async (_value, { setup, what, advice }) => {
    await notebook.run(setup);
    await notebook.run('const held = { at: [v], by: new Map([["k", v]]), e: Object.assign(new Error("x"), { v }) }');
    expect(await notebook.refusal('v')).toBe(`cannot ship v: ${what} — ${advice}`);
    const first = (await notebook.refusal('held')).split('\n').at(-1);
    expect(first).toMatch(/^cannot ship held(\.at\[0\]|\.e\.v|\.by\.get\("k"\)|\.at\[0\]⟨.*): /);
  },
);

test('docs/values.md is this table (CELLBURST_RECORD=1 writes it anew, then prettier)', () => {
  const text = document();
  if (process.env['CELLBURST_RECORD'] === '1') writeFileSync(DOCUMENT, text);
  expect(unpadded(readFileSync(DOCUMENT, 'utf8'))).toBe(unpadded(text));
});

/** Prettier makes the columns of tables straight. */
function unpadded(text: string): string {
  return text.replace(/ +/g, ' ').replace(/-{3,}/g, '---');
}

function document(): string {
  const carried = CARRIED.map(({ value, kept }) => `| ${value} | ${kept} |`);
  const refused = REFUSED.map(({ value, what, advice }) => `| ${value} | ${what} | ${advice} |`);
  return `${INTRODUCTION}
## What travels

| value | what is kept |
| --- | --- |
${carried.join('\n')}
${CODE}
## What is refused

The cell is refused before anything is sent: all such values at once, each by its path, with what to do (\`cannot ship model.layers[3].handle: net.Socket is an
open connection of this process — open it inside the cell\`). A value that the cell does not use is not captured, and never refused.

| value | why | what to do |
| --- | --- | --- |
${refused.join('\n')}
${PACKAGES}`;
}

const INTRODUCTION = `<!-- Made from tests/capture/matrix.ts by its test: CELLBURST_RECORD=1 node node_modules/jest/bin/jest.js tests/capture/matrix -->

# What travels to a cluster cell and back

A value goes there, may be changed there, and is here what it is there afterwards: the same object, for every alias, key of a Map and closure that holds it. Each kind of
value is carried exactly, or refused by path before anything is sent. \`%%cluster --dry-run\` and \`%cluster capture NAMES\` tell beforehand what would go along.
A result of more than 32 GB, all names together, is refused with its size; \`--env CELLBURST_RESULT_GB=64\` allows more.
`;

const CODE = `
Functions, classes, enums and namespaces of the notebook travel as code, with every name they use, in the version that the value has: closures with their state, shared
between functions as here; functions that use \`this\`, \`super\` or \`#private\` names of what they stand in; bound functions; generator functions; classes with
their statics, \`#private\` fields, accessors and decorators; instances without a
constructor being run. Local modules travel by content, packages by name. \`toString()\` of a function shows what was added to its text, here and there: checks for interrupts, access to
shared variables.
`;

const PACKAGES = `
## Objects of packages

An object of a package's class travels by its properties, and its class is the package's own over there. That is exact for classes whose state is in properties (decimal.js,
big.js, ml-matrix, complex.js, fraction.js, dayjs …). Classes of luxon (\`DateTime\`, \`Duration\`, \`Interval\`) and Arrow's \`Table\` have codecs that are built in. A class that
hides state, in \`#private\` fields, in a WeakMap or under a symbol of its module, or that holds something which cannot travel, is refused; teach how it travels:

\`\`\`ts
import { registerCodec } from 'cellburst';
import { Vault } from 'vault';

registerCodec(Vault, {
  encode: (vault) => ({ items: vault.list() }), // anything that travels itself
  decode: ({ items }) => Vault.of(items), // makes the object again, there and here
  update(vault, { items }) {
    vault.replace(items); // optional: then a cell may change it
  },
});
\`\`\`

The codec's functions travel as code. Without \`update\` an object that the cell changes is an error that says so. \`subclasses: true\` takes objects of subclasses too, and
\`decode(payload, type)\` gets the class. An object must not be part of what it is encoded to. Registering a class again replaces its codec; a codec that a cluster cell
registers counts in that job only.

A job imports packages anew. Changes that the notebook made to one after the import (\`Decimal.set(…)\`, \`dayjs.extend(…)\`) are told in the cell's output where they can be seen;
make them in a local module that the notebook imports, and they are made there as well. Settings behind functions (luxon's \`Settings\`) cannot be seen.
`;
