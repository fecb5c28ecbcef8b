// Which lines at the top of a cell are not TypeScript. The language masks them, the magics run them: both read this.

export interface TopLine {
  /** `%%bash` takes the rest of the cell; `%env` and `!ls` are lines of their own. */
  readonly kind: 'cell' | 'line' | 'shell';
  /** UTF-16 offsets in the cell: from the first character that is not blank to the end of the line. */
  readonly start: number;
  readonly end: number;
}

/**
 * `!` begins a shell line unless what follows can only be TypeScript: `!!x`, `!(a && b)`, `![]`, `!{}`. A negated name has to be written `(!x)`,
 * as in every notebook that knows `!`.
 */
const SHELL_LINE = /^![\s\w./~"'$-]/;

/** The magic lines before any code; blank lines and `//` comments may stand between them. A cell magic is the last of them. */
export function magicLines(source: string): TopLine[] {
  const lines: TopLine[] = [];
  for (let at = 0; at < source.length;) {
    const newline = source.indexOf('\n', at);
    const end = newline < 0 ? source.length : newline;
    const content = source.slice(at, end).trimStart();
    const kind = kindOf(content);
    if (kind !== undefined) lines.push({ kind, start: end - content.length, end });
    if (kind === 'cell' || (kind === undefined && content !== '' && !content.startsWith('//'))) break;
    at = end + 1;
  }
  return lines;
}

function kindOf(content: string): TopLine['kind'] | undefined {
  if (content.startsWith('%%')) return 'cell';
  if (content.startsWith('%')) return 'line';
  return SHELL_LINE.test(content) ? 'shell' : undefined;
}

/** `%time` measures the code that stands behind it: that is TypeScript again. */
export const TIMED = /^%time(?=\s)/;
