// The demo and JupyterLab are started by the same code as the notebook tests. That code is TypeScript, which Node 20 does not read:
// esbuild makes one plain file of it.
import { build } from 'esbuild';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { cache, root } from './setup/places.mjs';

/**
 * @param {string} entry path of a TypeScript file, relative to the clone
 * @returns {Promise<Record<string, any>>} what it exports
 */
export async function load(entry) {
  const outfile = join(cache, 'loaded', entry.replaceAll('/', '-').replace(/\.ts$/, '.js'));
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    packages: 'external',
    sourcemap: 'inline',
    // The sources ask for their own place to find the clone.
    define: { __dirname: JSON.stringify(join(root, entry, '..')) },
    logLevel: 'warning',
  });
  return createRequire(import.meta.url)(outfile);
}
