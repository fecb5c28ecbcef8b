// The way to the agent of a host: our programs are put there if need be, the agent is started if need be, and its stream is found behind whatever
// the login shell prints.
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { TransportError, systemCode } from '../protocol/errors';
import type { Finding } from '../protocol/finding';
import { examineHost } from './examine';
import { HostConditionError, conditionOf, fullness } from './conditions';
import type { Channel, CommandEnd, Host } from './host';
import { OLDEST_NODE, findNode, parseKind, type NodeProgram } from './node-program';
import {
  agentCommand,
  installCommand,
  installNodeCommand,
  measureCommand,
  readPrograms,
  toParcel,
  type HostSettings,
  type Programs,
  type Words,
} from './install';

export interface Transport extends AsyncDisposable {
  /** As the user names it: `user@host`. */
  readonly host: string;
  /** Starts the agent there if need be. What comes before a `marker`, from a login shell say, is to be skipped by the reader. Throws TransportError. */
  open(signal: AbortSignal): Promise<{ readonly stream: Duplex; readonly marker?: string }>;
  /** A look at the way, step by step. */
  examine?(signal: AbortSignal): AsyncIterable<Finding>;
}

/** A login shell and a cold start of Node on a busy login node. */
const OPEN_MS = 90_000;
const INSTALL_MS = 300_000;
const SHORTEN_MS = 10_000;

interface Opened {
  readonly stream: Duplex;
  readonly marker?: string;
}

type Answer =
  | { readonly is: 'programs' }
  | { readonly is: 'agent'; readonly socket?: string }
  | { readonly is: 'node'; readonly kind: string };

export class HostAgent implements Transport {
  readonly host: string;
  readonly #host: Host;
  readonly #directory: string;
  readonly #settings: HostSettings;
  readonly #cache: string;
  /** Found out with the first connection. */
  #node: NodeProgram | undefined;

  /** `cache`: a folder of this machine for what is fetched for hosts. */
  constructor(host: Host, programDirectory: string, settings: HostSettings, cache: string) {
    this.host = host.name;
    this.#host = host;
    this.#directory = programDirectory;
    this.#settings = settings;
    this.#cache = cache;
  }

