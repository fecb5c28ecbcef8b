// One real system, a kernel of a plain user in front of it, and hands to break things with. Everything is ended by process id.
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { KernelClient, type CellResult } from '../kernel/client';
import { writeLosing } from '../clusters/losing';
import { openSystem, type RunningSystem, type SystemName } from '../clusters/open';
import { endProcesses, processesWith } from '../notebook/processes';
import { HEARTBEAT_FILE } from '../../magics/protocol/layout';
import { isAlive, sendSignal } from '../../magics/protocol/platform';
import { heartbeat, type Heartbeat } from '../../magics/protocol/run';
import { parseJson } from '../../magics/protocol/shape';
import { Relay } from './relay';

export const PLACES = ['slurm', 'gridengine', 'ssh'] as const;
export type Place = (typeof PLACES)[number];

const SYSTEMS: Readonly<Record<Place, SystemName>> = { slurm: 'slurm', gridengine: 'sge', ssh: 'sshd' };
const SUBMIT: Readonly<Partial<Record<Place, string>>> = { slurm: 'sbatch', gridengine: 'qsub' };
/** How a submit command complains that its question was sent and the answer never came. */
const LOST: Readonly<Partial<Record<Place, string>>> = {
  slurm: 'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation',
  gridengine: 'error: commlib error: got read error',
};

/** Clusters whose Node lives at another time. */
export const SKEWED = [
  { cluster: 'ahead', aheadMs: 3_600_000 },
  { cluster: 'behind', aheadMs: -3_600_000 },
] as const;

/** Nothing here takes as long, even on a busy machine: what does hangs. */
export const HANG_MS = 120_000;

export class Bench {
  readonly place: Place;
  readonly system: RunningSystem;
  /** Of the test user: kept over kernels. */
  readonly home: string;
  readonly stateDirectory: string;
  /** Where jobs are kept on the host, for SSH. */
  readonly store: string;
  readonly relay: Relay | undefined;
  kernel: KernelClient;
  #watch: ChildProcess | undefined;

  private constructor(place: Place, system: RunningSystem, parts: Pick<Bench, 'home' | 'store' | 'relay'>) {
    this.place = place;
    this.system = system;
    this.home = parts.home;
    this.store = parts.store;
    this.relay = parts.relay;
    this.stateDirectory = join(parts.home, 'state');
    // Set by start(), the only way to a bench.
    this.kernel = undefined as unknown as KernelClient;
  }

  static async start(place: Place, system: RunningSystem): Promise<Bench> {
    const home = system.makeDirectory('home');
    const store = system.makeDirectory('store');
    const login = Number((system.settings['SSHD_LOGIN'] ?? '').split(':')[1]);
    const relay = place === 'ssh' ? await Relay.start(login) : undefined;
    const bench = new Bench(place, system, { home, store, relay });
    if (place === 'ssh') for (const { cluster } of SKEWED) system.makeDirectory(`store-${cluster}`);
    execFileSync('install', ['-d', '-m', '700', ...(place === 'ssh' ? [] : ['-o', 'cluster']), join(home, 'run')]);
    bench.#writeConfig(login);
    bench.#mountSmall();
    if (place !== 'ssh') bench.#wrapSubmit();
    bench.kernel = await bench.startKernel();
    return bench;
  }

  get cluster(): string {
    return this.place === 'ssh' ? 'far' : this.place;
  }

  /** Where the jobs' own files are, as they run. */
  get jobs(): string {
    return join(this.place === 'ssh' ? this.store : this.stateDirectory, 'jobs');
  }

  startKernel(): Promise<KernelClient> {
    // Over SSH the notebook is somebody else's: root's, who alone can read the test's keys.
    const user = this.place === 'ssh' ? undefined : this.system.user.ids;
    return KernelClient.start(
      {
        ...this.system.settings,
        HOME: this.place === 'ssh' ? '/root' : this.home,
        CELLBURST_CONFIG: join(this.home, 'config.yaml'),
        CELLBURST_STATE_DIR: this.stateDirectory,
        // Of all kernels: the agent outlives the first.
        XDG_RUNTIME_DIR: join(this.home, 'run'),
        PATH: `${join(this.home, 'bin')}:${process.env['PATH'] ?? ''}`,
      },
      user,
    );
  }

  /** Ended without a word, as by a crash; then another one. */
  async replaceKernel(): Promise<void> {
    const dead = this.kernel;
    dead.process.kill('SIGKILL');
    await dead.stop();
    this.kernel = await this.startKernel();
  }

  async run(code: string): Promise<CellResult> {
    return this.kernel.outcome(await this.kernel.startCell(code), performance.now(), HANG_MS);
  }

