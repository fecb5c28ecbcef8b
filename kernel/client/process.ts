// A kernel's process for a client of its own: started with a connection file in a folder that is gone afterwards, ended when the client is done, and by
// itself when the client was killed.
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JAVASCRIPT_FLAG } from '../flags';
import { PARENT_VARIABLE } from '../parent';
import type { Connection } from '../wire/connection';

export interface KernelStart {
  /** Where cells run: the folder of the notebook. */
  readonly directory: string;
  /** Absolute path of the notebook, which jobs remember. */
  readonly notebook?: string;
  readonly isJS?: boolean;
  /** `kernel.js` beside the program that asks, if not given. */
  readonly program?: string;
}

const LAST_WORDS = 2_000;
const END_MILLISECONDS = 10_000;

export class KernelProcess {
  readonly connection: Connection;
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<string>;
  /** For a client that ends without waiting for us: nothing is left behind then either. */
  readonly #abandon = (): void => {
    this.#child.kill('SIGTERM');
    rmSync(this.#folder, { recursive: true, force: true });
  };
  #lastWords = '';

  private constructor(connection: Connection, folder: string, child: ChildProcess) {
    this.connection = connection;
    this.#folder = folder;
    this.#child = child;
    process.once('exit', this.#abandon);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS);
    });
    this.#ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', (code, signal) => {
        const how = signal === null ? `exit code ${code ?? 'unknown'}` : signal;
        resolve(this.#lastWords.trim() === '' ? how : `${how}: ${this.#lastWords.trim()}`);
      });
    });
  }

  static async start({ directory, notebook, isJS = false, program }: KernelStart): Promise<KernelProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'cellburst-run-'));
    const connection = await newConnection(folder);
    const file = join(folder, 'connection.json');
    writeFileSync(file, JSON.stringify(toFile(connection)), { mode: 0o600 });
    const flags = isJS ? [JAVASCRIPT_FLAG] : [];
    const child = spawn(process.execPath, [program ?? join(__dirname, 'kernel.js'), ...flags, file], {
      cwd: directory,
      env: {
        ...process.env,
        [PARENT_VARIABLE]: String(process.pid),
        ...(notebook === undefined ? {} : { JPY_SESSION_NAME: notebook }),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
      // A group of its own: Ctrl-C is for the client, who asks for an interrupt in the way that cells understand.
      detached: process.platform !== 'win32',
    });
    return new KernelProcess(connection, folder, child);
  }

  /** How it ended, in words. */
  get ended(): Promise<string> {
    return this.#ended;
  }

  /** Waits for the end that was asked for, and brings it about when it does not come. */
  async finish(): Promise<void> {
    const signals: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGKILL'];
    const late = signals.map((signal, turn) =>
      setTimeout(() => this.#child.kill(signal), (turn + 1) * END_MILLISECONDS),
    );
    await this.#ended;
    for (const timer of late) clearTimeout(timer);
    process.off('exit', this.#abandon);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Sockets of the file system, which nobody else can take; ports where there are none. */
async function newConnection(folder: string): Promise<Connection> {
  const shared = { key: randomUUID(), digest: 'sha256' };
  if (process.platform !== 'win32') {
    const ports = { shell: 1, control: 2, stdin: 3, iopub: 4, hb: 5 };
    return { ...shared, transport: 'ipc', ip: join(folder, 'k'), ports };
  }
  const [shell = 0, control = 0, stdin = 0, iopub = 0, hb = 0] = await freePorts(5);
  return { ...shared, transport: 'tcp', ip: '127.0.0.1', ports: { shell, control, stdin, iopub, hb } };
}

async function freePorts(count: number): Promise<number[]> {
  const probes = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(probes.map((probe) => once(probe, 'listening')));
  const ports = probes.map((probe) => {
    const address = probe.address();
    return address === null || typeof address === 'string' ? 0 : address.port;
  });
  await Promise.all(probes.map((probe) => once(probe.close(), 'close')));
  return ports;
}

function toFile({ transport, ip, key, digest, ports }: Connection): object {
  const fields = Object.fromEntries(Object.entries(ports).map(([name, port]) => [`${name}_port`, port]));
  return { transport, ip, key, signature_scheme: `hmac-${digest}`, ...fields };
}
