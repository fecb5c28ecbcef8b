// What the documents promise is there.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseConfig } from '../../magics/config/parse';

const root = join(__dirname, '..', '..');
const documents = [
  ...[
    'README.md',
    'CONTRIBUTING.md',
    'ARCHITECTURE.md',
    'CHANGELOG.md',
    'SECURITY.md',
    'binder/README.md',
    'examples/README.md',
  ],
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];
const read = (name: string): string => readFileSync(join(root, name), 'utf8');

test.each(documents)('the files that %s links to exist', (name) => {
  const links = [...read(name).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map((match) => match[1] ?? '');
  expect(links.filter((link) => !existsSync(join(root, dirname(name), link)))).toEqual([]);
});

test.each(documents)('the npm scripts that %s names exist', (name) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = [...read(name).matchAll(/npm run ([a-z]+)/g)].map((match) => match[1] ?? '');
  expect(named.filter((script) => !(script in scripts))).toEqual([]);
});

test.each(documents)('the config that %s shows is one', (name) => {
  for (const [, text = ''] of read(name).matchAll(/```yaml\n([^]*?)```/g))
    expect(() => parseConfig(text, name)).not.toThrow();
});

test('the cell that the README shows is in the quickstart', () => {
  const cells = /## A real cell[^]*?```ts\n([^]*?)```/.exec(read('README.md'));
  const notebook = JSON.parse(read('examples/quickstart.ipynb')) as { cells: { source: string[] }[] };
  expect(notebook.cells.map((cell) => cell.source.join('').trim())).toContain(cells?.[1]?.trim());
});
