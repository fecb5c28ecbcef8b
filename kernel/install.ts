// Tells Jupyter of this kernel: kernelspecs (one for TypeScript, one for JavaScript) in one of its data directories, found without Python. The commands are `cellburst install` and
// `cellburst uninstall`. Sources: jupyter_client "Kernel specs", jupyter_core.paths for the directories.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { messageOf, UsageError } from '../magics/protocol/errors';
import { JAVASCRIPT_FLAG } from './flags';
import { PROTOCOL_VERSION } from './wire/message';

export const KERNEL_NAME = 'cellburst';
interface Spec {
  readonly name: string;
  readonly displayName: string;
  readonly language: string;
  readonly flags: readonly string[];
}

const SPECS: readonly Spec[] = [
  { name: KERNEL_NAME, displayName: 'TypeScript (Cellburst)', language: 'typescript', flags: [] },
  {
    name: `${KERNEL_NAME}-js`,
    displayName: 'JavaScript (Cellburst)',
    language: 'javascript',
    flags: [JAVASCRIPT_FLAG],
  },
];
const SPEC_FILE = 'kernel.json';

export type InstallPlace =
  /** The data directory of this person. */
  | { readonly kind: 'user' }
  /** The active Conda or virtual environment, or that of the first `python3` on the PATH. */
  | { readonly kind: 'sys-prefix' }
  | { readonly kind: 'prefix'; readonly directory: string };

export interface InstallOptions {
  /** `user`, if not given. */
  readonly place?: InstallPlace;
  /** The program Jupyter will start; `dist/kernel.js` of this package, if not given. */
  readonly program?: string;
  readonly environment?: NodeJS.ProcessEnv;
}

export interface InstallReport {
  /** The directory of TypeScript's kernelspec; JavaScript's lies beside it. */
  readonly directory: string;
  /** Absolute paths of the files written, or removed by `uninstallKernel`. */
  readonly files: readonly string[];
  /** What happened: `unchanged` wrote nothing, `absent` had nothing to remove. */
  readonly done: 'installed' | 'updated' | 'unchanged' | 'removed' | 'absent';
}

/** Writes the kernelspecs. The second time, with nothing new to say, writes nothing. */
export function installKernel(options: InstallOptions = {}): InstallReport {
  const program = options.program ?? ownProgram();
  const places = SPECS.map((spec) => {
    const file = join(specDirectory(options, spec.name), SPEC_FILE);
    return { file, text: `${JSON.stringify(kernelSpec(spec, program), null, 2)}\n`, existed: existsSync(file) };
  });
  const wrong = places.filter(({ file, text, existed }) => !existed || readFileSync(file, 'utf8') !== text);
  for (const { file, text } of wrong) writeWhole(file, text);
  const directory = specDirectory(options, KERNEL_NAME);
  if (wrong.length === 0) return { directory, files: [], done: 'unchanged' };
  const done = places.some(({ existed }) => existed) ? 'updated' : 'installed';
  return { directory, files: wrong.map(({ file }) => file), done };
}

/** Removes what `installKernel` wrote in this place. A directory that is not ours is left alone. */
export function uninstallKernel(options: InstallOptions = {}): InstallReport {
  const directory = specDirectory(options, KERNEL_NAME);
  const there = SPECS.map((spec) => ({ ...spec, own: specDirectory(options, spec.name) })).filter(({ own }) =>
    existsSync(join(own, SPEC_FILE)),
  );
  const foreign = there.find(({ own, displayName }) => !isOurs(join(own, SPEC_FILE), displayName));
  if (foreign)
    throw new UsageError(
      `Will not remove ${foreign.own}: its ${SPEC_FILE} does not start Cellburst. Remove it by hand.`,
    );
  for (const { own } of there) rmSync(own, { recursive: true });
  const files = there.map(({ own }) => join(own, SPEC_FILE));
  return { directory, files, done: files.length > 0 ? 'removed' : 'absent' };
}

/** Beside, then renamed: Jupyter may look at this very moment. */
function writeWhole(file: string, text: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    const beside = `${file}.${process.pid}.new`;
    writeFileSync(beside, text);
    renameSync(beside, file);
  } catch (cause) {
    throw new UsageError(
      `Cannot write the kernelspec ${file}: ${messageOf(cause)}. Choose another place with --user, --sys-prefix or --prefix DIR.`,
      { cause },
    );
  }
}

function kernelSpec({ displayName, language, flags }: Spec, program: string): Record<string, unknown> {
  return {
    // Absolute, since a Node of nvm or fnm is on the PATH of the shell only, not on that of Jupyter's server.
    argv: [process.execPath, program, ...flags, '{connection_file}'],
    display_name: displayName,
    language,
    interrupt_mode: 'message',
    kernel_protocol_version: PROTOCOL_VERSION,
    metadata: { debugger: false },
  };
}

/** This module is bundled into a program of dist/, where the kernel lies as well. */
function ownProgram(): string {
  const program = join(__dirname, 'kernel.js');
  if (existsSync(program)) return program;
  throw new UsageError(`Cannot find the kernel's program at ${program}. Build it first: npm run build.`);
}

function isOurs(file: string, displayName: string): boolean {
  try {
    const spec: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return typeof spec === 'object' && spec !== null && Reflect.get(spec, 'display_name') === displayName;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function specDirectory(options: InstallOptions, name: string): string {
  const environment = options.environment ?? process.env;
  return join(dataDirectory(options.place ?? { kind: 'user' }, environment), 'kernels', name);
}

/** Where Jupyter looks for kernels and for extensions of JupyterLab. */
export function dataDirectory(place: InstallPlace, environment: NodeJS.ProcessEnv): string {
  switch (place.kind) {
    case 'user':
      return userDirectory(environment);
    case 'sys-prefix':
      return join(activePrefix(environment), 'share', 'jupyter');
    case 'prefix':
      return join(resolve(place.directory), 'share', 'jupyter');
  }
}

function userDirectory(environment: NodeJS.ProcessEnv): string {
  const { JUPYTER_DATA_DIR: own, XDG_DATA_HOME: xdg, APPDATA: roaming } = environment;
  if (own) return resolve(own);
  if (process.platform === 'win32') return join(roaming ?? join(homedir(), 'AppData', 'Roaming'), 'jupyter');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Jupyter');
  return join(xdg ? xdg : join(homedir(), '.local', 'share'), 'jupyter');
}

function activePrefix(environment: NodeJS.ProcessEnv): string {
  const active = environment['VIRTUAL_ENV'] ?? environment['CONDA_PREFIX'];
  if (active) return active;
  const prefix = pythonPrefix(environment);
  if (prefix !== undefined) return prefix;
  throw new UsageError(
    'Cannot find a Python environment for --sys-prefix: neither VIRTUAL_ENV nor CONDA_PREFIX is set, and there is no python3 on the PATH. ' +
      'Activate the environment Jupyter runs in, or give its directory with --prefix DIR.',
  );
}

function pythonPrefix(environment: NodeJS.ProcessEnv): string | undefined {
  for (const python of process.platform === 'win32' ? ['python', 'py'] : ['python3', 'python']) {
    try {
      const prefix = execFileSync(python, ['-c', 'import sys; print(sys.prefix)'], {
        encoding: 'utf8',
        env: environment,
        stdio: ['ignore', 'pipe', 'ignore'],
        timeout: 10_000,
      }).trim();
      if (isAbsolute(prefix) && existsSync(dirname(prefix))) return prefix;
    } catch {
      // Not there, or no Python that works: the next one.
    }
  }
  return undefined;
}
