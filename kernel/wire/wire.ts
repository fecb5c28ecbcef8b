// Jupyter messages in and out: what the kernel says to its clients, with the right parents, and what they ask of it.
import { randomUUID } from 'node:crypto';
import type { Log } from '../log';
import type { Connection } from './connection';
import { decode, encode, makeHeader, Signer } from './message';
import type { Content, Message } from './message';
import { openSockets } from './sockets';
import type { FrameChannel, Sockets } from './sockets';

export type ChannelName = 'shell' | 'control' | 'stdin';

/** The message something answers or belongs to. */
export type Parent = Pick<Message, 'header' | 'identities'>;

/** What comms carry beside their data. */
export interface Attached {
  readonly metadata?: Content;
  readonly buffers?: readonly Buffer[];
}

const NO_PARENT: Content = {};

export class Wire {
  readonly #sockets: Sockets;
  readonly #signer: Signer;
  readonly #log: Log;
  /** One id per kernel process: a client sees a restart by it. */
  readonly session = randomUUID();

  private constructor(sockets: Sockets, signer: Signer, log: Log) {
    this.#sockets = sockets;
    this.#signer = signer;
    this.#log = log;
  }

  static async open(connection: Connection, log: Log): Promise<Wire> {
    return new Wire(await openSockets(connection), new Signer(connection.key, connection.digest), log);
  }

  /** Requests of one channel as they come. Malformed and wrongly signed ones are logged and left out. */
  async *requests(channel: ChannelName): AsyncGenerator<Message> {
    for await (const frames of this.#sockets[channel].receive()) {
      const decoded = decode(frames, this.#signer);
      if (decoded.ok) yield decoded.message;
      else this.#log.write(`dropped a message on ${channel}: ${decoded.reason}`);
    }
  }

  /** Sends an input_request to the client that sent `request`. Gives the id by which its answer may name it. */
  ask(request: Parent, prompt: string, password: boolean): string {
    const header = makeHeader('input_request', this.session);
    const parent = { ...request.header };
    const content = { prompt, password };
    void this.#send(this.#sockets.stdin, {
      identities: request.identities,
      header,
      parent,
      metadata: {},
      content,
      buffers: [],
    });
    return header.msg_id;
  }

  reply(channel: ChannelName, request: Parent, type: string, content: Content, metadata: Content = {}): Promise<void> {
    return this.#send(this.#sockets[channel], {
      identities: request.identities,
      header: makeHeader(type, this.session),
      parent: { ...request.header },
      metadata,
      content,
      buffers: [],
    });
  }

  /** On iopub, to every client. `parent` absent: it belongs to no request. */
  publish(parent: Parent | undefined, type: string, content: Content, attached: Attached = {}): Promise<void> {
    return this.#send(this.#sockets.iopub, {
      identities: [Buffer.from(`kernel.${this.session}.${type}`)],
      header: makeHeader(type, this.session),
      parent: parent ? { ...parent.header } : NO_PARENT,
      metadata: attached.metadata ?? {},
      content,
      buffers: attached.buffers ?? [],
    });
  }

  status(parent: Parent | undefined, state: 'starting' | 'busy' | 'idle'): Promise<void> {
    return this.publish(parent, 'status', { execution_state: state });
  }

  close(): Promise<void> {
    return this.#sockets.close();
  }

  async #send(channel: Pick<FrameChannel, 'send'>, message: Message): Promise<void> {
    try {
      await channel.send(encode(message, this.#signer));
    } catch (error) {
      // A message that cannot be sent has nobody to be told to: its client is gone or the sockets are closing.
      this.#log.write(`could not send a ${message.header.msg_type}`, error);
    }
  }
}
