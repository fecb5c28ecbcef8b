// Programs that a cell starts by `!`, `%%bash` or `%npm`: their output is live output of the cell, and an interrupt ends them with everything
// they have started.
import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
// Node's own: the global ones belong to cells, and those of an interrupted cell do not fire any more.
import { setTimeout } from 'node:timers';
import { StringDecoder } from 'node:string_decoder';
import type { ProgramCall, ProgramEnd } from '../../magics/protocol/chores';
import { systemCode } from '../../magics/protocol/errors';
import type { OutputSink } from '../../magics/realm/output';

/** After an interrupt a program may clean up for so long. */
const FAREWELL_MILLISECONDS = 1_000;

const running = new Set<ChildProcess>();
// An orderly end of the kernel leaves none of them behind.
process.on('exit', () => {
  for (const child of running) signalGroup(child, 'SIGKILL');
});

/** Resolves when the program has ended and all its output is written. */
export async function runProgram(call: ProgramCall, sink: OutputSink, signal: AbortSignal): Promise<ProgramEnd> {
  const { command, directory } = call;
  const options: SpawnOptions = {
    ...(directory === undefined ? {} : { cwd: directory }),
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: an interrupt then reaches the shell's children as well. Windows has no groups.
    detached: process.platform !== 'win32',
    windowsHide: true,
  };
  const child =
    command.kind === 'shell'
      ? spawn(command.line, { ...options, shell: true })
      : spawn(command.program, command.args, options);
  const stop = () => {
    signalGroup(child, 'SIGINT');
    setTimeout(() => {
      if (running.has(child)) signalGroup(child, 'SIGKILL');
    }, FAREWELL_MILLISECONDS);
  };
  running.add(child);
  signal.addEventListener('abort', stop, { once: true });
  try {
    forward(child, 'stdout', sink, signal);
    forward(child, 'stderr', sink, signal);
    return await endOf(child, command.kind === 'shell' ? 'the shell' : command.program);
  } finally {
    running.delete(child);
    signal.removeEventListener('abort', stop);
  }
}

function forward(child: ChildProcess, name: 'stdout' | 'stderr', sink: OutputSink, signal: AbortSignal): void {
  const decoder = new StringDecoder('utf8');
  child[name]?.on('data', (chunk: Buffer) => {
    const text = decoder.write(chunk);
    // Nothing of an interrupted cell prints later.
    if (text !== '' && !signal.aborted) sink.write({ type: name, text });
  });
}

function endOf(child: ChildProcess, name: string): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      const reason = systemCode(error) === 'ENOENT' ? `there is no ${name} on the PATH.` : error.message;
      resolve({ how: 'absent', reason });
    });
    child.once('exit', (code, signal) => {
      const end: ProgramEnd = signal === null ? { how: 'exit', code: code ?? 0 } : { how: 'signal', signal };
      // `close` waits for the pipes, which something left in the background may hold open for ever.
      const timer = setTimeout(() => {
        resolve(end);
      }, FAREWELL_MILLISECONDS);
      child.once('close', () => {
        clearTimeout(timer);
        resolve(end);
      });
    });
  });
}

function signalGroup(child: ChildProcess, signal: 'SIGINT' | 'SIGKILL'): void {
  if (child.pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, signal);
  } catch (error) {
    // Gone already: that is what was wanted.
    if (systemCode(error) !== 'ESRCH') throw error;
  }
}
