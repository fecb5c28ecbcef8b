// How often a batch system is asked: soon after something happened if it was not asked lately, then ever more rarely, and never twice at once.
export interface PaceOptions {
  /** The floor: as much at least between any two questions, whatever happens. */
  readonly firstMs: number;
  /** The interval doubles up to this. */
  readonly longestMs: number;
}

/** What has happened in one place is known in the others soon. */
const NEWS_MS = 500;

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

  /** There are news, of which the batch system may know more after this time: the intervals grow from the beginning. */
  soon(afterMs = NEWS_MS): void {
    const { firstMs } = this.#options;
    this.#interval = firstMs;
    this.#schedule(Math.max(Date.now() + Math.min(afterMs, firstMs / 2), this.#askedAt + firstMs));
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
