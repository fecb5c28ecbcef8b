// Where in a bundle the records of a name lie, for the question whether they are at the cluster already. About: what lies close together is sent together.
import { placesInContainer } from '../protocol/container';
import type { Graph, Sizes } from '../protocol/graph';

/** Chunks of records have 16 KiB at least (magics/store/cutting.ts): what lies nearer than that is one place. */
const NEAR_BYTES = 16 * 1024;

/** Gives offsets and lengths, in turns, of some records; of none, those of the roots themselves. */
export function placing(head: unknown, graph: Graph, sizes: Sizes): (records: number[]) => number[] {
  const { scan, texts, blobs } = sizes;
  const { columns } = graph;
  const places = placesInContainer(head, graph);
  const at = (column: string): number => places.columns[column] ?? 0;
  const narrow = offsetsOf(columns.narrowLengths, 1);
  const wide = offsetsOf(columns.wideLengths, 2);
  const end = columns.kinds.length;
  return (records) => {
    // One list for each column, since each is in the order of the records.
    const lists = Array.from({ length: 6 }, () => new Places());
    const [tags, ints, doubles, narrows, wides, arrays] = lists;
    for (const record of records.length === 0 ? [end] : records.sort((a, b) => a - b)) {
      const from = scan.positionOf(record);
      const to = record < end ? scan.positionOf(record + 1) : undefined;
      tags?.add(at('tags') + from.tags, at('tags') + (to?.tags ?? columns.tags.length));
      ints?.add(at('ints') + 4 * from.ints, at('ints') + 4 * (to?.ints ?? columns.ints.length));
      doubles?.add(at('doubles') + 8 * from.doubles, at('doubles') + 8 * (to?.doubles ?? columns.doubles.length));
      narrows?.addText(at('narrowText'), narrow, texts.narrow.first[record], texts.narrow.last[record]);
      wides?.addText(at('wideText'), wide, texts.wide.first[record], texts.wide.last[record]);
      for (const blob of blobs.get(record) ?? []) {
        const start = places.blobs[blob] ?? 0;
        arrays?.add(start, start + (graph.blobs[blob]?.byteLength ?? 0));
      }
    }
    // Code is text of the head.
    const hasCode = records.some((record) => scan.codes.has(record));
    return [...lists.flatMap((list) => list.done()), ...(hasCode ? [places.head.offset, places.head.bytes] : [])];
  };
}

export function placesOfHead(head: unknown, graph: Graph): number[] {
  const { offset, bytes } = placesInContainer(head, graph).head;
  return [offset, bytes];
}

class Places {
  readonly #ranges: [start: number, end: number][] = [];

  /** Later ones lie behind. */
  add(start: number, end: number): void {
    if (end <= start) return;
    const last = this.#ranges.at(-1);
    if (last !== undefined && start - last[1] < NEAR_BYTES) last[1] = Math.max(last[1], end);
    else this.#ranges.push([start, end]);
  }

  addText(column: number, offsets: Float64Array, first = -1, last = -1): void {
    if (first >= 0) this.add(column + (offsets[first] ?? 0), column + (offsets[last + 1] ?? 0));
  }

  done(): number[] {
    return this.#ranges.flatMap(([start, end]) => [start, end - start]);
  }
}

function offsetsOf(lengths: Int32Array, width: number): Float64Array {
  const offsets = new Float64Array(lengths.length + 1);
  lengths.forEach((length, index) => {
    offsets[index + 1] = (offsets[index] ?? 0) + width * length;
  });
  return offsets;
}