  async open(signal: AbortSignal): Promise<Opened> {
    const programs = readPrograms(this.#directory);
    // Node, the programs, the agent: each is put there at most once.
    const done = new Set<Answer['is']>();
    for (;;) {
      const { answer, ...opened } = await this.#start(programs, signal);
      if (answer.is === 'agent') return await this.#shorten(opened, answer.socket, signal);
      if (done.has(answer.is))
        throw new TransportError(
          `Cannot install the agent on ${this.host}: its ${answer.is === 'node' ? 'Node.js' : 'programs'} were put there and are gone.`,
        );
      // A Node that was brought earlier may be there, and only had to be named.
      if (answer.is === 'node' && this.#node === undefined) await this.#chooseNode(answer.kind, signal);
      else {
        done.add(answer.is);
        if (answer.is === 'node') await this.#installNode(signal);
        else await this.#install(programs, signal);
      }
    }
  }

  /** Straight to the agent's socket, where the host allows that: the process that found it would only carry each byte from one side to the other. */
  async #shorten(opened: Opened, socket: string | undefined, signal: AbortSignal): Promise<Opened> {
    if (socket === undefined || this.#host.reach === undefined) return opened;
    let stream: Duplex;
    try {
      stream = await this.#host.reach(socket, AbortSignal.any([signal, AbortSignal.timeout(SHORTEN_MS)]));
    } catch (error) {
      // Forwarding is switched off there: the way that was found is as good, only slower.
      if (!(error instanceof TransportError) || signal.aborted) throw error;
      return opened;
    }
    opened.stream.resume();
    opened.stream.end();
    return { stream };
  }

  examine(signal: AbortSignal): AsyncGenerator<Finding> {
    return examineHost(this.#host, this.#settings, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host[Symbol.asyncDispose]();
  }

  async #start(programs: Programs, signal: AbortSignal) {
    const random = randomBytes(12).toString('hex');
    const words: Words = {
      agent: `cellburst-agent-${random}`,
      socket: `cellburst-socket-${random}`,
      programs: `cellburst-wants-programs-${random}`,
      node: `cellburst-wants-node-${random}`,
    };
    const channel = await this.#host.exec(agentCommand(programs, this.#settings, words, this.#node), signal);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(OPEN_MS)]);
    const answer = await this.#hear(channel, words, limit);
    return { answer, stream: channel.stream, marker: words.agent };
  }

  /** One that the user names is not replaced: it was named for a reason. */
  async #chooseNode(kind: string, signal: AbortSignal): Promise<void> {
    const { node } = this.#settings;
    if (node !== undefined)
      throw new TransportError(
        `There is no ${node} on ${this.host}, or it is older than Node.js ${OLDEST_NODE}. Correct \`node:\` of this cluster, or leave it away: a Node.js is brought then.`,
      );
    this.#node = await findNode(parseKind(kind), this.host, this.#cache, signal);
  }

  async #installNode(signal: AbortSignal): Promise<void> {
    const node = this.#node;
    if (node === undefined) throw new TransportError(`There is no Node.js to be brought to ${this.host}.`);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(INSTALL_MS)]);
    const channel = await this.#host.exec(installNodeCommand(node, this.#settings), limit);
    channel.stream.resume();
    try {
      await pipeline(createReadStream(node.path), createGzip({ level: 1 }), channel.stream, { signal: limit });
    } catch (error) {
      // The command has ended before it had read everything: its own words are better.
      if (limit.aborted) throw await this.#toError('bring Node.js', channel, await channel.ended, limit);
      if (systemCode(error) === undefined) throw error;
    }
    const end = await channel.ended;
    if (end.kind !== 'exit' || end.code !== 0)
      throw await this.#toError(`bring Node.js (${node.origin})`, channel, end, limit);
  }

  /** Reads up to the marker and puts it back, for the reader of frames. */
  async #hear(channel: Channel, words: Words, signal: AbortSignal): Promise<Answer> {
    const { stream } = channel;
    let heard = Buffer.alloc(0);
    let found: Answer | undefined;
    const abort = (): void => {
      stream.destroy();
    };
    signal.addEventListener('abort', abort);
    try {
      const over = { is: false };
      void channel.ended.then(() => (over.is = true));
      for (;;) {
        const piece: unknown = stream.read();
        if (Buffer.isBuffer(piece)) {
          heard = Buffer.concat([heard, piece]);
          found = toAnswer(heard, words);
          if (found !== undefined) break;
        } else if (over.is || stream.destroyed) break;
        else await Promise.race([readable(stream), channel.ended]);
      }
    } finally {
      signal.removeEventListener('abort', abort);
    }
    if (found?.is === 'agent') stream.unshift(heard);
    else stream.destroy();
    if (found !== undefined) return found;
    stream.resume();
    throw await this.#toError('start the agent', channel, await channel.ended, signal);
  }

  async #install(programs: Programs, signal: AbortSignal): Promise<void> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(INSTALL_MS)]);
    const channel = await this.#host.exec(installCommand(programs, this.#settings, this.#node), limit);
    channel.stream.resume();
    channel.stream.end(toParcel(programs));
    const end = await channel.ended;
    if (end.kind !== 'exit' || end.code !== 0) throw await this.#toError('install the agent', channel, end, limit);
  }

  async #toError(what: string, { complaints }: Channel, end: CommandEnd, signal: AbortSignal): Promise<TransportError> {
    const said = complaints();
    const words = said === '' ? '' : ` It said: ${said}`;
    if (signal.aborted)
      return new TransportError(`Cannot ${what} on ${this.host}: it took too long, or was given up.${words}`, {
        transient: true,
      });
    if (end.kind === 'lost') {
      const isFinal = /permission denied|host key verification failed|could not resolve|bad configuration/i.test(
        end.why,
      );
      return new TransportError(`Cannot reach ${this.host} over SSH: ${end.why}`, { transient: !isFinal });
    }
    const condition = conditionOf(said, end.kind === 'exit' ? { code: end.code } : { signal: end.signal });
    if (condition === 'disk-full')
      return new HostConditionError(what, this.host, fullness(await this.#measure(signal)), said);
    if (condition !== undefined) return new HostConditionError(what, this.host, condition, said);
    const how = end.kind === 'exit' ? `with exit code ${end.code}` : `by ${end.signal}`;
    return new TransportError(`Cannot ${what} on ${this.host}: the command there ended ${how}.${words}`);
  }

  /** What there is left of blocks and inodes for our programs. */
  async #measure(signal: AbortSignal): Promise<string> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(OPEN_MS)]);
    const channel = await this.#host.exec(measureCommand(this.#settings), limit);
    let said = '';
    channel.stream.on('data', (piece: Buffer) => (said += piece.toString()));
    channel.stream.end();
    await channel.ended;
    return said.trim().split('\n').slice(-2).join('\n');
  }
}

function toAnswer(heard: Buffer, words: Words): Answer | undefined {
  if (heard.includes(words.programs)) return { is: 'programs' };
  const [, kind] = heard.toString('latin1').split(words.node);
  // To the end of its line.
  if (kind !== undefined) return kind.includes('\n') ? { is: 'node', kind: kind.split('\n')[0] ?? '' } : undefined;
  if (!heard.includes(words.agent)) return undefined;
  const socket = heard.toString('utf8').split(`${words.socket} `)[1]?.split('\n')[0];
  return socket === undefined ? { is: 'agent' } : { is: 'agent', socket };
}

function readable(stream: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['readable', 'end', 'close', 'error']) stream.off(event, done);
      resolve();
    };
    for (const event of ['readable', 'end', 'close', 'error']) stream.on(event, done);
  });
}
