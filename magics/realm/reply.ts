// The worker's side of the way back: what a cell did to the values it was given, what it declared, what it gave or threw.
import { types } from 'node:util';
import { ProtocolError, describeRefusals } from '../protocol/errors';
import type { Refusal } from '../protocol/errors';
import type { CellCode } from '../protocol/code';
import { KIND, decodeGraph, encodeGraph, parentsOf, pathTo, scanGraph, withCapturedPath } from '../protocol/graph';
import type { ByteRange, Changed, Encoded, Numbered, ReadableGraph } from '../protocol/graph';
import { MAIN } from '../protocol/main-context';
import type { CodePack } from '../protocol/bundle';
import { Builder } from './building';
import { readWanted } from './builtin-codecs';
import { placesOf } from './bundle';
import { codecName } from './codecs';
import { changedRanges, hasChanged } from './comparing';
import { Describer } from './describing';
import type { CellRun, Realm } from './realm';

export interface ReplyRequest {
  readonly realm: Realm;
  readonly cell: CellCode;
  readonly pack: CodePack;
  /** The bundle's graph, still open: what was sent is read again to be compared. */
  readonly graph: ReadableGraph;
  /** By number, as the bundle was opened. */
  readonly objects: readonly Numbered[];
  /** Values of `pack.names` before the cell ran. */
  readonly before: readonly unknown[];
  readonly run: CellRun;
}

export interface Reply {
  readonly outcome: 'value' | 'error';
  readonly hasValue: boolean;
  /** What the cell gave, or threw, or why neither can travel. */
  readonly result: unknown;
  readonly names: readonly string[];
  readonly stayed: readonly { readonly name: string; readonly message: string }[];
  /** Modules that the values refer into. */
  readonly modules: readonly string[];
  readonly encoded: Encoded;
}

/** Marks a name that was never read here and has not been assigned either. */
export const UNASSIGNED: unique symbol = Symbol('unassigned');

const RESULT = 'the result';

/** Of a cell that could not begin, since some of what it was sent cannot be made here: nothing has changed. `received`: how many objects were sent. */
export function makeRefusal(realm: Realm, received: number, refusals: readonly Refusal[]): Reply {
  const describer = new Describer(realm, () => undefined, { isReply: true });
  const result = refusalError(refusals);
  // The reader has objects of these numbers; none of them is meant.
  const objects = Array.from({ length: received }, () => ({}));
  try {
    const known = { objects, changed: [], changedBytes: () => [] };
    const encoded = encodeGraph({ roots: [result], rootNames: [RESULT], hooks: describer, known });
    return { outcome: 'error', hasValue: false, result, names: [], stayed: [], modules: [], encoded };
  } finally {
    describer.close();
  }
}

/** What cannot travel stays behind, by name; if it is the result itself or hangs on a captured object, that is the cell's error. */
export async function makeReply(request: ReplyRequest): Promise<Reply> {
  let reply = replyNow(request);
  while (await readWanted()) reply = replyNow(request);
  return reply;
}

function replyNow(request: ReplyRequest): Reply {
  const { realm, run } = request;
  const describer = new Describer(realm, () => undefined, { isReply: true });
  try {
    const changes = findChanges(request, describer);
    const names = assignedNames(request);
    const stayed: Reply['stayed'][number][] = [];
    let outcome: unknown = run.ok ? run.value : run.error;
    let isError = !run.ok;
    const stuck = changes.filter(
      ({ was }) => was.kind === KIND.coded && !realm.codecs.mayUpdate(was.links[0] as object),
    );
    if (stuck.length > 0) {
      outcome = refusalError(stuck.map(({ was }) => withoutUpdate(was, request, describer)));
      isError = true;
      changes.length = 0;
    }
    for (;;) {
      const kept = names.filter((name) => !stayed.some((entry) => entry.name === name));
      let encoded = encodeReply(request, describer, changes, kept, outcome);
      while (describer.takeGrowth()) encoded = encodeReply(request, describer, changes, kept, outcome);
      const { refusals } = encoded;
      if (refusals.length === 0) {
        const modules = [...describer.found.modules].sort();
        return {
          outcome: isError ? 'error' : 'value',
          hasValue: run.ok && run.hasValue,
          result: outcome,
          names: kept,
          stayed,
          modules,
          encoded,
        };
      }
      const blocked = kept.flatMap((name) => {
        const own = refusals.filter((refusal) => rootOf(refusal) === name);
        return own.length === 0 ? [] : [{ name, message: describeRefusals(own) }];
      });
      stayed.push(...blocked);
      if (blocked.length > 0) continue;
      // The result, or something that hangs on a captured object.
      const inObjects = refusals.filter((refusal) => rootOf(refusal) !== RESULT);
      const pathOf = capturedPaths(request, describer);
      outcome =
        isError && types.isNativeError(outcome) && inObjects.length === 0
          ? lightened(outcome, refusals)
          : refusalError(refusals.map((refusal) => ({ ...refusal, path: withCapturedPath(refusal.path, pathOf) })));
      isError = true;
      if (inObjects.length > 0) changes.length = 0;
    }
  } finally {
    describer.close();
  }
}

