// Nodes that nobody can reach call back: a worker dials the agent that wants it, and both prove that they know the job's own key. TLS with a pre-shared
// key (RFC 4279, RFC 5489) does that and hides what is said from the cluster's network; nothing of it stands on a command line.
import { createServer, connect, type Server, type TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../protocol/errors';
import { readIfThere, writeWhole } from '../protocol/files';
import { hostName } from '../protocol/platform';
import { count, parseJson, record, text } from '../protocol/shape';

/** Only suites that begin with the key: without it there is no connection. TLS 1.3 names such keys in another way, which Node cannot choose. */
const SECURITY = {
  ciphers: 'ECDHE-PSK-CHACHA20-POLY1305:DHE-PSK-AES256-GCM-SHA384:DHE-PSK-AES128-GCM-SHA256',
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
} as const;
const HANDSHAKE_MS = 5000;
const KEEP_ALIVE_MS = 30_000;
const KEY_BYTES = 32;

/** listen.json: where a worker calls. */
const placeShape = record({ host: text, port: count });

/** A new key, as a file that only its owner reads. */
export function writeKey(path: string): void {
  writeFileSync(path, `${randomBytes(KEY_BYTES).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
}

export function readKey(path: string): Buffer | undefined {
  const written = readIfThere(path)?.trim();
  return written !== undefined && /^[0-9a-f]{64}$/.test(written) ? Buffer.from(written, 'hex') : undefined;
}

interface Expected {
  readonly key: Buffer;
  /** A worker that has called and is not needed yet. */
  line: TLSSocket | undefined;
  readonly waiting: Set<() => void>;
}

/** The agent's side: one port for all workers, open from the first on. */
export class Callers implements AsyncDisposable {
  readonly #listen: string;
  readonly #log: (line: string) => void;
  readonly #expected = new Map<string, Expected>();
  #server: Promise<Server> | undefined;

  /** `listen`: HOST or HOST:PORT as nodes reach it; `none`: nobody can call; without it this machine's name and any port. */
  constructor(listen: string | undefined, log: (line: string) => void) {
    this.#listen = listen ?? hostName();
    this.#log = log;
  }

  /** A worker of this name may call; where to, it reads in the file. */
  async expect(name: string, key: Buffer, placeFile: string): Promise<void> {
    if (!this.#expected.has(name)) this.#expected.set(name, { key, line: undefined, waiting: new Set() });
    if (this.#listen === 'none') {
      rmSync(placeFile, { force: true });
      return;
    }
    const { host, port } = split(this.#listen);
    try {
      this.#server ??= this.#open(host, port);
      const address = (await this.#server).address() as AddressInfo;
      writeWhole(placeFile, `${JSON.stringify({ host, port: address.port })}\n`);
    } catch (error) {
      this.#server = undefined;
      this.#log(`no worker can call at ${this.#listen}: ${messageOf(error)}`);
    }
  }

  forget(name: string): void {
    this.#expected.get(name)?.line?.destroy();
    this.#expected.delete(name);
  }

  /** The connection of a worker; undefined: none has come within the time. */
  async take(name: string, patienceMs: number, signal: AbortSignal): Promise<TLSSocket | undefined> {
    const expected = this.#expected.get(name);
    if (expected === undefined || this.#listen === 'none') return undefined;
    if (expected.line === undefined) {
      const late = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
      await new Promise<void>((resolve) => {
        const done = (): void => {
          expected.waiting.delete(done);
          resolve();
        };
        expected.waiting.add(done);
        late.addEventListener('abort', done, { once: true });
        if (late.aborted) done();
      });
    }
    const { line } = expected;
    expected.line = undefined;
    return line;
  }

  /** Tells once that a worker has called. */
  whenCalled(name: string, tell: () => void): void {
    this.#expected.get(name)?.waiting.add(tell);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [...this.#expected.keys()]) this.forget(name);
    const server = await this.#server?.catch(() => undefined);
    server?.close();
  }

  #open(host: string, port: number): Promise<Server> {
    const names = new WeakMap<TLSSocket, string>();
    const server = createServer({
      ...SECURITY,
      handshakeTimeout: HANDSHAKE_MS,
      pskIdentityHint: '',
      pskCallback: (socket, name) => {
        names.set(socket, name);
        return this.#expected.get(name)?.key ?? null;
      },
    });
    // Whoever knocks without a key is no news.
    server.on('tlsClientError', () => undefined);
    server.on('secureConnection', (socket) => {
      this.#take(socket, names.get(socket) ?? '');
    });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.unref();
        resolve(server);
      });
    });
  }

  #take(socket: TLSSocket, name: string): void {
    socket.on('error', () => undefined);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const expected = this.#expected.get(name);
    if (expected === undefined) {
      socket.destroy();
      return;
    }
    expected.line?.destroy();
    expected.line = socket;
    socket.once('close', () => {
      if (expected.line === socket) expected.line = undefined;
    });
    for (const tell of [...expected.waiting]) {
      expected.waiting.delete(tell);
      tell();
    }
  }
}

/** The worker's side: calls, again and again, and gives each connection once somebody speaks on it. Settles when the signal is aborted. */
export async function keepCalling(
  { name, keyFile, placeFile }: { readonly name: string; readonly keyFile: string; readonly placeFile: string },
  answer: (socket: TLSSocket) => void,
  signal: AbortSignal,
): Promise<void> {
  let pause = PAUSES_MS.first;
  while (!signal.aborted) {
    const key = readKey(keyFile);
    const source = readIfThere(placeFile);
    if (key !== undefined && source !== undefined) {
      const isHeard = await callOnce(name, key, parseJson(source, placeShape, placeFile), answer, signal);
      pause = isHeard ? PAUSES_MS.first : Math.min(PAUSES_MS.longest, pause * 2);
    }
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
}

const PAUSES_MS = { first: 200, longest: 5000 };

/** false: nobody was there. */
function callOnce(
  name: string,
  key: Buffer,
  { host, port }: { readonly host: string; readonly port: number },
  answer: (socket: TLSSocket) => void,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    let isHeard = false;
    const socket = connect({
      ...{ host, port, ...SECURITY },
      // The key stands for the name.
      checkServerIdentity: () => undefined,
      pskCallback: () => ({ psk: key, identity: name }),
    });
    const stop = (): void => {
      socket.destroy();
    };
    const late = setTimeout(stop, HANDSHAKE_MS);
    signal.addEventListener('abort', stop, { once: true });
    socket.on('error', () => undefined);
    socket.once('secureConnect', () => {
      clearTimeout(late);
      isHeard = true;
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      socket.once('readable', () => {
        if (socket.readableLength > 0) answer(socket);
      });
    });
    socket.once('close', () => {
      clearTimeout(late);
      signal.removeEventListener('abort', stop);
      resolve(isHeard);
    });
  });
}

function split(listen: string): { readonly host: string; readonly port: number } {
  const [, host = listen, port = '0'] = /^(.*?)(?::(\d+))?$/.exec(listen) ?? [];
  return { host, port: Number(port) };
}
