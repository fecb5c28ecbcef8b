// Cells run in the main context of their process. This module may be evaluated in another one (a test runner's sandbox), whose Object and Error are
// not the cells' Object and Error: whatever makes or recognises values of a notebook takes its builtins from here.
import { runInThisContext } from 'node:vm';

/** The global object of the main context. */
export const MAIN = runInThisContext('globalThis') as typeof globalThis;

/**
 * A method of a builtin prototype as a function of its receiver, so that no override by a user's subclass is ever called. The caller says
 * what it takes and gives.
 */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- Both parameters are named by every caller.
export function unbound<A extends unknown[], R>(method: unknown): (self: unknown, ...rest: A) => R {
  return MAIN.Function.prototype.call.bind(method as (...rest: A) => R) as (self: unknown, ...rest: A) => R;
}
