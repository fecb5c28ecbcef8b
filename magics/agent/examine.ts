// A look at the machine that an agent is on, where a cluster's jobs are kept: is there room, may we write, how fast, and will we be let live?
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { showBytes } from '../config/quantities';
import { messageOf, systemCode } from '../protocol/errors';
import { fine, trouble, type Finding } from '../protocol/finding';
import { hostName } from '../protocol/platform';

const LEAST_FREE_BYTES = 1e9;
const LEAST_INODES = 10_000;
const SLOW_WRITE_MS = 500;
const LEAST_FILES = 1024;
const QUOTA_MS = 5000;

export async function* examineMachine(stateDirectory: string): AsyncGenerator<Finding> {
  yield await examineStore(stateDirectory);
  yield await examineSpace(stateDirectory);
  const quota = await examineQuota();
  if (quota !== undefined) yield quota;
  yield examineLimits();
  const killer = examineKillers();
  if (killer !== undefined) yield killer;
}

/** Whole files appear there by write, sync and rename: as each record does. */
async function examineStore(directory: string): Promise<Finding> {
  const path = join(directory, `.doctor-${process.pid}`);
  const started = performance.now();
  try {
    const file = await open(path, 'w', 0o600);
    await file.writeFile('doctor');
    await file.sync();
    await file.close();
    await rm(path);
  } catch (error) {
    const remedy = REMEDIES[systemCode(error) ?? ''] ?? 'Set store: of this cluster to a directory that you may write.';
    return trouble('store', `${directory} on ${hostName()} cannot be written: ${messageOf(error)}. ${remedy}`);
  }
  const ms = performance.now() - started;
  const says = `${directory} on ${hostName()}: a file is on its disk after ${Math.round(ms)} ms`;
  return ms > SLOW_WRITE_MS
    ? trouble('store', `${says}. Every step of a job waits for that; a store: on a faster file system helps.`)
    : fine('store', says);
}

const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full: remove files there.',
  EDQUOT: 'Your quota is used up: remove files there, or set store: of this cluster to another file system.',
  EROFS: 'It is mounted read-only: set store: of this cluster to another directory.',
};

async function examineSpace(directory: string): Promise<Finding> {
  const { bavail, bsize, ffree, files } = await statfs(directory);
  const free = bavail * bsize;
  // Some file systems make inodes as they are needed, and say 0.
  const inodes = files === 0 ? '' : `, ${ffree} inodes`;
  const says = `${showBytes(free)} free${inodes}`;
  if (free >= LEAST_FREE_BYTES && (files === 0 || ffree >= LEAST_INODES)) return fine('space', says);
  return trouble(
    'space',
    `${says}: that is little, and jobs fail without it. Remove files, or set store: of this cluster.`,
  );
}

/** Where there is a quota, what it says; many sites have commands of their own instead. */
async function examineQuota(): Promise<Finding | undefined> {
  try {
    const { stdout } = await promisify(execFile)('quota', ['-s'], { timeout: QUOTA_MS });
    const lines = stdout.split('\n').filter((line) => line.includes('*'));
    if (lines.length > 0)
      return trouble('quota', `is used up: ${lines.join('; ').replace(/\s+/g, ' ')}. Remove files there.`);
    return stdout.trim() === '' ? undefined : fine('quota', 'is not used up');
  } catch {
    // No such command, or no quota: nothing to tell.
    return undefined;
  }
}

/** Of this process, and so of everything that it starts (proc(5)). */
function examineLimits(): Finding {
  const path = '/proc/self/limits';
  if (!existsSync(path)) return fine('limits', 'this system does not tell');
  const source = readFileSync(path, 'utf8');
  const soft = (name: string) => new RegExp(`^${name}\\s+(\\S+)`, 'm').exec(source)?.[1] ?? 'unlimited';
  const files = soft('Max open files');
  const space = soft('Max address space');
  const processes = soft('Max processes');
  const says = `${files} open files, ${processes} processes, address space ${space === 'unlimited' ? space : showBytes(Number(space))}`;
  const processor = soft('Max cpu time');
  if (processor !== 'unlimited')
    return trouble(
      'limits',
      `${says}. A process is killed after ${processor} s of processor time, and our agent too: set agent: connection of this cluster, or raise it by setup: ulimit -t unlimited.`,
    );
  if (space !== 'unlimited')
    return trouble(
      'limits',
      `${says}. Node.js reserves address space that it never uses: raise it by setup: ulimit -v unlimited.`,
    );
  if (files !== 'unlimited' && Number(files) < LEAST_FILES)
    return trouble('limits', `${says}. Raise it by setup: ulimit -n ${LEAST_FILES}.`);
  return fine('limits', says);
}

/** systemd-logind can end what a user leaves behind at logout (logind.conf(5)); later files count. */
function examineKillers(): Finding | undefined {
  const folder = '/etc/systemd/logind.conf.d';
  const more = existsSync(folder) ? readdirSync(folder).sort() : [];
  const paths = ['/etc/systemd/logind.conf', ...more.map((name) => join(folder, name))].filter((path) =>
    existsSync(path),
  );
  if (!endsLeftovers(paths.map((path) => readFileSync(path, 'utf8')).join('\n'))) return undefined;
  const user = process.env['USER'] ?? '';
  if (existsSync(`/var/lib/systemd/linger/${user}`)) return fine('logout', 'our agent may stay: lingering is on');
  return trouble(
    'logout',
    `processes are ended at logout on ${hostName()} (KillUserProcesses), so our agent starts anew with each connection; batch jobs go on. Set agent: connection of this cluster, or \`loginctl enable-linger\` lets it stay, if the site allows that.`,
  );
}

export function endsLeftovers(config: string): boolean {
  const found = [...config.matchAll(/^\s*KillUserProcesses\s*=\s*(\S+)/gim)].at(-1)?.[1];
  return /^(?:yes|true|1|on)$/i.test(found ?? '');
}
