// Has the kernel ended a process because memory was used up? Batch systems give each job a control group with a limit; a cell that passes it is gone without a
// word, its exit looks like any SIGKILL, and a batch system that looks at exit codes alone calls the job completed.
// Sources: Linux, Documentation/admin-guide/cgroup-v2.rst (memory.events) and cgroup-v1/memory.rst (memory.oom_control, `oom_kill` from 4.13 on).
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere } from '../protocol/files';

const ROOT = '/sys/fs/cgroup';

/** From now on: the answer tells whether there was one in our group, or in groups below it. Where nobody counts, there was none. */
export function watchOomKills(root = ROOT, own = readIfThere('/proc/self/cgroup') ?? ''): () => boolean {
  const count = (): number => countOomKills(root, own);
  const before = count();
  return () => count() > before;
}

/** `own`: lines of /proc/self/cgroup, `4:memory:/job_3` (v1) and `0::/job_3` (v2). */
function countOomKills(root: string, own: string): number {
  const kills = own.split('\n').map((line) => {
    const [, kinds = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    // Of v2 each count has those of the groups below in it; of v1 it has not, and runc makes one.
    if (kinds === '') return readCount(join(root, path, 'memory.events'));
    return kinds.split(',').includes('memory') ? countBelow(join(root, 'memory', path)) : 0;
  });
  return kills.reduce((sum, each) => sum + each, 0);
}

function countBelow(folder: string): number {
  return foldersIn(folder).reduce(
    (sum, name) => sum + countBelow(join(folder, name)),
    readCount(join(folder, 'memory.oom_control')),
  );
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    // Gone meanwhile, or not mounted here: then nothing is counted.
    return [];
  }
}

function readCount(path: string): number {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync(path, 'utf8'))?.[1] ?? 0);
  } catch {
    // The root has no such file, an older Linux neither, and a group may be hidden from us.
    return 0;
  }
}
