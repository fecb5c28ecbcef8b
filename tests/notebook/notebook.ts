// One open notebook, as a front end has it: a session on a real Jupyter server, its kernel, and cells that run one after the other.
import {
  KernelConnection,
  SessionAPI,
  type Kernel,
  type KernelMessage,
  type ServerConnection,
  type Session,
} from '@jupyterlab/services';
import { randomUUID } from 'node:crypto';
import { OutputArea, type Displays, type NotebookOutput } from './outputs';

const DEFAULT_TIMEOUT_SECONDS = 60;

export interface RunOptions {
  /** JupyterLab's id of the cell; cells that have none get a new one. */
  readonly cellId?: string;
  readonly timeoutSeconds?: number;
  /** Called with the live outputs after each message that changed them. */
  readonly onOutput?: (outputs: readonly NotebookOutput[], message: KernelMessage.IIOPubMessage) => void;
}

export interface ShownError {
  readonly name: string;
  readonly message: string;
  /** One text without colours. */
  readonly traceback: string;
}

/** A cell that has run. */
export interface CellRun {
  readonly source: string;
  readonly outputs: readonly NotebookOutput[];
  readonly reply: KernelMessage.IExecuteReplyMsg['content'];
  readonly executionCount: number | null;
  readonly error: ShownError | undefined;
  /** The result's `text/plain`, or undefined when the cell has no result. */
  readonly value: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Matches replace the text from `start` to `end`, counted in code points. */
export interface Completions {
  readonly matches: readonly string[];
  readonly start: number;
  readonly end: number;
}

/** A cell that runs. */
export interface RunningCell {
  readonly outputs: readonly NotebookOutput[];
  readonly done: Promise<CellRun>;
  /** Resolves when the outputs satisfy the condition; rejects when the cell has ended and they do not. */
  until(condition: (outputs: readonly NotebookOutput[]) => boolean): Promise<void>;
}

export class Notebook implements AsyncDisposable {
  readonly session: Session.IModel;
  readonly kernel: Kernel.IKernelConnection;
  readonly #settings: ServerConnection.ISettings;
  readonly #displays: Displays = new Map();

  /** Connects to the session's kernel, without the library's managers: they poll for as long as they live, and a bit longer. */
  constructor(session: Session.IModel, settings: ServerConnection.ISettings) {
    if (session.kernel === null) throw new Error(`The session of ${session.path} has no kernel.`);
    this.session = session;
    this.#settings = settings;
    this.kernel = new KernelConnection({ model: session.kernel, serverSettings: settings });
  }

  run(source: string, options: RunOptions = {}): Promise<CellRun> {
    return this.start(source, options).done;
  }

