// Source maps: a throw in a lowered cell leads back to the line and column that were typed.
import { decode } from '@jridgewell/sourcemap-codec';
import type { Emit } from '../../magics/protocol/code';
import { TestNotebook, type Form } from './cells';

/** Position (1-based, as editors show it) of the first frame in the notebook. */
function thrownAt(error: unknown, emit: Emit): string {
  const frame = /cellburst-cell:[0-9a-f]+:\d+:(\d+):(\d+)/.exec((error as Error).stack ?? '');
  if (!frame) return 'no frame';
  const segments = decode(emit.mappings)[Number(frame[1]) - 1] ?? [];
  const found = segments.findLast(([column]) => column <= Number(frame[2]) - 1);
  return `${String((found?.[2] ?? -1) + 1)}:${String((found?.[3] ?? -1) + 1)}`;
}

const cells: [string, string][] = [
  ['throw new Error("x")', '1:7'],
  ['const a: number = 1;\n\n  throw new Error(String(a))', '3:9'],
  [
    '%%cluster --cores 2\nfunction f(n: number): void {\n  if (n > 0) f(n - 1);\n  else throw new Error("deep");\n}\nf(3)',
    '4:14',
  ],
  [
    'interface Gone {\n  a: number\n}\nconst list = [1, 2, 3];\nlist.map((x) => { if (x === 2) throw new Error("two"); return x })',
    '5:38',
  ],
  ['let o: any; const before = 1;\nfunction g() {\n  return o.missing.deep\n}\ng()', '3:12'],
  ['let fn: any = 1;\nconst pad = 2; fn(pad)', '2:16'],
  ['await Promise.resolve();\nfor (const x of [1]) {\n  await null; throw new Error("after await" + x);\n}', '3:21'],
  ['class K {\n  #v = 1;\n  m() { throw new Error(String(this.#v)) }\n}\nnew K().m()', '3:15'],
  ['const late = () => soon;\nlate(); let soon = 1', '1:20'],
  ['enum E { A }\nconst fixed = 1;\n(fixed as any) = 2', '3:2'],
  ['using q = { [Symbol.dispose]() {} };\nconst s = { deep: { q } };\nthrow new Error("in using")', '3:7'],
  ['const text = `\n  line\n`; throw new Error(text)', '3:10'],
];

describe.each<Form>(['local', 'shipped'])('%s text', (form) => {
  test.each(cells)('%j throws at %s', async (cell, expected) => {
    const notebook = new TestNotebook(form);
    let thrown: unknown;
    try {
      await notebook.run(cell, '.ts');
    } catch (error) {
      thrown = error;
    }
    const code = notebook.cells.at(-1);
    // A frame of the runtime's own (dead zones, constants) has no place in the cell; the next one has.
    expect(code && thrownAt(thrown, code[form])).toBe(expected);
  });
});
