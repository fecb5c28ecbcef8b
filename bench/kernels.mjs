// The kernels that are compared: ours, and tslab's own with its own command.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { dist } from '../scripts/setup/places.mjs';
import { LateError, startKernel } from './client.mjs';

const require = createRequire(import.meta.url);

/** @param {import('./row.mjs').Bench} bench */
export function startOurs(bench, node = process.execPath) {
  return bench.own(startKernel((file) => [node, join(dist, 'kernel.js'), file], bench));
}

/** @param {import('./row.mjs').Bench} bench */
export function startTslab(bench) {
  const tslab = join(require.resolve('tslab/package.json'), '..', 'bin', 'tslab');
  return bench.own(startKernel((file) => [process.execPath, tslab, 'kernel', '--config-path', file], bench));
}

const TRIES = 5;

/**
 * A kernel that has answered. tslab does not always come up, and a row about something else tries again.
 * @param {import('./row.mjs').Bench} bench
 * @param {typeof startOurs} startIt
 */
export async function startReady(bench, startIt) {
  for (let left = TRIES; ; left--) {
    const kernel = await startIt(bench);
    try {
      await kernel.ready();
      return kernel;
    } catch (error) {
      await kernel.close();
      if (!(error instanceof LateError) || left === 1) throw error;
    }
  }
}
