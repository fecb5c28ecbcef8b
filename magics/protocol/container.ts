// The file that carries a graph: bundles on the way out, envelopes on the way back. Little-endian:
//   0  "CELLBRST", u16 version of the graph, u16 version of the file, u32 bytes of the head, u32 blobs, u32 columns, f64 bytes of the skeleton,
//      32 bytes SHA-256 of all that follows it up to the blobs, and of bytes 8 to 32
//  64  head (text of values.ts), table (f64s: counts of the graph, byte lengths of its columns, length and checksum of each blob), columns, all aligned to 8
//      blobs, each aligned to 64: written from the memory of the values, read into their own
// A skeleton that was cut or changed is found by its digest, a cut file by its length, a changed blob by its checksum when it is read.
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, renameSync, unlinkSync } from 'node:fs';
import { NO_CHECKSUM, startChecksum } from './checksums';
import { BLOB_ALIGNMENT, PIECE_BYTES, endOfBlobs, padding, writeBlobs, writeParts } from './container-writing';
import { ProtocolError, messageOf } from './errors';
import type { BlobSource, ReadableGraph } from './graph-decode';
import { GRAPH_VERSION } from './graph-format';
import type { Graph, GraphColumns } from './graph-format';
import { openForWriting } from './spare';
import { parse, stringify } from './values';

const MAGIC = Buffer.from('CELLBRST', 'latin1');
/** Of the file, and of the graph in it. */
const VERSION = 0x2_0000 + GRAPH_VERSION;
const HEADER_BYTES = 64;
const DIGEST_AT = 32;
const WORD = 8;
/** A single read or write call takes at most 2 GiB. */
const MAX_CALL_BYTES = 1 << 30;

const COLUMN_TYPES: readonly (readonly [keyof GraphColumns | 'changed', 1 | 4 | 8])[] = [
  ['kinds', 1],
  ['headInts', 4],
  ['headDoubles', 8],
  ['tags', 1],
  ['ints', 4],
  ['doubles', 8],
  ['shapes', 4],
  ['narrowLengths', 4],
  ['narrowPieces', 4],
  ['narrowText', 1],
  ['wideLengths', 4],
  ['widePieces', 4],
  ['wideText', 1],
  ['bufferInts', 4],
  ['bufferDoubles', 8],
  ['small', 1],
  ['born', 4],
  ['changed', 4],
];
const COUNTS = 3;

/**
 * Writes beside and renames: whoever finds the file finds it whole, unless the machine died meanwhile (jobs/durability.ts). Gives its size.
 * Throws what the system throws (ENOSPC).
 */
export function writeContainer(path: string, head: unknown, graph: Graph): number {
  const part = `${path}.part`;
  const front = toFront(head, graph);
  const bytes = endOfBlobs(front.bytes, graph.blobs);
  const file = openForWriting(part, path, bytes);
  try {
    const checksums = writeBlobs(file, front.bytes, graph.blobs);
    writeParts(file, frontParts(front, graph, checksums), 0);
  } catch (error) {
    closeSync(file);
    unlinkSync(part);
    throw error;
  }
  closeSync(file);
  renameSync(part, path);
  return bytes;
}

/** The size a container will have. */
export function containerBytes(head: unknown, graph: Graph): number {
  return endOfBlobs(toFront(head, graph).bytes, graph.blobs);
}

/** Where in its file each part of a graph will lie. Bytes. */
export interface ContainerPlaces {
  readonly head: { readonly offset: number; readonly bytes: number };
  readonly columns: Readonly<Record<string, number>>;
  /** By number of the blob. */
  readonly blobs: readonly number[];
}

