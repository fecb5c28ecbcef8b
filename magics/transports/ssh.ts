// A host by ssh2, on any platform: the only door to that package, which is loaded when it is needed (the agent on a host has not got it).
// One connection for all commands, over as many jumps as the SSH config names.
import type { Client, ClientChannel } from 'ssh2';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { TransportError, UsageError, messageOf, systemCode } from '../protocol/errors';
import type { Ask } from './ask';
import { Tail, type Channel, type CommandEnd, type Host } from './host';
import { Admission } from './ssh-admission';
import { HostKeys } from './ssh-host-keys';
import { readSshConfig, settingsFor, type SshSettings } from './ssh-settings';

export interface SshOptions {
  readonly host: string;
  /** ~/.ssh/config, if not given. */
  readonly configPath?: string;
  readonly ask: Ask;
}

/** From the first packet to the host's key; a person who answers has longer. */
const REACH_MS = 20_000;
const ADMIT_MS = 300_000;
const KEEPALIVE = { keepaliveInterval: 15_000, keepaliveCountMax: 3 };
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
    const { host, configPath = join(homedir(), '.ssh', 'config') } = this.#options;
    const config = readSshConfig(configPath);
    return await this.#reach(host, (target) => settingsFor(target, config), signal, 0);
  }

  async #reach(
    target: string,
    settingsOf: (target: string) => SshSettings,
    signal: AbortSignal,
    depth: number,
  ): Promise<Client> {
    if (depth > MOST_JUMPS)
      throw new UsageError(`The SSH config reaches ${target} over itself, or over too many hosts.`);
    const settings = settingsOf(target);
    const [first, ...others] = settings.jumps;
    if (first === undefined) return await this.#admit(settings, undefined, signal);
    let last = await this.#reach(first, settingsOf, signal, depth + 1);
    for (const jump of others) last = await this.#admit(settingsOf(jump), last, signal);
    return await this.#admit(settings, last, signal);
  }

  /** One connection, through the last one or straight. */
  async #admit(settings: SshSettings, through: Client | undefined, signal: AbortSignal): Promise<Client> {
    const { default: ssh2 } = await import('ssh2');
    const shown = `${settings.user}@${settings.alias}`;
    const { ask } = this.#options;
    const keys = new HostKeys(settings, ask, signal);
    const admission = new Admission(settings, ask, ssh2.utils.parseKey, signal);
    const sock = through === undefined ? undefined : await forward(through, settings, shown);
    const client = new ssh2.Client();
    try {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => {
          reject(
            new TransportError(`Cannot reach ${shown} over SSH: it did not answer within ${REACH_MS / 1000} s.`, {
              transient: true,
            }),
          );
        }, REACH_MS);
        admission.unanswered = (error) => {
          reject(error);
          client.end();
        };
        signal.addEventListener(
          'abort',
          () => reject(new TransportError(`The connection to ${shown} was given up.`, { transient: true })),
          { once: true },
        );
        client.once('ready', resolve);
        client.once('error', (error) => reject(keys.refusal ?? toError(shown, error, admission.tried)));
        client.once('close', () =>
          reject(keys.refusal ?? toError(shown, new Error('the connection was closed'), admission.tried)),
        );
        client.connect({
          host: settings.host,
          port: settings.port,
          username: settings.user,
          ...(sock === undefined ? {} : { sock }),
          readyTimeout: ADMIT_MS,
          ...KEEPALIVE,
          algorithms: { serverHostKey: keys.algorithms },
          hostVerifier: (key: Buffer, verify: (isGood: boolean) => void) => {
            clearTimeout(timer);
            void keys.verify(key).then(verify);
          },
          authHandler: (left, _partial, next) => {
            admission.next(left).then(
              (method) => {
                if (method !== undefined) {
                  next(method);
                  return;
                }
                reject(notAdmitted(shown, admission.tried));
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
      through?.end();
      throw error;
    }
    client.on('error', () => undefined);
    client.once('close', () => through?.end());
    return client;
  }
}

/** A way through one host to the next. */
function forward(through: Client, { host, port }: SshSettings, shown: string): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    through.forwardOut('127.0.0.1', 0, host, port, (error, channel) => {
      if (error === undefined) resolve(channel);
      else
        reject(
          new TransportError(`Cannot reach ${shown} through its jump host: ${error.message}`, {
            cause: error,
            transient: true,
          }),
        );
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

function toError(shown: string, error: Error & { readonly level?: string }, tried: readonly string[]): TransportError {
  if (error.level === 'client-authentication') return notAdmitted(shown, tried, error);
  const isFinal = FINAL.has(systemCode(error) ?? '');
  return new TransportError(`Cannot reach ${shown} over SSH: ${error.message}`, { cause: error, transient: !isFinal });
}

function notAdmitted(shown: string, tried: readonly string[], cause?: Error): TransportError {
  const ways = tried.length === 0 ? 'anything there is here' : tried.join(', ');
  return new TransportError(
    `${shown} lets nobody in by ${ways}. Is the key authorized there? \`ssh ${shown}\` in a terminal shows what it wants.`,
    cause === undefined ? {} : { cause },
  );
}
