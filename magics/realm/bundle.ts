// What a piece of code needs, gathered at home and opened on a worker: values, the cells of the functions among them, modules, local files.
// The walk follows run-time values: a name leads to its value, a function to its code, code to the names it uses, and so on.
import type { CodePack, LocalSource } from '../protocol/bundle';
import type { CellCode } from '../protocol/code';
import { CaptureError } from '../protocol/errors';
import { decodeGraph, encodeGraph } from '../protocol/graph';
import type { Encoded, Numbered, ReadableGraph, RootNames } from '../protocol/graph';
import { Builder } from './building';
import type { Code } from './code-table';
import { Describer } from './describing';
import { isLocalSpecifier } from './local-sources';
import { readWanted } from './builtin-codecs';
import { reachableCodecs } from './codec-reach';
import { LANGUAGE } from './module-states';
import type { Realm } from './realm';
import { withWaysAround } from './ways-around';

export interface Gathered {
  readonly pack: CodePack;
  readonly encoded: Encoded;
  readonly names: readonly string[];
  /** Of `pack.codecs`, for people. */
  readonly codecNames: readonly string[];
  /** Functions whose code travels. */
  readonly codes: readonly Code[];
}

export interface GatherRequest {
  /** Notebook names to begin with. */
  readonly names: readonly string[];
  /** Names that are only assigned. */
  readonly writeOnly?: readonly string[];
  /** Values to begin with, before the names, each under what refusals call it. */
  readonly values?: readonly (readonly [name: string, value: unknown])[];
  /** Cells whose text travels whole: their imports are needed as well. */
  readonly cells?: readonly CellCode[];
  /** Gather although something cannot travel: for a report, which tells `encoded.refusals`. */
  readonly forReport?: boolean;
}

/** Gathers; the walk itself is synchronous, so nothing changes under it. Throws CaptureError with all refusals. */
export async function gather(realm: Realm, request: GatherRequest): Promise<Gathered> {
  let walk = walkValues(realm, request);
  // What a walk had to leave out, since it tells its bytes only to those who wait, is there for the next one.
  while (await readWanted()) walk = walkValues(realm, request);
  const refusals = withWaysAround(walk.encoded.refusals, request.cells ?? [], walk.codes);
  if (refusals.length > 0 && request.forReport !== true) throw new CaptureError(refusals);
  const cells = [...new Set([...(request.cells ?? []), ...walk.cells])];
  const { files, links } = await collectFiles(realm, cells, walk.modules);
  const { names, modules, codecs } = walk;
  const writeOnly = (request.writeOnly ?? []).filter((name) => !names.includes(name));
  const pack = { cells, names, codecs, writeOnly, modules, files, links, directory: realm.directory };
  return { pack, encoded: { ...walk.encoded, refusals }, names, codecNames: walk.codecNames, codes: [...walk.codes] };
}

interface Walk {
  readonly encoded: Encoded;
  readonly names: string[];
  /** Roots that are codecs. */
  readonly codecs: number[];
  readonly codecNames: string[];
  readonly cells: ReadonlySet<CellCode>;
  readonly modules: string[];
  readonly codes: ReadonlySet<Code>;
}

function walkValues(realm: Realm, request: GatherRequest): Walk {
  const values = request.values ?? [];
  const roots: unknown[] = values.map(([, value]) => value);
  const rootNames: string[] = values.map(([name]) => name);
  const names: string[] = [];
  const seen = new Set<string>();
  const add = (name: string): void => {
    // A name nobody has declared is unknown there as well.
    if (seen.has(name) || !realm.has(name)) return;
    seen.add(name);
    names.push(name);
    rootNames.push(name);
    roots.push(realm.get(name));
  };
  const codes = new Set<Code>();
  const describer = new Describer(realm, (code: Code) => {
    codes.add(code);
    const { uses } = code.function;
    for (const name of [...uses.reads, ...uses.writes, ...uses.probes]) add(name);
  });
  const codecs: number[] = [];
  const codecNames: string[] = [];
  /** True when there are new ones. */
  const addCodecs = (): boolean => {
    const before = roots.length;
    const cells = [...(request.cells ?? []), ...describer.found.cells];
    for (const { registration, name } of reachableCodecs(realm, describer, cells)) {
      if (roots.includes(registration)) continue;
      codecs.push(roots.push(registration) - 1);
      codecNames.push(`the codec of ${name}`);
      rootNames.push(`the codec of ${name}`);
    }
    return roots.length > before;
  };
  try {
    for (const name of request.names) add(name);
    addCodecs();
    let encoded = encodeGraph({ roots, rootNames, hooks: describer });
    while (describer.takeGrowth() || addCodecs()) encoded = encodeGraph({ roots, rootNames, hooks: describer });
    const { cells, modules } = describer.found;
    for (const changer of realm.references.states.changersOf([LANGUAGE, ...modules])) modules.add(changer);
    return { encoded, names, codecs, codecNames, cells, modules: [...modules].sort(), codes };
  } finally {
    describer.close();
  }
}