export function placesInContainer(head: unknown, graph: Graph): ContainerPlaces {
  const front = toFront(head, graph);
  const table = (COUNTS + front.columns.length + 2 * graph.blobs.length) * WORD;
  let at = HEADER_BYTES + aligned(front.head.byteLength) + table;
  const columns: Record<string, number> = {};
  front.columns.forEach(({ byteLength }, index) => {
    columns[COLUMN_TYPES[index]?.[0] ?? ''] = at;
    at += aligned(byteLength);
  });
  const blobs = graph.blobs.map((blob) => {
    const start = at + padding(at, BLOB_ALIGNMENT).byteLength;
    at = start + blob.byteLength;
    return start;
  });
  return { head: { offset: HEADER_BYTES, bytes: front.head.byteLength }, columns, blobs };
}

/** All that comes before the blobs. */
interface Front {
  readonly head: Uint8Array;
  readonly columns: readonly Uint8Array[];
  readonly bytes: number;
}

function toFront(head: unknown, graph: Graph): Front {
  const headBytes = Buffer.from(stringify(head), 'utf8');
  const columns = COLUMN_TYPES.map(([name]) => bytesOf(name === 'changed' ? graph.changed : graph.columns[name]));
  const table = (COUNTS + columns.length + 2 * graph.blobs.length) * WORD;
  const bytes = [headBytes, ...columns].reduce((sum, { byteLength }) => sum + aligned(byteLength), table);
  return { head: headBytes, columns, bytes: HEADER_BYTES + bytes };
}

function aligned(bytes: number): number {
  return bytes + ((WORD - (bytes % WORD)) % WORD);
}

function frontParts({ head, columns, bytes }: Front, graph: Graph, checksums: readonly number[]): Uint8Array[] {
  const table = Float64Array.from([
    graph.objectCount,
    graph.base,
    graph.rootCount,
    ...columns.map((column) => column.byteLength),
    ...graph.blobs.flatMap((blob, index) => [blob.byteLength, checksums[index] ?? NO_CHECKSUM]),
  ]);
  const skeleton: Uint8Array[] = [];
  for (const part of [head, bytesOf(table), ...columns]) skeleton.push(part, padding(part.byteLength, WORD));
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(VERSION, 8);
  header.writeUInt32LE(head.byteLength, 12);
  header.writeUInt32LE(graph.blobs.length, 16);
  header.writeUInt32LE(columns.length, 20);
  header.writeDoubleLE(bytes - HEADER_BYTES, 24);
  digestOf(header, skeleton).copy(header, DIGEST_AT);
  return [header, ...skeleton];
}

function bytesOf(column: Uint8Array | Int32Array | Float64Array): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
}

function digestOf(header: Uint8Array, skeleton: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256').update(header.subarray(8, DIGEST_AT));
  for (const part of skeleton) hash.update(part);
  return hash.digest();
}

export interface Container {
  readonly head: unknown;
  readonly graph: ReadableGraph;
  /** Size of the file. */
  readonly bytes: number;
  /** Blobs can be read until then. */
  close(): void;
}

