// A job's output as lines to show: untrusted text, of which only colours, carriage returns and line ends mean something. Never HTML.
import type { LogPiece } from '../../../magics/protocol/monitor';

export interface Span {
  readonly text: string;
  /** Names of styles: `red`, `bright-green`, `bold`, `on-blue`, `stderr`, `display`. */
  readonly styles: readonly string[];
}

export interface Line {
  /** Counts from the first line ever, so that a list of lines keeps its keys when old ones go. */
  readonly number: number;
  readonly spans: readonly Span[];
}

const COLOURS = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;
/** A control sequence (ECMA-48: CSI), a title or link of a terminal (OSC), or any other escape. */
// eslint-disable-next-line no-control-regex -- ESC begins every one of them
const ESCAPE = /\x1b\[([0-9;:]*)([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\-_]?/g;
/** What a browser would show as a box. */
// eslint-disable-next-line no-control-regex -- that is what is removed
const UNPRINTABLE = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g;
/** Longer lines are cut: a browser breaks a line of a megabyte for seconds. */
const MAX_LINE_CHARACTERS = 10_000;

interface Style {
  foreground?: string;
  background?: string;
  readonly flags: Set<string>;
}

/** Takes pieces as they come and keeps the last so many lines. */
export class LogText {
  readonly #maxLines: number;
  #lines: Line[] = [];
  #last: Line = { number: 0, spans: [] };
  /** A carriage return was seen: what comes next begins the line anew. */
  #returned = false;
  /** The beginning of an escape sequence whose end has not come yet. */
  #rest = '';
  #style: Style = { flags: new Set() };

  constructor(maxLines: number) {
    this.#maxLines = maxLines;
  }

  /** A new array after each change. The last line is empty when the text ends in a line end, and is left out then. */
  get lines(): readonly Line[] {
    return this.#last.spans.length > 0 ? [...this.#lines, this.#last] : [...this.#lines];
  }

  push({ stream, text }: LogPiece): void {
    const source = this.#rest + text;
    const open = beginsEscapeAt(source);
    this.#rest = source.slice(open);
    let at = 0;
    for (const match of source.slice(0, open).matchAll(ESCAPE)) {
      this.#write(source.slice(at, match.index), stream);
      at = match.index + match[0].length;
      if (match[2] === 'm') applyCodes(this.#style, match[1] ?? '');
    }
    this.#write(source.slice(at, open), stream);
  }

  /** A line of our own. */
  note(text: string): void {
    if (this.#last.spans.length > 0) this.#endLine();
    this.#last = { ...this.#last, spans: [{ text, styles: ['note'] }] };
    this.#endLine();
  }

  #write(text: string, stream: LogPiece['stream']): void {
    if (text === '') return;
    for (const part of text.split(/(\r*\n|\r)/)) {
      if (part.endsWith('\n')) this.#endLine();
      else if (part === '\r') this.#returned = true;
      else this.#append(part.replace(UNPRINTABLE, ''), stream);
    }
  }

  #append(text: string, stream: LogPiece['stream']): void {
    if (text === '') return;
    const before = this.#returned ? [] : this.#last.spans;
    this.#returned = false;
    const length = before.reduce((sum, span) => sum + span.text.length, 0);
    if (length >= MAX_LINE_CHARACTERS) return;
    const room = MAX_LINE_CHARACTERS - length;
    const shown = text.length > room ? `${text.slice(0, room)}…` : text;
    this.#last = { ...this.#last, spans: [...before, { text: shown, styles: stylesOf(this.#style, stream) }] };
  }

  #endLine(): void {
    this.#lines.push(this.#last);
    // In one go now and then: removing from the front is not free.
    if (this.#lines.length > this.#maxLines * 1.2) this.#lines = this.#lines.slice(-this.#maxLines);
    this.#last = { number: this.#last.number + 1, spans: [] };
    this.#returned = false;
  }
}

/** Where a sequence begins that the text ends in the middle of; the text's length when there is none. */
function beginsEscapeAt(text: string): number {
  const at = text.lastIndexOf('\u001b');
  if (at < 0 || text.length - at > 64) return text.length;
  // eslint-disable-next-line no-control-regex -- ESC begins it
  return /^\x1b(\[[0-9;:]*|\][^\x07\x1b]*)?$/.test(text.slice(at)) ? at : text.length;
}

function stylesOf(style: Style, stream: LogPiece['stream']): string[] {
  const styles: string[] = [...style.flags];
  if (style.foreground) styles.push(style.foreground);
  if (style.background) styles.push(style.background);
  if (stream !== 'stdout') styles.push(stream);
  return styles;
}

/** Select graphic rendition (ECMA-48, 8.3.117). Colours beyond the sixteen are skipped: the text stays readable in any theme. */
function applyCodes(style: Style, codes: string): void {
  const numbers = codes.split(/[;:]/).map((code) => Number(code || 0));
  for (let index = 0; index < numbers.length; index += 1) {
    const code = numbers[index] ?? 0;
    if (code === 38 || code === 48) index += skipColour(style, code, numbers.slice(index + 1));
    else applyCode(style, code);
  }
}

/** `38;5;N` and `38;2;R;G;B`: gives how many numbers belong to it. */
function skipColour(style: Style, code: number, rest: readonly number[]): number {
  const [kind, colour = 0] = rest;
  if (kind === 5 && colour < 16) applyCode(style, code - 8 + (colour < 8 ? colour : colour - 8 + 60));
  return kind === 5 ? 2 : kind === 2 ? 4 : 0;
}

function applyCode(style: Style, code: number): void {
  if (code === 0) {
    delete style.foreground;
    delete style.background;
    style.flags.clear();
  } else if (code === 1) style.flags.add('bold');
  else if (code === 3) style.flags.add('italic');
  else if (code === 4) style.flags.add('underline');
  else if (code === 22) style.flags.delete('bold');
  else if (code === 23) style.flags.delete('italic');
  else if (code === 24) style.flags.delete('underline');
  else if (code === 39) delete style.foreground;
  else if (code === 49) delete style.background;
  else applyColour(style, code);
}

function applyColour(style: Style, code: number): void {
  const colour = COLOURS[code % 10];
  const tens = Math.floor(code / 10);
  if (colour === undefined) return;
  if (tens === 3) style.foreground = colour;
  else if (tens === 9) style.foreground = `bright-${colour}`;
  else if (tens === 4) style.background = `on-${colour}`;
  else if (tens === 10) style.background = `on-bright-${colour}`;
}
