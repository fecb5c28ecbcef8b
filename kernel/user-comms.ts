// Comms whose end here is user code: which targets it serves, and which comms are its own. Their messages go through to the user process, where
// they wait while a cell computes; what is asked about comms is answered here.
import type { CommEvent } from './pipe';
import { isContent } from './wire/message';
import type { Content, Message } from './wire/message';
import type { Attached, Parent } from './wire/wire';

export interface UserCommsOptions {
  /** To the user process. */
  readonly forward: (event: CommEvent) => void;
  /** To all clients, on iopub. */
  readonly publish: (parent: Parent | undefined, type: string, content: Content, attached?: Attached) => Promise<void>;
}

export class UserComms {
  readonly #options: UserCommsOptions;
  readonly #targets = new Set<string>();
  readonly #open = new Map<string, string>();

  constructor(options: UserCommsOptions) {
    this.#options = options;
  }

  /** Open comms: id → target. */
  get open(): ReadonlyMap<string, string> {
    return this.#open;
  }

  serves(target: string): boolean {
    return this.#targets.has(target);
  }

  addTarget(target: string): void {
    this.#targets.add(target);
  }

  /** From a front end, for a comm that is user code's or will be. */
  receive(kind: CommEvent['kind'], id: string, target: string, message: Message): void {
    const { data } = message.content;
    const body = {
      data: isContent(data) ? data : {},
      metadata: message.metadata,
      buffers: message.buffers.map((buffer) => buffer.toString('base64')),
    };
    if (kind === 'open') {
      this.#open.set(id, target);
      this.#options.forward({ kind, id, target, ...body });
      return;
    }
    if (kind === 'close') this.#open.delete(id);
    this.#options.forward({ kind, id, ...body });
  }

  /** From user code. `parent`: the request of the cell it belongs to. */
  async send(event: CommEvent, parent: Parent | undefined): Promise<void> {
    const { id, data, metadata } = event;
    const attached = { metadata, buffers: event.buffers.map((buffer) => Buffer.from(buffer, 'base64')) };
    switch (event.kind) {
      case 'open':
        this.#open.set(id, event.target);
        await this.#options.publish(parent, 'comm_open', { comm_id: id, target_name: event.target, data }, attached);
        return;
      case 'message':
        // Closed by the other side meanwhile.
        if (this.#open.has(id)) await this.#options.publish(parent, 'comm_msg', { comm_id: id, data }, attached);
        return;
      case 'close':
        if (this.#open.delete(id)) await this.#options.publish(parent, 'comm_close', { comm_id: id, data }, attached);
    }
  }

  /** The user process is gone, and with it all that was on this end. */
  async lose(): Promise<void> {
    const ids = [...this.#open.keys()];
    this.#open.clear();
    this.#targets.clear();
    for (const id of ids) await this.#options.publish(undefined, 'comm_close', { comm_id: id, data: {} });
  }
}
