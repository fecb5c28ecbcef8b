// The line of a magic (`%%cluster hpc --cores 8`, `%cluster jobs`) as words with positions, so that a mistake can be shown where it stands.
import { UsageError } from './protocol/errors';

export interface Word {
  readonly text: string;
  /** UTF-16 offset of the first and past the last character in the line, quotes included. */
  readonly start: number;
  readonly end: number;
}

export interface MagicLine {
  /** The whole line, for carets. */
  readonly text: string;
  /** `%%cluster` → cell magic `cluster`; `%cluster` → line magic `cluster`. */
  readonly kind: 'cell' | 'line';
  readonly name: Word;
  readonly words: readonly Word[];
  /** Offset of the line in the cell. */
  readonly offset: number;
}

const MAGIC = /^(%{1,2})([A-Za-z_][\w-]*)?/;

/** The magic a cell starts with, leading blank lines allowed; undefined for a plain cell. */
export function findMagic(source: string): MagicLine | undefined {
  const offset = /^\s*/.exec(source)?.[0].length ?? 0;
  const newline = source.indexOf('\n', offset);
  const text = source.slice(offset, newline < 0 ? source.length : newline).trimEnd();
  return parseMagicLine(text, offset);
}

export function parseMagicLine(text: string, offset = 0): MagicLine | undefined {
  const match = MAGIC.exec(text);
  if (!match) return undefined;
  const [whole = '', percent = '', name = ''] = match;
  return {
    text,
    kind: percent.length === 2 ? 'cell' : 'line',
    name: { text: name, start: percent.length, end: whole.length },
    words: splitWords(text, whole.length),
    offset,
  };
}

/** Words as a shell would split them: blanks separate, quotes group. No variables, no globs: what is typed is what is meant. */
export function splitWords(text: string, from = 0): Word[] {
  const words: Word[] = [];
  let at = from;
  while (at < text.length) {
    if (/\s/.test(text[at] ?? '')) {
      at++;
      continue;
    }
    const word = readWord(text, at);
    words.push(word);
    at = word.end;
  }
  return words;
}

function readWord(text: string, start: number): Word {
  let value = '';
  let quote = '';
  let at = start;
  for (; at < text.length; at++) {
    const character = text[at] ?? '';
    if (quote !== '') {
      if (character === quote) quote = '';
      else value += character;
    } else if (character === '"' || character === "'") quote = character;
    else if (/\s/.test(character)) break;
    else value += character;
  }
  if (quote !== '') throw pointAt(text, { start, end: text.length }, `A quote (${quote}) is opened and never closed.`);
  return { text: value, start, end: at };
}

/** A usage error that shows the line and marks the place. */
export function pointAt(
  line: string,
  place: { readonly start: number; readonly end: number },
  message: string,
): UsageError {
  const marks = ' '.repeat(place.start) + '^'.repeat(Math.max(1, place.end - place.start));
  return new UsageError(`${message}\n  ${line}\n  ${marks}`);
}
