// Our kernel, and our part of JupyterLab, as the project's own Jupyter sees them.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dist, pythonHome, root } from './places.mjs';
import { run, step } from './progress.mjs';

const jupyter = join(pythonHome, 'share', 'jupyter');
const specs = ['cellburst', 'cellburst-js'].map((name) => join(jupyter, 'kernels', name, 'kernel.json'));
/** Names the extension's files, whose names are made of what they hold. */
const extension = join(jupyter, 'labextensions', 'jupyterlab-cellburst', 'package.json');

/** Registers both in .cache/python with the Node that runs us. */
export async function registerKernel() {
  if (isRegistered()) return;
  await step('registering the kernel', () =>
    run(process.execPath, [join(dist, 'cli.js'), 'install', '--prefix', pythonHome], { cwd: root }),
  );
}

function isRegistered() {
  return specs.every(isOurs) && textOf(extension) === textOf(join(dist, 'labextension', 'package.json'));
}

function isOurs(spec) {
  if (!existsSync(spec)) return false;
  const { argv } = JSON.parse(readFileSync(spec, 'utf8'));
  return Array.isArray(argv) && argv.includes(process.execPath) && argv.includes(join(dist, 'kernel.js'));
}

function textOf(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