  async stop(): Promise<void> {
    await this.kernel.stop();
    for (const directory of [
      this.stateDirectory,
      this.store,
      ...SKEWED.map(({ cluster }) => `${this.store}-${cluster}`),
    ])
      await endProcesses(`CELLBURST_STATE_DIR=${directory}`);
    await this.relay?.[Symbol.asyncDispose]();
    this.#watch?.kill('SIGKILL');
    spawnSync('umount', ['-l', ...this.#mounts]);
    this.system.stop();
  }

  /** The agent that looks after the notebook's jobs. */
  agentPid(directory = this.stateDirectory): number {
    const text = readFileSync(join(directory, 'agent.lock'), 'utf8');
    return Number(/"pid":(\d+)/.exec(text)?.[1]);
  }

  beat(job: string): Heartbeat {
    const path = join(this.jobs, job, HEARTBEAT_FILE);
    return parseJson(readFileSync(path, 'utf8'), heartbeat, path);
  }

  /** Its id where it runs: over SSH another agent's. */
  idThere(job: string): string {
    if (this.place !== 'ssh') return job;
    const path = join(this.stateDirectory, 'jobs', job, 'remote.json');
    return /"id":"(\w+)"/.exec(readFileSync(path, 'utf8'))?.[1] ?? '';
  }

  /** Its id at the batch system. */
  nativeId(job: string): string {
    const path = join(this.stateDirectory, 'jobs', job, 'submission.json');
    return /"nativeId":"(\d+)"/.exec(readFileSync(path, 'utf8'))?.[1] ?? '';
  }

  /** As root: daemons, nodes, other people's jobs. */
  async asRoot(...argv: readonly [string, ...string[]]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.system.run(argv, 'root');
    if (exitCode !== 0 && !/cleared error state/.test(stdout + stderr))
      throw new Error(`${argv.join(' ')} ended with ${String(exitCode)}: ${stderr}${stdout}`);
    return stdout;
  }

  async asUser(...argv: readonly [string, ...string[]]): Promise<string> {
    return (await this.system.run(argv, 'user')).stdout;
  }

  /** Names of all jobs that the batch system has taken; `isForgetful`: it may have lost some that accounting knows. */
  async names(isForgetful: boolean): Promise<readonly string[]> {
    if (this.place === 'slurm') {
      // Of a job that was refused there is a record of its failure.
      const states = isForgetful ? 'all' : 'pending,running,completing,completed,cancelled,timeout';
      const queue = await this.asUser('squeue', '-h', '-t', states, '-o', '%A|%j');
      // Accounting also has a row for each job that was refused.
      const history = isForgetful
        ? await this.asUser('sacct', '-X', '-n', '-P', '-S', 'now-2hours', '-o', 'JobID,JobName')
        : '';
      const rows = `${queue}\n${history}`.split('\n').map((row) => row.split('|'));
      return [...new Map(rows.map(([id = '', job = '']) => [id, job] as const)).values()];
    }
    // A job that could not be started is in both.
    const ended = (await this.asUser('qacct', '-j')).matchAll(/^jobname +(\S+)[ ]*\njobnumber +(\d+)/gm);
    const living = (await this.asUser('qstat', '-u', '*', '-xml')).matchAll(
      /<JB_job_number>(\d+)<\/JB_job_number>[^]*?<JB_name>(.*?)<\/JB_name>/g,
    );
    const rows = [
      ...[...ended].map(([, job = '', id = '']) => [id, job] as const),
      ...[...living].map(([, id = '', job = '']) => [id, job] as const),
    ];
    return [...new Map(rows).values()];
  }

  /** A host without a batch system has no way to hold a job: another one takes all there is, until `freeHost`. */
  async occupyHost(): Promise<void> {
    rmSync(this.#freeMark, { force: true });
    const wait = `while (!fs.existsSync(${JSON.stringify(this.#freeMark)})) await new Promise((go) => setTimeout(go, 20));`;
    const line = `%%cluster ${this.cluster} --detach --name occupies --cores ${availableParallelism()}`;
    await this.run(`${line}\nimport * as fs from 'node:fs';\n${wait}`);
  }

  freeHost(): void {
    writeFileSync(this.#freeMark, '', { mode: 0o644 });
  }

  get #freeMark(): string {
    return join(this.system.makeDirectory('marks'), 'free');
  }

  /** The next submit command loses its answer, or hangs. */
  loseNext(how: 'lost' | 'hangs-after' | 'hangs-before'): void {
    writeFileSync(this.#loseFile, how);
  }

  get hasLost(): boolean {
    return !existsSync(this.#loseFile);
  }

  get #loseFile(): string {
    return join(this.home, 'bin', 'lose');
  }

  #writeConfig(login: number): void {
    const { settings } = this.system;
    const host = ['scheduler: none', 'host: cb-relay', `sshConfig: ${join(this.home, 'ssh_config')}`];
    const own: Readonly<Record<Place, readonly string[]>> = {
      slurm: ['scheduler: slurm', 'poll: { first: 1s, longest: 4s }'],
      gridengine: ['scheduler: gridengine', 'parallelEnvironment: smp', 'poll: { first: 1s, longest: 4s }'],
      ssh: [...host, `store: ${this.store}`],
    };
    const lines = [
      'clusters:',
      `  ${this.cluster}:`,
      ...own[this.place].map((line) => `    ${line}`),
      ...SKEWED.flatMap(({ cluster, aheadMs }) => [
        `  ${cluster}:`,
        ...own[this.place].map((line) => `    ${line.replace(this.store, `${this.store}-${cluster}`)}`),
        `    node: ${this.#writeSkewedNode(cluster, aheadMs)}`,
      ]),
    ];
    writeFileSync(join(this.home, 'config.yaml'), `${lines.join('\n')}\n`, { mode: 0o644 });
    if (this.relay === undefined) return;
    const known = readFileSync(settings['SSHD_CONFIG'] ?? '', 'utf8');
    const relayed = `Host cb-relay\n  HostName 127.0.0.1\n  Port ${this.relay.port}\n  HostKeyAlias [127.0.0.1]:${login}\n  ServerAliveInterval 1\n  ServerAliveCountMax 3\n`;
    writeFileSync(join(this.home, 'ssh_config'), `${relayed}${known}`);
  }

  #writeSkewedNode(cluster: string, aheadMs: number): string {
    const ahead = join(this.home, `${cluster}.cjs`);
    writeFileSync(
      ahead,
      `const now = Date.now; Date.now = () => now() + ${aheadMs};\n` +
        'globalThis.Date = class extends Date { constructor(...given) { given.length === 0 ? super(Date.now()) : super(...given); } };\n',
      { mode: 0o644 },
    );
    const node = join(this.home, `${cluster}-node`);
    writeFileSync(node, `#!/bin/sh\nexec ${process.execPath} --require ${ahead} "$@"\n`);
    chmodSync(node, 0o755);
    return node;
  }

  /** A file system of its own below the jobs, so that it can be filled. */
  #mountSmall(): void {
    const ids = (flag: string) => execFileSync('id', [flag, 'cluster'], { encoding: 'utf8' }).trim();
    const theirs = `,uid=${ids('-u')},gid=${ids('-g')}`;
    for (const directory of this.#mounts) {
      mkdirSync(directory, { recursive: true });
      // Over SSH the notebook's own machine is root's.
      const owner = this.place === 'ssh' && directory === this.stateDirectory ? '' : theirs;
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=200m,mode=700${owner}`, 'tmpfs', directory]);
    }
    // Also when this process is killed before it could; the agents end with their directories.
    const watch = 'pid=$1; shift; while kill -0 "$pid" 2>/dev/null; do sleep 1; done; umount -l "$@"';
    const args = ['-c', watch, 'bash', `${process.pid}`, ...this.#mounts];
    this.#watch = spawn('bash', args, { stdio: 'ignore', detached: true });
    this.#watch.unref();
  }

  get #mounts(): readonly string[] {
    return [...new Set([dirname(this.jobs), this.stateDirectory])];
  }

  #wrapSubmit(): void {
    const command = SUBMIT[this.place] ?? '';
    const bin = join(this.home, 'bin');
    execFileSync('install', ['-d', '-o', 'cluster', bin]);
    writeLosing(bin, command, LOST[this.place] ?? '');
  }
}

/** The system of a place, or why there is none here. */
export function openPlace(place: Place): ReturnType<typeof openSystem> {
  return openSystem(SYSTEMS[place]);
}

/** Looks again until there is something; what does not come within the time is a hang. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  everyMs = 20,
): Promise<T> {
  const deadline = Date.now() + HANG_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`Waited ${HANG_MS / 1000} s in vain until ${what}.`);
    await pause(everyMs);
  }
}

/** Ends a process at once, and waits until it is gone. */
export async function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  sendSignal(pid, signal);
  if (signal === 'SIGKILL') await until(`process ${pid} is gone`, () => !isAlive({ pid }));
}

/** Processes that belong to the jobs of a directory, of a certain program. */
export function programsOf(directory: string, program: string): readonly number[] {
  return processesWith(`CELLBURST_STATE_DIR=${directory}`)
    .filter(({ command }) => command.includes(program))
    .map(({ pid }) => pid);
}

export function filesIn(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}
