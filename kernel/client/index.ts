// A client of our own for one kernel: runs cells without a Jupyter server, for the command line.
// Source: "Messaging in Jupyter" 5.5.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { decode, encode, makeHeader, Signer, type Content, type Message } from '../wire/message';
import { KernelProcess, type KernelStart } from './process';
import { toCellOutput, type CellOutput } from './outputs';
import { connectSockets, type Asking, type ClientSockets } from './sockets';

export { toCellOutput, type CellOutput } from './outputs';
export type { KernelStart } from './process';

export interface CellRequest {
  readonly source: string;
  /** The notebook's id of the cell. */
  readonly cellId?: string;
  readonly output: (output: CellOutput) => void;
  /** Asks the person; undefined when they would rather not say. Absent: nobody can be asked. */
  readonly ask?: (prompt: string, isSecret: boolean) => Promise<string | undefined>;
}

export interface CellEnd {
  readonly isOk: boolean;
  /** The number in `Cell [7]`. */
  readonly execution: number;
  readonly error?: Extract<CellOutput, { type: 'error' }>;
}

interface Running {
  readonly request: CellRequest;
  reply?: Content;
  isIdle: boolean;
  error?: Extract<CellOutput, { type: 'error' }>;
  readonly resolve: (end: CellEnd) => void;
  readonly reject: (error: Error) => void;
}

const START_MILLISECONDS = 60_000;
const ASK_AGAIN_MILLISECONDS = 200;

export class KernelClient implements AsyncDisposable {
  readonly #process: KernelProcess;
  readonly #sockets: ClientSockets;
  readonly #signer: Signer;
  readonly #session = randomUUID();
  readonly #running = new Map<string, Running>();
  readonly #heard = new Set<string>();
  readonly #infos = new Map<string, Content>();
  #isClosing = false;
  #end: string | undefined;

