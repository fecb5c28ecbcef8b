// A host by ssh2, on any platform: the only door to that package, which is loaded when it is needed (the agent on a host has not got it).
// One connection for all commands, over as many jumps as the SSH config names.
import type { Client, ClientChannel } from 'ssh2';
import type { Duplex } from 'node:stream';
import { TransportError, UsageError, messageOf, systemCode } from '../protocol/errors';
import type { Ask } from './ask';
import { AdmissionError } from './admission-error';
import { Tail, type Channel, type CommandEnd, type Host } from './host';
import { decide, openProxy } from './proxy-command';
import { Admission } from './ssh-admission';
import { Patience } from './patience';
import { openLine } from './ssh-line';
import { lookUpHost } from './ssh-config';
import { HostKeys } from './ssh-host-keys';
import { parseTarget, settingsFor, type SshSettings } from './ssh-settings';

export interface SshOptions {
  readonly host: string;
  /** As `ssh -F` has it; if not given, the user's config and the system's. */
  readonly configPath?: string;
  readonly ask: Ask;
}

/** A person who answers has longer than a host that does not. */
const ADMIT_MS = 300_000;
const MOST_JUMPS = 8;

export class SshHost implements Host {
  readonly name: string;
  readonly #options: SshOptions;
  readonly #closing = new AbortController();
  #connection: Promise<Client> | undefined;

  constructor(options: SshOptions) {
    this.name = options.host;
    this.#options = options;
  }

  async exec(command: string, signal: AbortSignal): Promise<Channel> {
    const client = await this.#connect(signal);
    return await new Promise((resolve, reject) => {
      client.exec(command, (error, channel) => {
        // All of a quick command may be in the same packet: whoever listens later hears nothing of its end.
        if (error === undefined) resolve(toChannel(channel, signal));
        else {
          const message = `Cannot run a command on ${this.name}: ${error.message}`;
          reject(new TransportError(message, { cause: error, transient: true }));
        }
      });
    });
  }

