// Starts a real system by the scripts beside, for one test file: before its tests are collected, so that what cannot be started here is skipped with its reason.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { CommandResult } from '../../magics/schedulers/dialect';
import type { Argv } from '../../magics/transports/shell';
import { describeUnless } from '../unless';

export type SystemName = 'slurm' | 'sge' | 'sshd' | 'podman';

/** Who submits and logs in. */
export interface PlainUser {
  readonly name: string;
  readonly home: string;
  /** What starts a process as that user; nothing where that is who runs the tests. */
  readonly ids?: { readonly uid: number; readonly gid: number };
}

export interface RunningSystem {
  readonly ok: true;
  readonly user: PlainUser;
  /** What a client of it needs in its environment, and what the script says of the system. */
  readonly settings: Readonly<Record<string, string>>;
  /** Runs a command as the plain user who submits, or as root. */
  run(argv: Argv, as?: 'user' | 'root'): Promise<CommandResult>;
  /** A directory of the plain user. */
  makeDirectory(name: string): string;
  stop(): void;
}

export type OpenedSystem = RunningSystem | { readonly ok: false; readonly reason: string };

const CANNOT = 77;
const ROOT_ONLY = 'only root on Linux can start it';
const isRoot = process.getuid?.() === 0;
const START_SECONDS = 300;
/** A port that is free now can be taken a moment later. */
const ATTEMPTS = 3;
const COMMAND_SECONDS = 30;
const isCI = (process.env['CI'] ?? '') !== '';

/**
 * Throws when the system should have started and did not: in CI whenever it runs as root, so that a real system is never lost unnoticed.
 * `by: 'anybody'`: who is not root has what can be had without, and is the plain user then; the settings of what is missing are empty.
 */
export function openSystem(name: SystemName, { by = 'root' }: { readonly by?: 'root' | 'anybody' } = {}): OpenedSystem {
  if (process.platform !== 'linux' || !(isRoot || by === 'anybody')) return { ok: false, reason: ROOT_ONLY };
  for (let attempt = 1; ; attempt += 1) {
    // Under /tmp: sockets lie in it, whose paths may have 108 characters, and other users have to reach it.
    const state = mkdtempSync(`/tmp/cellburst-${name}-`);
    chmodSync(state, 0o755);
    const watch = endWithUs(name, state);
    const up = start(name, state);
    const stop = () => {
      watch.kill('SIGKILL');
      execFileSync('bash', [script(name, 'down'), state, '--purge'], { stdio: 'ignore', timeout: 180_000 });
    };
    if (up.status === 0) return running(state, up.stdout, stop);
    stop();
    // What belongs to other ids cannot be taken away by a plain user, and is no reason to fail.
    spawnSync('rm', ['-rf', state]);
    const reason = /^ERROR: (.*)$/m.exec(up.stderr)?.[1] ?? `it did not start within ${START_SECONDS} s`;
    if (up.status === CANNOT && !(isCI && isRoot)) return { ok: false, reason };
    if (attempt < ATTEMPTS && /^port \d+ is taken/.test(reason)) continue;
    // A machine may have rules for its plain users that nobody has thought of.
    if (!isRoot) return { ok: false, reason };
    throw new Error(`${name}: ${reason}\n${up.stderr}`);
  }
}

const script = (name: SystemName, direction: 'up' | 'down') => join(__dirname, `${name}-${direction}.sh`);

/** Ports below those that the kernel gives to clients; names that no other run has, since cgroups and namespaces carry them. */
function start(name: SystemName, state: string) {
  const port = `${20_000 + randomInt(300) * 40}`;
  const letters = Array.from({ length: 5 }, () => String.fromCharCode(97 + randomInt(26))).join('');
  const env = {
    ...process.env,
    SLURM_BASE_PORT: port,
    SLURM_NODE_PREFIX: letters,
    SGE_BASE_PORT: port,
    SSHD_BASE_PORT: port,
    SSHD_NS_PREFIX: letters,
    SSHD_NET: `10.${100 + randomInt(150)}`,
  };
  return spawnSync('bash', [script(name, 'up'), state], { env, encoding: 'utf8', timeout: START_SECONDS * 1000 });
}

/** Ends the system when this process was killed before it could. */
function endWithUs(name: SystemName, state: string) {
  const watch = 'while kill -0 "$1" 2>/dev/null; do sleep 1; done; exec bash "$2" "$3" --purge';
  const args = ['-c', watch, 'bash', `${process.pid}`, script(name, 'down'), state];
  const child = spawn('bash', args, { stdio: 'ignore', detached: true });
  child.unref();
  return child;
}