function withoutUpdate({ number, links }: Changed, request: ReplyRequest, describer: Describer): Refusal {
  const name = codecName(links[0]);
  return {
    path: capturedPaths(request, describer)(number),
    what: `the cell changed it, and the codec of ${name} cannot change the one of the notebook`,
    advice: `give registerCodec(${name}, …) an update(object, payload), or make a new ${name} in the cell`,
  };
}

/** The ways to what the notebook sent, by what its graph says. */
function capturedPaths({ graph, pack, objects }: ReplyRequest, hooks: Describer): (number: number) => string {
  const scan = scanGraph(graph);
  const rootNames: string[] = [];
  for (const [name, root] of placesOf(pack, graph.rootCount)) rootNames[root] = name;
  const parents = parentsOf(scan, graph.objectCount);
  return (number) => pathTo(number, { objects, parents, roots: [], rootNames, hooks });
}

/** As an error of the main context, which travels like any other. */
function refusalError(refusals: readonly Refusal[]): Error {
  const error = new MAIN.Error(describeRefusals(refusals));
  Object.defineProperty(error, 'name', { value: 'CaptureError', configurable: true, writable: true });
  Object.defineProperty(error, 'stack', {
    value: `CaptureError: ${error.message}`,
    configurable: true,
    writable: true,
  });
  return Object.assign(error, { refusals: JSON.parse(JSON.stringify(refusals)) as unknown });
}

/** An error with parts that cannot travel arrives as its builtin class, with name, message, stack and the fields that are plain. */
function lightened(error: Error, refusals: readonly Refusal[]): Error {
  const base = BASES.find((name) => error instanceof MAIN[name]) ?? 'Error';
  const light = new MAIN[base]();
  for (const key of Reflect.ownKeys(error)) {
    const descriptor = Reflect.getOwnPropertyDescriptor(error, key);
    if (descriptor === undefined || !Reflect.has(descriptor, 'value') || !isPrimitive(descriptor.value)) continue;
    Object.defineProperty(light, key, { ...descriptor, configurable: true });
  }
  const name: unknown = error.name;
  if (light.name !== name && isPrimitive(name))
    Object.defineProperty(light, 'name', { value: name, configurable: true, writable: true });
  const missing = refusals.map((refusal) => `${refusal.path.replace(RESULT, 'error')}: ${refusal.what}`);
  return Object.assign(light, { notSent: MAIN.Array.from(missing) });
}

const BASES = ['EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError'] as const;

function isPrimitive(value: unknown): boolean {
  return (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol') || value === null;
}

function rootOf({ path }: Refusal): string {
  return path === RESULT || path.startsWith(RESULT) ? RESULT : (/^[^.[{⟨]+/.exec(path)?.[0] ?? path);
}

interface Change {
  readonly was: Changed;
  readonly ranges: readonly ByteRange[];
}

function findChanges({ realm, graph, objects }: ReplyRequest, describer: Describer): Change[] {
  const { changed } = decodeGraph({
    graph,
    hooks: new Builder(realm, { takesSource: false }),
    existing: objects,
    compare: true,
  });
  const changes: Change[] = [];
  for (const was of changed) {
    const live = objects[was.number];
    if (live === undefined) throw new ProtocolError(`There is no object ${was.number}.`);
    if (!hasChanged(was, live, describer)) continue;
    changes.push({ was, ranges: was.bytes === undefined ? [] : changedRanges(was.bytes, live as ArrayBuffer, 0) });
  }
  return changes;
}

/** Names that the cell initialised, and captured ones that hold another value now. */
function assignedNames({ realm, cell, pack, before, run }: ReplyRequest): string[] {
  const declared = cell.declarations.filter((entry) => run.progress > entry.step).map((entry) => entry.name);
  const reassigned = pack.names.filter((name, index) => !Object.is(realm.get(name), before[index]));
  const written = pack.writeOnly.filter((name) => realm.get(name) !== UNASSIGNED);
  return [...new Set([...declared, ...reassigned, ...written])];
}

function encodeReply(
  { realm, objects }: ReplyRequest,
  describer: Describer,
  changes: readonly Change[],
  names: readonly string[],
  outcome: unknown,
): Encoded {
  const ranges = new Map(changes.map(({ was, ranges: own }) => [was.number, own]));
  return encodeGraph({
    roots: [outcome, ...names.map((name) => realm.get(name))],
    rootNames: [RESULT, ...names],
    hooks: describer,
    known: { objects, changed: [...ranges.keys()], changedBytes: (number) => ranges.get(number) ?? [] },
  });
}
