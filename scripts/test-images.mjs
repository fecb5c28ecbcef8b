// `npm run test:images`: cells in images with what no package of a stable distribution has: Apptainer, musl, a Node.js that is too old. Fetches them (75 MB, from
// Debian's sid, PyPI and the npm registry) once. Needs root, as the systems of tests/clusters do, and a clone that other users can read.
import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { OLDEST_THERE, prepareNode } from './setup/nodes.mjs';
import { cache, root } from './setup/places.mjs';
import { step } from './setup/progress.mjs';
import { runScript, setUp } from './setup.mjs';

const TOO_OLD = '16.20.2';
const TESTS = ['tests/environment/apptainer', 'tests/environment/container', 'tests/clusters/slurm-cells'];
const NAMES = 'in an image|in images';

await runScript(async () => {
  await setUp({ jupyter: false });
  const tools = await step('fetching Apptainer and musl', async () => fetchTools());
  const environment = {
    ...tools,
    CELLBURST_TEST_OLD_NODE: await prepareNode(OLDEST_THERE),
    CELLBURST_TEST_TOO_OLD_NODE: await prepareNode(TOO_OLD),
  };
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const args = [jest, '--runInBand', '--verbose', ...TESTS, '-t', NAMES, ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, ...environment }, stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
});

/** What the script prints, as variables. */
function fetchTools() {
  const script = join(root, 'tests', 'environment', 'image-tools.sh');
  const said = execFileSync('bash', [script, join(cache, 'image-tools')], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return Object.fromEntries(
    said
      .trim()
      .split('\n')
      .map((line) => line.split('=')),
  );
}
