// `local(value)`: what must not leave this process, by the word of the person who wrote the notebook. Captures refuse it by its path.
import { MAIN } from '../protocol/main-context';

let marked: WeakSet<object> | undefined;

/** Gives the value back. Throws a TypeError for a primitive: copies of it could not be told from it. */
export function markLocal<T>(value: T): T {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null)
    throw new MAIN.TypeError(
      `local() marks objects and functions, not ${value === null ? 'null' : typeof value} values.`,
    );
  marked ??= new WeakSet();
  marked.add(value);
  return value;
}

/** Undefined while nothing is marked, as in most notebooks. */
export function markedLocal(): { has(value: object): boolean } | undefined {
  return marked;
}
