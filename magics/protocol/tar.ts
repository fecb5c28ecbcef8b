// Many files as one stream, and back: the tar of POSIX.1-2001 (pax: IEEE Std 1003.1-2017, "pax Interchange Format"), as far as archives of our own
// and npm's packages use it. Times and owners are left out, so that the same content gives the same bytes.
import { ProtocolError } from './errors';

/** One member. Paths are relative, with slashes, and never lead out of the archive. */
export type TarMember =
  | { readonly kind: 'file'; readonly path: string; readonly isExecutable: boolean; readonly size: number }
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

const BLOCK = 512;
const NAME_BYTES = 100;
/** Eleven octal digits. */
const SIZE_LIMIT = 8 ** 11;

/** What comes before a member's bytes. */
export function tarHeader(member: TarMember): Buffer {
  const extra: string[] = [];
  const size = member.kind === 'file' ? member.size : 0;
  const target = member.kind === 'link' ? member.target : '';
  if (!fits(member.path)) extra.push(paxRecord('path', member.path));
  if (!fits(target)) extra.push(paxRecord('linkpath', target));
  if (size >= SIZE_LIMIT) extra.push(paxRecord('size', String(size)));
  const mode = member.kind === 'link' ? 0o777 : member.isExecutable ? 0o755 : 0o644;
  const header = block({ path: member.path, mode, size: size < SIZE_LIMIT ? size : 0, type: typeOf(member), target });
  if (extra.length === 0) return header;
  const records = Buffer.from(extra.join(''));
  const before = block({ path: 'pax', mode: 0o644, size: records.length, type: 'x', target: '' });
  return Buffer.concat([before, records, tarPadding(records.length), header]);
}

/** What comes after a member's bytes. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

export const TAR_END = Buffer.alloc(2 * BLOCK);

function fits(path: string): boolean {
  // eslint-disable-next-line no-control-regex -- What ustar can name: a short ASCII text.
  return path.length <= NAME_BYTES && /^[\x00-\x7f]*$/.test(path);
}

function typeOf(member: TarMember): string {
  return member.kind === 'link' ? '2' : '0';
}

/** `LENGTH key=value\n`, where the length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes + 1;
  while (String(length).length + bytes > length) length += 1;
  return `${length}${rest}`;
}

interface Block {
  readonly path: string;
  readonly mode: number;
  readonly size: number;
  readonly type: string;
  readonly target: string;
}

function block({ path, mode, size, type, target }: Block): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write(path, 0, NAME_BYTES, 'latin1');
  octal(header, 100, 8, mode);
  octal(header, 108, 8, 0);
  octal(header, 116, 8, 0);
  octal(header, 124, 12, size);
  octal(header, 136, 12, 0);
  header.fill(' ', 148, 156);
  header.write(type, 156, 'latin1');
  header.write(target, 157, NAME_BYTES, 'latin1');
  header.write('ustar\u000000', 257, 'latin1');
  let sum = 0;
  for (const byte of header) sum += byte;
  octal(header, 148, 7, sum);
  return header;
}

function octal(header: Buffer, at: number, width: number, value: number): void {
  header.write(value.toString(8).padStart(width - 1, '0'), at, width - 1, 'latin1');
}

export interface TarSink {
  /** Gives what takes the bytes of the file, in order. */
  file(path: string, isExecutable: boolean): { write(bytes: Buffer): void; close(): void };
  link(path: string, target: string): void;
}

