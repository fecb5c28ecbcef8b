// A Jupyter client of our own for tests: speaks the protocol to the real `dist/kernel.js` over zeromq, with connection files of its own.
// Deliberately plain: what it sends can be malformed on purpose.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Dealer, Request, Subscriber } from 'zeromq';
import { endProcesses } from '../notebook/processes';

export type Fields = Record<string, unknown>;

export interface Received {
  readonly type: string;
  readonly parentId: string;
  readonly header: Fields;
  readonly metadata: Fields;
  readonly content: Fields;
  readonly buffers: readonly Buffer[];
  readonly at: number;
}

export interface CellResult {
  readonly reply: Fields;
  /** All of iopub for this request, `idle` last. */
  readonly messages: readonly Received[];
  readonly stdout: string;
  readonly stderr: string;
  readonly result: Fields | undefined;
  readonly milliseconds: number;
}

const PATIENCE_MILLISECONDS = 20_000;
const KEY = 'a-key-for-tests';
export const ROOT = join(__dirname, '..', '..');

interface Wanted {
  readonly matches: (message: Received) => boolean;
  readonly resolve: (message: Received) => void;
}

/** Messages as they came, and a way to wait for one. */
class Inbox {
  readonly messages: Received[] = [];
  /** Hears of every message, for those who look at all of them. */
  listener: ((message: Received) => void) | undefined;
  readonly #wanted = new Set<Wanted>();

  add(message: Received): void {
    this.messages.push(message);
    this.listener?.(message);
    for (const wanted of this.#wanted) {
      if (!wanted.matches(message)) continue;
      this.#wanted.delete(wanted);
      wanted.resolve(message);
    }
  }

  wait(what: string, matches: (message: Received) => boolean, milliseconds = PATIENCE_MILLISECONDS): Promise<Received> {
    const here = this.messages.find(matches);
    if (here) return Promise.resolve(here);
    return new Promise((resolve, reject) => {
      const wanted: Wanted = {
        matches,
        resolve: (message) => {
          clearTimeout(timer);
          resolve(message);
        },
      };
      const timer = setTimeout(() => {
        this.#wanted.delete(wanted);
        const seen = this.messages.slice(-8).map((m) => `${m.type} ${JSON.stringify(m.content).slice(0, 120)}`);
        reject(new Error(`No ${what} within ${milliseconds} ms. The last messages were:\n${seen.join('\n')}`));
      }, milliseconds);
      this.#wanted.add(wanted);
    });
  }
}

export class KernelClient {
  readonly process: ChildProcess;
  readonly directory: string;
  readonly iopub = new Inbox();
  readonly shell = new Inbox();
  readonly control = new Inbox();
  readonly stdin = new Inbox();
  readonly ports: Record<'shell' | 'control' | 'stdin' | 'iopub' | 'hb', number>;
  readonly #sockets: { shell: Dealer; control: Dealer; stdin: Dealer; iopub: Subscriber; heartbeat: Request };
  readonly #session = randomUUID();
  #stderr = '';

  private constructor(process: ChildProcess, directory: string, ports: KernelClient['ports']) {
    this.process = process;
    this.directory = directory;
    this.ports = ports;
    process.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
    const routingId = randomUUID();
    const at = (port: number) => `tcp://127.0.0.1:${port}`;
    const shell = new Dealer({ routingId, linger: 0 });
    const control = new Dealer({ routingId, linger: 0 });
    const stdin = new Dealer({ routingId, linger: 0 });
    const iopub = new Subscriber({ linger: 0, receiveHighWaterMark: 0 });
    const heartbeat = new Request({ linger: 0 });
    shell.connect(at(ports.shell));
    control.connect(at(ports.control));
    stdin.connect(at(ports.stdin));
    iopub.subscribe();
    iopub.connect(at(ports.iopub));
    heartbeat.connect(at(ports.hb));
    this.#sockets = { shell, control, stdin, iopub, heartbeat };
    void receiveAll(shell, this.shell);
    void receiveAll(control, this.control);
    void receiveAll(stdin, this.stdin);
    void receiveAll(iopub, this.iopub);
  }

  /** Starts a kernel of its own and waits until it answers and is heard on iopub. Once more, if somebody took one of its ports meanwhile. */
  static async start(...how: Parameters<typeof KernelClient.spawn>): Promise<KernelClient> {
    for (let tries = 1; ; tries++) {
      const client = await KernelClient.spawn(...how);
      try {
        await client.#waitUntilHeard();
        return client;
      } catch (error) {
        const { stderr } = client;
        await client.stop();
        if (tries === 3 || !/address already in use/i.test(stderr)) throw error;
      }
    }
  }

