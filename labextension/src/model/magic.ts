// Cells and their `%%cluster` line, as text. Pure.

export function isClusterCell(source: string): boolean {
  return /^\s*%%cluster\b/.test(source);
}

/** The cell with the line in front; a cell that has one stays as it is. */
export function toClusterCell(source: string): string {
  return isClusterCell(source) ? source : `%%cluster\n${source}`;
}

/** A cell that does something, for a person who sees this for the first time. */
export const EXAMPLE = `%%cluster --cores 2 --memory 1GB
// This cell runs in a process of its own, on the cores it asks for. What it declares comes back to the notebook.
let inside = 0;
const points = 5_000_000;
for (let i = 0; i < points; i++) {
  if (Math.hypot(Math.random(), Math.random()) < 1) inside++;
}
const pi = (4 * inside) / points;
pi`;
