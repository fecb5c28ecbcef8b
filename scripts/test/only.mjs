// Some tests by a command of their own, with a variable that asks for what `npm test` leaves out.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../setup/places.mjs';
import { runScript, setUp } from '../setup.mjs';

/**
 * @param {{ tests: string, environment: Record<string, string>, jupyter?: boolean }} asked `jupyter`: is the Python environment needed?
 */
export async function runOnly({ tests, environment, jupyter = true }) {
  await runScript(async () => {
    await setUp({ jupyter });
    const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
    const env = { ...process.env, ...environment };
    const child = spawn(process.execPath, [jest, '--runInBand', tests], { cwd: root, env, stdio: 'inherit' });
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (code) => resolve(code ?? 1));
    });
  });
}
