// Everything a fresh clone needs, made where it is missing and left alone where it is there: npm packages, built programs, a Python
// environment with Jupyter, the kernel registered in it. `npm run setup` does it all; the other scripts take what they need of it.
// Plain Node without packages: it runs before there are any.
import { mkdirSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { registerKernel } from './setup/kernelspec.mjs';
import { installPackages } from './setup/packages.mjs';
import { cache } from './setup/places.mjs';
import { buildPrograms } from './setup/programs.mjs';
import { SetupError } from './setup/progress.mjs';
import { preparePython } from './setup/python.mjs';

const OLDEST_NODE = [20, 19];

/**
 * All of it. Without `jupyter` only what the kernel itself needs; without `register` that Jupyter is not told of our kernel, for those who
 * give their servers kernels of their own.
 */
export async function setUp({ jupyter = true, register = jupyter } = {}) {
  checkNode();
  mkdirSync(cache, { recursive: true });
  await installPackages();
  await buildPrograms();
  if (jupyter) await preparePython();
  if (register) await registerKernel();
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor))
    throw new SetupError(
      `Cellburst needs Node ${OLDEST_NODE.join('.')} or newer; this is ${process.versions.node}. Install a newer one, then run the command again.`,
    );
}

/**
 * Runs the body of a script: what is meant for the person goes without a stack, and makes the exit code 1.
 * @param {() => Promise<number | void>} body may give the exit code
 */
export async function runScript(body) {
  try {
    process.exitCode = (await body()) ?? 0;
  } catch (error) {
    console.error(error instanceof SetupError ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  await runScript(() => setUp());
