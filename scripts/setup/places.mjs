// Where the scripts keep what they make. Everything lies in the clone; nothing is written to the home directory.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const cache = join(root, '.cache');
export const dist = join(root, 'dist');
/** The virtual environment with Jupyter. */
export const pythonHome = join(cache, 'python');
export const python =
  process.platform === 'win32' ? join(pythonHome, 'Scripts', 'python.exe') : join(pythonHome, 'bin', 'python');
/** Other versions of Node, for the tests. */
export const nodesHome = join(cache, 'nodes');
