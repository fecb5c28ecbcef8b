// Source map v3 `mappings` (ECMA-426, section 9): from a generated position back to the original one. Only what stack frames need.
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const VALUE_OF = new Map(Array.from(DIGITS, (digit, value) => [digit.charCodeAt(0), value]));
const CONTINUES = 32;

export interface Position {
  /** Both from 0. */
  readonly line: number;
  readonly column: number;
}

interface Segment {
  readonly generatedColumn: number;
  readonly line: number;
  readonly column: number;
}

export class Mappings {
  readonly #lines: readonly (readonly Segment[])[];

  constructor(mappings: string) {
    this.#lines = parseMappings(mappings);
  }

  /** The original position of the nearest segment at or before `generated` in its line. */
  original(generated: Position): Position | undefined {
    const segments = this.#lines[generated.line];
    if (segments === undefined) return undefined;
    let low = 0;
    let high = segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((segments[middle]?.generatedColumn ?? Infinity) <= generated.column) low = middle + 1;
      else high = middle;
    }
    const found = segments[low - 1] ?? segments[0];
    return found === undefined ? undefined : { line: found.line, column: found.column };
  }
}

function parseMappings(text: string): Segment[][] {
  const lines: Segment[][] = [];
  let line = 0;
  let column = 0;
  for (const group of text.split(';')) {
    const segments: Segment[] = [];
    let generatedColumn = 0;
    for (const field of group === '' ? [] : group.split(',')) {
      const [generatedStep = 0, , lineStep, columnStep] = decodeField(field);
      generatedColumn += generatedStep;
      if (lineStep === undefined || columnStep === undefined) continue;
      line += lineStep;
      column += columnStep;
      segments.push({ generatedColumn, line, column });
    }
    lines.push(segments);
  }
  return lines;
}

/** Base64 VLQ: 5 bits a digit, least first; the lowest bit of the whole is the sign. */
function decodeField(field: string): number[] {
  const numbers: number[] = [];
  let value = 0;
  let shift = 1;
  for (let i = 0; i < field.length; i++) {
    const digit = VALUE_OF.get(field.charCodeAt(i)) ?? 0;
    value += (digit & (CONTINUES - 1)) * shift;
    shift *= CONTINUES;
    if (digit & CONTINUES) continue;
    numbers.push(value % 2 === 1 ? -(value - 1) / 2 : value / 2);
    value = 0;
    shift = 1;
  }
  return numbers;
}
