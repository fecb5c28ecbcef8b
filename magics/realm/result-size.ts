// A result that is too large to come home: which of its names are, in words.
import type { Refusal } from '../protocol/errors';
import { sizesOf } from '../protocol/graph';
import type { Graph } from '../protocol/graph';

/** `rootNames`: by root. Nothing for a graph of at most `limitBytes`. The first name that reaches an object counts it. */
export function tooLarge(
  graph: Graph,
  rootNames: readonly string[],
  limitBytes: number,
  howToRaise: string,
): Refusal[] {
  const total = bytesOf(graph);
  if (total <= limitBytes) return [];
  const { scan, bytes } = sizesOf(graph);
  const counted = new Set<number>();
  const sizes = rootNames.map((name, root) => {
    let size = 0;
    const todo = [scan.roots[root] ?? -1];
    for (let record = todo.pop(); record !== undefined; record = todo.pop()) {
      const own = record - graph.base + graph.changed.length;
      if (record < graph.base || counted.has(own)) continue;
      counted.add(own);
      size += bytes[own] ?? 0;
      for (const edge of scan.edgesOf(own)) todo.push(edge);
    }
    return { name, size };
  });
  const [largest] = sizes.sort((a, b) => b.size - a.size);
  const what = `all that the cell made has ${gigabytes(total)}, and at most ${gigabytes(limitBytes)} come home`;
  const advice = `write it to a file (output('name')) and bring home what you need of it, or ${howToRaise}`;
  return [{ path: largest?.name ?? 'the result', what, advice }];
}

/** What the columns and arrays of a graph take in its file, about. */
function bytesOf({ columns, blobs }: Graph): number {
  const own = Object.values(columns) as readonly ArrayBufferView[];
  const all = [...own, ...blobs];
  return all.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

function gigabytes(bytes: number): string {
  return `${Number((bytes / 1e9).toPrecision(3))} GB`;
}
