// Envelope → namespace: objects the notebook has are patched in place, new names are bound, an error becomes the notebook's own.
// Nothing is applied before everything has been decoded and compared.
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { bundleHead } from '../protocol/bundle';
import type { SettleReport, SettleRequest } from '../protocol/capture';
import { openContainer } from '../protocol/container';
import { envelopeHead, parseShown } from '../protocol/envelope';
import type { EnvelopeHead } from '../protocol/envelope';
import { ProtocolError, messageOf } from '../protocol/errors';
import { decodeGraph, KIND } from '../protocol/graph';
import type { Changed, Decoded, Numbered } from '../protocol/graph';
import { BUNDLE_FILE, ENVELOPE_FILE } from '../protocol/layout';
import { Builder } from '../realm/building';
import { openPack } from '../realm/bundle';
import { hasChanged } from '../realm/comparing';
import { Describer } from '../realm/describing';
import type { Realm } from '../realm/realm';
import type { Capture } from './captures';
import { forgetCapture, recall, stateOf } from './captures';
import { patch } from './patching';
import { reachersOf } from './reach';
import { stayedBehind } from '../realm/stayed';

/**
 * Puts the result of a job into the notebook. Throws ProtocolError when the envelope (or, for a capture made elsewhere, the bundle) does not decode, or
 * belongs to another capture; then nothing has been changed.
 */
export async function settleCell(realm: Realm, request: SettleRequest): Promise<SettleReport> {
  const envelope = openContainer(join(request.directory, ENVELOPE_FILE));
  try {
    const head = envelopeHead(envelope.head, 'the envelope');
    const capture = await captureFor(realm, request);
    if (head.received !== capture.objects.length)
      throw new ProtocolError('The envelope answers another capture: it counts other objects than were sent.');
    const absent = await loadModules(realm, head, capture);
    const decoded = decodeGraph({
      graph: envelope.graph,
      hooks: new Builder(realm, { takesSource: false, absent }),
      existing: capture.objects,
    });
    if (decoded.roots.length !== head.names.length + 1)
      throw new ProtocolError('The envelope has other names than it says.');
    checkNames(head, capture);
    const report = reportOf(request, head, capture);
    const { changed, conflicts } = apply(realm, request, head, capture, decoded);
    if (request.captureId !== undefined) forgetCapture(realm, request.captureId);
    return { ...report, changed, conflicts };
  } finally {
    envelope.close();
  }
}

/** A reply binds what its cell declares or assigns, and no other name of the notebook. */
function checkNames(head: EnvelopeHead, { cell, pack }: Capture): void {
  const allowed = new Set([
    ...pack.names,
    ...pack.writeOnly,
    ...cell.uses.writes,
    ...cell.declarations.map(({ name }) => name),
  ]);
  const names = [...head.names, ...head.stayed.map(({ name }) => name)];
  const strange = names.find((name) => !allowed.has(name));
  if (strange !== undefined)
    throw new ProtocolError(`The envelope assigns ${JSON.stringify(strange.slice(0, 80))}, which its cell does not.`);
  if (new Set(names).size !== names.length) throw new ProtocolError('The envelope assigns a name twice.');
}

/** An object stays what it is: a Map cannot become a Date. */
function checkKinds(changes: readonly Changed[], told: readonly Changed[]): void {
  const kinds = new Map(told.map(({ number, kind }) => [number, kind]));
  for (const { number, kind } of changes) {
    const was = kinds.get(number);
    if (was === undefined || familyOf(was) !== familyOf(kind))
      throw new ProtocolError(`The envelope makes something else of object ${number} than it is.`);
  }
}

const ARRAYS: ReadonlySet<number> = new Set([KIND.array, KIND.numbers, KIND.sparse]);

function familyOf(kind: number): number {
  return ARRAYS.has(kind) ? KIND.array : kind;
}

/**
 * Only what the notebook's own code imports is loaded; a reply cannot name other packages. Gives why those that are only where the cell ran cannot be:
 * all else of the result comes home.
 */
async function loadModules(
  realm: Realm,
  head: EnvelopeHead,
  { cell, pack }: Capture,
): Promise<ReadonlyMap<string, string>> {
  const absent = new Map<string, string>();
  const own = [cell, ...pack.cells].flatMap((code) => [
    ...code.imports.map((entry) => entry.specifier),
    ...code.dynamicImports,
  ]);
  const allowed = new Set([...own, ...pack.modules, ...Object.values(pack.links).map((path) => `file:${path}`)]);
  for (const specifier of head.modules) {
    if (!allowed.has(specifier.replace(/^require:/, '')) && !allowed.has(specifier) && !isBuiltin(specifier)) continue;
    try {
      await realm.modules.load(specifier);
    } catch (error) {
      absent.set(specifier, messageOf(error));
    }
  }
  return absent;
}

interface SettledCapture extends Capture {
  /** Values of `pack.names`, made anew: the capture was another process's. */
  readonly anew?: readonly unknown[];
}

async function captureFor(realm: Realm, request: SettleRequest): Promise<SettledCapture> {
  const known = request.captureId === undefined ? undefined : recall(realm, request.captureId);
  if (known !== undefined) return known;
  const bundle = openContainer(join(request.directory, BUNDLE_FILE));
  try {
    const { cell, pack } = bundleHead(bundle.head);
    realm.addCode(cell);
    const { values, objects } = await openPack(realm, pack, bundle.graph, 'missing');
    return { cell, pack, objects, bufferStarts: new Map(), names: new Map(), anew: values };
  } finally {
    bundle.close();
  }
}

interface Applied {
  readonly changed: string[];
  readonly conflicts: string[];
}

