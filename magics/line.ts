// The line of a magic (`%%cluster hpc --cores 8`, `%cluster jobs`) as words with positions, so that a mistake can be shown where it stands.
import { UsageError } from './protocol/errors';
import { magicLines, type TopLine } from './protocol/magic';

export interface Word {
  readonly text: string;
  /** UTF-16 offset of the first and past the last character in the line, quotes included. */
  readonly start: number;
  readonly end: number;
}

export interface MagicLine {
  /** The whole line, for carets. */
  readonly text: string;
  /** `%%cluster` → cell magic `cluster`; `%cluster` → line magic `cluster`; `!ls` → the system's shell. */
  readonly kind: TopLine['kind'];
  readonly name: Word;
  /** Throws a UsageError when a quote is not closed. */
  readonly words: readonly Word[];
  /** Offset of the line in the cell. */
  readonly offset: number;
}

const MAGIC = /^(%{1,2})([A-Za-z_][\w-]*)?/;

/** The magic lines a cell starts with; none for a plain cell. */
export function findMagics(source: string): MagicLine[] {
  return magicLines(source).map(({ kind, start, end }) => toMagicLine(source.slice(start, end).trimEnd(), kind, start));
}

/** The first of them. */
export function findMagic(source: string): MagicLine | undefined {
  return findMagics(source)[0];
}

/** What stands behind the name, as typed. */
export function argumentText(line: MagicLine): string {
  return line.text.slice(line.name.end).trim();
}

function toMagicLine(text: string, kind: TopLine['kind'], offset: number): MagicLine {
  const [whole = '', percent = '', name = ''] = MAGIC.exec(text) ?? ['!', '!', ''];
  let words: readonly Word[] | undefined;
  return {
    text,
    kind,
    name: { text: name, start: percent.length, end: whole.length },
    // Not split before somebody asks: not every magic takes words.
    get words() {
      return (words ??= splitWords(text, whole.length));
    },
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