  start(source: string, options: RunOptions = {}): RunningCell {
    const area = new OutputArea(this.#displays);
    const waiting = new Set<() => void>();
    const metadata = { cellId: options.cellId ?? randomUUID() };
    // Not disposed when it is done: output may come later, and JupyterLab keeps listening too.
    const future = this.kernel.requestExecute({ code: source, stop_on_error: false }, false, metadata);
    future.onIOPub = (message) => {
      if (!area.apply(message)) return;
      options.onOutput?.(area.outputs, message);
      for (const check of waiting) check();
    };
    const ended = future.done.then((reply) => toRun(source, area.outputs, reply.content));
    const done = within(options.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS, ended, () => {
      const shown = JSON.stringify(area.outputs, undefined, 1);
      return `The cell has not ended:\n${source}\nIts outputs so far: ${shown}`;
    });
    // Whoever awaits `until` only must not be ended by an unhandled rejection.
    done.catch(() => undefined);
    const until = (condition: (outputs: readonly NotebookOutput[]) => boolean): Promise<void> => {
      const met = new Promise<void>((resolve) => {
        const check = (): void => {
          if (!condition(area.outputs)) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      });
      const over = done.then((run) => {
        if (!condition(run.outputs)) throw new Error(`The cell ended otherwise: ${JSON.stringify(run.outputs)}`);
      });
      return Promise.race([met, over]);
    };
    return { outputs: area.outputs, done, until };
  }

  /** Resolves when the kernel has taken notice: the server answers before, and a cell sent at once could overtake the interrupt. */
  async interrupt(): Promise<void> {
    const noticed = new Promise<void>((resolve) => {
      const look = (_kernel: unknown, { msg }: Kernel.IAnyMessageArgs): void => {
        const { parent_header: parent } = msg;
        if (!('msg_type' in parent)) return;
        // The client's types know no such message: it is the server that sends it.
        const type: string = parent.msg_type;
        if (type !== 'interrupt_request') return;
        this.kernel.anyMessage.disconnect(look);
        resolve();
      };
      this.kernel.anyMessage.connect(look);
    });
    await within(20, this.kernel.interrupt(), () => 'The kernel does not answer an interrupt.');
    await within(20, noticed, () => 'The kernel takes no notice of an interrupt.');
  }

  async restart(): Promise<void> {
    const restarted = this.kernel.restart().then(() => this.ready());
    await within(60, restarted, () => 'The kernel has not come back after a restart.');
  }

  /** Resolves when the kernel has answered. */
  async ready(): Promise<void> {
    const answered = this.#connected().then(() => this.kernel.requestKernelInfo());
    await within(60, answered, () => `The kernel does not answer; it is ${this.kernel.status}.`);
  }

  async #connected(): Promise<void> {
    if (this.kernel.connectionStatus === 'connected') return;
    await new Promise<void>((resolve) => {
      const onChange = (_kernel: Kernel.IKernelConnection, status: Kernel.ConnectionStatus): void => {
        if (status !== 'connected') return;
        this.kernel.connectionStatusChanged.disconnect(onChange);
        resolve();
      };
      this.kernel.connectionStatusChanged.connect(onChange);
    });
  }

  /** Completions at `cursor` (UTF-16 units from the start, the end by default). */
  async complete(source: string, cursor = source.length): Promise<Completions> {
    const asked = this.kernel.requestComplete({ code: source, cursor_pos: codePoints(source, cursor) });
    const { content } = await within(30, asked, () => `No completions for ${source}`);
    if (content.status !== 'ok') throw new Error(`A completion was answered with ${content.status}: ${source}`);
    return { matches: content.matches, start: content.cursor_start, end: content.cursor_end };
  }

  /** @returns `text/plain`, or undefined when the kernel has found nothing. */
  async inspect(source: string, cursor = source.length, detail: 0 | 1 = 0): Promise<string | undefined> {
    const position = codePoints(source, cursor);
    const asked = this.kernel.requestInspect({ code: source, cursor_pos: position, detail_level: detail });
    const { content } = await within(30, asked, () => `No inspection of ${source}`);
    if (content.status !== 'ok' || !content.found) return undefined;
    return textOf(content.data['text/plain']);
  }

  async isComplete(source: string): Promise<KernelMessage.IIsCompleteReplyMsg['content']> {
    const asked = this.kernel.requestIsComplete({ code: source });
    return (await within(30, asked, () => `No answer whether this is complete: ${source}`)).content;
  }

  async close(): Promise<void> {
    if (this.kernel.isDisposed) return;
    this.kernel.dispose();
    const ended = SessionAPI.shutdownSession(this.session.id, this.#settings);
    await within(20, ended, () => 'The kernel has not ended.');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function toRun(source: string, outputs: readonly NotebookOutput[], reply: CellRun['reply']): CellRun {
  const error = outputs.find((output) => output.output_type === 'error');
  const result = outputs.find((output) => output.output_type === 'execute_result');
  return {
    source,
    outputs,
    reply,
    executionCount: reply.execution_count,
    error: error && { name: error.ename, message: error.evalue, traceback: plain(error.traceback.join('\n')) },
    value: result && textOf(result.data['text/plain']),
    stdout: streamText(outputs, 'stdout'),
    stderr: streamText(outputs, 'stderr'),
  };
}

export function streamText(outputs: readonly NotebookOutput[], name: 'stdout' | 'stderr'): string {
  return outputs
    .filter((output) => output.output_type === 'stream')
    .map((output) => (output.name === name ? output.text : ''))
    .join('');
}

/** A multi-line text may come as a list of lines (nbformat). */
function textOf(value: unknown): string | undefined {
  const text = Array.isArray(value) ? value.join('') : value;
  return typeof text === 'string' ? plain(text) : undefined;
}

/** Without colours. */
export function plain(text: string): string {
  // eslint-disable-next-line no-control-regex -- ESC begins every colour sequence
  return text.replace(/\x1b\[[0-9;]*m/g, '');
}

/** Jupyter counts cursor positions in Unicode code points (since protocol 5.2). */
function codePoints(source: string, cursor: number): number {
  return Array.from(source.slice(0, cursor)).length;
}

/** Nothing in a test waits for ever: rejects after so many seconds, with a sentence made at that moment. */
async function within<T>(seconds: number, promise: Promise<T>, sentence: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${sentence()} (waited ${seconds} s)`));
    }, seconds * 1000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
