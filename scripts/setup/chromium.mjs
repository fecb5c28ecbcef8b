// A browser for the tests that need one. As root on Debian or its kin, and in a continuous integration that may become root, the system's own package is
// installed (10 s). Elsewhere nothing is installed behind a person's back, and what needs a browser is left out by name.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { run, SetupError, step } from './progress.mjs';

const PACKAGE = 'chromium';
const PROGRAM = '/usr/bin/chromium';
const APT = '/usr/bin/apt-get';
/** A mirror that hangs must not hold up all tests. */
const AT_MOST_SECONDS = '180';

export async function prepareChromium() {
  if (existsSync(PROGRAM) || process.env['CELLBURST_CHROMIUM'] !== undefined || !existsSync(APT)) return;
  const asRoot = wayToRoot();
  if (asRoot === undefined) return;
  const apt = (...args) => {
    const command = [...asRoot, 'timeout', AT_MOST_SECONDS, APT, '--quiet', '--yes', ...args];
    return run(command[0], command.slice(1), { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  };
  try {
    await step(`installing the Debian package ${PACKAGE}, for the tests in a browser`, async () => {
      await apt('update');
      await apt('install', '--no-install-recommends', PACKAGE);
    });
  } catch (error) {
    // The tests say themselves what they could not test.
    if (!(error instanceof SetupError)) throw error;
    console.error(`Chromium could not be installed: ${error.message.split('\n')[0]}`);
  }
}

/** What a command begins with to be run as root; undefined where that is not ours to do. */
function wayToRoot() {
  if (process.getuid?.() === 0) return [];
  if (process.env['CI'] !== 'true') return undefined;
  try {
    execFileSync('sudo', ['-n', 'true'], { stdio: 'ignore' });
    return ['sudo', '-n'];
  } catch {
    // No sudo, or one that asks: then there is no way.
    return undefined;
  }
}
