// One client's connection: greeting, requests, streams. What a client sends can end its own connection, and nothing else.
import type { Duplex } from 'node:stream';
import { ClusterError, ProtocolError, messageOf, systemCode, type ErrorCode } from '../protocol/errors';
import { FrameReader, encodeFrame } from '../protocol/frames';
import {
  AGENT_PROTOCOL,
  CALLS,
  STREAMS,
  STREAM_WINDOW_BYTES,
  clientMessage,
  type AgentMessage,
  type CallName,
  type ClientMessage,
  type StreamName,
} from '../protocol/messages';
import { JobRejectedError } from '../protocol/job-errors';
import { hostName, identify } from '../protocol/platform';
import type { ProcessIdentity } from '../protocol/run';
import { Bell } from '../jobs';
import type { Answers, Asking } from './answers';

/** A greeting comes at once, or it is no client of ours. */
const GREETING_MS = 10_000;

export interface SessionOptions {
  readonly answers: Answers;
  readonly version: string;
  readonly log: (line: string) => void;
}

interface Flow {
  readonly stop: AbortController;
  readonly bell: Bell;
  /** Bytes that may still be sent before the client has used some up. */
  window: number;
}

export class Session {
  readonly #stream: Duplex;
  readonly #options: SessionOptions;
  readonly #flows = new Map<number, Flow>();
  #client: ProcessIdentity | undefined;

  constructor(stream: Duplex, options: SessionOptions) {
    this.#stream = stream;
    this.#options = options;
  }

  /** The client's process, once it has introduced itself. */
  get client(): ProcessIdentity | undefined {
    return this.#client;
  }

  /** Settles when the connection is closed. */
  async serve(): Promise<void> {
    const reader = new FrameReader();
    const greeting = setTimeout(() => {
      if (this.#client === undefined) this.#stream.destroy();
    }, GREETING_MS);
    try {
      for await (const chunk of this.#stream) {
        if (!(chunk instanceof Uint8Array)) throw new ProtocolError('The stream gave text instead of bytes.');
        for (const frame of reader.push(chunk)) this.#take(clientMessage(frame.message, 'a message'), frame.bytes);
      }
    } catch (error) {
      this.#options.log(`a connection was ended: ${messageOf(error)}`);
    } finally {
      clearTimeout(greeting);
      for (const flow of this.#flows.values()) flow.stop.abort();
      this.#stream.destroy();
    }
  }

  close(): void {
    this.#stream.end();
  }

  #take(message: ClientMessage, bytes: Buffer | undefined): void {
    if (message.type === 'hello') {
      const { version } = this.#options;
      if (message.protocol !== AGENT_PROTOCOL) {
        this.#tell({ type: 'refused', protocol: AGENT_PROTOCOL, version });
        this.close();
        return;
      }
      this.#client = message.client;
      this.#tell({ type: 'welcome', protocol: AGENT_PROTOCOL, version, agent: identify(process.pid) });
      return;
    }
    const client = this.#client;
    if (client === undefined) throw new ProtocolError('A client asked before it said hello.');
    if (message.type === 'stop') this.#flows.get(message.id)?.stop.abort();
    else if (message.type === 'credit') this.#credit(message.id, message.bytes);
    else if (isCall(message.method)) void this.#answer(message.id, message.method, message.params, { client, bytes });
    else if (isStream(message.method)) void this.#flow(message.id, message.method, message.params);
    else
      this.#fail(message.id, new ProtocolError(`The agent knows no ${JSON.stringify(message.method.slice(0, 40))}.`));
  }

  async #answer(id: number, method: CallName, params: unknown, from: Asking): Promise<void> {
    try {
      const value = await this.#options.answers.call(method, params, from);
      this.#tell({ type: 'reply', id, value });
    } catch (error) {
      this.#fail(id, error);
    }
  }

  async #flow(id: number, method: StreamName, params: unknown): Promise<void> {
    if (this.#flows.has(id)) {
      this.#fail(id, new ProtocolError(`There is a stream ${id} already.`));
      return;
    }
    const flow: Flow = { stop: new AbortController(), bell: new Bell(), window: STREAM_WINDOW_BYTES };
    const { signal } = flow.stop;
    this.#flows.set(id, flow);
    try {
      for await (const item of this.#options.answers.stream(method, params, signal)) {
        while (flow.window <= 0 && !signal.aborted) await flow.bell.wait(undefined, signal);
        if (signal.aborted) break;
        flow.window -= item.bytes?.length ?? 0;
        this.#tell({ type: 'event', id, value: item.event }, item.bytes);
      }
      this.#tell({ type: 'end', id });
    } catch (error) {
      this.#fail(id, error);
    } finally {
      this.#flows.delete(id);
    }
  }

  #credit(id: number, bytes: number): void {
    const flow = this.#flows.get(id);
    if (flow === undefined) return;
    flow.window = Math.min(STREAM_WINDOW_BYTES, flow.window + bytes);
    flow.bell.ring();
  }

  #fail(id: number, error: unknown): void {
    if (!ClusterError.is(error)) this.#options.log(`a request failed: ${describeDefect(error)}`);
    const [code, text] = toFailure(error);
    const words = error instanceof JobRejectedError ? error.schedulerWords : undefined;
    const more = words === undefined ? {} : { schedulerWords: words };
    this.#tell({ type: 'failure', id, code, message: text, ...more });
  }

  #tell(message: AgentMessage, bytes?: Buffer): void {
    if (this.#stream.destroyed || this.#stream.writableEnded) return;
    const pieces = encodeFrame(bytes === undefined ? { message } : { message, bytes });
    this.#stream.cork();
    for (const piece of pieces) this.#stream.write(piece);
    this.#stream.uncork();
  }
}

/** Of a disk that takes nothing more. */
const FULL: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT']);

function toFailure(error: unknown): readonly [ErrorCode, string] {
  if (ClusterError.is(error)) return [error.code, error.message];
  if (FULL.has(systemCode(error)))
    return [
      'DISK_FULL',
      `The disk where ${hostName()} keeps jobs is full (${messageOf(error)}). Free some space there, or set \`store:\` of the cluster to another disk (for jobs of this machine: CELLBURST_STATE_DIR), then run the cell again.`,
    ];
  return ['AGENT', `The agent failed: ${messageOf(error)}`];
}

/** For the log: where it happened. */
function describeDefect(error: unknown): string {
  return error instanceof Error && error.stack !== undefined ? error.stack : String(error);
}

function isCall(method: string): method is CallName {
  return Object.hasOwn(CALLS, method);
}

function isStream(method: string): method is StreamName {
  return Object.hasOwn(STREAMS, method);
}