  private static async spawn(
    environment: NodeJS.ProcessEnv = {},
    user?: { readonly uid: number; readonly gid: number },
    flags: readonly string[] = [],
    /** A command that runs the kernel, and makes it the user's: for what has to be prepared as root. */
    through: readonly string[] = [],
  ): Promise<KernelClient> {
    const directory = mkdtempSync(join(tmpdir(), 'kernel-test-'));
    const [shell, control, stdin, iopub, hb] = (await freePorts(5)) as [number, number, number, number, number];
    const ports = { shell, control, stdin, iopub, hb };
    const connectionFile = join(directory, 'connection.json');
    writeFileSync(connectionFile, JSON.stringify(connectionFields(ports)));
    if (user) for (const path of [directory, connectionFile]) chownSync(path, user.uid, user.gid);
    const [program, ...args] = [
      ...through,
      process.execPath,
      join(ROOT, 'dist', 'kernel.js'),
      ...flags,
      connectionFile,
    ];
    const kernel = spawn(program, args, {
      cwd: directory,
      env: {
        ...process.env,
        CELLBURST_STATE_DIR: stateDirectory(directory),
        XDG_RUNTIME_DIR: directory,
        ...environment,
      },
      stdio: ['ignore', 'inherit', 'pipe'],
      ...(through.length === 0 ? user : {}),
    });
    return new KernelClient(kernel, directory, ports);
  }

