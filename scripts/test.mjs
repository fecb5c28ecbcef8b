// `npm test`: everything, and one true line at the end. `npm test -- tests/kernel` runs some of it, with Jest's own arguments, on this Node only.
import { mkdirSync, rmSync } from 'node:fs';
import { runScript, setUp } from './setup.mjs';
import { prepareChromium } from './setup/chromium.mjs';
import { NODE_VERSIONS, OLDEST_THERE, prepareNode } from './setup/nodes.mjs';
import { SetupError } from './setup/progress.mjs';
import { runChecks } from './test/checks.mjs';
import { resultsHome, runJest } from './test/jest.mjs';
import { Tally } from './test/tally.mjs';

/** What depends on the Node it runs on: the rest is checked once. */
const NODE_DEPENDENT = ['tests/notebook', 'tests/kernel', 'tests/realm', 'tests/capture'];
/** What depends on more than the major version. */
const V8_DEPENDENT = ['tests/realm', 'tests/capture'];
/** What is the same on each Node and takes long: a browser, names (they are resolved before Node sees them), packages. */
const ONCE = '--testPathIgnorePatterns=/lab-kernel\\.|/capture/(names|packages)\\.';

await runScript(async () => {
  const asked = process.argv.slice(2);
  await setUp();
  await prepareChromium();
  await prepareOldNode();
  rmSync(resultsHome, { recursive: true, force: true });
  mkdirSync(resultsHome, { recursive: true });
  const tally = new Tally();
  if (asked.length === 0) await runChecks(tally);
  await runJest(tally, { node: process.execPath, version: process.versions.node, args: asked });
  if (asked.length === 0) for (const version of NODE_VERSIONS) await runOnNode(tally, version);
  tally.print();
  return tally.failed === 0 ? 0 : 1;
});

/** For a cluster with an older Node than the notebook's: the tests that need one say so where it cannot be had. */
async function prepareOldNode() {
  try {
    process.env['CELLBURST_TEST_OLD_NODE'] ??= await prepareNode(OLDEST_THERE);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.log(`Node ${OLDEST_THERE} cannot be had here: ${error.message.split('\n')[0]}`);
  }
}

async function runOnNode(tally, version) {
  const [major] = process.versions.node.split('.');
  const tests = version.startsWith(`${major}.`) ? V8_DEPENDENT : NODE_DEPENDENT;
  let node;
  try {
    node = await prepareNode(version);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    tally.skip(
      `Node ${version}: ${tests.join(', ')}`,
      `this Node cannot be had here: ${error.message.split('\n')[0]}`,
      tally.countIn(tests),
    );
    return;
  }
  await runJest(tally, { node, version, args: [...tests, ONCE] });
}
