// Ways to damage an envelope: by someone who knows its form and makes its digest right again, and by chance.
import { createHash } from 'node:crypto';
import type { Graph } from '../../magics/protocol/graph';
import { stringify } from '../../magics/protocol/values';
import type { Random } from './random';

export interface Distorted {
  readonly head: unknown;
  readonly graph: Graph;
  readonly told: readonly string[];
}

type Column = Uint8Array | Int32Array | Float64Array;

const INTS = [-1, -2, 0, 1, 2, 3, 7, 63, 64, 255, 256, 65_535, 1_000_000, 0x7fff_ffff, -0x8000_0000];
const DOUBLES = [-1, -0, 0, 0.5, NaN, Infinity, -Infinity, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 60, 1e308, 4e9, 1e12];
const TEXTS = [
  '__proto__',
  'constructor',
  'prototype',
  'then',
  'toString',
  '#.process/.exit',
  '#.eval',
  '#.Function',
  '#',
  '#.process/.mainModule/.require',
  'node:child_process#.execSync',
  '#.__repliesRan',
  '%',
  '',
];

/** A few changes to the columns of the graph or to the head, each of which keeps the container readable. */
export function distort(random: Random, head: unknown, original: Graph): Distorted {
  const told: string[] = [];
  let graph = copyOf(original);
  let text = JSON.stringify(head);
  for (let changes = random.between(1, 4); changes > 0; changes--) {
    const what = random.weigh([
      [12, 'items'],
      [4, 'length'],
      [4, 'text'],
      [2, 'counts'],
      [3, 'changed'],
      [2, 'blobs'],
      [3, 'head'],
    ] as const);
    if (what === 'items') told.push(changeItems(random, graph));
    else if (what === 'length') told.push(changeLength(random, graph));
    else if (what === 'text') told.push(changeText(random, graph));
    else if (what === 'head') {
      const changed = changeHead(random, text);
      told.push(changed.told);
      text = changed.text;
    } else {
      const changed = changeCounts(random, graph, what);
      told.push(changed.told);
      graph = changed.graph;
    }
  }
  return { head: JSON.parse(text) as unknown, graph, told };
}

type Writable = { -readonly [K in keyof Graph['columns']]: Graph['columns'][K] };
type Copy = Omit<Graph, 'columns'> & { columns: Writable };

function copyOf(graph: Graph): Copy {
  const columns = Object.fromEntries(
    (Object.entries(graph.columns) as [string, Column][]).map(([name, column]) => [name, column.slice()]),
  );
  // The same names with the same kinds of columns.
  return { ...graph, changed: graph.changed.slice(), columns: columns as unknown as Writable, blobs: [...graph.blobs] };
}

function columnsOf(graph: Graph): (readonly [name: string, column: Column])[] {
  return (Object.entries(graph.columns) as [string, Column][]).filter(([, column]) => column.length > 0);
}

function changeItems(random: Random, graph: Graph): string {
  const [name, column] = random.pick(columnsOf(graph));
  const at = random.between(0, column.length - 1);
  const before = column[at];
  const way = random.between(0, 4);
  if (way === 0) column[at] = column instanceof Float64Array ? random.pick(DOUBLES) : random.pick(INTS);
  else if (way === 1) column[at] = column[random.between(0, column.length - 1)] ?? 0;
  else if (way === 2) column[at] = (before ?? 0) + random.pick([-1, 1, 2]);
  else if (way === 3)
    column[at] = column instanceof Uint8Array ? random.between(0, 255) : random.between(0, graph.objectCount + 2);
  else column.copyWithin(at, random.between(0, column.length - 1), column.length);
  return `${name}[${at}]: ${before} → ${column[at]} (way ${way})`;
}

function changeLength(random: Random, graph: Copy): string {
  const [name, column] = random.pick(columnsOf(graph));
  const length = random.chance(0.5) ? random.between(0, column.length) : column.length + random.between(1, 20);
  const changed =
    column instanceof Uint8Array
      ? new Uint8Array(length)
      : column instanceof Int32Array
        ? new Int32Array(length)
        : new Float64Array(length);
  changed.set(column.subarray(0, length));
  Reflect.set(graph.columns, name, changed);
  return `${name}: ${column.length} → ${length} items`;
}

