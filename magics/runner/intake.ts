// From the pipes of a cell process to whole output records. Descriptor 3 carries records already; what native code and foreign programs print
// on 1 and 2 is wrapped. Nothing is decoded on the way: a flood costs one pass over its record headers.
import { MAX_RECORD_BYTES, RECORD_HEADER_BYTES, encodeOutput, textHeader } from '../protocol/output';

type Sink = (records: Buffer) => void;

/** Cuts a stream of records at their borders. */
export class RecordIntake {
  readonly #sink: Sink;
  #rest: Buffer[] = [];
  #restBytes = 0;
  /** Bytes until the record at the front is whole. */
  #missing = 0;
  #broken = false;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  push(chunk: Buffer): void {
    if (this.#broken) return;
    this.#rest.push(chunk);
    this.#restBytes += chunk.length;
    if (this.#restBytes < this.#missing) return;
    const bytes = this.#rest.length === 1 ? chunk : Buffer.concat(this.#rest);
    let end = 0;
    this.#missing = 0;
    while (end + RECORD_HEADER_BYTES <= bytes.length) {
      const length = bytes.readUInt32LE(end);
      if (length > MAX_RECORD_BYTES) {
        this.#break();
        break;
      }
      const next = end + RECORD_HEADER_BYTES + length;
      if (next > bytes.length) {
        this.#missing = next - end;
        break;
      }
      end = next;
    }
    this.#sink(bytes.subarray(0, end));
    this.#rest = end < bytes.length ? [bytes.subarray(end)] : [];
    this.#restBytes = bytes.length - end;
  }

  /** Something else wrote to the descriptor: from here on nothing in it can be told apart. */
  #break(): void {
    this.#broken = true;
    const text =
      '[cellburst] The output channel of this cell was overwritten (file descriptor 3); later output is lost.\n';
    queueMicrotask(() => {
      this.#sink(Buffer.concat(encodeOutput({ type: 'stderr', text }, Date.now())));
    });
  }
}

const KEPT_TAIL_BYTES = 16 * 1024;

/** Wraps plain text of one stream, and remembers its end: the last words of V8 are there. */
export class TextIntake {
  readonly #stream: 'stdout' | 'stderr';
  readonly #sink: Sink;
  #rest: Buffer = Buffer.alloc(0);
  #tail: Buffer = Buffer.alloc(0);

  constructor(stream: 'stdout' | 'stderr', sink: Sink) {
    this.#stream = stream;
    this.#sink = sink;
  }

  push(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const end = wholeCharacters(bytes);
    this.#rest = bytes.subarray(end);
    this.#emit(bytes.subarray(0, end));
  }

  end(): void {
    this.#emit(this.#rest);
    this.#rest = Buffer.alloc(0);
  }

  /** The last text that passed. */
  get tail(): string {
    return this.#tail.toString('utf8');
  }

  #emit(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#tail = Buffer.concat([this.#tail, bytes.subarray(-KEPT_TAIL_BYTES)]).subarray(-KEPT_TAIL_BYTES);
    this.#sink(Buffer.concat([textHeader(this.#stream, bytes.length, Date.now()), bytes]));
  }
}

/** How many bytes can go without cutting a UTF-8 character in two. */
export function wholeCharacters(bytes: Buffer): number {
  const length = bytes.length;
  for (let back = 1; back <= Math.min(3, length); back++) {
    const byte = bytes[length - back] ?? 0;
    if (byte < 0x80) return length;
    // A lead byte says how long its character is.
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? length - back : length;
  }
  return length;
}