  /** Ends the kernel, however it is, and removes its files. */
  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const gone = new Promise((resolve) => this.process.once('exit', resolve));
      this.process.kill('SIGTERM');
      const timer = setTimeout(() => this.process.kill('SIGKILL'), 3_000);
      await gone;
      clearTimeout(timer);
    }
    for (const socket of Object.values(this.#sockets)) socket.close();
    // The home agent and its jobs outlive a kernel by design, not a test.
    await endProcesses(`CELLBURST_STATE_DIR=${stateDirectory(this.directory)}`);
    rmSync(this.directory, { recursive: true, force: true });
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Sends a request; gives its message id. */
  async send(channel: 'shell' | 'control', type: string, content: Fields, metadata: Fields = {}): Promise<string> {
    const header = this.header(type);
    await this.sendFrames(channel, this.frames(header, content, metadata));
    return String(header['msg_id']);
  }

  async request(channel: 'shell' | 'control', type: string, content: Fields = {}): Promise<Fields> {
    const id = await this.send(channel, type, content);
    const reply = await this[channel].wait(`reply to ${type}`, (message) => message.parentId === id);
    return { ...reply.content, msg_type: reply.type, msg_id: id };
  }

  async execute(code: string, options: Fields = {}): Promise<CellResult> {
    const started = performance.now();
    return this.outcome(await this.startCell(code, options), started);
  }

  startCell(code: string, options: Fields = {}, metadata: Fields = {}): Promise<string> {
    const content = { code, silent: false, store_history: true, user_expressions: {}, allow_stdin: false, ...options };
    return this.send('shell', 'execute_request', { stop_on_error: true, ...content }, metadata);
  }

  /** Waits for the reply and `idle` of a cell. */
  async outcome(id: string, started = performance.now(), milliseconds?: number): Promise<CellResult> {
    const reply = await this.shell.wait('execute_reply', (message) => message.parentId === id, milliseconds);
    await this.status(id, 'idle', milliseconds);
    const took = performance.now() - started;
    const messages = this.iopub.messages.filter((message) => message.parentId === id);
    const streams = (name: string) =>
      messages
        .filter((message) => message.type === 'stream' && message.content['name'] === name)
        .map((message) => String(message.content['text']))
        .join('');
    return {
      reply: reply.content,
      messages,
      stdout: streams('stdout'),
      stderr: streams('stderr'),
      result: messages.find((message) => message.type === 'execute_result')?.content,
      milliseconds: took,
    };
  }

  status(id: string, state: string, milliseconds?: number): Promise<Received> {
    return this.iopub.wait(
      `status ${state}`,
      ({ type, parentId, content }) => type === 'status' && parentId === id && content['execution_state'] === state,
      milliseconds,
    );
  }

  /** Waits until the cell has printed this. */
  async printed(id: string, text: string): Promise<void> {
    await this.iopub.wait(
      `output "${text}"`,
      ({ type, parentId, content }) => type === 'stream' && parentId === id && String(content['text']).includes(text),
    );
  }

  interrupt(): Promise<Fields> {
    return this.request('control', 'interrupt_request');
  }

  /** `parent`: the question; clients of jupyter_client do not name it. */
  async answerInput(value: string, parent?: Received): Promise<void> {
    const frames = this.frames(this.header('input_reply'), { value }, {}, parent?.header);
    await this.#sockets.stdin.send(frames);
  }

  /** One round trip of the heartbeat, in milliseconds. */
  async beat(): Promise<number> {
    const started = performance.now();
    await this.#sockets.heartbeat.send('ping');
    await this.#sockets.heartbeat.receive();
    return performance.now() - started;
  }

  header(type: string): Fields {
    return {
      msg_id: randomUUID(),
      msg_type: type,
      session: this.#session,
      username: 'tester',
      date: new Date().toISOString(),
      version: '5.5',
    };
  }

  frames(header: unknown, content: unknown, metadata: unknown = {}, parent: unknown = {}, key = KEY): Buffer[] {
    const parts = [header, parent, metadata, content].map((part) => Buffer.from(JSON.stringify(part)));
    return [Buffer.from('<IDS|MSG>'), Buffer.from(sign(parts, key)), ...parts];
  }

  /** Parts as they are, rightly signed: they need not be JSON. */
  signed(texts: readonly string[]): Buffer[] {
    const parts = texts.map((text) => Buffer.from(text));
    return [Buffer.from('<IDS|MSG>'), Buffer.from(sign(parts, KEY)), ...parts];
  }

  async sendFrames(channel: 'shell' | 'control', frames: Buffer[]): Promise<void> {
    await this.#sockets[channel].send(frames);
  }

  /** A subscriber hears only what is published once its subscription has arrived: ask until it does. */
  async #waitUntilHeard(): Promise<void> {
    const deadline = Date.now() + PATIENCE_MILLISECONDS;
    const ended = new Promise<never>((_, reject) => {
      this.process.once('close', (code) => {
        reject(new Error(`The kernel did not start: exit code ${String(code)}, ${this.#stderr}`));
      });
    });
    // Heard of only while somebody waits.
    ended.catch(() => undefined);
    while (Date.now() < deadline && this.process.exitCode === null) {
      const id = await this.send('shell', 'kernel_info_request', {});
      const replied = this.shell.wait('kernel_info_reply', (message) => message.parentId === id);
      // Its own failure comes later than the end of the process.
      replied.catch(() => undefined);
      await Promise.race([replied, ended]);
      const heard = this.status(id, 'idle', 100);
      if (await heard.then(Boolean, () => false)) return;
    }
    throw new Error(`The kernel did not start: exit code ${String(this.process.exitCode)}, ${this.#stderr}`);
  }
}

function stateDirectory(directory: string): string {
  return join(directory, 'state');
}

export function connectionFields(ports: KernelClient['ports']): Fields {
  const { shell, control, stdin, iopub, hb } = ports;
  return {
    transport: 'tcp',
    ip: '127.0.0.1',
    key: KEY,
    signature_scheme: 'hmac-sha256',
    shell_port: shell,
    control_port: control,
    stdin_port: stdin,
    iopub_port: iopub,
    hb_port: hb,
    kernel_name: 'cellburst',
  };
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const server = createServer();
          server.listen(0, '127.0.0.1', () => {
            resolve(server);
          });
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function sign(parts: readonly Buffer[], key: string): string {
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(part);
  return hmac.digest('hex');
}

async function receiveAll(socket: Dealer | Subscriber, inbox: Inbox): Promise<void> {
  for await (const frames of socket) {
    const start = frames.findIndex((frame) => frame.toString() === '<IDS|MSG>');
    const [signature, ...parts] = frames.slice(start + 1);
    const signed = parts.slice(0, 4);
    if (signature?.toString() !== sign(signed, KEY)) throw new Error('The kernel signed a message wrongly.');
    const [header, parent, metadata, content] = signed.map((part) => JSON.parse(part.toString()) as Fields);
    inbox.add({
      type: textOf(header?.['msg_type']),
      parentId: textOf(parent?.['msg_id']),
      header: header ?? {},
      metadata: metadata ?? {},
      content: content ?? {},
      buffers: parts.slice(4),
      at: performance.now(),
    });
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
