// A place in a cell as a person finds it: the line, its neighbours, and a caret. For type errors before anything ran and for tracebacks after.
// Colours are ANSI; without them it reads the same.

const RED = '\u001b[31m';
const DIM = '\u001b[2m';
const BOLD = '\u001b[1m';
const RESET = '\u001b[0m';

const LINES_AROUND = 2;
const MAX_LINE = 400;

/** `source` around a position (line and column from 1) with a caret under it; empty when the line does not exist. */
export function codeFrame(source: string, line: number, column: number): string[] {
  const lines = source.split('\n');
  if (line < 1 || line > lines.length) return [];
  const first = Math.max(1, line - LINES_AROUND);
  const last = Math.min(lines.length, line + LINES_AROUND);
  const width = String(last).length;
  const frame: string[] = [];
  for (let number = first; number <= last; number++) {
    const text = (lines[number - 1] ?? '').slice(0, MAX_LINE);
    const gutter = `${String(number).padStart(width)} | `;
    frame.push(number === line ? `${BOLD}> ${gutter}${RESET}${text}` : `${DIM}  ${gutter}${RESET}${text}`);
    if (number === line && column <= MAX_LINE)
      // Tabs stay tabs, so that the caret stands under its character.
      frame.push(
        `${DIM}  ${' '.repeat(width)} | ${RESET}${text.slice(0, column - 1).replace(/[^\t]/g, ' ')}${RED}^${RESET}`,
      );
  }
  return frame;
}
