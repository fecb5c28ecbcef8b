// Output of a cell, from the process that runs it to whoever shows it: one record format on pipes, in spools and on streams.
// A record: u32 length of the payload, u8 type, 3 zero bytes, f64 time (ms since the epoch), payload; little-endian.
import { ProtocolError } from './errors';

export type MimeBundle = Readonly<Record<string, unknown>>;

export type OutputRecord =
  | { readonly type: 'stdout' | 'stderr'; readonly text: string }
  | {
      readonly type: 'display';
      readonly data: MimeBundle;
      readonly metadata: MimeBundle;
      readonly displayId?: string;
      readonly update?: boolean;
    }
  | { readonly type: 'clear'; readonly wait: boolean };

export interface TimedOutput {
  readonly time: number;
  readonly record: OutputRecord;
}

export const RECORD_HEADER_BYTES = 16;
const STDOUT = 1;
const STDERR = 2;
const STRUCTURED = 3;
/** More than any display should be, less than what would hurt a reader. */
export const MAX_RECORD_BYTES = 64 * 1024 * 1024;

/** Header and payload of one record, to be written in this order. */
export function encodeOutput(record: OutputRecord, time: number): [Buffer, Buffer] {
  const isText = record.type === 'stdout' || record.type === 'stderr';
  const payload = Buffer.from(isText ? record.text : JSON.stringify(record), 'utf8');
  return [
    outputHeader(
      record.type === 'stdout' ? STDOUT : record.type === 'stderr' ? STDERR : STRUCTURED,
      payload.length,
      time,
    ),
    payload,
  ];
}

/** The header for text whose bytes are at hand already (a pipe of native output). */
export function textHeader(stream: 'stdout' | 'stderr', byteLength: number, time: number): Buffer {
  return outputHeader(stream === 'stdout' ? STDOUT : STDERR, byteLength, time);
}

function outputHeader(type: number, byteLength: number, time: number): Buffer {
  const header = Buffer.alloc(RECORD_HEADER_BYTES);
  header.writeUInt32LE(byteLength, 0);
  header.writeUInt8(type, 4);
  header.writeDoubleLE(time, 8);
  return header;
}

/** Takes bytes as they come and gives whole records. `pending` bytes belong to a record that has not arrived whole. */
export class OutputReader {
  #rest: Buffer = Buffer.alloc(0);

  get pending(): number {
    return this.#rest.length;
  }

  *push(chunk: Uint8Array): Generator<TimedOutput> {
    let bytes =
      this.#rest.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
        : Buffer.concat([this.#rest, chunk]);
    while (bytes.length >= RECORD_HEADER_BYTES) {
      const length = bytes.readUInt32LE(0);
      if (length > MAX_RECORD_BYTES)
        throw new ProtocolError(`An output record claims ${length} bytes; at most ${MAX_RECORD_BYTES} are allowed.`);
      const end = RECORD_HEADER_BYTES + length;
      if (bytes.length < end) break;
      yield {
        time: bytes.readDoubleLE(8),
        record: decodePayload(bytes.readUInt8(4), bytes.subarray(RECORD_HEADER_BYTES, end)),
      };
      bytes = bytes.subarray(end);
    }
    this.#rest = bytes;
  }
}

function decodePayload(type: number, payload: Buffer): OutputRecord {
  if (type === STDOUT) return { type: 'stdout', text: payload.toString('utf8') };
  if (type === STDERR) return { type: 'stderr', text: payload.toString('utf8') };
  if (type === STRUCTURED) return parseStructured(payload.toString('utf8'));
  throw new ProtocolError(`An output record has the unknown type ${type}.`);
}

function parseStructured(text: string): OutputRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ProtocolError('A display record is not JSON.', { cause });
  }
  if (!isObject(value)) throw new ProtocolError('A display record is not an object.');
  if (value['type'] === 'clear') return { type: 'clear', wait: value['wait'] === true };
  if (value['type'] === 'display' && isObject(value['data']) && isObject(value['metadata'])) {
    const id = value['displayId'];
    return {
      type: 'display',
      data: value['data'],
      metadata: value['metadata'],
      ...(typeof id === 'string' ? { displayId: id } : {}),
      ...(value['update'] === true ? { update: true } : {}),
    };
  }
  throw new ProtocolError('A display record has an unknown shape.');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
