// The strings of a graph: two tables, one byte or two a character, each in pieces. A string's id says which table: even ids Latin-1, odd ids UTF-16.
import { ProtocolError } from './errors';
import { IntColumn } from './columns';

/** A read string keeps the piece it was cut from alive, so pieces stay small. A longer string is a piece of its own. */
const PIECE_CHARACTERS = 1 << 18;
const CACHE_SIZE = 8192;
// eslint-disable-next-line no-control-regex -- Latin-1 is the set of these very characters.
const BEYOND_LATIN1 = /[^\u0000-\u00ff]/;

/** Lengths in characters; `pieces` are the lengths in characters of the pieces of `text`. */
export interface StringTable {
  readonly lengths: Int32Array;
  readonly pieces: Int32Array;
  readonly text: Uint8Array;
}

class TableWriter {
  readonly #lengths = new IntColumn();
  readonly #pieces: string[] = [];
  readonly #parts: string[] = [];
  #characters = 0;

  add(text: string): number {
    this.#lengths.push(text.length);
    this.#parts.push(text);
    this.#characters += text.length;
    if (this.#characters >= PIECE_CHARACTERS) this.#cut();
    return this.#lengths.length - 1;
  }

  done(encoding: 'latin1' | 'utf16le'): StringTable {
    this.#cut();
    const width = encoding === 'latin1' ? 1 : 2;
    const lengths = Int32Array.from(this.#pieces, (piece) => piece.length);
    const text = Buffer.allocUnsafeSlow(lengths.reduce((sum, length) => sum + length * width, 0));
    let at = 0;
    for (const piece of this.#pieces) at += text.write(piece, at, encoding);
    return { lengths: this.#lengths.done(), pieces: lengths, text };
  }

  #cut(): void {
    if (this.#parts.length === 0) return;
    this.#pieces.push(this.#parts.join(''));
    this.#parts.length = 0;
    this.#characters = 0;
  }
}

export class StringWriter {
  readonly #narrow = new TableWriter();
  readonly #wide = new TableWriter();
  // A small direct-mapped cache finds repeats; a Map over all strings would cost more than it saves.
  readonly #cached = new Array<string | undefined>(CACHE_SIZE).fill(undefined);
  readonly #cachedIds = new Int32Array(CACHE_SIZE);

  id(text: string): number {
    const slot = slotOf(text);
    if (this.#cached[slot] === text) return this.#cachedIds[slot] ?? 0;
    const id = BEYOND_LATIN1.test(text) ? this.#wide.add(text) * 2 + 1 : this.#narrow.add(text) * 2;
    this.#cached[slot] = text;
    this.#cachedIds[slot] = id;
    return id;
  }

  done(): { readonly narrow: StringTable; readonly wide: StringTable } {
    return { narrow: this.#narrow.done('latin1'), wide: this.#wide.done('utf16le') };
  }
}

function slotOf(text: string): number {
  const { length } = text;
  if (length === 0) return 0;
  let hash = length * 31 + text.charCodeAt(0);
  hash = hash * 31 + text.charCodeAt(length >> 1);
  hash = hash * 31 + text.charCodeAt(length - 1);
  if (length > 2) hash += text.charCodeAt(length - 2) * 131;
  return hash & (CACHE_SIZE - 1);
}

export class StringReader {
  readonly #narrow: readonly string[];
  readonly #wide: readonly string[];

  constructor(narrow: StringTable, wide: StringTable) {
    this.#narrow = readTable(narrow, 'latin1');
    this.#wide = readTable(wide, 'utf16le');
  }

  get(id: number): string {
    const text = (id & 1) === 0 ? this.#narrow[id >>> 1] : this.#wide[id >>> 1];
    if (text === undefined) throw new ProtocolError(`A graph does not decode: it has no string ${id}.`);
    return text;
  }
}

function readTable(table: StringTable, encoding: 'latin1' | 'utf16le'): string[] {
  const width = encoding === 'latin1' ? 1 : 2;
  const bytes = Buffer.from(table.text.buffer, table.text.byteOffset, table.text.byteLength);
  const strings: string[] = [];
  let index = 0;
  let at = 0;
  for (const length of table.pieces) {
    const end = at + length * width;
    if (length < 0 || end > bytes.length) throw tooShort();
    const piece = bytes.toString(encoding, at, end);
    at = end;
    let from = 0;
    while (index < table.lengths.length && from + (table.lengths[index] ?? 0) <= piece.length) {
      const size = table.lengths[index] ?? 0;
      if (size < 0) throw tooShort();
      strings.push(from === 0 && size === piece.length ? piece : piece.substring(from, from + size));
      from += size;
      index += 1;
    }
    if (from !== piece.length) throw tooShort();
  }
  if (index !== table.lengths.length || at !== bytes.length) throw tooShort();
  return strings;
}

function tooShort(): ProtocolError {
  return new ProtocolError('A graph does not decode: the lengths of its strings do not fit their text.');
}
