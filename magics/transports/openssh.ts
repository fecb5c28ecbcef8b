// A host by the user's own `ssh`: whatever it can do (GSSAPI, certificates, ControlMaster, odd PAM). Its questions come to a person by way of the agent, once
// for all commands.
import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { TransportError } from '../protocol/errors';
import { Tail, type Channel, type CommandEnd, type Host } from './host';
import { Master, toOptions, type MasterOptions } from './openssh-master';

/** ssh(1): an error of its own, or the command was ended by a signal, which it does not tell apart. */
const LOST = 255;
/** Between the end of a command's output and the end of ssh. */
const LEAVE_MS = 5000;

export class OpenSshHost implements Host {
  readonly name: string;
  readonly #options: MasterOptions;
  readonly #closing = new AbortController();
  readonly #master: Master | undefined;

  constructor(options: MasterOptions) {
    this.name = options.host;
    this.#options = options;
    // The client of Windows shares no connections, and has no program to ask by: there keys or an agent have to let in.
    if (process.platform !== 'win32') this.#master = new Master(options);
  }

  async exec(command: string, signal: AbortSignal): Promise<Channel> {
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    if (this.#closing.signal.aborted) throw new TransportError(`The connection to ${this.name} was closed here.`);
    const shared = (await this.#master?.share(stop)) ?? ['-T', ...toOptions({ BatchMode: 'yes' })];
    const { configPath } = this.#options;
    const args = [...(configPath === undefined ? [] : ['-F', configPath]), ...shared];
    const child = spawn('ssh', [...args, '--', this.name, command], {
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    });
    const tail = new Tail();
    child.stderr.on('data', (piece: Buffer) => tail.push(piece));
    const kill = (): void => {
      child.kill('SIGTERM');
    };
    if (stop.aborted) kill();
    stop.addEventListener('abort', kill);
    const ended = new Promise<CommandEnd>((resolve) => {
      child.once('error', (error) => resolve({ kind: 'lost', why: `ssh cannot be started: ${error.message}` }));
      child.once('close', (code, killedBy) => {
        stop.removeEventListener('abort', kill);
        if (code === null) resolve({ kind: 'lost', why: `ssh was ended by ${killedBy ?? 'a signal'}` });
        else if (code === LOST) resolve({ kind: 'lost', why: tail.text || 'ssh ended without a word' });
        else resolve({ kind: 'exit', code });
      });
    });
    child.stdin.on('error', () => undefined);
    const stream = Duplex.from({ writable: child.stdin, readable: child.stdout });
    stream.on('error', () => undefined);
    stream.once('close', () => {
      // At the end of its output ssh is about to say how the command ended: a signal now would make that a lost connection.
      if (child.stdout.readableEnded) setTimeout(kill, LEAVE_MS).unref();
      else kill();
    });
    return { stream, complaints: () => tail.text, ended };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#master?.close();
  }
}
