// Frames on a byte stream, whatever carries it (a Unix socket, an SSH channel, a pipe): a message, and with it, if wanted, raw bytes.
// A frame: u32 length of the message, u32 length of the bytes, little-endian; the message by values.ts as UTF-8; the bytes.
import { ProtocolError } from './errors';
import { parse, stringify } from './values';

export interface Frame {
  readonly message: unknown;
  readonly bytes?: Buffer;
}

const HEADER_BYTES = 8;
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** One output record fits, with its header. */
export const MAX_BYTES = 65 * 1024 * 1024;
/** How much a login shell may print before the marker. */
const MAX_NOISE_BYTES = 1024 * 1024;

/** The frame in pieces, to be written in this order without copying the bytes. */
export function encodeFrame(frame: Frame): Buffer[] {
  const message = Buffer.from(stringify(frame.message), 'utf8');
  const bytes = frame.bytes ?? Buffer.alloc(0);
  if (message.length > MAX_MESSAGE_BYTES)
    throw new ProtocolError(`Cannot send a message of ${message.length} bytes: at most ${MAX_MESSAGE_BYTES} fit.`);
  if (bytes.length > MAX_BYTES)
    throw new ProtocolError(`Cannot send ${bytes.length} bytes in one frame: at most ${MAX_BYTES} fit.`);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(message.length, 0);
  header.writeUInt32LE(bytes.length, 4);
  return bytes.length > 0 ? [header, message, bytes] : [header, message];
}

/** Bytes in as they come, in pieces; joined only when enough are there, so that a large frame costs one copy. */
class Inbox {
  #pieces: Buffer[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#length += piece.length;
  }

  /** The first `length` bytes, which must be there. They stay. */
  peek(length: number): Buffer {
    const first = this.#pieces[0];
    if (first !== undefined && first.length >= length) return first.subarray(0, length);
    const all = Buffer.concat(this.#pieces);
    this.#pieces = [all];
    return all.subarray(0, length);
  }

  skip(length: number): void {
    this.#length -= length;
    while (length > 0) {
      const first = this.#pieces[0];
      if (first === undefined) return;
      if (first.length > length) {
        this.#pieces[0] = first.subarray(length);
        return;
      }
      length -= first.length;
      this.#pieces.shift();
    }
  }
}

/**
 * Takes bytes as they come and gives whole frames. With a marker (random text the other side prints before its first frame)
 * everything up to and including it is skipped.
 */
export class FrameReader {
  readonly #inbox = new Inbox();
  #marker: Buffer | undefined;
  #noise = 0;
  /** Bytes until there is anything new to see: a header, then its whole frame. */
  #wanted = HEADER_BYTES;

  constructor(options: { readonly marker?: string } = {}) {
    if (options.marker !== undefined && options.marker !== '') this.#marker = Buffer.from(options.marker, 'utf8');
  }

  *push(chunk: Uint8Array): Generator<Frame> {
    this.#inbox.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    if (!this.#skipToMarker()) return;
    while (this.#inbox.length >= this.#wanted) {
      const header = this.#inbox.peek(HEADER_BYTES);
      const messageLength = header.readUInt32LE(0);
      const bytesLength = header.readUInt32LE(4);
      checkLengths(messageLength, bytesLength);
      const total = HEADER_BYTES + messageLength + bytesLength;
      this.#wanted = total;
      if (this.#inbox.length < total) return;
      const frame = this.#inbox.peek(total);
      this.#inbox.skip(total);
      this.#wanted = HEADER_BYTES;
      const end = HEADER_BYTES + messageLength;
      const message = parse(frame.toString('utf8', HEADER_BYTES, end));
      yield bytesLength > 0 ? { message, bytes: frame.subarray(end) } : { message };
    }
  }

  /** To be called when the stream has ended: half a frame is an error. */
  end(): void {
    if (this.#marker !== undefined)
      throw new ProtocolError('The stream ended before the other side said that it had started.');
    if (this.#inbox.length > 0)
      throw new ProtocolError(`The stream ended in the middle of a frame (${this.#inbox.length} bytes of it arrived).`);
  }

  #skipToMarker(): boolean {
    if (this.#marker === undefined) return true;
    const seen = this.#inbox.peek(this.#inbox.length);
    const at = seen.indexOf(this.#marker);
    // What cannot be the beginning of the marker any more is let go at once.
    const gone = at >= 0 ? at + this.#marker.length : Math.max(0, seen.length - this.#marker.length + 1);
    this.#inbox.skip(gone);
    if (at >= 0) {
      this.#marker = undefined;
      return true;
    }
    this.#noise += gone;
    if (this.#noise > MAX_NOISE_BYTES)
      throw new ProtocolError(`The other side printed ${this.#noise} bytes without saying that it had started.`);
    return false;
  }
}

function checkLengths(message: number, bytes: number): void {
  if (message > MAX_MESSAGE_BYTES || bytes > MAX_BYTES)
    throw new ProtocolError(
      `A frame claims a message of ${message} bytes with ${bytes} bytes beside it; ` +
        `at most ${MAX_MESSAGE_BYTES} and ${MAX_BYTES} are allowed.`,
    );
}
