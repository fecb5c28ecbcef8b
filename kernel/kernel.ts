// The kernel's conversation: which request gets which answer, on which socket, between `busy` and `idle`. Runs no user code, so it always answers.
import { randomUUID } from 'node:crypto';
import { toCodePoints, toOffset } from './offsets';
import type { Comms } from './comms';
import type { Executions } from './executions';
import type { History } from './history';
import type { Completions, Inspection, Language } from '../language';
import type { Log } from './log';
import type { LazyMagics } from './magics';
import { ownVersion, versionOf } from './versions';
import type { Connection } from './wire/connection';
import { PROTOCOL_VERSION } from './wire/message';
import type { Content, Message } from './wire/message';
import type { ChannelName, Wire } from './wire/wire';

/** A completion that takes longer is of no use to anybody. */
const ANSWER_MILLISECONDS = 10_000;

export interface KernelOptions {
  readonly wire: Wire;
  readonly connection: Connection;
  readonly isJS: boolean;
  readonly executions: Executions;
  readonly language: Language;
  readonly magics: LazyMagics;
  readonly history: History;
  readonly comms: Comms;
  readonly log: Log;
  /** Called once, after the reply to a shutdown_request has gone out. */
  readonly shutdown: () => void;
}

/** What a request is answered with. Absent: it is a message without an answer. */
type Answer = { readonly type: string; readonly content: Content } | undefined;

export class Kernel {
  readonly #options: KernelOptions;
  readonly #subshells = new Set<string>();

  constructor(options: KernelOptions) {
    this.#options = options;
  }

  /** Serves all sockets until they close. */
  async serve(): Promise<void> {
    await this.#options.wire.status(undefined, 'starting');
    await Promise.all([this.#serve('shell'), this.#serve('control'), this.#serveStdin()]);
  }

  async #serve(channel: ChannelName): Promise<void> {
    for await (const message of this.#options.wire.requests(channel)) {
      if (message.header.msg_type === 'execute_request') this.#options.executions.enqueue(message, channel);
      else void this.#answer(channel, message);
    }
  }

  async #serveStdin(): Promise<void> {
    for await (const { header, parent, content } of this.#options.wire.requests('stdin')) {
      const { value } = content;
      if (header.msg_type === 'input_reply' && typeof value === 'string')
        this.#options.executions.answerInput(parent['msg_id'], value);
      else this.#options.log.write(`left out a ${header.msg_type} on stdin`);
    }
  }

