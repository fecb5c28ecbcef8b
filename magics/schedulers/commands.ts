// Where the commands of a batch system run: on this machine. Each has a time limit of its own, since a stopped daemon hangs whoever asks it.
import { spawn } from 'node:child_process';
import type { CommandResult } from './dialect';
import type { Argv } from '../transports/shell';

/** Runs a command to its end. An end by our time limit or by the signal has no exit code; what was said until then is kept. */
export type RunCommand = (argv: Argv, signal: AbortSignal) => Promise<CommandResult>;

const LIMIT_MS = 20_000;
const MOST_BYTES = 64 * 1024 * 1024;
/** What a shell says of a command that is not there. */
const NOT_FOUND = 127;

export const runHere: RunCommand = (argv, signal) => runAs(argv, signal, { end: 'SIGKILL', detached: false });

/** A request that its client withdraws when it is asked to end, and leaves behind when it is killed. In a session of its own, so that only we ask. */
export const askHere: RunCommand = (argv, signal) => runAs(argv, signal, { end: 'SIGTERM', detached: true });

interface Manner {
  /** How it is ended before its time. */
  readonly end: 'SIGKILL' | 'SIGTERM';
  readonly detached: boolean;
}

const runAs = ([program, ...args]: Argv, signal: AbortSignal, { end, detached }: Manner): Promise<CommandResult> =>
  new Promise((resolve) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
    const child = spawn(program, args, { detached, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let bytes = 0;
    const keep = (pieces: Buffer[]) => (piece: Buffer) => {
      bytes += piece.length;
      if (bytes <= MOST_BYTES) pieces.push(piece);
    };
    child.stdout.on('data', keep(stdout));
    child.stderr.on('data', keep(stderr));
    const kill = (): void => {
      child.kill(end);
      // A grandchild may hold the pipes open.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    if (limit.aborted) kill();
    limit.addEventListener('abort', kill);
    const finish = (exitCode: number | null, more = ''): void => {
      limit.removeEventListener('abort', kill);
      const text = (pieces: readonly Buffer[]) => Buffer.concat(pieces).toString('utf8');
      resolve({ exitCode, stdout: text(stdout), stderr: text(stderr) + more });
    };
    child.once('error', (error) => {
      finish(NOT_FOUND, `${program}: ${error.message}`);
    });
    child.once('close', (exitCode) => {
      finish(exitCode);
    });
  });
