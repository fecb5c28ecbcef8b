// `jupyter nbconvert --execute`: a notebook run from its first cell to its last by somebody else's client, and saved with its outputs.
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { Jupyter, type SavedCell } from './jupyter';

const TIMEOUT = 120_000;
let jupyter: Jupyter;
beforeAll(() => {
  jupyter = new Jupyter();
}, TIMEOUT);
afterAll(() => jupyter.close(), TIMEOUT);

const execute = (path: string, ...more: string[]) =>
  jupyter.run(['-m', 'nbconvert', '--to', 'notebook', '--execute', '--output', 'executed', ...more, path]);
const textOf = (text: string | readonly string[] | undefined) =>
  typeof text === 'string' ? text : (text ?? []).join('');
const plain = ({ outputs }: SavedCell) => outputs.map(({ data }) => textOf(data?.['text/plain'] as string | string[]));

test(
  'displays, progress, late output and errors are saved as they were shown',
  async () => {
    const path = jupyter.writeNotebook('session.ipynb', [
      `import { html, table, progress, newDisplay, clearOutput } from 'cellburst';\nhtml('<b>bold</b>');\ntable([{ planet: 'Mars', radius: 3389.5 }]);`,
      `let sum = 0;\nfor (const n of progress([1, 2, 3], { label: 'adding' })) { await new Promise((r) => setTimeout(r, 60)); sum += n; }\nsum`,
      `const shown = newDisplay();\nshown.text('before');\nconsole.log('old');\nclearOutput({ wait: true });\nconsole.log('new');`,
      `function area(radius: number) { if (radius < 0) throw new RangeError('no radius: ' + radius); return radius ** 2; }\narea(-1)`,
      `const wrong: number = 'text';`,
      `import { input } from 'cellburst';\nawait input('Who? ')`,
      `sum + area(2)`,
    ]);
    const { code, output } = await execute(path, '--allow-errors');
    expect({ code, output }).toMatchObject({ code: 0 });
    const [rich, loop, cleared, thrown, untyped, asking, last] = jupyter.readNotebook(
      join(jupyter.directory, 'executed.ipynb'),
    );
    if (!rich || !loop || !cleared || !thrown || !untyped || !asking || !last) throw new Error('Cells are missing.');
    expect(rich.outputs.map(({ data }) => textOf(data?.['text/html'] as string[])).join('\n')).toMatch(
      /<b>bold<\/b>[^]*<table/,
    );
    expect(plain(rich)[1]).toContain('Mars');
    expect(loop.outputs).toHaveLength(2);
    expect(plain(loop)[0]).toMatch(/^█+ adding · 3 of 3 · 100 %/);
    expect(plain(loop)[1]).toBe('6');
    expect(cleared.outputs.map(({ text }) => textOf(text))).toEqual(['new\n']);
    expect(thrown.outputs).toMatchObject([{ output_type: 'error', ename: 'RangeError', evalue: 'no radius: -1' }]);
    expect(stripVTControlCharacters(thrown.outputs[0]?.traceback?.join('\n') ?? '')).toContain('Cell [4]:1');
    expect(untyped.outputs).toMatchObject([{ output_type: 'error', ename: 'TypeScriptError' }]);
    expect(asking.outputs[0]?.evalue).toContain('cannot ask the user');
    expect([last.execution_count, plain(last)]).toEqual([7, ['10']]);
  },
  TIMEOUT,
);

test(
  'without --allow-errors it stops at the first error, and shows it',
  async () => {
    const { code, output } = await execute(
      jupyter.writeNotebook('failing.ipynb', [`throw new TypeError('on purpose')`, '"never"']),
    );
    expect(code).not.toBe(0);
    // Colours are for the terminal.
    expect(stripVTControlCharacters(output)).toContain('TypeError: on purpose');
    expect(stripVTControlCharacters(output)).toContain('Cell [1]:1');
  },
  TIMEOUT,
);
