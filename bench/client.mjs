// A bare Jupyter client on zeromq: what a row of the bench needs to time a kernel, ours or another, and nothing in between.
// Jupyter's messaging protocol, version 5.5.
import { spawn } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Dealer, Subscriber } from 'zeromq';

const DELIMITER = '<IDS|MSG>';
/** zeromq asks again after 100 ms by default: too coarse to time a start with. */
const RECONNECT_MS = 2;
const REQUEST_TIMEOUT_MS = 120_000;
const READY_TIMEOUT_MS = 15_000;
/** tslab holds back the message that says it is idle now and then (until the next one is sent): such a run is not counted. */
const IDLE_TIMEOUT_MS = 3000;

/** A request that took too long. The bench leaves that run out. */
export class LateError extends Error {
  name = 'LateError';
}

/**
 * Starts a kernel.
 * @param {(connectionFile: string) => readonly string[]} command
 * @param {{ directory: string, environment?: NodeJS.ProcessEnv }} place where it runs
 */
export async function startKernel(command, { directory, environment = process.env }) {
  const home = mkdtempSync(join(directory, 'kernel-'));
  const [shell, control, stdin, iopub, hb] = await freePorts(5);
  const connection = { transport: 'tcp', ip: '127.0.0.1', key: randomUUID(), signature_scheme: 'hmac-sha256' };
  const ports = { shell_port: shell, control_port: control, stdin_port: stdin, iopub_port: iopub, hb_port: hb };
  const file = join(home, 'connection.json');
  writeFileSync(file, JSON.stringify({ ...connection, ...ports }));
  const [program, ...args] = command(file);
  const child = spawn(program, args, { cwd: directory, env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
  // A request that meets tslab between the binding of two sockets ends its message loop, so nobody knocks before all are bound.
  for (const port of Object.values(ports)) await listening(port, child);
  return new Client(child, { ...connection, ...ports }, home);
}

export class Client {
  #child;
  #key;
  #home;
  #session = randomUUID();
  #shell;
  #control;
  #iopub;
  /** Requests under way, by message id. */
  #waiting = new Map();
  #log = '';

  constructor(child, connection, home) {
    this.#child = child;
    this.#key = connection.key;
    this.#home = home;
    const address = (port) => `${connection.transport}://${connection.ip}:${port}`;
    this.#shell = this.#connect(
      new Dealer({ linger: 0, reconnectInterval: RECONNECT_MS }),
      address(connection.shell_port),
    );
    this.#control = this.#connect(
      new Dealer({ linger: 0, reconnectInterval: RECONNECT_MS }),
      address(connection.control_port),
    );
    this.#iopub = new Subscriber({ linger: 0, reconnectInterval: RECONNECT_MS });
    this.#iopub.subscribe();
    this.#connect(this.#iopub, address(connection.iopub_port));
    child.stderr.setEncoding('utf8').on('data', (text) => (this.#log = (this.#log + text).slice(-4000)));
    child.on('exit', (code, signal) => this.#fail(new Error(`The kernel ended with ${signal ?? code}:\n${this.#log}`)));
    child.on('error', (error) => this.#fail(error));
  }

  get pid() {
    return this.#child.pid;
  }

  /** Resolves when the kernel has answered kernel_info_request. */
  async ready() {
    await this.#request(this.#shell, 'kernel_info_request', {}, { idle: false, timeout: READY_TIMEOUT_MS });
  }

  /**
   * Runs a cell, until its reply and the message that the kernel is idle again have come.
   * @param {{ idle?: boolean, heard?: (text: string) => void }} how `heard`: told of what is printed, as it comes
   * @returns {Promise<string | undefined>} the result's text, or what was printed
   */
  async run(code, { idle = true, heard } = {}) {
    const content = {
      code,
      silent: false,
      store_history: true,
      user_expressions: {},
      allow_stdin: false,
      stop_on_error: true,
    };
    const { reply, shown } = await this.#request(this.#shell, 'execute_request', content, { idle, heard });
    if (reply.status !== 'ok')
      throw new Error(`A cell of the bench failed:\n${code}\n${JSON.stringify(reply)}\n${shown.join('')}`);
    return shown.join('') || undefined;
  }

  async complete(code) {
    const { reply } = await this.#request(
      this.#shell,
      'complete_request',
      { code, cursor_pos: code.length },
      { idle: false },
    );
    return reply.matches;
  }

  async close() {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = new Promise((resolve) => this.#child.once('exit', resolve));
      this.#request(this.#control, 'shutdown_request', { restart: false }, { idle: false }).catch(() => undefined);
      const late = setTimeout(() => this.#child.kill('SIGKILL'), 3000);
      await ended;
      clearTimeout(late);
    }
    for (const socket of [this.#shell, this.#control, this.#iopub]) socket.close();
    rmSync(this.#home, { recursive: true, force: true });
  }

  #connect(socket, address) {
    socket.connect(address);
    void this.#listen(socket);
    return socket;
  }

  async #listen(socket) {
    for await (const frames of socket) {
      const at = frames.findIndex((frame) => frame.toString() === DELIMITER);
      const [header, parent, , content] = frames.slice(at + 2).map((frame) => JSON.parse(frame.toString()));
      const request = this.#waiting.get(parent?.msg_id);
      if (request !== undefined) request.take(header.msg_type, content);
    }
  }

  #fail(error) {
    for (const { reject } of this.#waiting.values()) reject(error);
  }

  async #request(socket, type, content, { idle, heard, timeout = REQUEST_TIMEOUT_MS }) {
    const id = randomUUID();
    const header = {
      msg_id: id,
      session: this.#session,
      username: 'bench',
      date: new Date().toISOString(),
      msg_type: type,
      version: '5.5',
    };
    const parts = [header, {}, {}, content].map((part) => JSON.stringify(part));
    const signature = createHmac('sha256', this.#key).update(parts.join('')).digest('hex');
    const answered = this.#answer(id, idle, timeout, heard);
    await socket.send([DELIMITER, signature, ...parts]);
    return answered;
  }

  #answer(id, wantsIdle, timeout, heard) {
    return new Promise((resolve, reject) => {
      let reply;
      let isIdle = !wantsIdle;
      const shown = [];
      const late = (sentence) => () => fail(new LateError(sentence));
      let timer = setTimeout(late(`No answer in ${timeout / 1000} s.`), timeout);
      const settle = (action) => (value) => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        action(value);
      };
      const done = settle(resolve);
      const fail = settle(reject);
      const take = (type, content) => {
        if (type === 'stream') heard?.(content.text);
        if (type === 'stream') shown.push(content.text);
        if (type === 'execute_result') shown.push(content.data['text/plain']);
        if (type.endsWith('_reply')) reply = content;
        if (type === 'status' && content.execution_state === 'idle') isIdle = true;
        if (reply !== undefined && isIdle) return done({ reply, shown });
        if (reply === undefined) return;
        clearTimeout(timer);
        timer = setTimeout(late('The kernel did not say that it is idle.'), IDLE_TIMEOUT_MS);
      };
      this.#waiting.set(id, { take, reject: fail });
    });
  }
}

/** Resolves when somebody listens at the port. */
async function listening(port, child) {
  while (child.exitCode === null && child.signalCode === null) {
    const socket = connect(port, '127.0.0.1');
    const accepted = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (accepted) return;
    await sleep(2);
  }
  throw new Error('A kernel ended before it listened.');
}

/** Ports that were free a moment ago. */
async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise((resolve, reject) =>
        server.once('error', reject).listen(0, '127.0.0.1', () => resolve(server)),
      );
    }),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
