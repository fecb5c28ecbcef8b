// A command of the user's whose standard input and output are the way to a host: ProxyCommand of ssh_config(5); and one that decides: Match exec.
import { spawn, type SpawnOptions } from 'node:child_process';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { TransportError } from '../protocol/errors';
import { Tail } from './host';

export interface ProxyStream {
  readonly stream: Duplex;
  /** The end of what it has complained about; all of it when it has ended, which it is given a moment for. */
  readonly complaints: () => Promise<string>;
  /** What is left of it is ended. */
  close(): void;
}

const LAST_WORDS_MS = 500;

/** The user's own shell runs it, as `ssh` has it. */
export function openProxy(command: string): ProxyStream {
  const child = spawn(...byShell(`exec ${command}`), { stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true });
  const tail = new Tail();
  child.stderr.on('data', (piece: Buffer) => tail.push(piece));
  child.once('error', (error) => tail.push(error.message));
  child.stdin.on('error', () => undefined);
  const stream = Duplex.from({ writable: child.stdin, readable: child.stdout });
  const close = (): void => {
    child.kill('SIGHUP');
  };
  stream.on('error', () => undefined);
  stream.once('close', close);
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      resolve();
    });
  });
  const complaints = async (): Promise<string> => {
    await Promise.race([ended, sleep(LAST_WORDS_MS, undefined, { ref: false })]);
    return tail.text;
  };
  return { stream, complaints, close };
}

const DECIDE_MS = 20_000;

/** Does it end with 0? Throws TransportError when it does not end. */
export function decide(command: string, signal: AbortSignal): Promise<boolean> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(DECIDE_MS)]);
  const options: SpawnOptions = { stdio: 'ignore', windowsHide: true, signal: limit, killSignal: 'SIGKILL' };
  return new Promise((resolve, reject) => {
    const child = spawn(...byShell(command), options);
    child.once('error', (cause) => {
      const why = limit.aborted ? 'it took too long, or was given up' : cause.message;
      reject(
        new TransportError(`Cannot tell whether "Match exec ${command}" of the SSH config holds: ${why}.`, { cause }),
      );
    });
    child.once('exit', (code) => {
      resolve(code === 0);
    });
  });
}

function byShell(command: string): [string, string[]] {
  if (process.platform === 'win32')
    return [process.env['ComSpec'] ?? 'cmd.exe', ['/d', '/s', '/c', command.replace(/^exec /, '')]];
  return [process.env['SHELL'] || '/bin/sh', ['-c', command]];
}
