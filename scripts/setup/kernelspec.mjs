// Our kernel as the project's own Jupyter sees it.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dist, pythonHome, root } from './places.mjs';
import { run, step } from './progress.mjs';

const spec = join(pythonHome, 'share', 'jupyter', 'kernels', 'cellburst', 'kernel.json');

/** Registers the kernel in .cache/python with the Node that runs us. */
export async function registerKernel() {
  if (isRegistered()) return;
  await step('registering the kernel', () =>
    run(process.execPath, [join(dist, 'cli.js'), 'install', '--prefix', pythonHome], { cwd: root }),
  );
}

function isRegistered() {
  if (!existsSync(spec)) return false;
  const { argv } = JSON.parse(readFileSync(spec, 'utf8'));
  return Array.isArray(argv) && argv.includes(process.execPath) && argv.includes(join(dist, 'kernel.js'));
}
