// What the notebook remembers of captures that are out: which object has which number, and what the names held.
import { randomUUID } from 'node:crypto';
import type { CellCode } from '../protocol/code';
import type { CodePack } from '../protocol/bundle';
import type { Numbered } from '../protocol/graph';
import type { Realm } from '../realm/realm';

export interface NameState {
  readonly known: boolean;
  readonly value: unknown;
}

export interface Capture {
  readonly cell: CellCode;
  readonly pack: CodePack;
  /** By number. */
  readonly objects: readonly Numbered[];
  /** Buffers of which a part travelled: where it begins. */
  readonly bufferStarts: ReadonlyMap<number, number>;
  /** Of every name the cell may bind, as it was. */
  readonly names: ReadonlyMap<string, NameState>;
}

const captures = new WeakMap<Realm, Map<string, Capture>>();

export function remember(realm: Realm, capture: Capture): string {
  const id = randomUUID();
  const known = captures.get(realm) ?? new Map<string, Capture>();
  known.set(id, capture);
  captures.set(realm, known);
  return id;
}

export function recall(realm: Realm, id: string): Capture | undefined {
  return captures.get(realm)?.get(id);
}

/** Lets go of a capture that will not be settled, or has been. */
export function forgetCapture(realm: Realm, id: string): void {
  captures.get(realm)?.delete(id);
}

export function stateOf(realm: Realm, name: string): NameState {
  return realm.has(name) ? { known: true, value: realm.get(name) } : { known: false, value: undefined };
}
