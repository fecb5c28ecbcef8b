// A magic that stands anywhere but on the first line of its cell: TypeScript would only say that an expression is expected.
import { UsageError } from './protocol/errors';
import { magicLines } from './protocol/magic';

/** For a cell that does not check: is that because of a magic line further down? */
export function misplacedMagic(source: string): UsageError | undefined {
  const lines = source.split('\n');
  // The lines at the top are where they belong.
  const top = source.slice(0, magicLines(source).at(-1)?.end ?? 0);
  const first = top === '' ? 0 : top.split('\n').length;
  const index = lines.findIndex((line, at) => at >= first && /^\s*%{1,2}[A-Za-z]/.test(line));
  if (index < 0) return undefined;
  const text = lines[index]?.trim() ?? '';
  return new UsageError(
    `${text.split(/\s/)[0] ?? text} stands on line ${index + 1}. A magic must be the first line of its cell: move it to the top, or into a cell of its own.\n  ${text}`,
  );
}
