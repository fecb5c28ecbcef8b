// Magic lines are not TypeScript: they become comments of the same length, so that every offset, line and column stays as typed.
import { magicLines, TIMED } from '../magics/protocol/magic';

/** `%%cluster --cores 8` → `//cluster --cores 8`, `%time f(x)` → `      f(x)`. Only lines before any code count. */
export function maskMagics(source: string): string {
  let masked = '';
  let at = 0;
  for (const { start, end } of magicLines(source)) {
    masked += source.slice(at, start) + maskLine(source.slice(start, end));
    at = end;
  }
  return masked + source.slice(at);
}

function maskLine(line: string): string {
  const timed = TIMED.exec(line)?.[0].length;
  if (timed !== undefined) return ' '.repeat(timed) + line.slice(timed);
  // A lone % has no room for a comment.
  return line.length > 1 ? `//${line.slice(2)}` : ' ';
}
