// A runner and its cell process, started at the same moment: a start of Node takes longer than all that a small cell does, and the second need not wait for
// the first. A shell starts the cell process and becomes the runner, which so is its parent: a child's end is told to its parent alone, and stays to be read
// (runner/started-cell.ts). Where a system lacks what that takes, the runner starts the cell process itself.
import { randomBytes } from 'node:crypto';
import { hugePagesLines } from '../protocol/huge-pages';
import { BESIDE_FD as FD } from '../protocol/cell-start';
import { assignment, commandLine, type Argv } from '../transports/shell';

export interface Pair {
  readonly runner: Argv;
  readonly cell: Argv;
  /** Variables that the cell process has to be started with; anybody on the node can read them for a moment. */
  readonly environment: Readonly<Record<string, string>>;
}

/** A command that becomes the runner, with `--beside PID` where the cell process was started. */
export function pairCommand({ runner, cell, environment }: Pair): Argv {
  const variables = Object.entries(environment).map(([name, value]) => assignment(name, value));
  const alone = `exec ${commandLine(runner)}`;
  const pipes = ['orders', 'output', 'errors', 'records'].map((name) => `"$pipes.${name}"`).join(' ');
  const lines = [
    // Few programs, since each costs a millisecond. proc(5) tells how a child has ended.
    'setsid=/usr/bin/setsid; [ -x $setsid ] || setsid=$(command -v setsid)',
    // Nobody else can have made them: then there is no cell process beside.
    `pipes="\${TMPDIR:-/tmp}/cellburst-${randomBytes(9).toString('hex')}-$$"`,
    `[ -r /proc/self/stat ] && [ -n "$setsid" ] && mkfifo -m 600 ${pipes} 2>/dev/null || ${alone}`,
    // A shell has ten descriptors that all of them know. Opened for both at first, since one end alone waits for the other.
    `exec 9<>"$pipes.orders" ${FD.orders}>"$pipes.orders" 9<"$pipes.orders"`,
    `exec 8<>"$pipes.output" ${FD.output}<"$pipes.output" 6>"$pipes.output" 8>&-`,
    `exec 8<>"$pipes.errors" ${FD.errors}<"$pipes.errors" 7>"$pipes.errors" 8>&-`,
    `exec 8<>"$pipes.records" ${FD.records}<"$pipes.records" 8>"$pipes.records"`,
    ...hugePagesLines('tunables'),
    // A group of its own: what the cell starts ends with it. Nobody but the runner may hold the orders' end, or the cell would wait for one that is dead.
    `GLIBC_TUNABLES=$tunables ${[...variables, '"$setsid"', commandLine(cell)].join(' ')} \\`,
    '  </dev/null >&6 2>&7 3>&8 4<&9 5>&- 6>&- 7>&- 8>&- 9<&- &',
    'exec 6>&- 7>&- 8>&- 9<&-',
    `rm -f ${pipes}`,
    `${alone} --beside $!`,
  ];
  return ['sh', '-c', lines.join('\n')];
}
