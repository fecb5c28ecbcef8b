// How far an object was closed to changes, in the words of the graph format.
import { INTEGRITY } from './graph-format';

export function integrityOf(value: object): number {
  if (Object.isExtensible(value)) return INTEGRITY.none;
  if (Object.isFrozen(value) && !hasOpenLength(value)) return INTEGRITY.frozen;
  return Object.isSealed(value) ? INTEGRITY.sealed : INTEGRITY.nonExtensible;
}

/** V8 calls an array frozen as soon as it is closed and empty, whose length can still be written. */
function hasOpenLength(value: object): boolean {
  return Array.isArray(value) && Reflect.getOwnPropertyDescriptor(value, 'length')?.writable === true;
}
