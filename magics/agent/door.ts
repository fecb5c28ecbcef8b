// A way to this agent for other machines that share its state directory: the login nodes behind one name. Closed until somebody knocks (a file there), then a
// TCP port that speaks only to who has read the key (another file there, for this user alone): TLS 1.2 with a pre-shared key (RFC 4279, 5489).
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { createServer, type Server, type TlsOptions } from 'node:tls';
import { messageOf } from '../protocol/errors';
import { readIfThere, writeWhole } from '../protocol/files';
import { count, listOf, oneOf, parseJson, record, tagged, text, type Shaped } from '../protocol/shape';

export const knockFile = (stateDirectory: string) => join(stateDirectory, 'agent.knock');
export const doorFile = (stateDirectory: string) => join(stateDirectory, 'agent.door');

/** What somebody on another machine would like: to come in, or, where that fails, that the agent comes over. */
const knock = record({ token: text, host: text, wish: oneOf(['come-in', 'move']) });
export type Knock = Shaped<typeof knock>;

export const doorState = tagged('is', {
  closed: record({ is: oneOf(['closed']) }),
  /** `key`: hexadecimal. */
  open: record({ is: oneOf(['open']), addresses: listOf(text), port: count, key: text }),
  /** Asked to move (`token`) it stays, for this reason. */
  stays: record({ is: oneOf(['stays']), token: text, reason: text }),
});

export type DoorState = Shaped<typeof doorState>;

export const IDENTITY = 'cellburst';

export const PSK_OPTIONS = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
  ciphers: 'ECDHE-PSK-CHACHA20-POLY1305:PSK-AES256-GCM-SHA384',
} as const satisfies TlsOptions;

export interface DoorOptions {
  readonly stateDirectory: string;
  readonly accept: (stream: Duplex) => void;
  /** Why this agent has to stay where it is. */
  readonly reasonToStay: () => string | undefined;
  readonly leave: () => void;
  readonly log: (line: string) => void;
}

export class Door {
  readonly #options: DoorOptions;
  #seen: string | undefined;
  #server: Server | undefined;
  #place: DoorState | undefined;

  constructor(options: DoorOptions) {
    this.#options = options;
    const { stateDirectory } = options;
    // There from the start: whether a file is there is what file servers answer from memory.
    writeWhole(doorFile(stateDirectory), `${JSON.stringify({ is: 'closed' })}\n`);
    writeWhole(knockFile(stateDirectory), '');
    this.#seen = '';
  }

  /** Has somebody knocked? Asked every few seconds. */
  look(): void {
    const { stateDirectory, log } = this.#options;
    const path = knockFile(stateDirectory);
    const source = readIfThere(path);
    if (source === undefined || source === this.#seen) return;
    this.#seen = source;
    if (source === '') return;
    const { token, host, wish } = parseJson(source, knock, path);
    if (wish === 'come-in') {
      log(`somebody on ${host} knocks`);
      this.#open();
      return;
    }
    const { reasonToStay, leave } = this.#options;
    const reason = reasonToStay();
    log(reason === undefined ? `making room for an agent on ${host}` : `asked to move to ${host}, but ${reason}`);
    if (reason === undefined) leave();
    else this.#tell({ is: 'stays', token, reason });
  }

  close(): void {
    this.#server?.close();
  }

  #tell(state: DoorState): void {
    writeWhole(doorFile(this.#options.stateDirectory), `${JSON.stringify(state)}\n`);
  }

  #open(): void {
    if (this.#server !== undefined) {
      if (this.#place !== undefined) this.#tell(this.#place);
      return;
    }
    const { accept, log } = this.#options;
    const key = randomBytes(32);
    const server = createServer({
      ...PSK_OPTIONS,
      pskCallback: (_socket, identity) => (identity === IDENTITY ? key : null),
    });
    this.#server = server;
    server.on('secureConnection', (socket) => {
      socket.setNoDelay(true);
      accept(socket);
    });
    server.on('tlsClientError', (error) => {
      log(`somebody without the key was at the door: ${messageOf(error)}`);
    });
    server.on('error', (error) => {
      log(`the door cannot be opened: ${messageOf(error)}`);
    });
    server.listen(0, () => {
      const place: AddressInfo | string | null = server.address();
      if (place === null || typeof place === 'string') return;
      this.#place = { is: 'open', addresses: ownAddresses(), port: place.port, key: key.toString('hex') };
      this.#tell(this.#place);
    });
  }
}

/** By which other machines may reach this one. Not its name: to look that up can take longer than a person waits. */
function ownAddresses(): string[] {
  const found = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  return found.filter(({ internal, scopeid }) => !internal && !scopeid).map(({ address }) => address);
}
