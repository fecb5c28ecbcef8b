// Which code a function value has. Every cell that ran, or arrived with a job, is in this table; a function is recognised by its text, and
// where the same text stands in several places, by the inspector's word for where it was made.
import { codeId, scriptName } from '../protocol/code';
import type { CellCode, CellId, FunctionCode } from '../protocol/code';
import { MAIN, unbound } from '../protocol/main-context';

/** One function or class of one cell. */
export interface Code {
  readonly cell: CellCode;
  readonly function: FunctionCode;
}

/** A place in a cell's text, line and column from 0. */
export interface CellPlace {
  readonly cell: CellCode;
  readonly line: number;
  readonly column: number;
}

interface PlacedScript {
  readonly sample: object;
  readonly toCell: (place: { readonly line: number; readonly column: number }) => CellPlace | undefined;
  /** The engine's, once it was asked for. */
  id: string | undefined;
}

interface Candidate extends Code {
  readonly text: 'local' | 'shipped';
}

const textOf = unbound<[], string>(MAIN.Function.prototype.toString);

export class CodeTable {
  readonly #cells = new Map<CellId, CellCode>();
  readonly #byText = new Map<string, Candidate[]>();
  readonly #known = new WeakMap<object, Code>();
  /** By file name; asked when a text is ambiguous. */
  readonly #scripts = new Map<string, PlacedScript>();

  /** `evaluate` is the cell's own function, where the cell was run here. */
  add(cell: CellCode, text: 'local' | 'shipped', evaluate?: object): void {
    if (evaluate !== undefined)
      this.addScript(scriptName(cell), evaluate, ({ line, column }) => ({ cell, line, column }));
    if (this.#cells.has(cell.id)) return;
    this.#cells.set(cell.id, cell);
    for (const entry of cell.functions) {
      const source = cell[text].text.slice(entry[text].start, entry[text].end);
      const same = this.#byText.get(source);
      const candidate = { cell, function: entry, text };
      if (same === undefined) this.#byText.set(source, [candidate]);
      else same.push(candidate);
    }
  }

  /** A script with code of cells in it: `sample` is a function of it, `toCell` leads from its text to that of a cell. */
  addScript(filename: string, sample: object, toCell: PlacedScript['toCell']): void {
    this.#scripts.set(filename, { sample, toCell, id: undefined });
  }

  /** A text that a function of a cell has where its code was changed to fit into a scope. */
  addVariant(text: string, cell: CellCode, entry: FunctionCode): void {
    const same = this.#byText.get(text) ?? [];
    if (same.some((candidate) => candidate.cell.id === cell.id && candidate.function === entry)) return;
    this.#byText.set(text, [...same, { cell, function: entry, text: 'local' }]);
  }

  cell(id: CellId): CellCode | undefined {
    return this.#cells.get(id);
  }

  byId(id: string): Code | undefined {
    const [cellId = '', index = ''] = id.split('#');
    const cell = this.#cells.get(cellId);
    const entry = cell?.functions[Number(index)];
    return cell === undefined || entry === undefined ? undefined : { cell, function: entry };
  }

  /** Notes what a function is that was built from its code, so that it need not be recognised. */
  note(value: object, code: Code): void {
    this.#known.set(value, code);
  }

  /**
   * The code of a function or class value of this notebook; undefined for any other.
   * `locate` gives a function's place by the inspector; it is asked only when several functions have the same text.
   */
  codeOf(value: object, locate: (value: object) => FunctionPlace | undefined): Code | undefined {
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    const candidates = this.#byText.get(textOf(value));
    const found =
      candidates === undefined || candidates.length < 2 ? candidates?.[0] : this.#choose(candidates, value, locate);
    if (found === undefined) return undefined;
    const code = { cell: found.cell, function: found.function };
    this.#known.set(value, code);
    return code;
  }

  #choose(
    candidates: readonly Candidate[],
    value: object,
    locate: (value: object) => FunctionPlace | undefined,
  ): Candidate | undefined {
    const found = locate(value);
    const place = found && this.#placeInCell(found, locate);
    if (place === undefined) return candidates[0];
    const inCell = candidates.filter((candidate) => candidate.cell.id === place.cell.id);
    return (
      inCell.find(({ function: entry, text }) => contains(entry[text], offsetOf(place, place.cell[text].text))) ??
      inCell[0] ??
      candidates[0]
    );
  }

  #placeInCell(place: FunctionPlace, locate: (value: object) => FunctionPlace | undefined): CellPlace | undefined {
    for (const script of this.#scripts.values()) {
      script.id ??= locate(script.sample)?.scriptId;
      if (script.id === place.scriptId) return script.toCell(place);
    }
    return undefined;
  }
}

export interface FunctionPlace {
  readonly scriptId: string;
  /** From 0, where V8 says the function begins: at its parameters, for most. */
  readonly line: number;
  readonly column: number;
}

/** A class is where its constructor is, which may be lines further down. */
function contains(range: { readonly start: number; readonly end: number }, offset: number): boolean {
  return offset >= range.start && offset <= range.end;
}

function offsetOf({ line, column }: CellPlace, text: string): number {
  let start = 0;
  for (let at = 0; at < line; at++) start = text.indexOf('\n', start) + 1;
  return start + column;
}

export function idOf(code: Code): string {
  return codeId(code.cell.id, code.function.index);
}
