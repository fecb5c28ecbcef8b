// A browser for the tests that need one. Where a continuous integration runs as root on Debian or its kin, the system's own package is installed
// (10 s); on a person's machine nothing is installed behind their back, and what needs a browser is left out by name.
import { existsSync } from 'node:fs';
import { run, SetupError, step } from './progress.mjs';

const PROGRAM = '/usr/bin/chromium';
const APT = '/usr/bin/apt-get';
/** A mirror that hangs must not hold up all tests. */
const AT_MOST_SECONDS = '180';

export async function prepareChromium() {
  const isOurs = process.env['CI'] === 'true' && process.getuid?.() === 0;
  if (!isOurs || existsSync(PROGRAM) || process.env['CELLBURST_CHROMIUM'] !== undefined || !existsSync(APT)) return;
  const apt = (...args) =>
    run('timeout', [AT_MOST_SECONDS, APT, '--quiet', '--yes', ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  try {
    await step('installing Chromium', async () => {
      await apt('update');
      await apt('install', '--no-install-recommends', 'chromium');
    });
  } catch (error) {
    // The tests say themselves what they could not test.
    if (!(error instanceof SetupError)) throw error;
    console.error(`Chromium could not be installed: ${error.message.split('\n')[0]}`);
  }
}
