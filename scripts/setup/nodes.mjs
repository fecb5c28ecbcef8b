// The other versions of Node that the tests run on. The npm registry carries Node itself: one package for each platform.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { npm } from './packages.mjs';
import { nodesHome } from './places.mjs';
import { run, step } from './progress.mjs';

/** Oldest that works, and the two main targets. */
export const NODE_VERSIONS = ['20.19.6', '22.23.3', '24.21.0'];

/** The oldest that clusters may have: what the runner is compiled for. */
export const OLDEST_THERE = '18.20.8';

/**
 * @param {string} version
 * @returns {Promise<string>} path of the program
 * @throws {SetupError} where that version cannot be had on this machine
 */
export async function prepareNode(version) {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform}-${process.arch}`;
  const home = join(nodesHome, version);
  const program = join(home, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(program)) return program;
  await step(`fetching Node ${version}`, async () => {
    await mkdir(home, { recursive: true });
    await npm(['install', '--prefix', home, '--no-save', '--no-fund', '--no-audit', `${name}@${version}`], home);
    await run(program, ['--version']);
  });
  return program;
}
