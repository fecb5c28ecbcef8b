// A value through the codec and back, as a bundle carries it: for benches and fuzzers, which load this file alone.
import { decodeGraph, encodeGraph, type Graph, type ReadableGraph } from '../../magics/protocol/graph';
import { decodeHooks, encodeHooks } from './hooks';

export function encode(value: unknown): Graph {
  const { graph, refusals } = encodeGraph({ roots: [value], rootNames: ['value'], hooks: encodeHooks });
  if (refusals.length > 0) throw new Error(`It is refused: ${JSON.stringify(refusals)}`);
  return graph;
}

export function decode(graph: Graph): unknown {
  return decodeGraph({ graph: readable(graph), hooks: decodeHooks }).roots[0];
}

function readable(graph: Graph): ReadableGraph {
  return {
    ...graph,
    blobs: {
      lengths: graph.blobs.map((blob) => blob.byteLength),
      read: (index, offset, into) => {
        into.set(graph.blobs[index]?.subarray(offset, offset + into.byteLength) ?? []);
      },
    },
  };
}

/** Values of which there are many in notebooks, by name. */
export const CROWDS: Readonly<Record<string, (count: number) => unknown>> = {
  'small objects': (count) =>
    Array.from({ length: count }, (_, i) => ({ id: i, name: `name ${i % 1000}`, at: i / 7, isOdd: i % 2 === 1 })),
  'nested objects': (count) =>
    Array.from({ length: count / 2 }, (_, i) => ({ id: i, inner: { x: i / 3, label: `label ${i}` } })),
  strings: (count) => Array.from({ length: count }, (_, i) => `string number ${i}`),
  'small arrays': (count) => Array.from({ length: count }, (_, i) => [i, i / 3, i + 1]),
  maps: (count) => new Map(Array.from({ length: count }, (_, i) => [`key ${i}`, { value: i }])),
};
