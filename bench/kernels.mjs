// The kernels that are compared: ours, tslab's with its own command, and Deno's.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { dist } from '../scripts/setup/places.mjs';
import { LateError, startKernel } from './client.mjs';
import { prepareDeno } from './deno.mjs';

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

/** @param {import('./row.mjs').Bench} bench */
export async function startDeno(bench) {
  const deno = await prepareDeno();
  // Its own caches are part of the state that the bench gives; nothing is asked of the network.
  const environment = { ...bench.environment, DENO_DIR: join(bench.directory, 'deno'), DENO_NO_UPDATE_CHECK: '1' };
  return bench.own(startKernel((file) => [deno, 'jupyter', '--kernel', '--conn', file], { ...bench, environment }));
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
