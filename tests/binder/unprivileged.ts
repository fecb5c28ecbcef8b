// Runs what Binder runs as Binder does: as an ordinary user who can become nobody else, with a home of their own and none of our environment.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { endProcesses } from '../notebook/processes';

/** The account that the tests of clusters make as well. Left on the machine. */
const ACCOUNT = 'cluster';

export type Opened =
  { readonly ok: true; readonly user: Unprivileged } | { readonly ok: false; readonly reason: string };

interface Ids {
  readonly uid: number;
  readonly gid: number;
}

export class Unprivileged implements AsyncDisposable {
  readonly home: string;
  /** Absent where we are such a user ourselves. */
  readonly #ids: Ids | undefined;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(ids: Ids | undefined) {
    this.#ids = ids;
    // Under /tmp: sockets lie in it, whose paths may have 108 characters.
    this.home = realpathSync(mkdtempSync('/tmp/cb-binder-'));
    chmodSync(this.home, 0o700);
    if (ids !== undefined) chownSync(this.home, ids.uid, ids.gid);
    const passedOn = Object.entries(process.env).filter(([name]) => /^(npm_config_|PIP_|SSL_|NODE_EXTRA)/i.test(name));
    this.#environment = {
      ...Object.fromEntries(passedOn),
      HOME: this.home,
      LANG: 'C.UTF-8',
      XDG_RUNTIME_DIR: this.home,
    };
  }

  static open(): Opened {
    if (process.platform !== 'linux') return { ok: false, reason: 'Binder is Linux' };
    if (
      !['/usr/sbin', ...(process.env['PATH'] ?? '').split(delimiter)].some((folder) =>
        runs('test', '-x', join(folder, 'slurmctld')),
      )
    )
      return { ok: false, reason: 'slurmctld is not installed: apt-get install slurm-wlm munge' };
    if (process.getuid?.() !== 0) return { ok: true, user: new Unprivileged(undefined) };
    if (!runs('id', ACCOUNT)) execFileSync('useradd', ['--create-home', '--shell', '/bin/bash', ACCOUNT]);
    const id = (flag: string): number => Number(execFileSync('id', [flag, ACCOUNT], { encoding: 'utf8' }));
    return { ok: true, user: new Unprivileged({ uid: id('-u'), gid: id('-g') }) };
  }

  /** `path`: in front of the system's own folders. */
  start(
    argv: readonly [string, ...string[]],
    options: { readonly path?: string; readonly cwd?: string; readonly environment?: NodeJS.ProcessEnv } = {},
  ): ChildProcess {
    const system = '/usr/local/bin:/usr/bin:/bin';
    const env = {
      ...this.#environment,
      PATH: options.path === undefined ? system : `${options.path}:${system}`,
      CELLBURST_SLURM: this.slurm,
      CELLBURST_STATE_DIR: join(this.home, 'state'),
      ...options.environment,
    };
    const who =
      this.#ids === undefined ? [] : [`--reuid=${this.#ids.uid}`, `--regid=${this.#ids.gid}`, '--clear-groups'];
    return spawn('setpriv', [...who, '--no-new-privs', ...argv], {
      cwd: options.cwd ?? this.home,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Puts files of root's into the home. */
  own(): void {
    if (this.#ids !== undefined) execFileSync('chown', ['-R', `${this.#ids.uid}:${this.#ids.gid}`, this.home]);
  }

  get slurm(): string {
    return join(this.home, 'slurm');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endProcesses(`CELLBURST_SLURM=${this.slurm}`);
    rmSync(this.home, { recursive: true, force: true, maxRetries: 5 });
  }
}

function runs(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    // Its exit code is the answer.
    return false;
  }
}
