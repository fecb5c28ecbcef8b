// Types by the project references (a wrong import is a compile error), programs by esbuild: one plain file each in dist/, and JupyterLab's
// extension beside them.
// `--check` stops after the types; `--fast` leaves them out.
import { build } from 'esbuild';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { buildExtension } from './build-labextension.mjs';
import { dist, root } from './setup/places.mjs';
import { sourcesDigest, stampPath } from './setup/programs.mjs';
import { writeStamp } from './setup/stamp.mjs';

const flags = new Set(process.argv.slice(2));
// Never `tsc` by name: tslab's branch of TypeScript installs a command of the same name.
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

const PROGRAMS = {
  cli: { entry: 'cli/main.ts', target: 'node20', banner: '#!/usr/bin/env node' },
  kernel: { entry: 'kernel/main.ts', target: 'node20' },
  user: { entry: 'kernel/user/main.ts', target: 'node20' },
  interrupt: { entry: 'kernel/user/interrupt.ts', target: 'node20' },
  language: { entry: 'language/worker.ts', target: 'node20' },
  agent: { entry: 'magics/agent/main.ts', target: 'node18' },
  runner: { entry: 'magics/runner/main.ts', target: 'node18' },
  cell: { entry: 'magics/runner/cell.ts', target: 'node18' },
  pmap: { entry: 'magics/runner/pmap-thread.ts', target: 'node18' },
  thread: { entry: 'magics/runner/module-thread.ts', target: 'node18' },
};
// Left outside the bundles: native code, the compiler, and what a notebook may import as well.
const EXTERNAL = ['zeromq', 'typescript', 'tslab', 'esbuild', 'ssh2', 'cpu-features'];

async function bundle() {
  // Taken before: a source that changes while we build makes the programs stale, as it should.
  const stamp = sourcesDigest();
  const present = Object.entries(PROGRAMS).filter(([, p]) => existsSync(join(root, p.entry)));
  const programs = present.map(([name, p]) =>
    build({
      absWorkingDir: root,
      entryPoints: [p.entry],
      outfile: `dist/${name}.js`,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: p.target,
      external: EXTERNAL,
      sourcemap: 'linked',
      sourcesContent: false,
      legalComments: 'eof',
      logLevel: 'warning',
      keepNames: false,
      banner: p.banner ? { js: p.banner } : {},
    }),
  );
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
