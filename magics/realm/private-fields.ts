// Private fields of the notebook's classes. The lowering opens each class that has them (protocol/code.ts, PrivateAccess); what it registers is kept for
// the process, as the classes are.
import { types } from 'node:util';
import { RUNTIME } from '../protocol/code';
import type { PrivateAccess } from '../protocol/code';
import type { PrivateState } from '../protocol/graph';
import { MAIN } from '../protocol/main-context';
import { noteHome } from './homes';

interface Revival {
  on: boolean;
  readonly register: (owner: object, access: PrivateAccess) => void;
  readonly accesses: WeakMap<object, PrivateAccess>;
  /** Gives a computed key as the language would use it. */
  readonly key: (value: unknown) => string | symbol;
  readonly keyed: (owner: object, count: number) => void;
  readonly home: <T extends object>(literal: T) => T;
  readonly named: (owner: object, name: string) => void;
  readonly nextKey: () => string | symbol;
  /** Computed keys of classes, in the order of their texts. */
  readonly keys: WeakMap<object, readonly (string | symbol)[]>;
  /** For the class that is being made again. */
  given: (string | symbol)[];
}

function revival(): Revival {
  const known: unknown = Reflect.get(MAIN, RUNTIME.revive);
  if (known !== undefined) return known as Revival;
  const accesses = new WeakMap<object, PrivateAccess>();
  const keys = new WeakMap<object, readonly (string | symbol)[]>();
  const pending: (string | symbol)[] = [];
  const key = (value: unknown): string | symbol => {
    const made = typeof value === 'symbol' ? value : String(value);
    pending.push(made);
    return made;
  };
  const fresh: Revival = {
    on: false,
    accesses,
    keys,
    given: [],
    key,
    nextKey: () => key(fresh.given.shift()),
    keyed: (owner, count) => {
      // A class within the key of another one has taken its own away by now.
      keys.set(owner, pending.splice(pending.length - count));
    },
    home: noteHome,
    named: (owner, name) => {
      Object.defineProperty(owner, 'name', { value: name, configurable: true });
    },
    register: (owner, access) => {
      accesses.set(owner, access);
    },
  };
  Object.defineProperty(MAIN, RUNTIME.revive, { value: fresh });
  return fresh;
}

/** Defines what lowered classes call. */
export function installRevival(): void {
  revival();
}

/** While `action` runs, initialisers, static blocks and constructors of the notebook's classes stand aside. */
export function reviving<T>(action: () => T, keys: readonly (string | symbol)[] = []): T {
  const state = revival();
  const before = { on: state.on, given: state.given };
  Object.assign(state, { on: true, given: [...keys] });
  try {
    return action();
  } finally {
    Object.assign(state, before);
  }
}

/** What the computed keys of a class came out as. */
export function computedKeysOf(owner: object): readonly (string | symbol)[] {
  return revival().keys.get(owner) ?? [];
}

/** Of an instance: what each class of its chain keeps in it, the newest class first. Of a class: its private statics. */
export function privatesOf(value: object): PrivateState[] {
  const { accesses } = revival();
  const statics = accesses.get(value)?.statics;
  if (statics !== undefined) return [{ owner: value, isStatic: true, values: statics.get() }];
  const states: PrivateState[] = [];
  for (
    let p = Reflect.getPrototypeOf(value);
    p !== null && p !== MAIN.Object.prototype && !types.isProxy(p);
    p = Reflect.getPrototypeOf(p)
  ) {
    const owner: unknown = Reflect.getOwnPropertyDescriptor(p, 'constructor')?.value;
    const access = typeof owner === 'function' ? accesses.get(owner) : undefined;
    if (access?.has(value) === true && typeof owner === 'function')
      states.push({ owner, isStatic: false, values: access.get(value) });
  }
  return states;
}

/** An object of the class and its bases with all their private fields, and nothing else. */
export function revive(owner: object): object {
  if (typeof owner !== 'function' || !revival().accesses.has(owner))
    throw new TypeError('Only classes of the notebook can be revived.');
  const made = reviving(() => Reflect.construct(owner, []) as object);
  for (const key of Reflect.ownKeys(made)) Reflect.deleteProperty(made, key);
  return made;
}

/** Evaluates text in a class, where its private names are known. Throws when the class lets nobody in. */
export function openClass(owner: object, text: string): unknown {
  const open = revival().accesses.get(owner)?.open;
  if (open === undefined) throw new TypeError('Nothing can be made inside of such a class.');
  return open(text);
}

export function setPrivates(target: object, { owner, isStatic, values }: PrivateState): boolean {
  const access = revival().accesses.get(owner);
  if (isStatic) {
    access?.statics?.set(values);
    return access?.statics !== undefined;
  }
  if (access?.has(target) !== true) return false;
  access.set(target, values);
  return true;
}

export function samePrivates(told: readonly PrivateState[], live: readonly PrivateState[]): boolean {
  return (
    told.length === live.length &&
    told.every(({ owner, values }, index) => {
      const now = live[index];
      const names = Object.keys(values);
      return now?.owner === owner && names.every((name) => Object.is(values[name], now.values[name]));
    })
  );
}
