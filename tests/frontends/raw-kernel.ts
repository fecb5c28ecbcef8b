// A kernel as VS Code's Jupyter extension starts and talks to one, without a Jupyter server: the program of kernel.json, a connection file, and
// JupyterLab's client library over zeromq instead of a WebSocket.
// Sources: microsoft/vscode-jupyter, src/kernels/raw/session: rawSocket.node.ts (one routing id for shell, control and stdin, no heartbeat, messages
// as JSON), rawKernelConnection.node.ts (interrupts), and src/kernels/execution/cellExecution.ts (what an execute_request holds).
import { KernelConnection, ServerConnection, type KernelMessage } from '@jupyterlab/services';
import { spawn, type ChildProcess } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Dealer, Subscriber } from 'zeromq';
import { connectionFields, freePorts, ROOT, type Fields, type KernelClient } from '../kernel/client';
import '../notebook/connection';
import { endProcesses } from '../notebook/processes';

const ASK_AGAIN_MS = 3000;
const CHANNELS = ['shell', 'control', 'stdin', 'iopub'] as const;
type Channel = (typeof CHANNELS)[number];
type Connected = Fields & { readonly ports: KernelClient['ports']; readonly key: string };

interface KernelSpec {
  readonly argv: readonly string[];
  readonly interrupt_mode: string;
  readonly env?: NodeJS.ProcessEnv;
}

export class RawKernel {
  readonly directory = mkdtempSync(join(tmpdir(), 'raw-kernel-'));
  readonly spec: KernelSpec;
  readonly #connected: Connected;
  readonly #file: string;
  #process: ChildProcess | undefined;
  #socket: RawSocket | undefined;
  #connection: KernelConnection | undefined;

