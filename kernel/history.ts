// What was executed, for `history_request`. Of this session only; kept in memory.
import type { Content } from './wire/message';

/** Session number, line number, source: a row as the protocol wants it. */
type Row = readonly [number, number, string];

const SESSION = 1;
const MAX_ROWS = 10_000;

export class History {
  readonly #rows: Row[] = [];

  add(execution: number, source: string): void {
    this.#rows.push([SESSION, execution, source]);
    if (this.#rows.length > MAX_ROWS) this.#rows.shift();
  }

  /** Content of the reply. Unknown access types get an empty history. */
  answer(request: Content): Content {
    const rows = this.#select(request);
    const history = request['output'] === true ? rows.map(([s, line, source]) => [s, line, [source, null]]) : rows;
    return { status: 'ok', history };
  }

  #select(request: Content): readonly Row[] {
    const count = typeof request['n'] === 'number' ? request['n'] : undefined;
    switch (request['hist_access_type']) {
      case 'tail':
        return lastOf(this.#rows, count);
      case 'range': {
        const { session, start, stop } = request;
        if (session !== 0 && session !== SESSION && session !== undefined) return [];
        const from = typeof start === 'number' ? start : 0;
        const to = typeof stop === 'number' ? stop : Infinity;
        return this.#rows.filter(([, line]) => line >= from && line < to);
      }
      case 'search': {
        const pattern = globToRegExp(typeof request['pattern'] === 'string' ? request['pattern'] : '*');
        const found = this.#rows.filter(([, , source]) => pattern.test(source));
        if (request['unique'] !== true) return lastOf(found, count);
        // The newest of equal sources stays.
        const unique = new Map(found.map((row) => [row[2], row]));
        return lastOf(
          [...unique.values()].sort((a, b) => a[1] - b[1]),
          count,
        );
      }
      default:
        return [];
    }
  }
}

function lastOf(rows: readonly Row[], count: number | undefined): readonly Row[] {
  return count === undefined ? rows : count <= 0 ? [] : rows.slice(-count);
}

/** `*` and `?` as in a shell: what the protocol calls a glob. */
function globToRegExp(glob: string): RegExp {
  const text = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '[^]*')
    .replace(/\?/g, '[^]');
  return new RegExp(`^${text}$`);
}
