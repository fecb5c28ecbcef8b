// What a capture consists of, in the user's words: the rows of `--dry-run`. Sizes are those of the graph that would be sent: each object counts for the
// first name that reaches it.
import { cellLabel, mangle } from '../protocol/code';
import type { CellCode } from '../protocol/code';
import type { CaptureEntry } from '../protocol/capture';
import { sizesOf } from '../protocol/graph';
import type { Graph } from '../protocol/graph';
import { placesOf } from '../realm/bundle';
import type { Gathered } from '../realm/bundle';
import { placing } from './places';
import { Mappings } from '../realm/mappings';
import type { Realm } from '../realm/realm';

/** `head`: of the bundle, if it was written: then entries say where in it they lie. In the order in which the walk met them: those that the cell names itself come first. */
export function entriesOf(realm: Realm, { pack, encoded, codecNames }: Gathered, head: unknown): CaptureEntry[] {
  const { graph } = encoded;
  const share = sharing(realm, graph, head);
  const names = [...placesOf(pack, graph.rootCount)].map(([name, root]) => ({
    name,
    kind: kindOfName(realm, name),
    origin: originOf(realm, name),
    ...share(name, root),
  }));
  const codecs = pack.codecs.map((root, index) => {
    const name = codecNames[index] ?? '';
    return { name, kind: 'codec', origin: 'registerCodec', ...share(name, root) };
  });
  return [...names, ...codecs];
}

type Share = Pick<CaptureEntry, 'bytes' | 'sharedWith' | 'places'>;

/** Counts what can be reached from a root and from none before. */
function sharing(realm: Realm, graph: Graph, head: unknown): (name: string, root: number) => Share {
  const sizes = sizesOf(graph);
  const { scan, bytes } = sizes;
  const place = head === undefined ? undefined : placing(head, graph, sizes);
  const placesOf = (records: number[]): Pick<Share, 'places'> =>
    place === undefined ? {} : { places: place(records) };
  const owners = new Map<number, string>();
  const sizeOf = (record: number): number => {
    const id = scan.codes.get(record);
    const range = id === undefined ? undefined : realm.codes.byId(id)?.function.shipped;
    return (bytes[record] ?? 0) + (range === undefined ? 0 : range.end - range.start);
  };
  return (name, root) => {
    const first = scan.roots[root] ?? -1;
    if (first < 0) return { bytes: bytesOfPrimitive(realm.has(name) ? realm.get(name) : undefined), ...placesOf([]) };
    let total = 0;
    let sharedWith: string | undefined;
    const records: number[] = [];
    const todo = [first];
    for (let record = todo.pop(); record !== undefined; record = todo.pop()) {
      const owner = owners.get(record);
      if (owner !== undefined) {
        if (owner !== name && (record === first || (bytes[record] ?? 0) > SMALL)) sharedWith ??= owner;
        continue;
      }
      owners.set(record, name);
      records.push(record);
      total += sizeOf(record);
      for (const edge of scan.edgesOf(record)) if (edge >= 0) todo.push(edge);
    }
    const places = placesOf(records);
    return sharedWith === undefined ? { bytes: total, ...places } : { bytes: total, sharedWith, ...places };
  };
}

/** Builtins and prototypes are a few bytes, and everybody's. */
const SMALL = 8;

function bytesOfPrimitive(value: unknown): number {
  return typeof value === 'string'
    ? Buffer.byteLength(value)
    : typeof value === 'bigint'
      ? value.toString(16).length
      : SMALL;
}

function originOf(realm: Realm, name: string): string {
  const cell = realm.origin(name);
  const module = moduleOf(realm, realm.get(name));
  if (module !== undefined && module !== '') return module;
  return cell === undefined ? '' : `${cellLabel(cell.execution)}${lineOf(cell, name)}`;
}

/** Where the name is given its first value: the lowering prints it with a mark, and maps that place to the line as typed. */
function lineOf(cell: CellCode, name: string): string {
  const { text, mappings } = cell.shipped;
  const assigned = text.indexOf(`${mangle(name)} =`);
  const at = assigned >= 0 ? assigned : text.indexOf(mangle(name));
  if (at < 0) return '';
  const before = text.slice(0, at).split('\n');
  const place = new Mappings(mappings).original({ line: before.length - 1, column: before.at(-1)?.length ?? 0 });
  return place === undefined ? '' : `:${place.line + 1}`;
}

/** The module whose export a value is; '' for a builtin; undefined for what is the notebook's own. */
function moduleOf(realm: Realm, value: unknown): string | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  return realm.references
    .pathOf(value)
    ?.replace(/#.*$/s, '')
    .replace(/^(require|file):/, '');
}

function kindOfName(realm: Realm, name: string): string {
  const value = realm.get(name);
  const module = moduleOf(realm, value);
  if (module !== undefined) return module === '' ? 'builtin' : 'import';
  const declared = realm.origin(name)?.declarations.find((declaration) => declaration.name === name)?.kind;
  return declared === 'enum' || declared === 'namespace' ? `${declared} ${name}` : kindOf(value);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'function') {
    const isClass = /^class\b/.test(Function.prototype.toString.call(value));
    return `${isClass ? 'class' : 'function'} ${ownName(value)}`.trimEnd();
  }
  if (typeof value === 'string') return `string(${value.length})`;
  if (typeof value !== 'object') return typeof value;
  const name = className(value);
  if (Array.isArray(value)) return `${name}(${value.length})`;
  if (ArrayBuffer.isView(value) && 'length' in value) return `${name}(${String(value.length)})`;
  const size: unknown = name === 'Map' || name === 'Set' ? Reflect.get(value, 'size') : undefined;
  return typeof size === 'number' ? `${name}(${size})` : name;
}

function ownName(value: object): string {
  const name: unknown = Reflect.getOwnPropertyDescriptor(value, 'name')?.value;
  return typeof name === 'string' ? name : '';
}

/** By descriptors: no getter of the user's runs. */
function className(value: object): string {
  const prototype = Reflect.getPrototypeOf(value);
  const owner: unknown =
    prototype === null ? undefined : Reflect.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return typeof owner === 'function' ? ownName(owner) || 'object' : 'object';
}