function apply(
  realm: Realm,
  request: SettleRequest,
  head: EnvelopeHead,
  capture: SettledCapture,
  decoded: Decoded,
): Applied {
  if (head.outcome === 'error' && request.atomic) return { changed: [], conflicts: [] };
  const objects = patchObjects(realm, request, capture, decoded.changed);
  const names = bindNames(realm, head, capture, decoded, objects.changed);
  return {
    changed: [...new Set([...objects.changed, ...names.changed])],
    conflicts: [...new Set([...objects.conflicts, ...names.conflicts])],
  };
}

/** Patches what the user has not changed meanwhile. */
function patchObjects(
  realm: Realm,
  request: SettleRequest,
  capture: SettledCapture,
  changes: readonly Changed[],
): Applied {
  if (changes.length === 0) return { changed: [], conflicts: [] };
  const bundle = openContainer(join(request.directory, BUNDLE_FILE));
  try {
    const told = decodeGraph({
      graph: bundle.graph,
      hooks: new Builder(realm, { takesSource: false }),
      existing: capture.objects,
      compare: true,
    }).changed;
    checkKinds(changes, told);
    const touched = capture.anew === undefined ? changedHere(realm, capture, told) : new Set<number>();
    const clashing = changes.filter((change) => touched.has(change.number));
    const conflicts = namesReaching(realm, capture, told, clashing);
    // One island is patched whole or not at all: what hangs together with a conflict is left alone.
    const held = heldBack(capture, told, clashing);
    const free = changes.filter((change) => !held.has(capture.objects[change.number]));
    // What a codec updates is last: by then all that hangs on its payload is as it should be.
    free.sort((a, b) => Number(a.kind === KIND.coded) - Number(b.kind === KIND.coded));
    const failed = free.filter((change) => {
      const target = capture.objects[change.number];
      if (typeof target === 'symbol' || target === undefined) return false;
      if (change.kind === KIND.coded && !realm.codecs.update(codecOf(change), target, change.values[0])) return true;
      return !patch(target, change, capture.bufferStarts.get(change.number) ?? 0);
    });
    return {
      changed: namesReaching(realm, capture, told, free),
      conflicts: [...conflicts, ...namesReaching(realm, capture, told, failed)],
    };
  } finally {
    bundle.close();
  }
}

function codecOf({ links }: Changed): object {
  const [codec] = links;
  if (typeof codec !== 'object' || codec === null) throw new ProtocolError('A reply has an object without its codec.');
  return codec;
}

/** Numbers of the objects that the notebook itself has changed since the capture. */
function changedHere(realm: Realm, capture: Capture, told: readonly Changed[]): Set<number> {
  const describer = new Describer(realm, () => undefined);
  try {
    const changed = told.filter((was) => {
      const live = capture.objects[was.number];
      return live !== undefined && hasChanged(was, live, describer, capture.bufferStarts.get(was.number) ?? 0);
    });
    return new Set(changed.map((was) => was.number));
  } finally {
    describer.close();
  }
}

function objectsOf(capture: Capture, changes: readonly Changed[]): Set<Numbered> {
  const set = new Set<Numbered>();
  for (const { number } of changes) {
    const value = capture.objects[number];
    if (value !== undefined) set.add(value);
  }
  return set;
}

function heldBack(capture: Capture, told: readonly Changed[], clashing: readonly Changed[]): Set<unknown> {
  return clashing.length === 0 ? new Set() : reachersOf(objectsOf(capture, clashing), told, capture.objects);
}

function namesReaching(
  realm: Realm,
  capture: SettledCapture,
  told: readonly Changed[],
  changes: readonly Changed[],
): string[] {
  if (changes.length === 0) return [];
  const reached = reachersOf(objectsOf(capture, changes), told, capture.objects);
  const { names } = capture.pack;
  return names.filter((name, index) =>
    reached.has(capture.anew === undefined ? capture.names.get(name)?.value : valueAnew(capture, index)),
  );
}

function valueAnew(capture: SettledCapture, index: number): unknown {
  const values = capture.anew ?? [];
  return values[values.length - capture.pack.names.length + index];
}

function bindNames(
  realm: Realm,
  head: EnvelopeHead,
  capture: SettledCapture,
  decoded: Decoded,
  patched: readonly string[],
): Applied {
  const changed: string[] = [];
  const conflicts: string[] = [];
  if (capture.anew !== undefined) {
    capture.pack.names.forEach((name, index) => {
      if (!realm.has(name) || patched.includes(name)) realm.bind(name, valueAnew(capture, index));
    });
  }
  const declared = new Set(capture.cell.declarations.map((declaration) => declaration.name));
  const bind = (name: string, value: unknown): void => {
    const before = capture.names.get(name);
    const now = stateOf(realm, name);
    const isChanged = before !== undefined && (before.known !== now.known || !Object.is(before.value, now.value));
    if (isChanged) conflicts.push(name);
    else {
      realm.bind(name, value, declared.has(name) ? capture.cell : undefined);
      changed.push(name);
    }
  };
  head.names.forEach((name, index) => {
    bind(name, decoded.roots[index + 1]);
  });
  for (const { name, message } of head.stayed) bind(name, stayedBehind(name, message));
  return { changed, conflicts };
}

function reportOf(
  request: SettleRequest,
  head: EnvelopeHead,
  capture: Capture,
): Pick<SettleReport, 'outcome' | 'progress' | 'cell'> {
  const { cell } = capture;
  const { progress } = head;
  if (head.outcome === 'error') {
    const { error: shown } = head;
    if (shown === undefined) throw new ProtocolError('The envelope does not say how its error reads.');
    const error = { ...shown, traceback: [...shown.traceback, `    (${request.where})`] };
    return { outcome: { ok: false, error }, progress, cell };
  }
  const { display } = head;
  return { outcome: display === undefined ? { ok: true } : { ok: true, display: parseShown(display) }, progress, cell };
}
