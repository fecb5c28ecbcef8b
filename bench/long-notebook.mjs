// A notebook as people have them at its 200th cell: imports, types, functions, classes, values, each in use later on.

export const CELLS = 200;

/** @param {number} index from 1 */
export function cellOf(index) {
  if (index % 10 === 1)
    return `import { readFileSync as read${index} } from 'node:fs';\nconst sizeOf${index} = (path: string): number => read${index}(path).length;`;
  const before = index % 10 === 2 ? '' : `, ...rows${index - 1}`;
  return `interface Row${index} { id: number; label: string; values: number[] }
function summarize${index}(rows: Row${index}[]): { total: number; mean: number } {
  const total = rows.reduce((sum, { values }) => sum + values.reduce((a, b) => a + b, 0), 0);
  return { total, mean: total / Math.max(1, rows.length) };
}
class Model${index} {
  weights: number[] = [];
  constructor(readonly name: string) {}
  fit(rows: Row${index}[]): this { this.weights = rows.map(({ id }) => id); return this; }
}
const rows${index}: Row${index}[] = [{ id: ${index}, label: 'a', values: [1, 2] }${before}].slice(0, 3);
const summary${index} = summarize${index}(rows${index});
new Model${index}('m').fit(rows${index}).weights.length + summary${index}.total`;
}

/** What is typed into the cell after those, key by key. */
export const TYPED = [
  `const model = new Model${CELLS}('m').fit(rows${CELLS}); model.weig`,
  `summary${CELLS}.tot`,
  `rows${CELLS}.map((row) => row.lab`,
  'summari',
  'new Mod',
  'process.ver',
  'Math.ma',
  `const first = rows${CELLS - 5}[0]?.val`,
];

/** @param {{ run(code: string): Promise<unknown> }} kernel */
export async function fill(kernel) {
  for (let index = 1; index <= CELLS; index++) await kernel.run(cellOf(index));
}
