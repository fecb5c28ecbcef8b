// Methods of object literals that use `super`: the object a method was written in decides what `super` means, and nothing but the literal tells which it was.
// A method that is built again stands in a literal of its own; that one's prototype asks the true object for its prototype, whenever it is needed.
import { MAIN } from '../protocol/main-context';

interface Home {
  object: object | undefined;
}

/** Kept beside what lowered code calls, one per process: code that was lowered for one realm may be described by another. */
const KEY = Symbol.for('cellburst.homes');

function homesOfProcess(): WeakMap<object, Home> {
  const known: unknown = Reflect.get(MAIN, KEY);
  // Nobody else knows the symbol.
  if (known !== undefined) return known as WeakMap<object, Home>;
  const fresh = new WeakMap<object, Home>();
  Object.defineProperty(MAIN, KEY, { value: fresh });
  return fresh;
}

const homes = homesOfProcess();

/** Notes the functions of a fresh literal. Those that were part of another literal before stay with it. */
export function noteHome<T extends object>(object: T): T {
  for (const key of Reflect.ownKeys(object)) {
    const descriptor = Reflect.getOwnPropertyDescriptor(object, key);
    for (const part of [descriptor?.value, descriptor?.get, descriptor?.set] as unknown[])
      if (typeof part === 'function' && !homes.has(part)) homes.set(part, { object });
  }
  return object;
}

/** The object in which a method was written; undefined for anything else. */
export function homeOf(method: object): object | undefined {
  return homes.get(method)?.object;
}

/** Makes `literal`, in which `method` was built, stand for the object that `settleHome` will name. */
export function standIn(literal: object, method: object): void {
  const home: Home = { object: undefined };
  homes.set(method, home);
  ask(literal, home);
}

/** Makes `holder`, in a method of which functions are made, stand for the object that the variable will be given. */
export function homeVariable(holder: object): { get(): unknown; set(object: unknown): void } {
  const home: Home = { object: undefined };
  ask(holder, home);
  return {
    get: () => home.object,
    set: (object) => {
      if (typeof object === 'object' || typeof object === 'function') home.object = object ?? undefined;
    },
  };
}

function ask(literal: object, home: Home): void {
  const parent = (): object => {
    const object = home.object === undefined ? null : Reflect.getPrototypeOf(home.object);
    if (object === null) throw new MAIN.TypeError('`super` leads nowhere: the object has no prototype');
    return object;
  };
  const asking = new MAIN.Proxy(Object.create(null) as object, {
    get: (_, key, receiver): unknown => Reflect.get(parent(), key, receiver),
    set: (_, key, value, receiver) => Reflect.set(parent(), key, value, receiver),
  });
  Reflect.setPrototypeOf(literal, asking);
}

/** Says whose method it is that was built. False when it is none that could have a home. */
export function settleHome(method: object, object: object): boolean {
  const home = homes.get(method);
  if (home === undefined) return false;
  home.object = object;
  return true;
}