/** Takes a tar stream in pieces of any size. Throws ProtocolError for what is no tar, or leads out of the archive. */
export class TarReader {
  readonly #sink: TarSink;
  #rest: Buffer = Buffer.alloc(0);
  #file: { write(bytes: Buffer): void; close(): void } | undefined;
  #left = 0;
  #padding = 0;
  #extra: Map<string, string> = new Map();
  #text: { readonly type: string; readonly parts: Buffer[] } | undefined;
  #isOver = false;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  push(piece: Buffer): void {
    let bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    for (;;) {
      if (this.#left > 0) bytes = this.#content(bytes);
      if (this.#left > 0) break;
      if (this.#padding > 0) {
        const skipped = Math.min(this.#padding, bytes.length);
        bytes = bytes.subarray(skipped);
        this.#padding -= skipped;
      }
      if (this.#padding > 0 || bytes.length < BLOCK) break;
      this.#header(bytes.subarray(0, BLOCK));
      bytes = bytes.subarray(BLOCK);
    }
    // A copy: the piece belongs to whoever gave it.
    this.#rest = Buffer.from(bytes);
  }

  /** To be called at the end of the stream. */
  end(): void {
    if (!this.#isOver) throw new ProtocolError('The archive is cut off.');
  }

  #content(bytes: Buffer): Buffer {
    const taken = bytes.subarray(0, Math.min(this.#left, bytes.length));
    this.#left -= taken.length;
    if (this.#text === undefined) this.#file?.write(taken);
    else this.#text.parts.push(Buffer.from(taken));
    if (this.#left === 0) this.#close();
    return bytes.subarray(taken.length);
  }

  #close(): void {
    this.#file?.close();
    this.#file = undefined;
    const text = this.#text;
    this.#text = undefined;
    if (text === undefined) return;
    const words = Buffer.concat(text.parts).toString('utf8');
    if (text.type === 'x') this.#extra = parsePax(words);
    if (text.type === 'L') this.#extra.set('path', words.replace(/\0.*$/s, ''));
    if (text.type === 'K') this.#extra.set('linkpath', words.replace(/\0.*$/s, ''));
  }

  #header(header: Buffer): void {
    if (header.every((byte) => byte === 0)) {
      this.#isOver = true;
      return;
    }
    checkSum(header);
    const type = header.toString('latin1', 156, 157);
    if (['x', 'g', 'L', 'K'].includes(type)) {
      this.#begin(readOctal(header, 124, 12));
      this.#text = { type, parts: [] };
      return;
    }
    const extra = this.#extra;
    this.#extra = new Map();
    const size = Number(extra.get('size') ?? readOctal(header, 124, 12));
    const prefix = header.toString('latin1', 257, 262) === 'ustar' ? readText(header, 345, 155) : '';
    const name = readText(header, 0, NAME_BYTES);
    const path = extra.get('path') ?? (prefix === '' ? name : `${prefix}/${name}`);
    if (type === '5') return;
    refuseOutside(path);
    if (type === '2') {
      this.#sink.link(path, extra.get('linkpath') ?? readText(header, 157, NAME_BYTES));
      return;
    }
    if (type !== '0' && type !== '\0') throw new ProtocolError(`The archive has a member of unknown type: ${path}.`);
    this.#begin(size);
    this.#file = this.#sink.file(path, (readOctal(header, 100, 8) & 0o100) !== 0);
    if (size === 0) this.#close();
  }

  #begin(size: number): void {
    this.#left = size;
    this.#padding = tarPadding(size).length;
  }
}

function checkSum(header: Buffer): void {
  let sum = 0;
  for (let at = 0; at < BLOCK; at++) sum += at >= 148 && at < 156 ? 32 : (header[at] ?? 0);
  if (sum !== readOctal(header, 148, 8)) throw new ProtocolError('The archive is damaged, or is no tar.');
}

function readText(header: Buffer, at: number, width: number): string {
  const end = header.indexOf(0, at);
  return header.toString('utf8', at, end < 0 ? at + width : Math.min(end, at + width));
}

function readOctal(header: Buffer, at: number, width: number): number {
  const text = readText(header, at, width).trim();
  return text === '' ? 0 : Number.parseInt(text, 8);
}

function parsePax(records: string): Map<string, string> {
  const found = new Map<string, string>();
  let bytes = Buffer.from(records);
  while (bytes.length > 0) {
    const blank = bytes.indexOf(32);
    const length = Number(bytes.toString('latin1', 0, Math.max(0, blank)));
    if (!Number.isInteger(length) || length <= blank || length > bytes.length)
      throw new ProtocolError('The archive has a damaged header.');
    const record = bytes.toString('utf8', blank + 1, length - 1);
    const equals = record.indexOf('=');
    found.set(record.slice(0, equals), record.slice(equals + 1));
    bytes = bytes.subarray(length);
  }
  return found;
}

function refuseOutside(path: string): void {
  if (path.startsWith('/') || path.split('/').includes('..'))
    throw new ProtocolError(`The archive has a member outside of itself: ${path}.`);
}
