// What is checked without running it. Each check counts as one test.
import { join } from 'node:path';
import { root } from '../setup/places.mjs';
import { run, SetupError, step } from '../setup/progress.mjs';

const modules = join(root, 'node_modules');

// Compilers and linters by path: tslab's branch of TypeScript installs a command `tsc` too.
const CHECKS = [
  ['types', [join(root, 'scripts', 'build.mjs'), '--check']],
  ['lint', [join(modules, 'eslint', 'bin', 'eslint.js'), '.', '--max-warnings', '0']],
  ['format', [join(modules, 'prettier', 'bin', 'prettier.cjs'), '--check', '.']],
  ['reference', [join(root, 'scripts', 'docs.mjs'), '--check']],
  ['files', [join(root, 'scripts', 'check-files.mjs')]],
];

/** @param {import('./tally.mjs').Tally} tally */
export async function runChecks(tally) {
  for (const [name, args] of CHECKS) {
    try {
      await step(`checking: ${name}`, () => run(process.execPath, args, { cwd: root }));
      tally.pass();
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      console.error(error.message);
      tally.fail(`checking: ${name}`);
    }
  }
}
