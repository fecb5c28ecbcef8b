// How many bytes of a graph each of its objects takes, for reports. Strings that occur several times are counted where they occur first.
import { KIND, KIND_MASK } from './graph-format';
import type { Graph } from './graph-format';
import { scanGraph } from './graph-scan';
import type { Scan } from './graph-scan';

export interface Sizes {
  readonly scan: Scan;
  /** By record. */
  readonly bytes: Float64Array;
  /** By record: the first and the last new string of each table, by their places in it; -1 for none. */
  readonly texts: { readonly narrow: TextSpan; readonly wide: TextSpan };
  /** By record, of buffers: the blobs that have their bytes. */
  readonly blobs: ReadonlyMap<number, readonly number[]>;
}

interface TextSpan {
  readonly first: Int32Array;
  readonly last: Int32Array;
}

const INT_BYTES = 4;
const DOUBLE_BYTES = 8;

export function sizesOf(graph: Graph): Sizes {
  const { columns } = graph;
  const count = columns.kinds.length;
  const bytes = new Float64Array(count + 1);
  const seen = new Set<number>();
  const texts = { narrow: noTexts(count + 1), wide: noTexts(count + 1) };
  const scan = scanGraph(graph, (record, id) => {
    if (seen.has(id)) return;
    seen.add(id);
    bytes[record] = (bytes[record] ?? 0) + textBytes(graph, id);
    const { first, last } = (id & 1) === 0 ? texts.narrow : texts.wide;
    if ((first[record] ?? 0) < 0) first[record] = id >> 1;
    last[record] = Math.max(last[record] ?? 0, id >> 1);
  });
  for (let record = 0; record < count; record++) {
    const from = scan.positionOf(record);
    const to = scan.positionOf(record + 1);
    const words = INT_BYTES * (to.ints - from.ints) + DOUBLE_BYTES * (to.doubles - from.doubles);
    bytes[record] = (bytes[record] ?? 0) + 1 + to.tags - from.tags + words;
  }
  return { scan, bytes, texts, blobs: addBuffers(graph, bytes) };
}

function noTexts(count: number): TextSpan {
  return { first: new Int32Array(count).fill(-1), last: new Int32Array(count).fill(-1) };
}

/** Ids count Latin-1 strings by even numbers, the others by odd ones. */
function textBytes({ columns }: Graph, id: number): number {
  return (id & 1) === 0 ? (columns.narrowLengths[id >> 1] ?? 0) : 2 * (columns.wideLengths[id >> 1] ?? 0);
}

/** Their records are in the order of their columns: byte length and start, then offset and length of each chunk. */
function addBuffers({ columns }: Graph, bytes: Float64Array): Map<number, number[]> {
  const blobs = new Map<number, number[]>();
  let at = 0;
  let ints = 0;
  columns.kinds.forEach((byte, record) => {
    if ((byte & KIND_MASK) !== KIND.buffer) return;
    const chunks = columns.bufferInts[ints + 1] ?? 0;
    blobs.set(
      record,
      Array.from(columns.bufferInts.subarray(ints + 2, ints + 2 + chunks)).filter((blob) => blob >= 0),
    );
    for (let chunk = 0; chunk < chunks; chunk++)
      bytes[record] = (bytes[record] ?? 0) + (columns.bufferDoubles[at + 2 + 2 * chunk + 1] ?? 0);
    at += 2 + 2 * chunks;
    ints += 2 + chunks;
  });
  return blobs;
}
