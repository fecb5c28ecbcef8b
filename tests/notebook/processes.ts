// Processes that a test started, directly or not: they carry the test's state directory in their environment, and that is how they are
// found again after their parents are gone. Only those are ever ended, each by its id.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Leftover {
  readonly pid: number;
  readonly command: string;
}

/** Running processes whose environment holds the text, for example `CELLBURST_STATE_DIR=/tmp/x/state`. */
export function processesWith(environmentEntry: string): Leftover[] {
  const found = process.platform === 'linux' ? linuxProcesses(environmentEntry) : posixProcesses(environmentEntry);
  return found.filter(({ pid }) => pid !== process.pid);
}

/** Asks them to end, and ends those that do not listen. */
export async function endProcesses(environmentEntry: string): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    for (const { pid } of processesWith(environmentEntry)) send(pid, signal);
    const deadline = Date.now() + 3000;
    while (processesWith(environmentEntry).length > 0 && Date.now() < deadline) await sleep(50);
  }
}

export function isAlive(pid: number): boolean {
  return send(pid, 0);
}

/** @returns whether there was such a process */
export function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
    throw error;
  }
}

function linuxProcesses(entry: string): Leftover[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.flatMap((pid) => {
    const environment = readProcFile(pid, 'environ').split('\0');
    if (!environment.includes(entry)) return [];
    return [{ pid, command: readProcFile(pid, 'cmdline').replaceAll('\0', ' ').trim() }];
  });
}

/** Empty for a process that has gone, or is another user's. */
function readProcFile(pid: number, name: 'environ' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(codeOf(error))) return '';
    throw error;
  }
}

/** Of an error of Node. Not by `instanceof`: Jest's Error is another one than Node's. */
export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

function posixProcesses(entry: string): Leftover[] {
  const listing = execFileSync('ps', ['-axEww', '-o', 'pid=,command='], { encoding: 'utf8' });
  return listing.split('\n').flatMap((line) => {
    const [, pid, command] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
    if (pid === undefined || command === undefined || !` ${command} `.includes(` ${entry} `)) return [];
    return [{ pid: Number(pid), command }];
  });
}
