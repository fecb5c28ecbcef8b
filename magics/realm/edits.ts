// Small changes in a piece of code, with what they do to its columns: places in it still have to lead to what was typed.

/** Offsets in the text; `text` holds no line break. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** From this place of the changed text on, its line is so much longer. */
export interface Shift {
  readonly line: number;
  readonly column: number;
  readonly width: number;
}

/** `edits`: ascending, apart from each other. */
export function withEdits(
  text: string,
  edits: readonly Edit[],
): { readonly text: string; readonly shifts: readonly Shift[] } {
  if (edits.length === 0) return { text, shifts: [] };
  const shifts: Shift[] = [];
  let changed = '';
  let line = 0;
  let lineStart = 0;
  let at = 0;
  const add = (piece: string): void => {
    for (let next = piece.indexOf('\n'); next >= 0; next = piece.indexOf('\n', next + 1)) {
      line += 1;
      lineStart = changed.length + next + 1;
    }
    changed += piece;
  };
  for (const { start, end, text: replacement } of edits) {
    add(text.slice(at, start));
    shifts.push({ line, column: changed.length - lineStart, width: replacement.length - (end - start) });
    add(replacement);
    at = end;
  }
  add(text.slice(at));
  return { text: changed, shifts };
}
