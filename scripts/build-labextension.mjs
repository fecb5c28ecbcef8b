// JupyterLab's extension, built without Python: our sources to one module by esbuild, that module to what JupyterLab loads by its own builder.
// Everything of JupyterLab's is left to the JupyterLab that loads it.
import { build } from 'esbuild';
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { dist, root } from './setup/places.mjs';
import { run } from './setup/progress.mjs';
import { digest, readStamp, writeStamp } from './setup/stamp.mjs';

const home = join(root, 'labextension');
const output = join(dist, 'labextension');
// Beside it, not in it: what lies in it is copied to the person's Jupyter.
const stampPath = join(dist, '.labextension');

const INSTALL = {
  packageManager: 'npm',
  packageName: 'cellburst',
  uninstallInstructions:
    'In a terminal: cellburst uninstall (with the same --user, --sys-prefix or --prefix as at its installation)',
};

/** Builds when a source has changed since the last time. */
export async function buildExtension() {
  const sources = ['labextension', 'magics/protocol', 'scripts/build-labextension.mjs', 'package-lock.json'];
  const stamp = digest(root, sources, /\.(tsx?|json|css|js)$/);
  if (readStamp(stampPath) === stamp) return;
  await build({
    absWorkingDir: home,
    entryPoints: ['src/index.ts'],
    outfile: join(home, 'lib', 'index.js'),
    bundle: true,
    packages: 'external',
    format: 'esm',
    target: 'es2022',
    jsx: 'transform',
    logLevel: 'warning',
  });
  // Files carry their digest in their names: old ones would stay.
  rmSync(output, { recursive: true, force: true });
  const require = createRequire(join(home, 'package.json'));
  const builder = join(dirname(require.resolve('@jupyter/builder/package.json')), 'lib', 'build-labextension.js');
  const core = require.resolve('@jupyterlab/core-meta/core.package.json');
  await run(process.execPath, [builder, '--core-package-file', core, '.'], { cwd: home });
  // What JupyterLab's extension manager tells whoever wants to be rid of it; the wheel says its own.
  writeFileSync(join(output, 'install.json'), `${JSON.stringify(INSTALL, undefined, 2)}\n`);
  writeStamp(stampPath, stamp);
}
