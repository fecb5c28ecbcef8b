// A way between two hosts that can be cut as networks cut: a TCP relay on loopback. What is cut stays cut; connections made after it go through.
import { randomBytes } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';

/** How a connection is lost. Each of them leaves the other side to find out by itself. */
export const WAYS = ['fin', 'reset', 'silence', 'garbage', 'half', 'trickle', 'mute'] as const;
export type Way = (typeof WAYS)[number];

/** For people. */
export const WAY_WORDS: Readonly<Record<Way, string>> = {
  fin: 'is closed in good order',
  reset: 'is reset',
  silence: 'falls silent and stays open',
  garbage: 'carries garbage',
  half: 'ends in the middle of a frame',
  trickle: 'slows to a trickle and is reset',
  mute: 'takes what is sent and answers no more',
};

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  /** What becomes of the bytes that come back. */
  answer: (bytes: Buffer) => void;
  /** What becomes of those that go there. */
  ask: (bytes: Buffer) => void;
}

const TRICKLE_MS = 20;
const TRICKLE_BYTES = 60;
const MUTE_MS = 400;

export class Relay implements AsyncDisposable {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #nextWay: { readonly way: Way; readonly afterBytes: number } | undefined;
  /** Connections that were made so far. */
  count = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(port: number): Promise<Relay> {
    const server = createServer({ pauseOnConnect: true });
    const relay = new Relay(server);
    server.on('connection', (near) => relay.#join(near, connect(port, '127.0.0.1')));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return relay;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('The relay does not listen.');
    return address.port;
  }

  get isUsed(): boolean {
    return this.#pairs.size > 0;
  }

  /** Cuts every connection that there is. */
  cut(way: Way): void {
    for (const pair of this.#pairs) this.#cut(pair, way);
  }

  /** Cuts the next connection that is made, while its two ends greet each other. */
  cutNext(way: Way, afterBytes: number): void {
    this.#nextWay = { way, afterBytes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pair of this.#pairs) this.#drop(pair);
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(near: Socket, far: Socket): void {
    this.count += 1;
    const pair: Pair = {
      near,
      far,
      ask: (bytes) => far.write(bytes),
      answer: (bytes) => near.write(bytes),
    };
    this.#pairs.add(pair);
    const next = this.#nextWay;
    this.#nextWay = undefined;
    let answered = 0;
    near.on('data', (bytes: Buffer) => pair.ask(bytes));
    far.on('data', (bytes: Buffer) => {
      pair.answer(bytes);
      answered += bytes.length;
      if (next !== undefined && answered >= next.afterBytes && answered - bytes.length < next.afterBytes)
        this.#cut(pair, next.way);
    });
    // Either end may be gone before the other one hears of it.
    for (const socket of [near, far]) socket.on('error', () => this.#drop(pair));
    near.on('close', () => this.#drop(pair));
    far.on('close', () => this.#drop(pair));
    near.resume();
  }

  #drop(pair: Pair): void {
    this.#pairs.delete(pair);
    pair.near.destroy();
    pair.far.destroy();
  }

  #cut(pair: Pair, way: Way): void {
    const nothing = (): void => undefined;
    switch (way) {
      case 'fin':
        pair.near.end();
        pair.far.end();
        return;
      case 'reset':
        pair.near.resetAndDestroy();
        pair.far.resetAndDestroy();
        return;
      case 'silence':
        pair.ask = nothing;
        pair.answer = nothing;
        return;
      case 'garbage':
        pair.near.write(randomBytes(500));
        pair.far.write(randomBytes(500));
        return;
      case 'half':
        pair.answer = (bytes) => {
          pair.answer = nothing;
          pair.near.end(bytes.subarray(0, Math.ceil(bytes.length / 2)));
          pair.far.end();
        };
        return;
      case 'trickle':
        pair.answer = (bytes) => void this.#trickle(pair, bytes);
        return;
      case 'mute':
        pair.answer = nothing;
        void pause(MUTE_MS, undefined, { ref: false }).then(() => this.#drop(pair));
    }
  }

  /** Byte by byte for a while, then no more. */
  async #trickle(pair: Pair, bytes: Buffer): Promise<void> {
    pair.answer = () => undefined;
    for (const byte of bytes.subarray(0, TRICKLE_BYTES)) {
      if (pair.near.destroyed) return;
      pair.near.write(Buffer.of(byte));
      await pause(TRICKLE_MS, undefined, { ref: false });
    }
    pair.near.resetAndDestroy();
    this.#drop(pair);
  }
}
