// Writes both texts of a cell in one pass over the emitted JavaScript: pieces are copied, replaced and inserted at a cursor that only moves
// forward, and each output keeps the way back to what was typed. Insertions never hold a line break: lines stay those of the JavaScript.
import { encode, type SourceMapSegment } from '@jridgewell/sourcemap-codec';
import type { Emit } from '../../magics/protocol/code';

/** A place in the emitted JavaScript and where it was typed (line and column from 0). */
export interface Anchor {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

/** A place in an output: UTF-16 offset, line and column from 0. */
export interface Place {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

export interface Places {
  readonly local: Place;
  readonly shipped: Place;
}

const LINE_BREAK = /\r\n|[\n\r\u2028\u2029]/g;

class Output {
  readonly #pieces: string[] = [];
  readonly #lines: SourceMapSegment[][] = [[]];
  #offset = 0;
  #column = 0;

  get place(): Place {
    return { offset: this.#offset, line: this.#lines.length - 1, column: this.#column };
  }

  write(text: string): void {
    this.#pieces.push(text);
    this.#offset += text.length;
    this.#column += text.length;
    for (const lineBreak of text.matchAll(LINE_BREAK)) {
      this.#lines.push([]);
      this.#column = text.length - lineBreak.index - lineBreak[0].length;
    }
  }

  anchor(anchor: Anchor): void {
    const line = this.#lines.at(-1);
    if (line?.at(-1)?.[0] === this.#column) line.pop();
    line?.push([this.#column, 0, anchor.line, anchor.column]);
  }

  toEmit(): Emit {
    return { text: this.#pieces.join(''), mappings: encode(this.#lines) };
  }
}

export class Writer {
  readonly #text: string;
  readonly #anchors: readonly Anchor[];
  readonly #local = new Output();
  readonly #shipped = new Output();
  #cursor = 0;
  #next = 0;

  constructor(text: string, anchors: readonly Anchor[]) {
    this.#text = text;
    this.#anchors = anchors;
  }

  get places(): Places {
    return { local: this.#local.place, shipped: this.#shipped.place };
  }

  /** Copies up to `end`. */
  copyTo(end: number): void {
    for (let anchor = this.#anchors[this.#next]; anchor && anchor.offset < end; anchor = this.#anchors[++this.#next]) {
      this.#write(this.#text.slice(this.#cursor, anchor.offset));
      this.#cursor = Math.max(this.#cursor, anchor.offset);
      if (anchor.offset === this.#cursor) this.#anchor(anchor);
    }
    this.#write(this.#text.slice(this.#cursor, end));
    this.#cursor = Math.max(this.#cursor, end);
  }

  /** Leaves out what lies up to `end` and writes `text` instead. */
  replaceTo(end: number, text: string): void {
    this.insert(text);
    while ((this.#anchors[this.#next]?.offset ?? Infinity) < end) this.#next++;
    this.#cursor = end;
  }

  insert(text: string): void {
    const anchor = this.#anchors[this.#next];
    if (anchor?.offset === this.#cursor) this.#anchor(anchor);
    this.#write(text);
  }

  /** Inserts text that stands for what begins at `offset`, before the cursor. */
  insertFor(offset: number, text: string): void {
    this.#anchor({ offset, ...typedAt(this.#anchors, offset) });
    this.#write(text);
  }

  /** Inserts into the text for the user process only. */
  insertLocal(text: string): void {
    const anchor = this.#anchors[this.#next];
    if (anchor?.offset === this.#cursor) this.#local.anchor(anchor);
    this.#local.write(text);
  }

  finish(): { readonly local: Emit; readonly shipped: Emit } {
    this.copyTo(this.#text.length);
    return { local: this.#local.toEmit(), shipped: this.#shipped.toEmit() };
  }

  #write(text: string): void {
    if (text === '') return;
    this.#local.write(text);
    this.#shipped.write(text);
  }

  #anchor(anchor: Anchor): void {
    this.#local.anchor(anchor);
    this.#shipped.anchor(anchor);
  }
}

/** Where the character at `offset` of the JavaScript was typed. */
export function typedAt(anchors: readonly Anchor[], offset: number): { line: number; column: number } {
  let low = 0;
  let high = anchors.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((anchors[middle]?.offset ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  const anchor = anchors[low - 1] ?? anchors[0];
  return { line: anchor?.line ?? 0, column: anchor?.column ?? 0 };
}
