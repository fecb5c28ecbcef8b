// Types by the project references (a wrong import is a compile error), programs by esbuild: one plain file each in dist/, and JupyterLab's
// extension beside them.
// `--check` stops after the types; `--fast` leaves them out.
import { build } from 'esbuild';
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { buildExtension } from './build-labextension.mjs';
import { bundles } from './setup/bundles.mjs';
import { dist, root } from './setup/places.mjs';
import { sourcesDigest, stampPath } from './setup/programs.mjs';
import { writeStamp } from './setup/stamp.mjs';

const flags = new Set(process.argv.slice(2));
// Never `tsc` by name: tslab's branch of TypeScript installs a command of the same name.
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

async function bundle() {
  // Taken before: a source that changes while we build makes the programs stale, as it should.
  const stamp = sourcesDigest();
  const programs = bundles().map((options) => build(options));
  await Promise.all([...programs, buildExtension()]);
  mkdirSync(dist, { recursive: true });
  writeStamp(stampPath, stamp);
}

function checkTypes() {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [tsc, '-b', join(root, 'tsconfig.json')], { cwd: root, stdio: 'inherit' });
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`The types do not check (tsc exit code ${code}).`)),
    );
  });
}

try {
  await Promise.all([flags.has('--check') ? undefined : bundle(), flags.has('--fast') ? undefined : checkTypes()]);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
