// How many bytes of a graph each of its objects takes, for reports. Strings that occur several times are counted where they occur first.
import { KIND, KIND_MASK } from './graph-format';
import type { Graph } from './graph-format';
import { scanGraph } from './graph-scan';
import type { Scan } from './graph-scan';

export interface Sizes {
  readonly scan: Scan;
  /** By record. */
  readonly bytes: Float64Array;
}

const INT_BYTES = 4;
const DOUBLE_BYTES = 8;

export function sizesOf(graph: Graph): Sizes {
  const { columns } = graph;
  const count = columns.kinds.length;
  const bytes = new Float64Array(count + 1);
  const seen = new Set<number>();
  const scan = scanGraph(graph, (record, id) => {
    if (seen.has(id)) return;
    seen.add(id);
    bytes[record] = (bytes[record] ?? 0) + textBytes(graph, id);
  });
  for (let record = 0; record < count; record++) {
    const from = scan.positionOf(record);
    const to = scan.positionOf(record + 1);
    const words = INT_BYTES * (to.ints - from.ints) + DOUBLE_BYTES * (to.doubles - from.doubles);
    bytes[record] = (bytes[record] ?? 0) + 1 + to.tags - from.tags + words;
  }
  addBuffers(graph, bytes);
  return { scan, bytes };
}

/** Ids count Latin-1 strings by even numbers, the others by odd ones. */
function textBytes({ columns }: Graph, id: number): number {
  return (id & 1) === 0 ? (columns.narrowLengths[id >> 1] ?? 0) : 2 * (columns.wideLengths[id >> 1] ?? 0);
}

/** Their records are in the order of their columns: byte length and start, then offset and length of each chunk. */
function addBuffers({ columns }: Graph, bytes: Float64Array): void {
  let at = 0;
  let ints = 0;
  columns.kinds.forEach((byte, record) => {
    if ((byte & KIND_MASK) !== KIND.buffer) return;
    const chunks = columns.bufferInts[ints + 1] ?? 0;
    for (let chunk = 0; chunk < chunks; chunk++)
      bytes[record] = (bytes[record] ?? 0) + (columns.bufferDoubles[at + 2 + 2 * chunk + 1] ?? 0);
    at += 2 + 2 * chunks;
    ints += 2 + chunks;
  });
}