/** Opens a container; its skeleton is read and verified, its blobs are read when they are asked for. Throws ProtocolError, or what the system throws. */
export function openContainer(path: string): Container {
  const file = openSync(path, 'r');
  try {
    return readContainer(file, path);
  } catch (error) {
    closeSync(file);
    if (error instanceof ProtocolError || systemError(error)) throw error;
    throw new ProtocolError(`${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** The head alone. Throws like openContainer. */
export function readHead(path: string): unknown {
  const container = openContainer(path);
  container.close();
  return container.head;
}

function showVersion(version: number): string {
  return `${version >>> 16}.${version & 0xffff}`;
}

function systemError(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'syscall' in error;
}

function readContainer(file: number, path: string): Container {
  const { size } = fstatSync(file);
  const wrong = (what: string): ProtocolError => new ProtocolError(`${path} cannot be read: ${what}.`);
  if (size < HEADER_BYTES) throw wrong(`it is cut short (${size} bytes)`);
  const header = Buffer.alloc(HEADER_BYTES);
  readFully(file, header, 0);
  if (!header.subarray(0, 8).equals(MAGIC)) throw wrong('it is no file of Cellburst');
  const version = header.readUInt32LE(8);
  if (version !== VERSION)
    throw wrong(`it has version ${showVersion(version)} of the format, and this is version ${showVersion(VERSION)}`);
  const skeletonBytes = header.readDoubleLE(24);
  if (!Number.isSafeInteger(skeletonBytes) || skeletonBytes < 0 || skeletonBytes % WORD !== 0)
    throw wrong('its header is damaged');
  if (HEADER_BYTES + skeletonBytes > size) throw wrong(`it is cut short (${size} bytes)`);
  const skeleton = Buffer.from(new ArrayBuffer(skeletonBytes));
  readFully(file, skeleton, HEADER_BYTES);
  if (!digestOf(header, [skeleton]).equals(header.subarray(DIGEST_AT)))
    throw wrong('its contents do not match its digest');
  const layout = readLayout(header, skeleton, wrong);
  const blobs = new FileBlobs(file, HEADER_BYTES + skeletonBytes, layout.blobs, wrong);
  if (blobs.end !== size) throw wrong(`it should have ${blobs.end} bytes and has ${size}`);
  return {
    head: layout.head,
    graph: { ...layout.graph, blobs },
    bytes: size,
    close: () => {
      blobs.close();
    },
  };
}

export interface BlobPlace {
  readonly offset: number;
  readonly bytes: number;
}

/**
 * Where the blobs of a container lie, told by its header and table; undefined for what is no container of this version. `read` gives bytes of the
 * file, of a length that it has.
 */
export function blobPlaces(
  size: number,
  read: (position: number, bytes: number) => Buffer,
): readonly BlobPlace[] | undefined {
  if (size < HEADER_BYTES) return undefined;
  const header = read(0, HEADER_BYTES);
  if (!header.subarray(0, 8).equals(MAGIC) || header.readUInt32LE(8) !== VERSION) return undefined;
  const blobCount = header.readUInt32LE(16);
  const columnCount = header.readUInt32LE(20);
  const skeletonBytes = header.readDoubleLE(24);
  const headBytes = header.readUInt32LE(12);
  const tableAt = HEADER_BYTES + headBytes + ((WORD - (headBytes % WORD)) % WORD);
  const tableBytes = (COUNTS + columnCount + 2 * blobCount) * WORD;
  if (!Number.isSafeInteger(skeletonBytes) || tableAt + tableBytes > size || columnCount !== COLUMN_TYPES.length)
    return undefined;
  const table = read(tableAt, tableBytes);
  const places: BlobPlace[] = [];
  let at = HEADER_BYTES + skeletonBytes;
  for (let blob = 0; blob < blobCount; blob++) {
    const bytes = table.readDoubleLE((COUNTS + columnCount + 2 * blob) * WORD);
    at += (BLOB_ALIGNMENT - (at % BLOB_ALIGNMENT)) % BLOB_ALIGNMENT;
    if (!Number.isSafeInteger(bytes) || bytes < 0 || at + bytes > size) return undefined;
    places.push({ offset: at, bytes });
    at += bytes;
  }
  return at === size ? places : undefined;
}

interface Layout {
  readonly head: unknown;
  readonly graph: Omit<ReadableGraph, 'blobs'>;
  readonly blobs: Float64Array;
}

function readLayout(header: Buffer, skeleton: Buffer, wrong: (what: string) => ProtocolError): Layout {
  const headBytes = header.readUInt32LE(12);
  const blobCount = header.readUInt32LE(16);
  const columnCount = header.readUInt32LE(20);
  if (columnCount !== COLUMN_TYPES.length) throw wrong('it has other columns than are known');
  let at = 0;
  const take = (bytes: number): number => {
    const from = at;
    at += bytes + ((WORD - (bytes % WORD)) % WORD);
    if (!Number.isSafeInteger(bytes) || bytes < 0 || at > skeleton.byteLength) throw wrong('its lengths do not fit');
    return from;
  };
  const head = parse(skeleton.toString('utf8', take(headBytes), headBytes));
  const { buffer } = skeleton;
  const tableLength = COUNTS + columnCount + 2 * blobCount;
  const table = new Float64Array(buffer, take(tableLength * 8), tableLength);
  const [objectCount = 0, base = 0, rootCount = 0] = table;
  for (const count of [objectCount, base, rootCount]) {
    if (!Number.isInteger(count) || count < 0 || count > skeleton.byteLength + base)
      throw wrong('its counts do not fit');
  }
  const columns = new Map<string, Uint8Array | Int32Array | Float64Array>();
  COLUMN_TYPES.forEach(([name, width], index) => {
    const bytes = table[COUNTS + index] ?? 0;
    if (bytes % width !== 0) throw wrong('its lengths do not fit');
    columns.set(name, toColumn(buffer, take(bytes), bytes, width));
  });
  if (at !== skeleton.byteLength) throw wrong('its lengths do not fit');
  const changed = columns.get('changed') as Int32Array;
  columns.delete('changed');
  return {
    head,
    graph: { objectCount, base, rootCount, changed, columns: Object.fromEntries(columns) as unknown as GraphColumns },
    blobs: table.subarray(COUNTS + columnCount),
  };
}

function toColumn(
  buffer: ArrayBufferLike,
  at: number,
  bytes: number,
  width: 1 | 4 | 8,
): Uint8Array | Int32Array | Float64Array {
  if (width === 1) return new Uint8Array(buffer, at, bytes);
  return width === 4 ? new Int32Array(buffer, at, bytes / 4) : new Float64Array(buffer, at, bytes / 8);
}

class FileBlobs implements BlobSource {
  readonly lengths: readonly number[];
  readonly end: number;
  readonly #file: number;
  readonly #starts: number[] = [];
  readonly #checksums: number[] = [];
  readonly #wrong: (what: string) => ProtocolError;
  #isOpen = true;

  constructor(file: number, start: number, table: Float64Array, wrong: (what: string) => ProtocolError) {
    this.#file = file;
    this.#wrong = wrong;
    const lengths: number[] = [];
    let at = start;
    for (let i = 0; i < table.length; i += 2) {
      const length = table[i] ?? 0;
      if (!Number.isSafeInteger(length) || length < 0) throw wrong('its lengths do not fit');
      at += (BLOB_ALIGNMENT - (at % BLOB_ALIGNMENT)) % BLOB_ALIGNMENT;
      this.#starts.push(at);
      this.#checksums.push(table[i + 1] ?? NO_CHECKSUM);
      lengths.push(length);
      at += length;
    }
    this.lengths = lengths;
    this.end = at;
  }

  read(index: number, offset: number, into: Uint8Array): void {
    const start = this.#starts[index];
    const length = this.lengths[index];
    if (start === undefined || length === undefined || offset + into.byteLength > length)
      throw this.#wrong('it has no such bytes');
    const isWhole = offset === 0 && into.byteLength === length;
    const expected = this.#checksums[index];
    const sum = readFully(this.#file, into, start + offset, isWhole && expected !== NO_CHECKSUM);
    if (sum !== NO_CHECKSUM && sum !== expected) throw this.#wrong('bytes of an array do not match their checksum');
  }

  close(): void {
    if (this.#isOpen) closeSync(this.#file);
    this.#isOpen = false;
  }
}

/** Fills `into` from a position of the file. Gives the checksum of what was read, if asked for. */
function readFully(file: number, into: Uint8Array, position: number, isChecked = false): number {
  const checksum = isChecked ? startChecksum(into.byteLength) : undefined;
  const step = checksum === undefined ? MAX_CALL_BYTES : PIECE_BYTES;
  for (let at = 0; at < into.byteLength;) {
    const count = readSync(file, into, at, Math.min(step, into.byteLength - at), position + at);
    if (count === 0) throw new ProtocolError('A file ended while it was read.');
    checksum?.add(into.subarray(at, at + count));
    at += count;
  }
  return checksum?.done() ?? NO_CHECKSUM;
}
