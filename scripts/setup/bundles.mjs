// What the programs in dist/ are made of, for esbuild: one plain file each.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './places.mjs';

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

/** @returns {import('esbuild').BuildOptions[]} one per program */
export function bundles() {
  const present = Object.entries(PROGRAMS).filter(([, { entry }]) => existsSync(join(root, entry)));
  return present.map(([name, { entry, target, banner }]) => ({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: `dist/${name}.js`,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target,
    external: EXTERNAL,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'eof',
    logLevel: 'warning',
    keepNames: false,
    banner: banner ? { js: banner } : {},
  }));
}
