// The way to the agent of an allocation: a command inside the running job, whose standard input and output are the stream. Opened in some 30 to 90 ms;
// when it is lost, the agent and its jobs go on, and the next one finds them.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Duplex } from 'node:stream';
import { TransportError } from '../protocol/errors';
import type { Transport } from '../transports';
import type { Argv } from '../transports/shell';
import { Tail } from '../transports/host';

/** Batch systems let a command wait while the job's node is busy. */
const OPEN_MS = 30_000;
/** A command whose input has ended ends by itself, as a step that has done its work; one that is ended by a signal is one that failed, to the batch system. */
const PARTING_MS = 3000;

export class StepTransport implements Transport {
  readonly host: string;
  readonly #command: (marker: string) => Argv;
  readonly #closing = new AbortController();

  /** `command` becomes the way to the agent, and prints the marker first. `name`: for people. */
  constructor(name: string, command: (marker: string) => Argv) {
    this.host = name;
    this.#command = command;
  }

  async open(signal: AbortSignal): Promise<{ readonly stream: Duplex; readonly marker: string }> {
    const marker = `cellburst-agent-${randomBytes(12).toString('hex')}`;
    const [program, ...args] = this.#command(marker);
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true });
    const complaints = new Tail();
    child.stderr.on('data', (piece: Buffer) => complaints.push(piece));
    child.stdin.on('error', () => undefined);
    const kill = (): void => {
      child.kill('SIGTERM');
    };
    const limit = AbortSignal.any([signal, this.#closing.signal, AbortSignal.timeout(OPEN_MS)]);
    limit.addEventListener('abort', kill, { once: true });
    if (limit.aborted) kill();
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(`${program}: ${error.message}`));
      child.once('close', (code, by) => resolve(complaints.text || `${program} ended ${by ?? `with ${code ?? ''}`}`));
    });
    const first = await Promise.race([
      ended.then((why) => ({ why })),
      new Promise<undefined>((resolve) => child.stdout.once('readable', () => resolve(undefined))),
    ]);
    limit.removeEventListener('abort', kill);
    // At its end standard output is readable as well, and has nothing.
    if (first !== undefined || child.stdout.readableLength === 0)
      throw new TransportError(`Cannot reach ${this.host}: ${first?.why ?? (await ended)}`, { transient: true });
    const stream = Duplex.from({ writable: child.stdin, readable: child.stdout });
    stream.on('error', () => undefined);
    const part = (): void => {
      child.stdin.end();
      const late = setTimeout(kill, PARTING_MS).unref();
      void ended.then(() => {
        clearTimeout(late);
      });
    };
    stream.once('close', part);
    this.#closing.signal.addEventListener('abort', part, { once: true });
    return { stream, marker };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    return Promise.resolve();
  }
}
