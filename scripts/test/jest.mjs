// One run of Jest under one version of Node, reported by Jest's own JSON.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cache, root } from '../setup/places.mjs';

export const resultsHome = join(cache, 'test-results');

/** Interrupts are raced this often: rare failures are what they are about. */
const REPEATS = '20';

/**
 * @param {import('./tally.mjs').Tally} tally
 * @param {{ node: string, version: string, args: readonly string[] }} run `node`: path of the program
 */
export async function runJest(tally, { node, version, args }) {
  console.log(`\nTests on Node ${version}`);
  const report = join(resultsHome, `node-${version}.json`);
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const ended = await finish(node, [jest, '--json', `--outputFile=${report}`, '--passWithNoTests', ...args]);
  if (existsSync(report)) tally.addReport(JSON.parse(readFileSync(report, 'utf8')), `Node ${version}`);
  else tally.fail(`Node ${version}: Jest ended with ${ended} and left no report`);
}

/** Jest prints for people on standard error, and its report on standard output, which we do not need twice. */
function finish(node, args) {
  return new Promise((resolve, reject) => {
    const env = { CELLBURST_REPEATS: REPEATS, ...process.env };
    const child = spawn(node, args, { cwd: root, env, stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}
