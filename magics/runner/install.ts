// npm, run where the cell runs: from a lock file and tarballs that came along, so that nothing is asked of any registry.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { INSTALL_FOLDER } from '../protocol/environment';
import { EnvironmentSetupError } from '../protocol/errors';
import { readIfThere } from '../protocol/files';
import { findNpm } from '../protocol/host-facts';
import { signalGroup } from '../protocol/platform';

const SHOWN_LINES = 30;
const MEMORY_HINT =
  ' The system does that when the memory of the job is used up: npm and compilers need some 500 MB, so have the cell ask for more (--memory 1GB) this once.';
const ADDRESS_HINT =
  ' The address space of this job is limited, of which npm reserves more than it uses: have the cell ask for more (--memory 4GB) this once.';
const KEPT_CHARACTERS = 20_000;
/** With fewer lines, npm has not said why. */
const TALKATIVE_LINES = 4;

/** `folder` is the one of the lock file, absolute as at home, below `root`. What only the installation needs is gone after. */
export async function installPackages(root: string, folder: string, signal: AbortSignal): Promise<void> {
  const place = join(root, folder);
  const brought = join(place, INSTALL_FOLDER, 'npm', 'bin', 'npm-cli.js');
  const npm = existsSync(brought) ? brought : findNpm();
  if (npm === undefined)
    throw new EnvironmentSetupError(
      'Cannot install the packages of the cell: there is no npm on this node, though there is on the host that jobs are sent from. Load it by `prologue:` of this cluster.',
    );
  const cache = join(place, INSTALL_FOLDER, 'cache');
  const flags = [
    '--offline',
    '--no-audit',
    '--no-fund',
    '--no-update-notifier',
    '--foreground-scripts',
    '--cache',
    cache,
  ];
  const { code, log } = await run([npm, 'ci', ...flags], place, signal);
  if (code !== 0)
    throw new EnvironmentSetupError(
      `Cannot install the packages of the cell: npm ci ended ${typeof code === 'number' ? `with exit code ${code}` : `by ${code}`}.${hintAt(code)} The end of its log:\n${tailOf(log)}${detailsOf(cache, log)}`,
    );
  rmSync(join(place, INSTALL_FOLDER), { recursive: true, force: true });
}

/** Of what npm does not tell. */
function hintAt(code: number | string): string {
  if (code === 'SIGKILL') return MEMORY_HINT;
  // proc(5). Grid Engine limits it by h_vmem.
  const space = /^Max address space\s+(\d+)/m.exec(readIfThere('/proc/self/limits') ?? '');
  return space === null ? '' : ADDRESS_HINT;
}

/** Headers of this Node, where they came with it or with the packages: add-ons are compiled without a download then. */
function headers(place: string): Record<string, string> {
  const prefixes = [dirname(dirname(process.execPath)), join(place, INSTALL_FOLDER)];
  const prefix = prefixes.find((folder) => existsSync(join(folder, 'include', 'node', 'node.h')));
  return prefix === undefined ? {} : { npm_config_nodedir: prefix };
}

function run(
  args: readonly string[],
  directory: string,
  signal: AbortSignal,
): Promise<{ readonly code: number | string; readonly log: string }> {
  return new Promise((resolve, reject) => {
    const path = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
    const child = spawn(process.execPath, args, {
      cwd: directory,
      env: { ...process.env, ...headers(directory), PATH: path },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: compilers end with it.
      detached: true,
    });
    let log = '';
    const keep = (piece: string): void => {
      log = (log + piece).slice(-KEPT_CHARACTERS);
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    const stop = (): void => {
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
    };
    signal.addEventListener('abort', stop);
    child.on('error', reject);
    child.on('close', (code, by) => {
      signal.removeEventListener('abort', stop);
      resolve({ code: code ?? by ?? 'an unknown cause', log });
    });
  });
}

/** What npm tells its own log alone, where it has said little to us: the folder of it is gone when the user reads of it. */
function detailsOf(cache: string, log: string): string {
  const folder = join(cache, '_logs');
  if (log.trim().split('\n').length > TALKATIVE_LINES || !existsSync(folder)) return '';
  const lines = readdirSync(folder)
    .sort()
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
    .slice(-SHOWN_LINES);
  return `\nnpm's own log:\n${lines.join('\n')}`;
}

/** Without the help that npm shows after some mistakes. */
function tailOf(log: string): string {
  const [said = ''] = log.split(/^npm error\s*\nnpm error Clean install a project$/m);
  return said.trimEnd().split('\n').slice(-SHOWN_LINES).join('\n');
}
