// Who ends a cell process when its runner is killed and nothing else would: a batch system that follows no process groups, an agent that is gone as well. A shell
// holds one end of a pipe whose other end is the runner's. It costs less than 1 MB, and starts beside the cell process, which is not held up by it.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';

const SHELL = '/bin/sh';

/**
 * The end of its input is the end of the runner. Descendants that have left the group are found as long as their parents live (proc(5), where there is one):
 * they are listed before anything is killed. No `--` before the group's number: not every sh takes it.
 */
const SCRIPT = `tree() { for child in $(cat /proc/"$1"/task/*/children 2>/dev/null); do echo "$child"; tree "$child"; done; }
trap '' HUP INT TERM
read -r _
kill -KILL -"$1" $(tree "$1") 2>/dev/null`;

export interface Guard {
  /** The cell process and its group are gone: their number may be somebody else's soon. */
  dismiss(): void;
}

/** Watches the group that a process leads. It has to be in place before the process is told what to do. */
export function guardGroup(leader: number): Guard {
  if (process.platform === 'win32' || !existsSync(SHELL)) return { dismiss: () => undefined };
  const shell: ChildProcess = spawn(SHELL, ['-c', SCRIPT, 'cellburst-guard', String(leader)], {
    // Whoever kills the runner's group shall not kill this along with it.
    detached: true,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Where no more processes may be started, the job runs all the same.
  shell.on('error', () => undefined);
  shell.stdin?.on('error', () => undefined);
  shell.unref();
  return {
    dismiss: () => {
      shell.kill('SIGKILL');
      shell.stdin?.destroy();
    },
  };
}
