// Cell processes that are started ahead of need, as the local scheduler does: what a process costs at its start is then paid beside the work.
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { once } from 'node:events';

const PROGRAM = join(__dirname, '..', '..', '..', 'dist', 'cell.js');
const PATIENCE_MILLISECONDS = 60_000;

export class CellProcesses {
  readonly #ready: ChildProcess[] = [];
  readonly #ahead: number;

  constructor(ahead = 2) {
    this.#ahead = ahead;
  }

  /** Runs the cell whose bundle lies in the directory. Rejects when the process leaves no envelope. */
  async run(directory: string): Promise<void> {
    const child = this.#ready.shift() ?? startProcess();
    while (this.#ready.length < this.#ahead) this.#ready.push(startProcess());
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MILLISECONDS);
    const ended = once(child, 'exit');
    give(child, `${JSON.stringify({ directory })}\n`);
    const [exitCode, signal] = (await ended) as [number | null, string | null];
    clearTimeout(timer);
    if (exitCode !== 0) throw new Error(`The cell process ended with ${String(exitCode ?? signal)}: ${stderr}`);
  }

  close(): void {
    // Without orders they end by themselves.
    for (const child of this.#ready.splice(0)) give(child, '');
  }
}

function startProcess(): ChildProcess {
  const child = spawn(process.execPath, [PROGRAM], { stdio: ['ignore', 'ignore', 'pipe', 'ignore', 'pipe'] });
  return child;
}

function give(child: ChildProcess, line: string): void {
  const orders = child.stdio[4];
  if (orders !== null && orders !== undefined && 'end' in orders) orders.end(line);
}
