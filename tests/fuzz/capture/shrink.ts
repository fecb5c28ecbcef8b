// Makes a failing notebook as small as it gets: cells and statements are taken out, cells come home, as long as it fails the same way.
import type { FuzzCell, FuzzNotebook } from './generate';

export interface Shrunk {
  readonly notebook: FuzzNotebook;
  readonly what: string;
}

const MAX_TRIES = 250;

/** `test` tells why a notebook fails, or undefined. */
export async function shrink(
  failing: FuzzNotebook,
  reason: string,
  test: (notebook: FuzzNotebook) => Promise<string | undefined>,
): Promise<Shrunk> {
  let best: Shrunk = { notebook: failing, what: reason };
  let tries = 0;
  const kind = kindOf(reason);
  for (let isSmaller = true; isSmaller && tries < MAX_TRIES;) {
    isSmaller = false;
    for (const cells of smaller(best.notebook.cells)) {
      if (++tries > MAX_TRIES) break;
      const notebook = { ...best.notebook, cells };
      const what = await test(notebook);
      if (what === undefined || kindOf(what) !== kind) continue;
      best = { notebook, what };
      isSmaller = true;
      break;
    }
  }
  return best;
}

/** A shown or described difference, or an error of a certain class: not to slip from one fault to another. */
function kindOf(reason: string): string {
  if (reason.startsWith('Cell [')) return 'shown';
  if (/^(Before|After) the last look/.test(reason)) return 'described';
  return reason.replaceAll(/[^a-z —⟨⟩]/g, '').slice(0, 40);
}

/** Large steps first. */
function* smaller(cells: readonly FuzzCell[]): Generator<readonly FuzzCell[]> {
  for (const [index, cell] of cells.entries())
    if (cell.statements.length > 4)
      for (const half of [
        cell.statements.slice(0, cell.statements.length >> 1),
        cell.statements.slice(cell.statements.length >> 1),
      ])
        yield cells.with(index, { ...cell, statements: half });
  for (const [index, cell] of cells.entries())
    if (cell.statements.length > 1) yield cells.with(index, { ...cell, statements: [] });
  for (const [index, cell] of cells.entries())
    if (cell.place !== 'here') yield cells.with(index, { ...cell, place: 'here' });
  for (const [index, { statements, ...cell }] of cells.entries())
    for (const at of statements.keys()) yield cells.with(index, { ...cell, statements: statements.toSpliced(at, 1) });
}

/** For a person to read and to try. */
export function notebookText({ seed, cells }: FuzzNotebook): string {
  const shown = cells.flatMap(({ place, statements }, index) =>
    statements.length === 0 ? [] : [`// Cell [${index + 1}] ${place}\n${statements.join('\n')}`],
  );
  return `// seed ${seed}\n${shown.join('\n\n')}`;
}