function running(state: string, settings: string, stop: () => void): RunningSystem {
  const lines = settings.trim().split('\n');
  const environment = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  const user = isRoot ? madeUser() : presentUser();
  return {
    ok: true,
    user,
    settings: environment,
    run: (argv, as = 'user') => run(argv, environment, as === 'root' ? undefined : user),
    makeDirectory: (label) => makeDirectory(state, label, user),
    stop,
  };
}

/** The one that the scripts make. */
function madeUser(): PlainUser {
  const id = (flag: string) => Number(execFileSync('id', [flag, 'cluster'], { encoding: 'utf8' }));
  return { name: 'cluster', home: '/home/cluster', ids: { uid: id('-u'), gid: id('-g') } };
}

function presentUser(): PlainUser {
  return { name: userInfo().username, home: homedir() };
}

/** Why there is not all of this here. */
export function missing(...systems: readonly OpenedSystem[]): string | undefined {
  const reasons = systems.flatMap((system) => (system.ok ? [] : [system.reason]));
  return reasons.length === 0 ? undefined : [...new Set(reasons)].join('; ');
}

/** A system that is there already, by the prefix that an environment variable names. Jobs are submitted in the present user's name. */
export function openInstalled(prefix: string | undefined, variable: string): OpenedSystem {
  if (prefix === undefined || prefix === '') return { ok: false, reason: `${variable} is not set` };
  // Compute nodes have to see it.
  const home = mkdtempSync(join(homedir(), '.cellburst-test-'));
  const settings = { PATH: `${prefix}/bin:${process.env['PATH'] ?? ''}` };
  return {
    ok: true,
    user: presentUser(),
    settings,
    run: (argv) => execute(argv, { ...process.env, ...settings, TZ: FAR_FROM_UTC }),
    makeDirectory: (label) => {
      const directory = join(home, label);
      mkdirSync(directory, { recursive: true });
      return directory;
    },
    stop: () => {
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Times of answers are to be read in UTC, whatever the clock of the client shows. */
const FAR_FROM_UTC = 'Asia/Kolkata';

/** `user`: nobody is root. */
function run(
  argv: Argv,
  settings: Readonly<Record<string, string>>,
  user: PlainUser | undefined,
): Promise<CommandResult> {
  const home = user?.home ?? '/root';
  const environment = { PATH: process.env['PATH'], HOME: home, LANG: 'C.UTF-8', TZ: FAR_FROM_UTC, ...settings };
  return execute(user?.ids === undefined ? argv : ['runuser', '-u', user.name, '--', ...argv], environment);
}

/** Each command has a time limit of its own: a scheduler that hangs would hang the test. */
function execute([program, ...args]: Argv, env: NodeJS.ProcessEnv): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const timeout = COMMAND_SECONDS * 1000;
    const child = spawn(program, args, {
      env,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (exitCode) => {
      resolve({ exitCode, stdout, stderr });
    });
  });
}

function makeDirectory(state: string, label: string, user: PlainUser): string {
  const directory = join(state, 'jobs', label);
  execFileSync('install', ['-d', ...(user.ids === undefined ? [] : ['-o', user.name]), '-m', '755', directory]);
  return directory;
}

/** Tests on a system, which is stopped after them. Where there is none they are skipped by name, with the reason, and nobody calls what `body` is given. */
export function describeOn(title: string, system: OpenedSystem, body: (system: RunningSystem) => void): void {
  describeUnless(missing(system), title, () => {
    const running = system.ok ? system : ABSENT;
    body(running);
    afterAll(() => {
      running.stop();
    });
  });
}

const NEEDS: Readonly<Record<string, string>> = {
  SSHD_PASSWORD: 'only root can have passwords checked',
  SSHD_MFA: 'only root can have a second factor checked',
  SSHD_NODES: 'only root can make network namespaces, and not everywhere',
};

/** Why a system has not got this, by the setting that is empty then; undefined: it has, or is not there at all, which is told already. */
export function lacks(system: OpenedSystem, setting: keyof typeof NEEDS): string | undefined {
  return system.ok && (system.settings[setting] ?? '') === '' ? NEEDS[setting] : undefined;
}

function absent(): never {
  throw new Error('There is no such system here.');
}

const ABSENT: RunningSystem = {
  ok: true,
  user: presentUser(),
  settings: {},
  run: absent,
  makeDirectory: absent,
  stop: absent,
};