  async reach(socket: string, signal: AbortSignal): Promise<Duplex> {
    const client = await this.#connect(signal);
    return await new Promise((resolve, reject) => {
      const giveUp = (error: Error): void => {
        const message = `Cannot reach ${socket} on ${this.name}: ${error.message}`;
        reject(new TransportError(message, { cause: error, transient: true }));
      };
      const late = (): void => giveUp(new Error('it took too long'));
      signal.addEventListener('abort', late, { once: true });
      client.openssh_forwardOutStreamLocal(socket, (error, stream) => {
        signal.removeEventListener('abort', late);
        if (error !== undefined) {
          giveUp(error);
          return;
        }
        // Nobody waits for it any more.
        if (signal.aborted) stream.destroy();
        // No exit of a command ends it: when the other side has said all, so have we.
        stream.once('end', () => stream.end());
        stream.on('error', () => undefined);
        resolve(stream);
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    // A connection that never came up has nothing to close.
    (await this.#connection?.catch(() => undefined))?.end();
  }

  /** The open connection, or a new one. */
  #connect(signal: AbortSignal): Promise<Client> {
    const both = AbortSignal.any([signal, this.#closing.signal]);
    const connection = (this.#connection ??= this.#open(both));
    const forget = (): void => {
      if (this.#connection === connection) this.#connection = undefined;
    };
    connection.then((client) => client.once('close', forget), forget);
    return connection;
  }

  async #open(signal: AbortSignal): Promise<Client> {
    return await this.#reach(this.#options.host, signal, 0);
  }

  async #settingsOf(target: string, signal: AbortSignal): Promise<SshSettings> {
    const parsed = parseTarget(target);
    const words = await lookUpHost(parsed, this.#options.configPath, (command) => decide(command, signal));
    return settingsFor(parsed.alias, words);
  }

  async #reach(target: string, signal: AbortSignal, depth: number): Promise<Client> {
    if (depth > MOST_JUMPS)
      throw new UsageError(`The SSH config reaches ${target} over itself, or over too many hosts.`);
    const settings = await this.#settingsOf(target, signal);
    const { way } = settings;
    if (way.kind === 'straight') return await this.#admit(settings, undefined, signal);
    if (way.kind === 'command') return await this.#admit(settings, openProxy(way.command), signal);
    const [first, ...others] = way.hosts;
    if (first === undefined) return await this.#admit(settings, undefined, signal);
    let last = await this.#reach(first, signal, depth + 1);
    for (const jump of others) {
      const next = await this.#settingsOf(jump, signal);
      last = await this.#admit(next, await passClient(last, next), signal);
    }
    return await this.#admit(settings, await passClient(last, settings), signal);
  }

  /** One connection, over a way or straight. */
  async #admit(settings: SshSettings, passage: Passage | undefined, signal: AbortSignal): Promise<Client> {
    const { default: ssh2 } = await import('ssh2');
    const shown = `${settings.user}@${settings.alias}`;
    const { reachSeconds, keepAlive } = settings;
    let fail: (error: Error) => void = () => undefined;
    const patience = new Patience(reachSeconds * 1000, () => {
      fail(new Error(`it did not answer within ${reachSeconds} s`));
    });
    const ask = patience.around(this.#options.ask);
    const keys = new HostKeys(settings, ask, signal);
    const { parseKey } = ssh2.utils;
    const admission = new Admission(settings, ask, { parseKey, openAgent: ssh2.createAgent }, signal);
    const client = new ssh2.Client();
    try {
      await new Promise<void>((resolve, reject) => {
        admission.unanswered = (error) => {
          reject(error);
          client.end();
        };
        signal.addEventListener(
          'abort',
          () => reject(new TransportError(`The connection to ${shown} was given up.`, { transient: true })),
          { once: true },
        );
        fail = (error: Error): void => {
          const said = passage?.complaints() ?? Promise.resolve('');
          void said.then((words) => {
            reject(keys.refusal ?? toError(shown, error, admission, words));
          });
        };
        client.once('ready', resolve);
        client.on('error', fail);
        client.once('close', () => {
          fail(new Error('the connection was closed'));
        });
        client.connect({
          host: settings.host,
          port: settings.port,
          username: settings.user,
          sock: passage?.stream ?? openLine(settings.host, settings.port),
          readyTimeout: ADMIT_MS,
          keepaliveInterval: keepAlive.seconds * 1000,
          keepaliveCountMax: keepAlive.times,
          algorithms: { serverHostKey: keys.algorithms },
          hostVerifier: (key: Buffer, verify: (isGood: boolean) => void) => {
            patience.renew();
            void keys.verify(key).then(verify);
          },
          authHandler: (left, _partial, next) => {
            patience.renew();
            admission.next(left).then(
              (method) => {
                if (method !== undefined) {
                  next(method);
                  return;
                }
                reject(notAdmitted(shown, admission));
                client.end();
              },
              (error: unknown) => {
                reject(error instanceof Error ? error : new TransportError(messageOf(error)));
                client.end();
              },
            );
          },
        });
      });
    } catch (error) {
      client.destroy();
      passage?.close();
      throw error;
    } finally {
      patience.end();
    }
    client.once('close', () => passage?.close());
    return client;
  }
}

/** A way to the next host: through the last one, or by a command. */
interface Passage {
  readonly stream: Duplex;
  readonly close: () => void;
  readonly complaints: () => Promise<string>;
}

function passClient(through: Client, { user, alias, host, port }: SshSettings): Promise<Passage> {
  const close = (): void => {
    through.end();
  };
  return new Promise((resolve, reject) => {
    through.forwardOut('127.0.0.1', 0, host, port, (error, stream) => {
      if (error === undefined) {
        resolve({ stream, close, complaints: () => Promise.resolve('') });
        return;
      }
      close();
      const message = `Cannot reach ${user}@${alias} through its jump host: ${error.message}`;
      reject(new TransportError(message, { cause: error, transient: true }));
    });
  });
}

function toChannel(channel: ClientChannel, signal: AbortSignal): Channel {
  const stop = (): void => {
    channel.close();
  };
  signal.addEventListener('abort', stop, { once: true });
  const tail = new Tail();
  channel.stderr.on('data', (piece: Buffer) => tail.push(piece));
  channel.on('error', () => undefined);
  const ended = endOf(channel);
  void ended.then(() => signal.removeEventListener('abort', stop));
  return { stream: channel, complaints: () => tail.text, ended };
}

/** A channel that closes without a word of how the command ended was lost. */
function endOf(channel: ClientChannel): Promise<CommandEnd> {
  return new Promise((resolve) => {
    let end: CommandEnd = { kind: 'lost', why: 'the connection was lost' };
    channel.once('exit', (code: number | null, signal?: string) => {
      if (typeof code === 'number') end = { kind: 'exit', code };
      else if (signal !== undefined) end = { kind: 'signal', signal };
    });
    channel.once('close', () => {
      resolve(end);
    });
  });
}

const FINAL = new Set(['ENOTFOUND']);

function toError(
  shown: string,
  error: Error & { readonly level?: string },
  admission: Admission,
  said: string,
): TransportError {
  if (error.level === 'client-authentication') return notAdmitted(shown, admission, error);
  const isFinal = FINAL.has(systemCode(error) ?? '');
  const words = said === '' ? '' : ` Its ProxyCommand said: ${said}`;
  const advice = isFinal
    ? ' No host has this name: correct `host:` of the cluster, or HostName in your SSH config.'
    : '';
  return new TransportError(`Cannot reach ${shown} over SSH: ${error.message}.${words}${advice}`, {
    cause: error,
    transient: !isFinal,
  });
}

function notAdmitted(shown: string, { tried, advice }: Admission, cause?: Error): TransportError {
  const ways = tried.length === 0 ? 'anything there is here' : tried.join(', ');
  return new AdmissionError(
    'login',
    `${shown} lets nobody in by ${ways}. ${advice}`,
    cause === undefined ? {} : { cause },
  );
}
