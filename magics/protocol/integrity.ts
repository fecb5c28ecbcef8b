// How far an object was closed to changes, in the words of the graph format.
import { INTEGRITY } from './graph-format';

export function integrityOf(value: object): number {
  if (Object.isExtensible(value)) return INTEGRITY.none;
  if (Object.isFrozen(value)) return INTEGRITY.frozen;
  return Object.isSealed(value) ? INTEGRITY.sealed : INTEGRITY.nonExtensible;
}
