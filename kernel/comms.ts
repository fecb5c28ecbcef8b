// Comms: conversations of a front end with something in this kernel, beside the cells. Served while a cell runs, and without the user's process.
// Source: "Messaging in Jupyter" 5.5, "Custom Messages".
import type { Log } from './log';
import { isContent } from './wire/message';
import type { Content, Message } from './wire/message';
import type { UserComms } from './user-comms';
import type { Parent } from './wire/wire';

/** Our side of one comm. */
export interface CommServer {
  receive(data: unknown): void;
  /** The comm is closed, by the front end or with the kernel. */
  close(): Promise<void>;
}

/** The other side of one comm, as our side sees it. Neither may be called after `close` of our side has settled. */
export interface CommClient {
  readonly send: (data: Content) => void;
  /** Ends the comm from here. */
  readonly close: () => void;
  /** What it was opened with. */
  readonly opening: unknown;
}

/** What a target does with a comm that was opened for it. */
export type CommTarget = (client: CommClient) => CommServer;

interface OpenComm {
  readonly target: string;
  readonly server: CommServer;
}

export interface CommsOptions {
  readonly targets: Readonly<Record<string, CommTarget>>;
  readonly user: UserComms;
  /** To all clients, on iopub. */
  readonly publish: (parent: Parent | undefined, type: string, content: Content) => Promise<void>;
  readonly log: Log;
}

export class Comms {
  readonly #options: CommsOptions;
  readonly #open = new Map<string, OpenComm>();

  constructor(options: CommsOptions) {
    this.#options = options;
  }

  /** A target nobody knows is answered by closing the comm, as the protocol says. */
  async open(message: Message): Promise<void> {
    const { publish, targets, user } = this.#options;
    const { comm_id: id, target_name: target } = message.content;
    if (typeof id !== 'string' || this.#open.has(id) || user.open.has(id)) return;
    if (typeof target === 'string' && user.serves(target)) {
      user.receive('open', id, target, message);
      return;
    }
    const make = typeof target === 'string' && Object.hasOwn(targets, target) ? targets[target] : undefined;
    if (make === undefined || typeof target !== 'string') {
      await publish(message, 'comm_close', { comm_id: id, data: {} });
      return;
    }
    this.#open.set(id, {
      target,
      server: make({
        send: (data) => {
          void publish(undefined, 'comm_msg', { comm_id: id, data });
        },
        close: () => {
          void this.#end(id);
        },
        opening: message.content['data'],
      }),
    });
  }

  receive(message: Message): void {
    const { comm_id: id, data } = message.content;
    const comm = typeof id === 'string' ? this.#open.get(id) : undefined;
    if (comm) comm.server.receive(data);
    else if (this.#toUser('message', message)) return;
    // A kernel that was restarted does not know the comms of the one before; their owners find out by themselves.
    else this.#options.log.write(`left out a message of the unknown comm ${JSON.stringify(id)}`);
  }

  async close(message: Message): Promise<void> {
    const { comm_id: id } = message.content;
    if (typeof id === 'string' && !this.#toUser('close', message)) await this.#forget(id);
  }

  /** False: this comm is not user code's. */
  #toUser(kind: 'message' | 'close', message: Message): boolean {
    const { user } = this.#options;
    const { comm_id: id } = message.content;
    const target = typeof id === 'string' ? user.open.get(id) : undefined;
    if (typeof id !== 'string' || target === undefined) return false;
    user.receive(kind, id, target, message);
    return true;
  }

  /** The content of a comm_info_reply. */
  info({ target_name: wanted }: Content): Content {
    const own = [...this.#open].map(([id, { target }]) => [id, target] as const);
    const all = [...own, ...this.#options.user.open].filter(([, target]) => !wanted || target === wanted);
    return { status: 'ok', comms: Object.fromEntries(all.map(([id, target]) => [id, { target_name: target }])) };
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((id) => this.#forget(id)));
  }

  async #end(id: string): Promise<void> {
    await this.#forget(id);
    await this.#options.publish(undefined, 'comm_close', { comm_id: id, data: {} });
  }

  async #forget(id: string): Promise<void> {
    const comm = this.#open.get(id);
    this.#open.delete(id);
    await comm?.server.close();
  }
}

/** JSON objects are what comms carry. */
export function toCommData(value: object): Content {
  const content: unknown = value;
  return isContent(content) ? content : {};
}
