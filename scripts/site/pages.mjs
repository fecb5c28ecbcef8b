// Which files are pages, and how they are grouped at the side of each.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../setup/places.mjs';

/** Paths relative to the clone. What stands in no group has a page all the same. */
const GROUPS = [
  [
    'Begin',
    ['README.md', 'docs/start.md', 'docs/how-to/from-tslab.md', 'docs/how-to/from-clustrix.md', 'binder/README.md'],
  ],
  [
    'How to',
    [
      'slurm',
      'gridengine',
      'pbs',
      'ssh',
      'logins',
      'packages',
      'files',
      'containers',
      'air-gapped',
      'jupyterlab',
      'notebook',
      'terminal',
      'add-a-scheduler',
    ].map((name) => `docs/how-to/${name}.md`),
  ],
  [
    'Reference',
    ['options', 'magics', 'config', 'command-line', 'errors', 'licences']
      .map((name) => `docs/reference/${name}.md`)
      .concat('docs/values.md'),
  ],
  [
    'Background',
    [
      'docs/how-it-works.md',
      'docs/security-model.md',
      'ARCHITECTURE.md',
      'SECURITY.md',
      'CONTRIBUTING.md',
      'CHANGELOG.md',
    ],
  ],
  [
    'Examples',
    ['quickstart', 'many-cores', 'packages', 'big-arrays', 'errors', 'detach', 'live-plot', 'displays', 'slurm']
      .map((name) => `examples/${name}.ipynb`)
      .concat('examples/README.md'),
  ],
];

/** @returns {{ groups: [string, string[]][], pages: string[] }} */
export function sitePages() {
  const documents = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name.replaceAll('\\', '/')}`);
  const notebooks = readdirSync(join(root, 'examples'))
    .filter((name) => name.endsWith('.ipynb') && !name.includes('.executed.'))
    .map((name) => `examples/${name}`);
  const grouped = GROUPS.flatMap(([, pages]) => pages);
  return { groups: GROUPS, pages: [...new Set([...grouped, ...documents.sort(), ...notebooks.sort()])] };
}

/** Where a page lies in the site: the same place, another ending; the README is the first page. */
export function placeOf(page) {
  return page === 'README.md' ? 'index.html' : page.replace(/\.(md|ipynb)$/, '.html');
}
