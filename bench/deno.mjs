// Deno, whose kernel is the other one for TypeScript. The npm registry carries it: fetched for the bench alone, never a dependency.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { npm } from '../scripts/setup/packages.mjs';
import { cache } from '../scripts/setup/places.mjs';
import { run, SetupError, step } from '../scripts/setup/progress.mjs';

export const DENO_VERSION = '2.9.6';

/**
 * @returns {Promise<string>} path of the program
 * @throws {SetupError} where it cannot be had on this machine
 */
export async function prepareDeno() {
  const platform = { linux: 'linux', darwin: 'darwin', win32: 'win32' }[process.platform];
  if (platform === undefined) throw new SetupError(`There is no Deno for ${process.platform}: its rows are left out.`);
  const name = `@deno/${platform}-${process.arch}${platform === 'linux' ? '-glibc' : ''}`;
  const home = join(cache, 'deno', DENO_VERSION);
  const program = join(home, 'node_modules', name, platform === 'win32' ? 'deno.exe' : 'deno');
  if (existsSync(program)) return program;
  await step(`fetching Deno ${DENO_VERSION}`, async () => {
    await mkdir(home, { recursive: true });
    await npm(['install', '--prefix', home, '--no-save', '--no-fund', '--no-audit', `${name}@${DENO_VERSION}`], home);
    await run(program, ['--version']);
  });
  return program;
}
