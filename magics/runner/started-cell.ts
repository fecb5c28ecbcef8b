// A cell process that was started: by this runner, or beside it by the shell that became this runner (schedulers/beside.ts). Either way it is our child: its
// end is told to us alone.
import { spawn } from 'node:child_process';
import { closeSync, readFileSync, readlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { BESIDE_FD } from '../protocol/cell-start';
import { systemCode } from '../protocol/errors';
import { hugePages } from '../protocol/huge-pages';
import { parseStat, sendSignal } from '../protocol/platform';
import { findProgram } from './find-program';

export interface CellStart {
  /** The program file. */
  readonly program: string;
  readonly nodeFlags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly cpus?: readonly number[];
  readonly cwd?: string;
}

export type CellExit = { readonly code: number } | { readonly signal: string } | { readonly error: Error };

export interface StartedCell {
  /** undefined: it could not be started. */
  readonly pid: number | undefined;
  /** Settles when the process has ended; its pipes may still hold output. */
  readonly exit: Promise<CellExit>;
  readonly output: Readable | null;
  readonly errors: Readable | null;
  readonly records: Readable | null;
  readonly orders: Writable | null;
  readonly cpus?: readonly number[];
}

export function startCell(start: CellStart): StartedCell {
  const taskset = start.cpus === undefined ? undefined : findProgram('taskset');
  const node = [...start.nodeFlags, start.program];
  const [file, args] =
    taskset === undefined || start.cpus === undefined
      ? [process.execPath, node]
      : [taskset, ['-c', start.cpus.join(','), process.execPath, ...node]];
  const child = spawn(file, args, {
    // A group of its own: what the cell starts ends with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...hugePages(), ...start.environment },
    windowsHide: true,
    ...(start.cwd === undefined ? {} : { cwd: start.cwd }),
  });
  const [, , , records, orders] = child.stdio;
  return {
    pid: child.pid,
    exit: new Promise((resolve) => {
      child.once('error', (error) => {
        resolve({ error });
      });
      child.once('exit', (code, signal) => {
        resolve(code === null ? { signal: signal ?? 'unknown' } : { code });
      });
    }),
    output: child.stdout,
    errors: child.stderr,
    records: records && 'read' in records ? records : null,
    orders: orders && 'end' in orders ? orders : null,
    ...(start.cpus === undefined ? {} : { cpus: start.cpus }),
  };
}

/** One that the shell has started which became this process. undefined: it is none of ours, or not there any more; then nothing is left of it. */
export function takeCell(pid: number): StartedCell | undefined {
  if (programOf(pid) !== process.execPath) {
    // A wrapper of Node's, whose end would not be that of the cell; or it has ended before it could begin.
    sendSignal(pid, 'SIGKILL');
    for (const descriptor of Object.values(BESIDE_FD)) closeSync(descriptor);
    return undefined;
  }
  const { output, errors, records, orders } = BESIDE_FD;
  const reader = (fd: number): Socket => new Socket({ fd, readable: true, writable: false });
  return {
    pid,
    exit: watchEnd(pid),
    output: reader(output),
    errors: reader(errors),
    records: reader(records),
    orders: new Socket({ fd: orders, readable: false, writable: true }),
  };
}

function programOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}

/** Should its signal be lost: nobody waits longer for an end. */
const LOOK_MS = 250;

/** Node waits for its own children only, so this one stays as it ended until we end as well: how it did is there to be read. */
function watchEnd(pid: number): Promise<CellExit> {
  return new Promise((resolve) => {
    const look = (): void => {
      const end = endOf(pid);
      if (end === undefined) return;
      process.off('SIGCHLD', look);
      clearInterval(timer);
      resolve(end);
    };
    const timer = setInterval(look, LOOK_MS);
    process.on('SIGCHLD', look);
    look();
  });
}

/** Among the fields of proc(5) that `parseStat` gives: the state, and what wait(2) would tell (from 3.5 on, for the process's own user). */
const STATE = 0;
const STATUS = 49;

function endOf(pid: number): CellExit | undefined {
  let fields: readonly string[];
  try {
    fields = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return { error: new Error(`Process ${pid} is gone, and how it ended was not told.`) };
  }
  return fields[STATE] === 'Z' ? toExit(Number(fields[STATUS])) : undefined;
}

/** wait(2): a signal in the lowest seven bits, or an exit code above the lowest eight. */
export function toExit(status: number): CellExit {
  const signal = status & 0x7f;
  if (signal === 0) return { code: status >> 8 };
  const [name] = Object.entries(constants.signals).find(([, number]) => number === signal) ?? [];
  return { signal: name ?? String(signal) };
}
