// How often a batch system is asked: soon after something happened, then ever more rarely, and never twice at once.
export interface PaceOptions {
  /** From one question to the next after news, and at least between any two. */
  readonly firstMs: number;
  /** The interval doubles up to this. */
  readonly longestMs: number;
}

export class Pace {
  readonly #options: PaceOptions;
  readonly #ask: () => Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Infinity;
  #interval: number;
  #askedAt = -Infinity;
  #isAsking = false;
  #isStopped = false;

  constructor(options: PaceOptions, ask: () => Promise<void>) {
    this.#options = options;
    this.#ask = ask;
    this.#interval = options.firstMs;
  }

  /** There are news: the intervals grow from the beginning. */
  soon(): void {
    this.#interval = this.#options.firstMs;
    this.#schedule(Math.max(Date.now() + this.#options.firstMs / 2, this.#askedAt + this.#options.firstMs));
  }

  /** There is nothing to ask for. */
  rest(): void {
    clearTimeout(this.#timer);
    this.#dueAt = Infinity;
  }

  stop(): void {
    this.#isStopped = true;
    this.rest();
  }

  #schedule(at: number): void {
    if (this.#isStopped || this.#isAsking || at >= this.#dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = at;
    this.#timer = setTimeout(() => void this.#turn(), Math.max(0, at - Date.now()));
    this.#timer.unref();
  }

  async #turn(): Promise<void> {
    this.#dueAt = Infinity;
    this.#askedAt = Date.now();
    this.#isAsking = true;
    const { longestMs } = this.#options;
    const interval = this.#interval;
    try {
      await this.#ask();
    } finally {
      this.#isAsking = false;
      // News that came while we asked have set the interval back.
      if (this.#interval === interval) this.#interval = Math.min(longestMs, interval * 2);
      this.#schedule(this.#askedAt + interval);
    }
  }
}
