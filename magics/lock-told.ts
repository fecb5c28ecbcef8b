// A notebook that was locked and is run again with something else: said when a cell is sent.
import { basename } from 'node:path';
import type { ClusterSession } from './cluster';
import { compareRoots, lockPath, readLock } from './environment';
import type { Cell } from './namespace';
import { ClusterError } from './protocol/errors';
import type { ModuleRoot } from './protocol/environment';

/** Of what the cell names; `%cluster env` looks at all. Said once. */
export function tellLock(roots: readonly ModuleRoot[], cell: Cell, session: ClusterSession): void {
  const path = lockPath(session.directory, session.notebook);
  let locked;
  try {
    locked = readLock(path);
  } catch (error) {
    if (!ClusterError.is(error)) throw error;
    cell.output.write({ type: 'stderr', text: `Note: ${error.message}\n` });
  }
  if (locked === undefined) return;
  const node = process.versions.node;
  const changes = [
    ...(locked.node === node ? [] : [`Node.js is ${node}, and ${locked.node} when it was locked`]),
    ...compareRoots(locked, roots, session.directory),
  ].filter((change) => !session.skewsTold.has(change));
  for (const change of changes) session.skewsTold.add(change);
  if (changes.length > 0)
    cell.output.write({
      type: 'stderr',
      text: `Note: ${changes.join('; ')} in ${basename(path)}. %cluster env tells how to have it as it was.\n`,
    });
}
