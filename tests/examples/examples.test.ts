// Every example runs, cell after cell, on a real Jupyter server; only the cells that say so fail; and what each sets out to show is shown.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startServer, type JupyterServer } from '../notebook/server';

const examples = join(__dirname, '..', '..', 'examples');
/**
 * The quickstart is run by the demo, the displays are looked at one by one (tests/notebook), and Slurm has to be there (tests/binder, tests/transports).
 */
const ELSEWHERE = ['quickstart', 'displays', 'slurm'];
const names = readdirSync(examples)
  .filter((name) => name.endsWith('.ipynb') && !name.endsWith('.executed.ipynb'))
  .map((name) => name.slice(0, -'.ipynb'.length))
  .filter((name) => !ELSEWHERE.includes(name));

/** What the last cells give, and texts that errors have to hold. */
const SHOWN: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  'many-cores': [/between 2\.\d\d and 2\.\d\d; Onsager: 2\.269/, 'true'],
  packages: ['nearest: horse', /horse\s+12/, 'true'],
  'big-arrays': ['8 MB', '[ 100, true, true ]'],
  errors: [
    /Property 'toUpperCase' does not exist on type 'number'/,
    /model\.layers\[0\]\.handle/,
    /Did you mean --cores\?/,
    /DidNotConverge: no solution after 50 steps/,
    /x went to/,
    "[ '1.414214', '1.414214' ]",
    /time limit/,
    /out of memory/,
    '5',
  ],
  detach: [/is submitted/, 'NaN', 'searched', /^\[ '-?\d\.\d{3}', '\d\.\d{3}' \]$/m],
  'live-plot': ['61', '[ 61, true ]'],
};

interface Cell {
  readonly cell_type: string;
  readonly id: string;
  readonly source: readonly string[];
  readonly metadata: { readonly tags?: readonly string[] };
}

let server: JupyterServer;
beforeAll(async () => {
  server = await startServer({ directory: examples });
}, 60_000);
afterAll(() => server.close());

test.each(names)(
  '%s',
  async (name) => {
    const { cells } = JSON.parse(readFileSync(join(examples, `${name}.ipynb`), 'utf8')) as { cells: readonly Cell[] };
    await using notebook = await server.openNotebook(`${name}.ipynb`);
    let shown = '';
    for (const { cell_type: type, id, source, metadata } of cells) {
      if (type !== 'code') continue;
      const run = await notebook.run(source.join(''), { cellId: id, timeoutSeconds: 120 });
      const mayFail = metadata.tags?.includes('raises-exception') === true;
      if ((run.error !== undefined) !== mayFail)
        throw new Error(`${run.source}\n${run.error?.traceback ?? 'did not fail'}`);
      shown += [run.stdout, run.value, run.error?.traceback, JSON.stringify(run.outputs)].join('\n');
    }
    for (const expected of SHOWN[name] ?? []) {
      if (typeof expected === 'string') expect(shown).toContain(expected);
      else expect(shown).toMatch(expected);
    }
  },
  240_000,
);
