// Comms: conversations of a front end with something in this kernel, beside the cells. Served while a cell runs, and without the user's process.
// Source: "Messaging in Jupyter" 5.5, "Custom Messages".
import type { Log } from './log';
import { isContent } from './wire/message';
import type { Content, Message } from './wire/message';
import type { Parent } from './wire/wire';

/** Our side of one comm. */
export interface CommServer {
  receive(data: unknown): void;
  /** The comm is closed, by the front end or with the kernel. */
  close(): Promise<void>;
}

/** What a target does with a comm that was opened for it. `send` may be called at any time, and not after `close` has settled. */
export type CommTarget = (send: (data: Content) => void) => CommServer;

interface OpenComm {
  readonly target: string;
  readonly server: CommServer;
}

export interface CommsOptions {
  readonly targets: Readonly<Record<string, CommTarget>>;
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
    const { publish, targets } = this.#options;
    const { comm_id: id, target_name: target } = message.content;
    if (typeof id !== 'string' || this.#open.has(id)) return;
    const make = typeof target === 'string' && Object.hasOwn(targets, target) ? targets[target] : undefined;
    if (make === undefined || typeof target !== 'string') {
      await publish(message, 'comm_close', { comm_id: id, data: {} });
      return;
    }
    this.#open.set(id, {
      target,
      server: make((data) => {
        void publish(undefined, 'comm_msg', { comm_id: id, data });
      }),
    });
  }

  receive(message: Message): void {
    const { comm_id: id, data } = message.content;
    const comm = typeof id === 'string' ? this.#open.get(id) : undefined;
    if (comm) comm.server.receive(data);
    // A kernel that was restarted does not know the comms of the one before; their owners find out by themselves.
    else this.#options.log.write(`left out a message of the unknown comm ${JSON.stringify(id)}`);
  }

  async close(message: Message): Promise<void> {
    const { comm_id: id } = message.content;
    const comm = typeof id === 'string' ? this.#open.get(id) : undefined;
    if (!comm || typeof id !== 'string') return;
    this.#open.delete(id);
    await comm.server.close();
  }

  /** The content of a comm_info_reply. */
  info({ target_name: wanted }: Content): Content {
    const all = [...this.#open].filter(([, { target }]) => typeof wanted !== 'string' || target === wanted);
    return { status: 'ok', comms: Object.fromEntries(all.map(([id, { target }]) => [id, { target_name: target }])) };
  }

  async closeAll(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(open.map(({ server }) => server.close()));
  }
}

/** JSON objects are what comms carry. */
export function toCommData(value: object): Content {
  const content: unknown = value;
  return isContent(content) ? content : {};
}
