// One connection to an agent: the greeting, then requests and streams by number. When it closes, everything that waits hears of it.
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AgentError, ProtocolError, type ClusterError } from '../protocol/errors';
import { toError } from './failures';
import { FrameReader, encodeFrame } from '../protocol/frames';
import { AGENT_PROTOCOL, agentMessage, type AgentMessage, type ClientMessage } from '../protocol/messages';
import type { ProcessIdentity } from '../protocol/run';
import { VERSION } from '../protocol/version';

/** The connection is gone; the request may be made again on another one. */
export class LinkClosed extends AgentError {
  constructor(message: string) {
    super(message, { transient: true });
  }
}

/** Bytes to an agent and back. What comes before the marker is no word of the agent's. */
export interface OpenStream {
  readonly stream: Duplex;
  readonly marker?: string;
}

export interface LinkEvent {
  readonly value: unknown;
  readonly bytes?: Buffer;
}

interface Waiting {
  readonly event: (event: LinkEvent) => void;
  readonly end: (value: unknown) => void;
  readonly fail: (error: ClusterError) => void;
}

export class Link {
  readonly #stream: Duplex;
  readonly #reader: FrameReader;
  readonly #agent: string;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;
  #closed: ClusterError | undefined;
  readonly #welcome: Promise<void>;
  #onWelcome: (error?: ClusterError) => void = () => undefined;
  readonly #onClose: () => void;

  constructor({ stream, marker }: OpenStream, agent: string, onClose: () => void) {
    this.#stream = stream;
    this.#agent = agent;
    this.#reader = new FrameReader(marker === undefined ? {} : { marker });
    this.#onClose = onClose;
    this.#welcome = new Promise((resolve, reject) => {
      this.#onWelcome = (error) => {
        if (error === undefined) resolve();
        else reject(error);
      };
    });
    // Whoever greets hears of it; a link that is never greeted on has nobody to tell.
    this.#welcome.catch(() => undefined);
    stream.on('data', (chunk: Buffer) => {
      this.#read(chunk);
    });
    stream.on('error', () => undefined);
    stream.on('close', () => {
      this.#close(new LinkClosed(`The ${this.#agent} closed the connection.`));
    });
  }

  get isOpen(): boolean {
    return this.#closed === undefined;
  }

  async greet(client: ProcessIdentity, timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => {
      this.#close(
        new AgentError(`The ${this.#agent} does not answer within ${timeoutMs / 1000} s. Is it stopped or overloaded?`),
      );
    }, timeoutMs);
    this.#send({ type: 'hello', protocol: AGENT_PROTOCOL, version: VERSION, client });
    try {
      await this.#welcome;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends a request; its answers come to `waiting`. Gives its number. */
  request(method: string, params: unknown, waiting: Waiting, bytes?: Buffer): number {
    const id = this.#next++;
    if (this.#closed !== undefined) {
      waiting.fail(this.#closed);
      return id;
    }
    this.#waiting.set(id, waiting);
    this.#send({ type: 'request', id, method, params }, bytes);
    return id;
  }

  /** Ends a stream: nothing more comes of it. */
  stop(id: number): void {
    if (this.#waiting.delete(id)) this.#send({ type: 'stop', id });
  }

  /** Nothing waits for an answer any more. */
  forget(id: number): void {
    this.#waiting.delete(id);
  }

  /** So many bytes of a stream were used up. */
  credit(id: number, bytes: number): void {
    if (this.#waiting.has(id)) this.#send({ type: 'credit', id, bytes });
  }

  /** Whether an open connection keeps this process alive. */
  hold(isHeld: boolean): void {
    if (!(this.#stream instanceof Socket)) return;
    if (isHeld) this.#stream.ref();
    else this.#stream.unref();
  }

  close(): void {
    this.#close(new AgentError(`The connection to the ${this.#agent} was closed here.`));
  }

  #send(message: ClientMessage, bytes?: Buffer): void {
    if (this.#closed !== undefined) return;
    for (const piece of encodeFrame(bytes === undefined ? { message } : { message, bytes })) this.#stream.write(piece);
  }

  #read(chunk: Buffer): void {
    try {
      for (const { message, bytes } of this.#reader.push(chunk)) this.#take(agentMessage(message, 'a message'), bytes);
    } catch (error) {
      this.#close(error instanceof ProtocolError ? error : new ProtocolError(String(error), { cause: error }));
    }
  }

  #take(message: AgentMessage, bytes: Buffer | undefined): void {
    if (message.type === 'welcome') {
      this.#onWelcome();
      return;
    }
    if (message.type === 'refused') {
      this.#close(
        new ProtocolError(
          `The ${this.#agent} is of Cellburst ${message.version} and speaks protocol ${message.protocol}; this is Cellburst ${VERSION} with protocol ${AGENT_PROTOCOL}. Restart this kernel.`,
        ),
      );
      return;
    }
    const waiting = this.#waiting.get(message.id);
    // An answer to a request that was given up.
    if (waiting === undefined) return;
    if (message.type === 'event') {
      waiting.event(bytes === undefined ? { value: message.value } : { value: message.value, bytes });
      return;
    }
    this.#waiting.delete(message.id);
    if (message.type === 'failure') waiting.fail(toError(message.code, message.message, message.schedulerWords));
    else waiting.end(message.type === 'reply' ? message.value : undefined);
  }

  #close(error: ClusterError): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    this.#stream.destroy();
    this.#onWelcome(error);
    for (const waiting of this.#waiting.values()) waiting.fail(error);
    this.#waiting.clear();
    this.#onClose();
  }
}
