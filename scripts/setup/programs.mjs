// The built programs in dist/. build.mjs leaves a stamp of the sources beside them; whoever runs programs asks here first.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { dist, root } from './places.mjs';
import { run, step } from './progress.mjs';
import { digest, readStamp } from './stamp.mjs';

export const stampPath = join(dist, '.sources');

/** What dist/ is made of. */
export function sourcesDigest() {
  const folders = ['cli', 'kernel', 'labextension', 'language', 'magics', 'scripts/build-labextension.mjs'];
  return digest(
    root,
    [...folders, 'scripts/build.mjs', 'scripts/setup/bundles.mjs', 'package.json', 'package-lock.json'],
    /\.(tsx?|json|css|mjs)$/,
  );
}

export function programsAreStale() {
  return !existsSync(dist) || readStamp(stampPath) !== sourcesDigest();
}

/** Builds when a source has changed. Types are not checked here: `npm run check` does. */
export async function buildPrograms() {
  if (!programsAreStale()) return;
  const advice = 'The sources do not build; the lines above say where.';
  await step('building', () =>
    run(process.execPath, [join(root, 'scripts', 'build.mjs'), '--fast'], { cwd: root, advice }),
  );
}
