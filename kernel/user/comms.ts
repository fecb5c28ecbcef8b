// Comms for user code: `openComm` and `onComm` of 'cellburst'. The other ends are in front ends: widgets, extensions, other notebooks' panels.
// A comm's listeners run as the cell that added them: what they print belongs to it.
import { randomUUID } from 'node:crypto';
import type { CommBody, CommEvent } from '../pipe';
import type { Attribution } from './attribution';
import type { FrameWriter } from './frames';

type Json = Readonly<Record<string, unknown>>;

export interface CommMessage {
  readonly data: Json;
  readonly metadata: Json;
  readonly buffers: readonly Uint8Array[];
}

export interface CommExtras {
  readonly metadata?: Json;
  readonly buffers?: readonly (Uint8Array | ArrayBuffer)[];
}

type Listener = (message: CommMessage) => void;

/** One end of a comm. */
export interface Comm {
  readonly id: string;
  readonly target: string;
  readonly isClosed: boolean;
  /** Throws a TypeError for data that has no JSON form. Does nothing once the comm is closed. */
  send(data: Json, extras?: CommExtras): void;
  close(data?: Json, extras?: CommExtras): void;
  /** Each gives what takes the listener away. A message nobody listens to yet is kept for the first listener. */
  onMessage(listener: Listener): () => void;
  onClose(listener: Listener): () => void;
}

export class Comms {
  readonly #frames: FrameWriter;
  readonly #attribution: Attribution;
  readonly #open = new Map<string, CommEnd>();
  readonly #targets = new Map<string, (comm: Comm, opening: CommMessage) => void>();

  constructor(frames: FrameWriter, attribution: Attribution) {
    this.#frames = frames;
    this.#attribution = attribution;
  }

  /** Opens a comm to whatever serves `target` in the front ends. One that serves nothing of that name closes it again. */
  readonly open = (target: string, data: Json = {}, extras: CommExtras & { readonly id?: string } = {}): Comm => {
    const { id = randomUUID() } = extras;
    if (this.#open.has(id)) throw new Error(`A comm with the id ${JSON.stringify(id)} is open already.`);
    const comm = this.#make(id, target);
    this.#send({ kind: 'open', id, target, ...toBody(data, extras) });
    this.#open.set(id, comm);
    return comm;
  };

  /** From now on front ends can open comms to `target`; the newest listener of a target counts. */
  readonly serve = (target: string, listener: (comm: Comm, opening: CommMessage) => void): void => {
    this.#targets.set(target, this.#asOwnCell(listener));
    this.#frames.notice({ type: 'comm-target', target });
  };

  /** A message of a front end has come. */
  receive(event: CommEvent): void {
    if (event.kind === 'open') {
      const comm = this.#make(event.id, event.target);
      this.#open.set(event.id, comm);
      this.#targets.get(event.target)?.(comm, toMessage(event));
      return;
    }
    const comm = this.#open.get(event.id);
    if (event.kind === 'close') this.#open.delete(event.id);
    comm?.take(event.kind, toMessage(event));
  }

  #make(id: string, target: string): CommEnd {
    return new CommEnd(
      id,
      target,
      (event) => {
        if (event.kind === 'close') this.#open.delete(id);
        this.#send(event);
      },
      (listener) => this.#asOwnCell(listener),
    );
  }

  #send(event: CommEvent): void {
    const { turn } = this.#attribution;
    if (!this.#attribution.isAbandoned(turn)) this.#frames.notice({ type: 'comm', turn, event });
  }

  /** A mistake in a listener is told in its cell and ends nothing. */
  #asOwnCell<A extends unknown[]>(listener: (...args: A) => void): (...args: A) => void {
    const { turn } = this.#attribution;
    return (...args) => {
      if (this.#attribution.isAbandoned(turn)) return;
      this.#attribution.fromLoop(turn, () => {
        listener(...args);
      });
    };
  }
}

class CommEnd implements Comm {
  readonly id: string;
  readonly target: string;
  readonly #send: (event: CommEvent) => void;
  readonly #asOwnCell: (listener: Listener) => Listener;
  readonly #listeners = { message: new Set<Listener>(), close: new Set<Listener>() };
  /** What came before anybody listened. */
  #kept: CommMessage[] = [];
  #isClosed = false;

  constructor(
    id: string,
    target: string,
    send: (event: CommEvent) => void,
    asOwnCell: (listener: Listener) => Listener,
  ) {
    this.id = id;
    this.target = target;
    this.#send = send;
    this.#asOwnCell = asOwnCell;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  send(data: Json, extras: CommExtras = {}): void {
    if (!this.#isClosed) this.#send({ kind: 'message', id: this.id, ...toBody(data, extras) });
  }

  close(data: Json = {}, extras: CommExtras = {}): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#send({ kind: 'close', id: this.id, ...toBody(data, extras) });
  }

  onMessage(listener: Listener): () => void {
    const remove = this.#add('message', listener);
    for (const message of this.#kept.splice(0)) this.take('message', message);
    return remove;
  }

  onClose(listener: Listener): () => void {
    return this.#add('close', listener);
  }

  take(kind: 'message' | 'close', message: CommMessage): void {
    if (kind === 'close') this.#isClosed = true;
    else if (this.#listeners.message.size === 0) this.#kept.push(message);
    for (const listener of [...this.#listeners[kind]]) listener(message);
  }

  #add(kind: 'message' | 'close', listener: Listener): () => void {
    const added = this.#asOwnCell(listener);
    this.#listeners[kind].add(added);
    return () => {
      this.#listeners[kind].delete(added);
    };
  }
}

function toBody(data: unknown, { metadata = {}, buffers = [] }: CommExtras): CommBody {
  return {
    data: toJson(data, 'data'),
    metadata: toJson(metadata, 'metadata'),
    buffers: buffers.map((buffer) => toBytes(buffer).toString('base64')),
  };
}

/** Checked here, where the user's own call is on the stack. */
function toJson(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError(
      `The ${what} of a comm is an object, not ${value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`}.`,
    );
  return JSON.parse(JSON.stringify(value)) as Json;
}

function toBytes(buffer: Uint8Array | ArrayBuffer): Buffer {
  return ArrayBuffer.isView(buffer)
    ? Buffer.from(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : Buffer.from(buffer);
}

function toMessage({ data, metadata, buffers }: CommBody): CommMessage {
  return { data, metadata, buffers: buffers.map((buffer) => new Uint8Array(Buffer.from(buffer, 'base64'))) };
}
