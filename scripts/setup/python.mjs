// A Python environment of the project's own with a pinned Jupyter: the person's own Jupyter is neither needed nor touched.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { python, pythonHome, root } from './places.mjs';
import { run, SetupError, step } from './progress.mjs';
import { digest, readStamp, writeStamp } from './stamp.mjs';

const REQUIREMENTS = 'tests/requirements.txt';
const stampPath = join(pythonHome, '.requirements');

export async function preparePython() {
  const wanted = digest(root, [REQUIREMENTS]);
  if (existsSync(python) && readStamp(stampPath) === wanted) return;
  const base = await findPython();
  await step(`making a Python environment with JupyterLab in .cache/python (Python ${base.version})`, async () => {
    rmSync(pythonHome, { recursive: true, force: true });
    const pip = await makeEnvironment(base.command);
    await run(pip.program, [...pip.args, 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS], {
      cwd: root,
      advice: 'pip could not install JupyterLab. Is the network there? Then run the command again.',
    });
    writeStamp(stampPath, wanted);
  });
}

/** The first Python on the PATH that is new enough; the variable PYTHON names another one. */
async function findPython() {
  const asked = process.env['PYTHON'];
  const candidates = asked ? [asked] : ['python3', 'python', ...(process.platform === 'win32' ? ['py'] : [])];
  const seen = [];
  for (const command of candidates) {
    const version = await versionOf(command);
    seen.push(`${command}: ${version ?? 'does not run'}`);
    if (version === undefined) continue;
    const [major = 0, minor = 0] = version.split('.').map(Number);
    if (major > 3 || (major === 3 && minor >= 9)) return { command, version };
  }
  throw new SetupError(
    `JupyterLab needs Python 3.9 or newer, and none was found (${seen.join('; ')}).\n` +
      'Install one (Debian and Ubuntu: `apt install python3 python3-venv`; macOS: `brew install python`), or name it: `PYTHON=/path/to/python3 npm run demo`.',
  );
}

async function versionOf(command) {
  try {
    const version = await run(command, ['-c', 'import sys; print("%d.%d.%d" % sys.version_info[:3])']);
    return version.trim();
  } catch (error) {
    if (error instanceof SetupError) return undefined;
    throw error;
  }
}

/** Makes the environment by whatever this Python has for it, and tells how to call pip for it. */
async function makeEnvironment(command) {
  const failures = [];
  for (const [means, make] of WAYS) {
    try {
      return await make(command);
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      failures.push(`${means}: ${error.message.trim().split('\n').at(-1)}`);
      rmSync(pythonHome, { recursive: true, force: true });
    }
  }
  throw new SetupError(
    `${command} cannot make a virtual environment.\n${failures.join('\n')}\n` +
      'Debian and Ubuntu keep that part in a package of its own: `apt install python3-venv`. Without root: `python3 -m pip install --user virtualenv`. Then run the command again.',
  );
}

const ownPip = { program: python, args: ['-m', 'pip'] };

const WAYS = [
  [
    'venv',
    async (command) => {
      await run(command, ['-m', 'venv', pythonHome]);
      await run(python, ['-m', 'pip', '--version']);
      return ownPip;
    },
  ],
  [
    // Debian without python3-venv has no ensurepip, but perhaps a pip that installs into another environment (pip ≥ 22.3).
    'venv with the pip of the system',
    async (command) => {
      await run(command, ['-m', 'venv', '--without-pip', pythonHome]);
      const args = ['-m', 'pip', '--python', python];
      await run(command, [...args, '--version']);
      return { program: command, args };
    },
  ],
  [
    'virtualenv',
    async (command) => {
      await run(command, ['-m', 'virtualenv', '--quiet', pythonHome]);
      return ownPip;
    },
  ],
];
