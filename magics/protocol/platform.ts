// What is peculiar to a platform, for the agent, its clients and runners: where files and sockets lie, and what processes there are.
// Everything else in the project is the same everywhere. Linux reads /proc; macOS asks `ps`; Windows has named pipes and no groups.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, statfsSync } from 'node:fs';
import { homedir, hostname, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { AgentError, systemCode } from './errors';
import { AGENT_PROTOCOL } from './messages';
import type { ProcessIdentity } from './run';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the agent keeps jobs, its lock and its log. */
export function stateDirectory(env: Environment = process.env, platform = process.platform, home = homedir()): string {
  if (env['CELLBURST_STATE_DIR']) return resolve(env['CELLBURST_STATE_DIR']);
  if (platform === 'win32') return join(env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local'), 'cellburst');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'cellburst');
  return join(env['XDG_STATE_HOME'] || join(home, '.local', 'state'), 'cellburst');
}

/** sun_path of macOS with its closing zero; Linux has four bytes more. */
const MAX_SOCKET_BYTES = 103;

export interface SocketPlace {
  /** For net.connect and net.listen. */
  readonly path: string;
  /** To be made with `privateDirectory` before listening. Absent where sockets are no files. */
  readonly directory?: string;
}

/** The agent's socket for one state directory and one protocol. */
export function agentSocket(
  state: string,
  options: {
    readonly env?: Environment;
    readonly platform?: NodeJS.Platform;
    readonly protocol?: number;
    /** The state lies on a file system of several machines, where a socket must not. */
    readonly isShared?: boolean;
  } = {},
): SocketPlace {
  const { env = process.env, platform = process.platform, protocol = AGENT_PROTOCOL, isShared = false } = options;
  const digest = createHash('sha256').update(state).digest('hex').slice(0, 12);
  if (platform === 'win32') return { path: `\\\\.\\pipe\\cellburst-${digest}-v${protocol}` };
  const runtime = env['XDG_RUNTIME_DIR'];
  const places = [
    // A job may have the runtime directory's name of another machine.
    ...(runtime && !isShared ? [join(runtime, 'cellburst', `${digest}-v${protocol}.sock`)] : []),
    ...(isShared || !isOfThisMachine(state, platform) ? [] : [join(state, 'run', `agent-v${protocol}.sock`)]),
    join(tmpdir(), `cellburst-${process.getuid?.() ?? 0}`, `${digest}-v${protocol}.sock`),
  ];
  const path = places.find((place) => Buffer.byteLength(place) <= MAX_SOCKET_BYTES);
  if (path === undefined)
    throw new AgentError(
      `Cannot place the agent's socket: every path for it is longer than ${MAX_SOCKET_BYTES} bytes. Set XDG_RUNTIME_DIR to a short path.`,
    );
  return { path, directory: resolve(path, '..') };
}

/** Magic numbers of file systems that no other machine shares: ext, xfs, btrfs, tmpfs, ramfs, overlay, zfs, f2fs, bcachefs (statfs(2)). */
const OF_ONE_MACHINE = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x858458f6, 0x794c7630, 0x2fc12fc1, 0xf2f52010, 0xca451a4e,
]);

/** A socket leads nowhere on a file server's other machines, and some do not take one at all. What is not known is taken for such a server. */
function isOfThisMachine(directory: string, platform: NodeJS.Platform): boolean {
  if (platform !== 'linux' || process.platform !== 'linux') return true;
  let at = directory;
  while (!existsSync(at) && at !== dirname(at)) at = dirname(at);
  return OF_ONE_MACHINE.has(statfsSync(at).type);
}

/** Where the agent notes the place of its socket: its environment, and so the place, may be another than that of a client. */
export function placeFile(state: string, protocol = AGENT_PROTOCOL): string {
  return join(state, `agent-v${protocol}.place`);
}

/** Makes a directory that only its owner can enter, or makes sure that an existing one is such. */
export function privateDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  refuseForeign(directory);
  if (process.platform !== 'win32' && (lstatSync(directory).mode & 0o077) !== 0) chmodSync(directory, 0o700);
}

/** In a shared place (/tmp) somebody else may have made the directory first, to be talked to in our stead. */
export function refuseForeign(directory: string): void {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (process.platform === 'win32' || found === undefined) return;
  if (!found.isDirectory() || found.uid !== process.getuid?.())
    throw new AgentError(
      `Cannot use ${directory}: it is not a directory of this user. Move it away, or set XDG_RUNTIME_DIR.`,
    );
}

/** An agent or a runner of another machine that has not shown life for as long is dead, or has to behave as if it were: nobody can ask its processes. */
export const LEASE_MS = 1000 * Number(process.env['CELLBURST_LEASE_SECONDS'] || 45);

/** Names this machine in files that another one might read. */
export function hostName(): string {
  return hostname();
}

/** undefined: there is no such process any more. */
function readProcFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return ['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(systemCode(error) ?? '');
}

let boot: string | undefined;

/** Fields of /proc/<pid>/stat from the state (field 3) on; the name before them may hold blanks and parentheses. proc(5). */
export function parseStat(line: string): readonly string[] {
  return line
    .slice(line.lastIndexOf(')') + 2)
    .trim()
    .split(' ');
}

/** When a process started, so that a number used again is told apart; undefined when there is none (or no way to know). */
function startOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    const stat = readProcFile(`/proc/${pid}/stat`);
    if (stat === undefined) return undefined;
    const fields = parseStat(stat);
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    boot ??= readProcFile('/proc/sys/kernel/random/boot_id')?.trim().slice(0, 8) ?? '';
    return `${boot}:${fields[19] ?? ''}`;
  }
  if (process.platform === 'win32') return undefined;
  return runPs(['-o', 'lstart=', '-p', String(pid)])?.trim() || undefined;
}

