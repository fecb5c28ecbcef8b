// Which names can reach which objects, by what the bundle says of the objects. Only asked when objects have changed.
import { hasPlainElements, namedKeys } from '../protocol/array-elements';
import type { Changed, Numbered } from '../protocol/graph';
import { entriesOf, membersOf } from '../realm/contents';
import { KIND } from '../protocol/graph';

/** The objects from which one of `targets` can be reached, themselves included. */
export function reachersOf(
  targets: ReadonlySet<Numbered>,
  all: readonly Changed[],
  objects: readonly Numbered[],
): Set<unknown> {
  const parents = new Map<unknown, Numbered[]>();
  for (const told of all) {
    const owner = objects[told.number];
    if (owner === undefined) continue;
    for (const child of childrenOf(told, owner)) {
      if ((typeof child !== 'object' && typeof child !== 'function') || child === null) continue;
      const known = parents.get(child);
      if (known === undefined) parents.set(child, [owner]);
      else known.push(owner);
    }
  }
  const reached = new Set<unknown>(targets);
  const todo: unknown[] = [...targets];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    for (const parent of parents.get(next) ?? []) {
      if (reached.has(parent)) continue;
      reached.add(parent);
      todo.push(parent);
    }
  }
  return reached;
}

/** A function's: the graph does not tell it, since the code gives it. */
function ownPrototype(owner: Numbered): unknown {
  return typeof owner === 'function' ? Reflect.getOwnPropertyDescriptor(owner, 'prototype')?.value : undefined;
}

function* childrenOf(told: Changed, owner: Numbered): Generator {
  yield ownPrototype(owner);
  yield* told.values;
  yield told.prototype;
  yield* told.links;
  for (const { owner, values } of told.privates) yield* [owner, ...Object.values(values)];
  if (told.kind === KIND.map) yield* entriesOf(told.state);
  if (told.kind === KIND.set) yield* membersOf(told.state);
  const { state } = told;
  // A long array of plain elements has no list of its keys: there may be too many.
  const isLong = Array.isArray(state) && hasPlainElements(state);
  if (isLong) for (let index = 0; index < state.length; index++) yield state[index];
  for (const key of isLong ? namedKeys(state) : Reflect.ownKeys(state)) {
    const descriptor = Reflect.getOwnPropertyDescriptor(state, key);
    yield descriptor?.value;
    yield descriptor?.get;
    yield descriptor?.set;
  }
}
