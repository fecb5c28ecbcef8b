// The value of a name that could not come back from a job: whatever one does with it says why.
import { runInThisContext } from 'node:vm';
import { MAIN } from '../protocol/main-context';

const TRAPS = [
  'apply construct defineProperty deleteProperty get getOwnPropertyDescriptor getPrototypeOf has isExtensible ownKeys preventExtensions set',
  'setPrototypeOf',
].flatMap((line) => line.split(' '));

export function stayedBehind(name: string, message: string): unknown {
  const say = (): never => {
    throw new MAIN.ReferenceError(`\`${name}\` stayed with the job that made it: ${message}`);
  };
  const target = runInThisContext('(function () {})') as object;
  return new MAIN.Proxy(target, Object.fromEntries(TRAPS.map((trap) => [trap, say])));
}
