// A control group (cgroup v2) of its own for a job's memory, where this user may make one, as in a session that systemd has delegated: the kernel
// then keeps the limit itself, between two samples too. Everywhere else sampling alone keeps it (limits.ts); it goes on beside a group as well.
// Sources: Linux, Documentation/admin-guide/cgroup-v2.rst, "Memory Interface Files" and "Delegation".
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemCode } from '../protocol/errors';
import { readIfThere } from '../protocol/files';

const ROOT = '/sys/fs/cgroup';
const MIB = 1024 * 1024;

export interface MemoryGroup {
  /** Takes a process in, and all that it starts from now on. */
  add(pid: number): void;
  /** Has the kernel ended processes of the group because its memory was used up? */
  wasExhausted(): boolean;
  /** Ends what is left in the group and removes it. */
  close(): void;
}

/** undefined: there is no cgroup v2 here, or we may not make a group with a memory limit. */
export function openMemoryGroup(jobId: string, memoryMiB: number): MemoryGroup | undefined {
  if (process.platform !== 'linux' || !existsSync(join(ROOT, 'cgroup.controllers'))) return undefined;
  for (const parent of groupParents(readIfThere('/proc/self/cgroup') ?? '')) {
    const path = join(ROOT, parent, `cellburst-${jobId}`);
    if (makeGroup(path, memoryMiB)) return groupAt(path);
  }
  return undefined;
}

/** Where a group may be made, from /proc/self/cgroup: beside our own (groups with members have no limited children), then below it. */
export function groupParents(source: string): string[] {
  const own = /^0::(\/.*)$/m.exec(source)?.[1];
  if (own === undefined) return [];
  return own === '/' ? [own] : [dirname(own), own];
}

function makeGroup(path: string, memoryMiB: number): boolean {
  try {
    mkdirSync(path);
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'EEXIST'].includes(systemCode(error) ?? '')) return false;
    throw error;
  }
  try {
    writeFileSync(join(path, 'memory.max'), String(memoryMiB * MIB), { flag: 'r+' });
    // One process of a job that is ended by the kernel leaves nothing useful behind.
    writeFileSync(join(path, 'memory.oom.group'), '1', { flag: 'r+' });
    if (existsSync(join(path, 'memory.swap.max'))) writeFileSync(join(path, 'memory.swap.max'), '0', { flag: 'r+' });
    return true;
  } catch (error) {
    // No memory controller was delegated: the files are not there.
    console.error(`no memory group at ${path}: ${String(error)}`);
    rmdirSync(path);
    return false;
  }
}

function groupAt(path: string): MemoryGroup {
  return {
    add: (pid) => {
      writeFileSync(join(path, 'cgroup.procs'), String(pid), { flag: 'r+' });
    },
    wasExhausted: () => Number(/^oom_kill (\d+)$/m.exec(readIfThere(join(path, 'memory.events')) ?? '')?.[1] ?? 0) > 0,
    close: () => {
      try {
        if (existsSync(join(path, 'cgroup.kill'))) writeFileSync(join(path, 'cgroup.kill'), '1', { flag: 'r+' });
        rmdirSync(path);
      } catch (error) {
        // Processes take a moment to leave; an empty group costs nothing and goes with the session.
        console.error(`the memory group ${path} stays: ${String(error)}`);
      }
    },
  };
}
