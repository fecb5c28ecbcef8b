// One cell from its request to its reply: what it is attributed by, where its output goes, and how it is stopped.
import type { Cell, HereRun } from '../magics/namespace';
import type { Turn } from './pipe';
import type { CellFlow } from './output-flow';
import { parseExpressions, type Expressions } from './user-expressions';
import type { Message } from './wire/message';
import type { ChannelName } from './wire/wire';

/** A second interrupt within this time means: cancel. */
const SECOND_INTERRUPT_MILLISECONDS = 3_000;

/** Puts a question to the front end; gives what withdraws it. */
export type AskUser = (prompt: string, isSecret: boolean, answered: (value: string) => void) => () => void;

export interface ExecuteRequest {
  readonly message: Message;
  /** Where it came from, and its reply goes to. */
  readonly channel: ChannelName;
  readonly source: string;
  readonly silent: boolean;
  readonly storeHistory: boolean;
  readonly stopOnError: boolean;
  readonly allowStdin: boolean;
  readonly expressions: Expressions;
}

export function parseExecute(message: Message, channel: ChannelName): ExecuteRequest {
  const { code, silent, store_history, stop_on_error, allow_stdin, user_expressions } = message.content;
  return {
    message,
    channel,
    source: typeof code === 'string' ? code : '',
    silent: silent === true,
    storeHistory: store_history !== false && silent !== true,
    stopOnError: stop_on_error !== false,
    allowStdin: allow_stdin === true,
    expressions: parseExpressions(user_expressions),
  };
}

export class RunningCell {
  readonly request: ExecuteRequest;
  readonly turn: Turn;
  /** The number in `Cell [7]`. */
  readonly execution: number;
  readonly flow: CellFlow;
  readonly #interrupt = new AbortController();
  readonly #cancel = new AbortController();
  readonly #ask: AskUser;
  #interruptedAt: number | undefined;

  constructor(request: ExecuteRequest, turn: Turn, execution: number, flow: CellFlow, ask: AskUser) {
    this.request = request;
    this.turn = turn;
    this.execution = execution;
    this.flow = flow;
    this.#ask = ask;
  }

  get signal(): AbortSignal {
    return this.#interrupt.signal;
  }

  /** As the magics see it. */
  toCell(runHere: () => Promise<HereRun>): Cell {
    const { cellId } = this.request.message.metadata;
    return {
      source: this.request.source,
      execution: this.execution,
      ...(typeof cellId === 'string' ? { cellId } : {}),
      output: this.flow,
      signal: this.#interrupt.signal,
      cancel: this.#cancel.signal,
      ...(this.request.allowStdin ? { ask: (question, signal) => this.#askFor(question, signal) } : {}),
      runHere,
    };
  }

  /** Also after the cell has ended, as long as it is the newest. Tells whether this was a second interrupt, shortly after the first. */
  interrupt(): 'first' | 'second' {
    const now = performance.now();
    const again = this.#interruptedAt !== undefined && now - this.#interruptedAt < SECOND_INTERRUPT_MILLISECONDS;
    this.#interruptedAt = now;
    this.#interrupt.abort();
    if (!again) return 'first';
    this.#cancel.abort();
    return 'second';
  }

  #askFor(
    { prompt, isSecret }: { readonly prompt: string; readonly isSecret: boolean },
    signal: AbortSignal,
  ): Promise<string | undefined> {
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve(undefined);
        return;
      }
      const giveUp = (): void => {
        withdraw();
        resolve(undefined);
      };
      const withdraw = this.#ask(prompt, isSecret, (value) => {
        signal.removeEventListener('abort', giveUp);
        resolve(value);
      });
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  get wasInterrupted(): boolean {
    return this.#interrupt.signal.aborted;
  }
}