  async #answer(channel: ChannelName, message: Message): Promise<void> {
    const { wire, log, executions } = this.#options;
    const { msg_type: type } = message.header;
    await wire.status(message, 'busy');
    try {
      const answer = await this.#answerTo(message);
      if (answer) await wire.reply(channel, message, answer.type, answer.content);
    } catch (error) {
      if (!executions.isEnding) log.write(`a ${type} could not be answered`, error);
      const content = errorContent(error);
      await wire.reply(channel, message, type.replace(/_request$/, '_reply'), content);
    }
    await wire.status(message, 'idle');
    // Clients take the newest status for the kernel's: while a cell runs it is busy, whatever else was answered meanwhile.
    if (executions.busy) await wire.status(executions.busy, 'busy');
    if (type === 'shutdown_request') this.#options.shutdown();
  }

  async #answerTo(message: Message): Promise<Answer> {
    const { content } = message;
    switch (message.header.msg_type) {
      case 'kernel_info_request':
        return { type: 'kernel_info_reply', content: kernelInfo(this.#options.isJS) };
      case 'connect_request':
        return { type: 'connect_reply', content: this.#connectInfo() };
      case 'is_complete_request':
        return { type: 'is_complete_reply', content: await this.#isComplete(content) };
      case 'complete_request':
        return { type: 'complete_reply', content: await this.#complete(content) };
      case 'inspect_request':
        return { type: 'inspect_reply', content: await this.#inspect(content) };
      case 'history_request':
        return { type: 'history_reply', content: await this.#options.history.answer(content) };
      case 'comm_info_request':
        return { type: 'comm_info_reply', content: this.#options.comms.info(content) };
      case 'comm_open':
        await this.#options.comms.open(message);
        return undefined;
      case 'comm_msg':
        this.#options.comms.receive(message);
        return undefined;
      case 'comm_close':
        await this.#options.comms.close(message);
        return undefined;
      case 'interrupt_request':
        this.#options.executions.interrupt();
        return { type: 'interrupt_reply', content: { status: 'ok' } };
      case 'shutdown_request':
        return this.#shutdown(message);
      default:
        return this.#answerSubshell(message);
    }
  }

  /** JEP 91. All requests are served while a cell runs, so a subshell is no more than a name. */
  #answerSubshell(message: Message): Answer {
    switch (message.header.msg_type) {
      case 'create_subshell_request': {
        const id = randomUUID();
        this.#subshells.add(id);
        return { type: 'create_subshell_reply', content: { status: 'ok', subshell_id: id } };
      }
      case 'delete_subshell_request': {
        const { subshell_id: id } = message.content;
        if (typeof id === 'string') this.#subshells.delete(id);
        return { type: 'delete_subshell_reply', content: { status: 'ok' } };
      }
      case 'list_subshell_request':
        return { type: 'list_subshell_reply', content: { status: 'ok', subshell_id: [...this.#subshells] } };
      default:
        this.#options.log.write(`left out a message of the unknown type ${message.header.msg_type}`);
        return undefined;
    }
  }

  async #shutdown(message: Message): Promise<Answer> {
    const content = { status: 'ok', restart: message.content['restart'] === true };
    await this.#options.wire.publish(message, 'shutdown_reply', content);
    return { type: 'shutdown_reply', content };
  }

  #connectInfo(): Content {
    const { shell, iopub, stdin, control, hb } = this.#options.connection.ports;
    return { shell_port: shell, iopub_port: iopub, stdin_port: stdin, control_port: control, hb_port: hb };
  }

  async #isComplete(content: Content): Promise<Content> {
    const source = textOf(content['code']);
    // An empty line ends a cell magic, since its rest need not be TypeScript.
    if (this.#options.magics.hasCellMagic(source))
      return /\n[ \t]*$/.test(source) ? { status: 'complete' } : { status: 'incomplete', indent: '' };
    return { ...(await this.#options.language.isComplete(source, AbortSignal.timeout(ANSWER_MILLISECONDS))) };
  }

  async #complete(content: Content): Promise<Content> {
    const { source, offset } = positionIn(content);
    const signal = AbortSignal.timeout(ANSWER_MILLISECONDS);
    const found =
      (await this.#completeMagic(source, offset)) ?? (await this.#options.language.complete(source, offset, signal));
    const start = toCodePoints(source, found.start);
    const end = toCodePoints(source, found.end);
    return {
      status: 'ok',
      matches: found.matches.map((match) => match.text),
      cursor_start: start,
      cursor_end: end,
      // JupyterLab's own extension: the kind of each match, for its icon.
      metadata: {
        _jupyter_types_experimental: found.matches.map(({ text, kind }) => ({ text, type: kind, start, end })),
      },
    };
  }

  async #completeMagic(source: string, offset: number): Promise<Completions | undefined> {
    const found = await this.#options.magics.complete(source, offset);
    return found && { ...found, matches: found.matches.map(({ text, type }) => ({ text, kind: type })) };
  }

  async #inspectMagic(source: string, offset: number): Promise<Inspection | undefined> {
    const text = await this.#options.magics.inspect(source, offset);
    return text === undefined ? undefined : { plain: text, markdown: `\`\`\`text\n${text}\n\`\`\`` };
  }

  async #inspect(content: Content): Promise<Content> {
    const { source, offset } = positionIn(content);
    const signal = AbortSignal.timeout(ANSWER_MILLISECONDS);
    const found =
      (await this.#inspectMagic(source, offset)) ?? (await this.#options.language.inspect(source, offset, signal));
    if (!found) return { status: 'ok', found: false, data: {}, metadata: {} };
    const data = { 'text/plain': found.plain, 'text/markdown': found.markdown };
    return { status: 'ok', found: true, data, metadata: {} };
  }
}

function kernelInfo(isJS: boolean): Content {
  return {
    status: 'ok',
    protocol_version: PROTOCOL_VERSION,
    implementation: 'cellburst',
    implementation_version: ownVersion(),
    language_info: isJS ? JAVASCRIPT : typescript(),
    banner: `Cellburst ${ownVersion()}: ${isJS ? 'JavaScript' : `TypeScript ${versionOf('typescript')}`} on Node ${process.version}`,
    debugger: false,
    supported_features: ['kernel subshells'],
    help_links: [
      { text: 'TypeScript', url: 'https://www.typescriptlang.org/docs/' },
      { text: 'Node.js', url: 'https://nodejs.org/api/' },
    ],
  };
}

/** What front ends highlight, save and export by. */
function typescript(): Content {
  return {
    name: 'typescript',
    version: versionOf('typescript'),
    mimetype: 'text/typescript',
    file_extension: '.ts',
    codemirror_mode: 'typescript',
    pygments_lexer: 'typescript',
    nbconvert_exporter: 'script',
  };
}

const JAVASCRIPT: Content = {
  name: 'javascript',
  version: process.versions.node,
  mimetype: 'text/javascript',
  file_extension: '.js',
  codemirror_mode: 'javascript',
  pygments_lexer: 'javascript',
  nbconvert_exporter: 'script',
};

function positionIn(content: Content): { source: string; offset: number } {
  const source = textOf(content['code']);
  const { cursor_pos } = content;
  const offset = typeof cursor_pos === 'number' ? toOffset(source, cursor_pos) : source.length;
  return { source, offset };
}

function errorContent(error: unknown): Content {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
  return { status: 'error', ename: name, evalue: message, traceback: [`${name}: ${message}`] };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