function runPs(args: readonly string[]): string | undefined {
  try {
    return execFileSync('ps', args, {
      encoding: 'utf8',
      timeout: 5000,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { LC_ALL: 'C' },
    });
  } catch (error) {
    // `ps` leaves with 1 when it lists nothing.
    if (typeof error === 'object' && error !== null && 'status' in error && error.status === 1) return undefined;
    throw error;
  }
}

export function identify(pid: number): ProcessIdentity {
  const started = startOf(pid);
  return started === undefined ? { pid } : { pid, started };
}

export function isSame(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return a.pid === b.pid && (a.started === undefined || b.started === undefined || a.started === b.started);
}

/** Is the very process still there? */
export function isAlive(identity: ProcessIdentity): boolean {
  if (process.platform !== 'win32') {
    const started = startOf(identity.pid);
    return started !== undefined && (identity.started === undefined || identity.started === started);
  }
  return sendSignal(identity.pid, 0);
}

/** false: there is no such process (or group, for a negative number). */
export function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** A signal to a process and all of its group, where there are groups. The process must lead its group. */
export function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  return process.platform === 'win32' ? sendSignal(pid, signal) : sendSignal(-pid, signal);
}

/** How often `readTree` may be asked: reading /proc costs a fraction of a millisecond, starting `ps` some ten. */
export const TREE_READ_MS = process.platform === 'linux' ? 50 : 500;

export interface TreeUsage {
  readonly pids: readonly number[];
  /** Resident memory of the whole tree; pages that processes share count once for each. */
  readonly memoryBytes: number;
  readonly cpuSeconds: number;
}

/** Linux's USER_HZ and page size: constants of the kernel's interface on all architectures Node runs on, but 64 KiB pages exist. */
const TICKS_PER_SECOND = 100;
let pageBytes: number | undefined;

/** A process and its descendants. Empty when it has ended. */
export function readTree(root: number): TreeUsage {
  if (process.platform === 'linux') return readTreeOfProc(root);
  return process.platform === 'win32' ? { pids: [root], memoryBytes: 0, cpuSeconds: 0 } : readTreeOfPs(root);
}

function readTreeOfProc(root: number): TreeUsage {
  pageBytes ??= readPageSize();
  const pids: number[] = [];
  let memoryBytes = 0;
  let ticks = 0;
  const waiting = [root];
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    const stat = readProcFile(`/proc/${pid}/stat`);
    if (stat === undefined) continue;
    const fields = parseStat(stat);
    pids.push(pid);
    // utime, stime and those of waited-for children; rss in pages.
    for (const index of [11, 12, 13, 14]) ticks += Number(fields[index] ?? 0);
    memoryBytes += Number(fields[21] ?? 0) * pageBytes;
    waiting.push(...childrenOf(pid));
  }
  return { pids, memoryBytes, cpuSeconds: ticks / TICKS_PER_SECOND };
}

/** Children are listed for each thread of their parent. */
function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
      const list = readProcFile(`/proc/${pid}/task/${thread}/children`);
      return (list ?? '').split(' ').filter(Boolean).map(Number);
    });
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

function readPageSize(): number {
  // AT_PAGESZ (6) of the auxiliary vector: pairs of 64-bit words, getauxval(3).
  const vector = readFileSync('/proc/self/auxv');
  for (let at = 0; at + 16 <= vector.length; at += 16) {
    if (vector.readBigUInt64LE(at) === 6n) return Number(vector.readBigUInt64LE(at + 8));
  }
  return 4096;
}

function readTreeOfPs(root: number): TreeUsage {
  const rows = parsePs(runPs(['-A', '-o', 'pid=,ppid=,rss=,time=']) ?? '');
  const pids = [root];
  for (let at = 0; at < pids.length; at++)
    pids.push(...rows.filter((row) => row.parent === pids[at]).map((row) => row.pid));
  const own = rows.filter((row) => pids.includes(row.pid));
  return {
    pids: own.map((row) => row.pid),
    memoryBytes: own.reduce((sum, row) => sum + row.memoryBytes, 0),
    cpuSeconds: own.reduce((sum, row) => sum + row.cpuSeconds, 0),
  };
}

/** `ps -A -o pid=,ppid=,rss=,time=`: kibibytes; time as [[days-]hours:]minutes:seconds, with hundredths on macOS. */
export function parsePs(table: string): readonly {
  readonly pid: number;
  readonly parent: number;
  readonly memoryBytes: number;
  readonly cpuSeconds: number;
}[] {
  return table
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [pid = '', parent = '', kibibytes = '', time = ''] = line.trim().split(/\s+/);
      const [days, clock] = time.includes('-') ? [Number(time.split('-')[0]), time.split('-')[1] ?? ''] : [0, time];
      const seconds = clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
      return {
        pid: Number(pid),
        parent: Number(parent),
        memoryBytes: Number(kibibytes) * 1024,
        cpuSeconds: days * 86_400 + seconds,
      };
    });
}

/** The processors this process may use, as Linux numbers them; undefined where there is no affinity to set. */
export function allowedCpus(): readonly number[] | undefined {
  if (process.platform !== 'linux') return undefined;
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readProcFile('/proc/self/status') ?? '')?.[1];
  return list === undefined ? undefined : parseCpuList(list);
}

/** `0-3,8`, cpuset(7). */
export function parseCpuList(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
