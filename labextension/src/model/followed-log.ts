// One job's log as long as somebody looks at it.
import type { KernelMessage } from '../../../magics/protocol/monitor';
import { LogText, type Line } from './log';
import { Store, type Readable } from './store';
import type { Send } from './client';

type LogMessage = Extract<KernelMessage, { type: 'log' }>;

export interface LogLimits {
  readonly lines: number;
  readonly tailBytes: number;
}

export interface LogView {
  readonly lines: readonly Line[];
  /** Output was left out: before the first line, or in the middle of a flood. */
  readonly isCut: boolean;
  /** The job has ended and this is all of it. */
  readonly isEnded: boolean;
  /** The first message has come. */
  readonly isKnown: boolean;
  readonly problem?: string;
}

const EMPTY: LogView = { lines: [], isCut: false, isEnded: false, isKnown: false };

export class FollowedLog {
  readonly job: string;
  readonly #limits: LogLimits;
  readonly #onUnused: () => void;
  readonly #view = new Store<LogView>(EMPTY);
  readonly #text: LogText;
  #next = 0;
  #users = 0;

  constructor(job: string, limits: LogLimits, onUnused: () => void) {
    this.job = job;
    this.#limits = limits;
    this.#onUnused = onUnused;
    this.#text = new LogText(limits.lines);
  }

  get view(): Readable<LogView> {
    return this.#view;
  }

  retain(): void {
    this.#users += 1;
  }

  release(): void {
    this.#users -= 1;
    if (this.#users === 0) this.#onUnused();
  }

  /** From where we are. */
  follow(send: Send): void {
    if (this.#view.value.isEnded) return;
    send({ type: 'follow', job: this.job, from: this.#next, tailBytes: this.#limits.tailBytes });
  }

  receive({ from, next, pieces, ended, problem }: LogMessage): void {
    // Of a conversation that was lost meanwhile.
    if (from < this.#next) return;
    const { isCut } = this.#view.value;
    const isGap = from > this.#next && pieces.length > 0;
    if (isGap && this.#next > 0) this.#text.note('⋯');
    for (const piece of pieces) this.#text.push(piece);
    this.#next = next;
    this.#view.set({
      lines: this.#text.lines,
      isCut: isCut || isGap,
      isEnded: ended,
      isKnown: true,
      ...(problem === undefined ? {} : { problem }),
    });
  }
}