  private constructor(ports: KernelClient['ports']) {
    execFileSync(process.execPath, [join(ROOT, 'dist', 'cli.js'), 'install', '--prefix', this.directory], {
      stdio: 'pipe',
    });
    const specFile = join(this.directory, 'share', 'jupyter', 'kernels', 'cellburst', 'kernel.json');
    this.spec = JSON.parse(readFileSync(specFile, 'utf8')) as KernelSpec;
    const fields = connectionFields(ports);
    this.#connected = { ...fields, ports, key: String(fields['key']) };
    this.#file = join(this.directory, 'connection.json');
    writeFileSync(this.#file, JSON.stringify(fields));
  }

  static async start(): Promise<RawKernel> {
    const [shell, control, stdin, iopub, hb] = (await freePorts(5)) as [number, number, number, number, number];
    const kernel = new RawKernel({ shell, control, stdin, iopub, hb });
    kernel.#launch();
    return kernel;
  }

  get connection(): KernelConnection {
    if (!this.#connection) throw new Error('The kernel has not been started.');
    return this.#connection;
  }

  /** What the kernel says of itself. Asked again until it is heard, as clients do: a subscription may begin after the first answer. */
  async tell(): Promise<KernelMessage.IInfoReplyMsg['content']> {
    for (;;) {
      const asked = this.connection.requestKernelInfo();
      const late = new Promise<undefined>((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
      const reply = await Promise.race([asked, late]);
      if (reply !== undefined) return reply.content;
    }
  }

  /** Ends the process by a shutdown_request, and starts another one with the same connection file. */
  async restart(): Promise<void> {
    const old = this.#process;
    const gone = new Promise((resolve) => old?.once('exit', resolve));
    this.#socket?.request('control', 'shutdown_request', { restart: true });
    await gone;
    this.connection.dispose();
    this.#socket?.close();
    this.#launch();
  }

  /** As VS Code does where kernel.json says `interrupt_mode: message`: on the shell channel. */
  interrupt(): void {
    this.#socket?.request('shell', 'interrupt_request', {});
  }

  async stop(): Promise<void> {
    this.#connection?.dispose();
    this.#socket?.close();
    await endProcesses(`CELLBURST_STATE_DIR=${join(this.directory, 'state')}`);
    rmSync(this.directory, { recursive: true, force: true });
  }

  #launch(): void {
    const [program = '', ...args] = this.spec.argv.map((word) => word.replaceAll('{connection_file}', this.#file));
    this.#process = spawn(program, args, {
      cwd: this.directory,
      env: {
        ...process.env,
        ...this.spec.env,
        CELLBURST_STATE_DIR: join(this.directory, 'state'),
        XDG_RUNTIME_DIR: this.directory,
      },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const socket = new RawSocket(this.#connected);
    this.#socket = socket;
    // The library makes its socket itself, with `new`: a class whose constructor gives ours.
    const Given = function (): RawSocket {
      return socket;
    } as unknown as typeof WebSocket;
    this.#connection = new KernelConnection({
      model: { id: randomUUID(), name: 'cellburst' },
      serverSettings: ServerConnection.makeSettings({ wsUrl: 'ws://raw/', baseUrl: 'http://raw/', WebSocket: Given }),
    });
    socket.onopen?.({});
  }
}

/** What of a WebSocket the library uses, on four zeromq sockets. */
class RawSocket {
  readonly protocol = '';
  binaryType = '';
  onopen: ((event: object) => void) | undefined;
  onmessage: ((event: { readonly data: string }) => void) | undefined;
  onclose: unknown;
  onerror: unknown;
  readonly #key: string;
  readonly #session = randomUUID();
  readonly #sockets: Record<Channel, Dealer | Subscriber>;

  constructor({ ports, key }: Connected) {
    this.#key = key;
    const routingId = randomUUID();
    const dealer = (): Dealer => new Dealer({ routingId, linger: 0 });
    const iopub = new Subscriber({ linger: 0, receiveHighWaterMark: 0 });
    iopub.subscribe();
    this.#sockets = { shell: dealer(), control: dealer(), stdin: dealer(), iopub };
    for (const channel of CHANNELS) {
      const socket = this.#sockets[channel];
      socket.connect(`tcp://127.0.0.1:${ports[channel]}`);
      void this.#receive(channel, socket);
    }
  }

  send(data: string): void {
    this.#post(JSON.parse(data) as KernelMessage.IMessage);
  }

  request(channel: Channel, type: string, content: Fields): void {
    const header = {
      msg_id: randomUUID(),
      msg_type: type,
      session: this.#session,
      username: 'vscode',
      date: new Date().toISOString(),
      version: '5.3',
    };
    this.#post({ channel, header, parent_header: {}, metadata: {}, content });
  }

  close(): void {
    this.onmessage = undefined;
    for (const socket of Object.values(this.#sockets)) socket.close();
  }

  #post(message: object): void {
    const { channel, header, parent_header, metadata, content } = message as Fields;
    const socket = this.#sockets[channel as Channel];
    const parts = [header, parent_header ?? {}, metadata ?? {}, content].map((part) =>
      Buffer.from(JSON.stringify(part)),
    );
    const frames = [Buffer.from('<IDS|MSG>'), Buffer.from(this.#sign(parts)), ...parts];
    if (socket instanceof Dealer) void socket.send(frames);
  }

  async #receive(channel: Channel, socket: Dealer | Subscriber): Promise<void> {
    for await (const frames of socket) {
      const start = frames.findIndex((frame) => frame.toString() === '<IDS|MSG>');
      const [, ...parts] = frames.slice(start + 1);
      const [header, parent_header, metadata, content] = parts
        .slice(0, 4)
        .map((part): unknown => JSON.parse(part.toString()));
      this.onmessage?.({ data: JSON.stringify({ channel, header, parent_header, metadata, content, buffers: [] }) });
    }
  }

  #sign(parts: readonly Buffer[]): string {
    const hmac = createHmac('sha256', this.#key);
    for (const part of parts) hmac.update(part);
    return hmac.digest('hex');
  }
}