/** Another text in the place of one, its length with it: the names of properties, paths of builtins, ids of code. */
function changeText(random: Random, graph: Copy): string {
  const { narrowLengths, narrowPieces, narrowText } = graph.columns;
  if (narrowLengths.length === 0 || narrowPieces.length === 0) return 'no text to change';
  const index = random.between(0, narrowLengths.length - 1);
  const start = narrowLengths.subarray(0, index).reduce((sum, length) => sum + length, 0);
  const old = narrowLengths[index] ?? 0;
  const text = Buffer.from(random.pick(TEXTS), 'latin1');
  const was = Buffer.from(narrowText.subarray(start, start + old)).toString('latin1');
  graph.columns.narrowText = Uint8Array.from(
    Buffer.concat([narrowText.subarray(0, start), text, narrowText.subarray(start + old)]),
  );
  narrowLengths[index] = text.length;
  // Nearly all text is in the first piece.
  narrowPieces[0] = (narrowPieces[0] ?? 0) + text.length - old;
  return `string ${index}: ${JSON.stringify(was)} → ${JSON.stringify(text.toString('latin1'))}`;
}

function changeCounts(
  random: Random,
  graph: Copy,
  what: 'counts' | 'changed' | 'blobs',
): { graph: Copy; told: string } {
  if (what === 'counts') {
    const name = random.pick(['objectCount', 'base', 'rootCount'] as const);
    const value = Math.max(0, random.chance(0.5) ? random.pick(INTS) : graph[name] + random.pick([-1, 1]));
    return { graph: { ...graph, [name]: value }, told: `${name}: ${graph[name]} → ${value}` };
  }
  if (what === 'blobs') {
    const blobs = graph.blobs.map((blob) =>
      random.chance(0.5) ? blob.subarray(0, random.between(0, blob.length)) : blob,
    );
    if (random.chance(0.3)) blobs.pop();
    return { graph: { ...graph, blobs }, told: `blobs of ${blobs.map((blob) => blob.length).join()} bytes` };
  }
  const changed = Int32Array.from(graph.changed, (number) => (random.chance(0.3) ? random.pick(INTS) : number));
  return { graph: { ...graph, changed }, told: `changed: ${changed.join()}` };
}

function changeHead(random: Random, text: string): { text: string; told: string } {
  const tokens = [...text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d+|true|false/g)];
  const token = random.pick(tokens);
  const other = random.pick([
    '"__proto__"',
    '"node:child_process"',
    '"error"',
    '"value"',
    '0',
    '-1',
    '1e9',
    'null',
    '[]',
    '{"__proto__":{"a":1}}',
    'true',
    JSON.stringify('x'.repeat(random.pick([1, 1000, 100_000]))),
  ]);
  const changed = text.slice(0, token.index) + other + text.slice(token.index + token[0].length);
  try {
    stringify(JSON.parse(changed));
  } catch {
    // The name of a field can only be a text, and not every one.
    return { text, told: 'head: as it was' };
  }
  return { text: changed, told: `head: ${token[0].slice(0, 60)} → ${other.slice(0, 60)}` };
}

/** Where the digest lies, what it is of (container.ts). */
const DIGEST_AT = 32;
const SKELETON_AT = 64;

/** Bytes changed by chance; mostly with a digest that is right again, as whoever means harm would make it. */
export function damage(random: Random, original: Buffer): { bytes: Buffer; told: string[] } {
  const told: string[] = [];
  let bytes = Buffer.from(original);
  for (let changes = random.between(1, 4); changes > 0; changes--) {
    const at = random.between(8, bytes.length - 9);
    const way = random.between(0, 4);
    if (way === 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.between(0, 7));
    else if (way === 1) bytes[at] = random.between(0, 255);
    else if (way === 2) bytes.writeInt32LE(random.pick(INTS), at);
    else if (way === 3) bytes.writeDoubleLE(random.pick(DOUBLES), at - (at % 8));
    else bytes.copy(bytes, at, random.between(8, bytes.length - 9));
    told.push(`byte ${at}, way ${way}`);
  }
  if (random.chance(0.1)) {
    bytes = bytes.subarray(0, random.between(0, bytes.length));
    told.push(`cut to ${bytes.length} bytes`);
  } else if (random.chance(0.05)) {
    bytes = Buffer.concat([bytes, Buffer.alloc(random.between(1, 100_000))]);
    told.push(`${bytes.length} bytes long`);
  }
  const skeleton = bytes.length > SKELETON_AT ? bytes.readDoubleLE(24) : NaN;
  if (random.chance(0.9) && skeleton >= 0 && SKELETON_AT + skeleton <= bytes.length) {
    const hash = createHash('sha256').update(bytes.subarray(8, DIGEST_AT));
    hash
      .update(bytes.subarray(SKELETON_AT, SKELETON_AT + skeleton))
      .digest()
      .copy(bytes, DIGEST_AT);
    told.push('sealed');
  }
  return { bytes, told };
}
