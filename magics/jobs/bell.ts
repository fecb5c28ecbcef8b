// Wakes whoever waits. Rings before anybody waits are not lost: the next wait returns at once.
export class Bell {
  #hasRung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#hasRung = true;
    this.#wake?.();
  }

  /** Until the bell rings, the time is over or the signal is aborted. For one waiter at a time. */
  async wait(ms: number | undefined, signal: AbortSignal): Promise<void> {
    if (!this.#hasRung && !signal.aborted) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal.addEventListener('abort', this.#onAbort);
        if (ms !== undefined) timer = setTimeout(resolve, ms);
      });
      clearTimeout(timer);
      signal.removeEventListener('abort', this.#onAbort);
      this.#wake = undefined;
    }
    this.#hasRung = false;
  }

  readonly #onAbort = (): void => {
    this.#wake?.();
  };
}
