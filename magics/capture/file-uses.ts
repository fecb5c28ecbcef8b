// The files that a cell names, and that the functions name which travel with it.
import type { CellCode, FileUse } from '../protocol/code';
import type { Code } from '../realm/code-table';

/** Each once. */
export function fileUsesOf(cell: CellCode, codes: Iterable<Code>): FileUse[] {
  const uses = new Map<string, FileUse>();
  const add = ({ path, how }: FileUse): void => {
    uses.set(`${how} ${path}`, { path, how });
  };
  for (const use of cell.files ?? []) add(use);
  for (const code of codes) for (const use of code.cell.files ?? []) if (isIn(use, code)) add(use);
  return [...uses.values()];
}

function isIn(use: FileUse, { cell, function: { index } }: Code): boolean {
  for (let at = use.function; at !== undefined; at = cell.functions[at]?.parent) if (at === index) return true;
  return false;
}
