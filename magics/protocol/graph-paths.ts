// The path of an object for the person in the notebook: `model.layers[3].handle`, `add3⟨makeAdder⟩.n`. Found backwards, only when something is refused.
import { types } from 'node:util';
import { Activation } from './graph-hooks';
import type { EncodeHooks } from './graph-hooks';
import type { Numbered } from './graph-encode';
import { mapEach, setEach } from './intrinsics';

interface Walk {
  readonly objects: readonly Numbered[];
  readonly parents: Int32Array;
  readonly roots: readonly unknown[];
  readonly rootNames: readonly string[];
  readonly hooks: PathHooks;
}

export type PathHooks = Pick<EncodeHooks, 'describe' | 'nameOf'>;

/** Stands for the way to an object that the other side sent: only the other side's graph tells it. */
const captured = (number: number): string => `(captured ${number})`;

/** A path with that filled in. */
export function withCapturedPath(path: string, pathOf: (number: number) => string): string {
  return path.replace(/^\(captured (\d+)\)/, (_, number: string) => pathOf(Number(number)));
}

export function pathTo(number: number, walk: Walk): string {
  const steps: string[] = [];
  let child = number;
  for (;;) {
    const parent = walk.parents[child] ?? -1;
    if (parent < 0) {
      steps.push(walk.rootNames[-1 - parent] ?? captured(child));
      break;
    }
    steps.push(stepBetween(walk.objects[parent], walk.objects[child], walk.hooks));
    child = parent;
  }
  return steps.reverse().join('');
}

function stepBetween(owner: Numbered | undefined, child: Numbered | undefined, hooks: PathHooks): string {
  if (typeof owner !== 'object' && typeof owner !== 'function') return '';
  if (typeof child === 'object' && Activation.is(child)) return '';
  if (Activation.is(owner)) {
    const at = owner.read().indexOf(child);
    return `⟨${hooks.nameOf(owner)}⟩.${owner.names[at] ?? '?'}`;
  }
  return propertyStep(owner, child) ?? entryStep(owner, child) ?? boundStep(owner, child, hooks) ?? '';
}

function propertyStep(owner: object, child: unknown): string | undefined {
  for (const key of Reflect.ownKeys(owner)) {
    if (key === child) return `[Symbol(${symbolText(key)})]`;
    const descriptor = Reflect.getOwnPropertyDescriptor(owner, key);
    if (descriptor === undefined) continue;
    if (descriptor.value === child || descriptor.get === child || descriptor.set === child) return showKey(owner, key);
  }
  return undefined;
}

function symbolText(key: string | symbol): string {
  return typeof key === 'symbol' ? (key.description ?? '') : key;
}

function showKey(owner: object, key: string | symbol): string {
  if (typeof key === 'symbol') return `[Symbol(${key.description ?? ''})]`;
  if (/^\d+$/.test(key) && Array.isArray(owner)) return `[${key}]`;
  return /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function showMapKey(key: unknown, index: number): string {
  if (typeof key === 'string') return JSON.stringify(key);
  if (typeof key === 'number' || typeof key === 'bigint' || typeof key === 'boolean') return String(key);
  return String(index);
}

function entryStep(owner: object, child: unknown): string | undefined {
  let found: string | undefined;
  let index = 0;
  if (types.isMap(owner)) {
    mapEach(owner, (item, key) => {
      if (key === child) found ??= `.key(${index})`;
      else if (item === child) found ??= `.get(${showMapKey(key, index)})`;
      index += 1;
    });
  } else if (types.isSet(owner)) {
    setEach(owner, (item) => {
      if (item === child) found ??= `{${index}}`;
      index += 1;
    });
  }
  return found;
}

function boundStep(owner: object, child: unknown, hooks: PathHooks): string | undefined {
  if (typeof owner !== 'function') return undefined;
  const shape = hooks.describe(owner);
  if (shape.kind !== 'bound') return undefined;
  if (shape.self === child) return '⟨bound⟩.this';
  const at = shape.args.indexOf(child);
  return at < 0 ? undefined : `⟨bound⟩[${at}]`;
}