  private constructor(process: KernelProcess) {
    this.#process = process;
    this.#signer = new Signer(process.connection.key, process.connection.digest);
    this.#sockets = connectSockets(process.connection);
    void process.ended.then((how) => this.#lose(how));
    void this.#listen('shell', (message) => this.#takeReply(message));
    void this.#listen('control', () => undefined);
    void this.#listen('stdin', (message) => void this.#answer(message));
    void this.#listen('iopub', (message) => this.#takeNews(message));
  }

  /** Starts a kernel and waits until it answers and is heard. */
  static async start(start: KernelStart): Promise<KernelClient> {
    const client = new KernelClient(await KernelProcess.start(start));
    try {
      await client.#ready();
      return client;
    } catch (error) {
      await client[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Runs one cell. Rejects when the kernel ends before the cell does. */
  run(request: CellRequest): Promise<CellEnd> {
    const { source, cellId, ask } = request;
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) {
        reject(this.#lost());
        return;
      }
      const content = {
        ...{ code: source, silent: false, store_history: true, user_expressions: {} },
        ...{ allow_stdin: ask !== undefined, stop_on_error: true },
      };
      const header = makeHeader('execute_request', this.#session);
      this.#running.set(header.msg_id, { request, isIdle: false, resolve, reject });
      this.#send('shell', { header, content, metadata: cellId === undefined ? {} : { cellId } });
    });
  }

  /** What the kernel says of its language: `language_info` of notebooks. */
  get languageInfo(): Content | undefined {
    const [info] = this.#infos.values();
    const language = info?.['language_info'];
    return typeof language === 'object' && language !== null ? { ...language } : undefined;
  }

  /** As the stop button of a notebook: a cell that waits for a job lets it go on; a second one within 3 s cancels it. */
  interrupt(): void {
    this.#send('control', { header: makeHeader('interrupt_request', this.#session), content: {}, metadata: {} });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    const header = makeHeader('shutdown_request', this.#session);
    if (this.#end === undefined) this.#send('control', { header, content: { restart: false }, metadata: {} });
    await this.#process.finish();
    this.#sockets.close();
  }

  /** A subscription may begin after the first answer: asked until one is heard on both. */
  async #ready(): Promise<void> {
    const deadline = Date.now() + START_MILLISECONDS;
    while (![...this.#infos.keys()].some((id) => this.#heard.has(id))) {
      if (this.#end !== undefined) throw this.#lost();
      if (Date.now() > deadline)
        throw new Error(
          `The kernel has not answered within ${START_MILLISECONDS / 1000} s. Is the machine overloaded?`,
        );
      const header = makeHeader('kernel_info_request', this.#session);
      this.#send('shell', { header, content: {}, metadata: {} });
      await this.#settled(header.msg_id);
    }
  }

  /** Until the answer is there and heard, or it is time to ask again. */
  async #settled(id: string): Promise<void> {
    const again = Date.now() + ASK_AGAIN_MILLISECONDS;
    while (Date.now() < again && this.#end === undefined && !(this.#infos.has(id) && this.#heard.has(id)))
      await sleep(5);
  }

  #send(channel: Asking, { header, content, metadata }: Pick<Message, 'header' | 'content' | 'metadata'>): void {
    const message = { identities: [], header, parent: {}, metadata, content, buffers: [] };
    this.#sockets.send(channel, encode(message, this.#signer)).catch((error: unknown) => {
      // Closed meanwhile: whoever waits is told of the end.
      if (!this.#isClosing && this.#end === undefined) throw error;
    });
  }

  async #listen(channel: Asking | 'iopub', take: (message: Message) => void): Promise<void> {
    for await (const frames of this.#sockets.receive(channel)) {
      const decoded = decode(frames, this.#signer);
      if (decoded.ok) take(decoded.message);
    }
  }

  #takeReply(message: Message): void {
    const id = parentOf(message);
    if (message.header.msg_type === 'kernel_info_reply') this.#infos.set(id, message.content);
    const running = this.#running.get(id);
    if (running === undefined || message.header.msg_type !== 'execute_reply') return;
    running.reply = message.content;
    this.#settle(id, running);
  }

  #takeNews(message: Message): void {
    const id = parentOf(message);
    const { header, content } = message;
    this.#heard.add(id);
    const running = this.#running.get(id);
    if (running === undefined) return;
    if (header.msg_type === 'status' && content['execution_state'] === 'idle') {
      running.isIdle = true;
      this.#settle(id, running);
      return;
    }
    const output = toCellOutput(header.msg_type, content);
    if (output === undefined) return;
    if (output.type === 'error') running.error = output;
    running.request.output(output);
  }

  /** A cell has ended when its reply is here and all of its output as well. */
  #settle(id: string, { reply, isIdle, error, resolve }: Running): void {
    if (reply === undefined || !isIdle) return;
    this.#running.delete(id);
    const end = { isOk: reply['status'] === 'ok', execution: Number(reply['execution_count']) };
    resolve(error === undefined ? end : { ...end, error });
  }

  async #answer(question: Message): Promise<void> {
    const ask = this.#running.get(parentOf(question))?.request.ask;
    const { prompt, password } = question.content;
    const value = (await ask?.(typeof prompt === 'string' ? prompt : '', password === true)) ?? '';
    const header = makeHeader('input_reply', this.#session);
    const message = {
      identities: [],
      header,
      parent: { ...question.header },
      metadata: {},
      content: { value },
      buffers: [],
    };
    await this.#sockets.send('stdin', encode(message, this.#signer));
  }

  #lose(how: string): void {
    this.#end = how;
    for (const { reject } of this.#running.values()) reject(this.#lost());
    this.#running.clear();
  }

  #lost(): Error {
    return new Error(
      `The kernel ended before the cell did (${this.#end ?? 'unknown'}). \`cellburst doctor\` looks for the reason.`,
    );
  }
}

function parentOf({ parent }: Message): string {
  const id = parent['msg_id'];
  return typeof id === 'string' ? id : '';
}
