// A host that commands can be run on, however it is reached. Both kinds of SSH give this, and all else is written once on top of it.
import type { Duplex } from 'node:stream';

/** How a command ended. A connection that is lost tells nothing about its command, and is never an exit by 0. */
export type CommandEnd =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'lost'; readonly why: string };

export interface Channel {
  /** The command's standard input and output. */
  readonly stream: Duplex;
  /** The end of what it has written to standard error. */
  readonly complaints: () => string;
  /** Never rejects. */
  readonly ended: Promise<CommandEnd>;
}

export interface Host extends AsyncDisposable {
  /** As the user names it: `user@host`. */
  readonly name: string;
  /** Connects if need be, and runs one line of POSIX shell text under the user's login shell. Throws TransportError. */
  exec(command: string, signal: AbortSignal): Promise<Channel>;
  /** A Unix socket on the host, where the connection carries such. Throws TransportError when the host does not allow it, or nobody listens there. */
  reach?(socket: string, signal: AbortSignal): Promise<Duplex>;
}

const KEPT_CHARACTERS = 4000;

/** Keeps the end of a text that grows. */
export class Tail {
  #text = '';

  push(piece: Buffer | string): void {
    this.#text = (this.#text + piece.toString()).slice(-KEPT_CHARACTERS);
  }

  get text(): string {
    return this.#text.trim();
  }
}