async function collectFiles(
  realm: Realm,
  cells: readonly CellCode[],
  modules: readonly string[],
): Promise<{ files: LocalSource[]; links: Record<string, string> }> {
  const links: Record<string, string> = {};
  const files = new Map<string, LocalSource>();
  const specifiers = cells.flatMap((cell) => [...cell.imports.map((entry) => entry.specifier), ...cell.dynamicImports]);
  for (const specifier of specifiers) {
    const path = isLocalSpecifier(specifier)
      ? realm.sources.resolve(specifier, realm.directory)
      : realm.sources.alias(specifier);
    if (path !== undefined) links[specifier] = path;
  }
  const loaded = modules.filter(isLocalSpecifier).map((specifier) => specifier.replace(/^file:/, ''));
  const todo = [...Object.values(links), ...loaded];
  for (let path = todo.pop(); path !== undefined; path = todo.pop()) {
    if (files.has(path)) continue;
    const source = await realm.sources.read(path);
    files.set(path, source);
    todo.push(...Object.values(source.links));
  }
  return { files: [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1)), links };
}

export interface OpenedPack {
  readonly values: readonly unknown[];
  /** By number. */
  readonly objects: readonly Numbered[];
}

/**
 * Makes the values of a bundle here and binds its names: all, or only those that are not bound here. `realm.sources` must have the pack's files.
 * Throws ProtocolError for a bundle that does not decode, and what a missing module throws.
 */
export async function openPack(
  realm: Realm,
  pack: CodePack,
  graph: ReadableGraph,
  bind: 'all' | 'missing' = 'all',
): Promise<OpenedPack> {
  for (const cell of pack.cells) realm.addCode(cell);
  for (const specifier of pack.modules) await realm.modules.load(specifier);
  const places = placesOf(pack, graph.rootCount);
  const bound = new Map([...places].filter(([name]) => bind === 'all' || !realm.has(name)));
  const decoded = decodeGraph({
    graph,
    hooks: new Builder(realm, { takesSource: true }),
    names: rootNames(realm, places, bound),
  });
  const values = decoded.roots.filter((_, root) => !pack.codecs.includes(root));
  for (const root of pack.codecs) realm.codecs.adopt(decoded.roots[root]);
  for (const [name, root] of bound) realm.bind(name, decoded.roots[root]);
  return { values, objects: decoded.objects };
}

/** Names, and which root is whose value. */
export function placesOf(pack: CodePack, rootCount: number): Map<string, number> {
  const roots = Array.from({ length: rootCount }, (_, root) => root).filter((root) => !pack.codecs.includes(root));
  const first = roots.length - pack.names.length;
  return new Map(pack.names.map((name, index) => [name, roots[first + index] ?? -1]));
}

/** For codecs, which run while the values are made. */
function rootNames(realm: Realm, places: ReadonlyMap<string, number>, bound: ReadonlyMap<string, number>): RootNames {
  const names = new Map([...places].map(([name, root]) => [root, name]));
  return {
    rootsOfCode: (code) => {
      const uses = realm.codes.byId(code)?.function.uses;
      return [...(uses?.reads ?? []), ...(uses?.probes ?? [])].flatMap((name) => places.get(name) ?? []);
    },
    bind: (root, value) => {
      const name = names.get(root);
      if (name !== undefined && bound.has(name)) realm.bind(name, value);
    },
    nameOf: (root) => names.get(root) ?? 'a value',
  };
}
