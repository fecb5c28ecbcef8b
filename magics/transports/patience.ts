// How long a host may take to let us in: each of its answers is waited for so long, and time that a person takes does not count.
import type { Ask } from './ask';

export class Patience {
  readonly #ms: number;
  readonly #over: () => void;
  #timer: NodeJS.Timeout | undefined;
  #asking = 0;
  #isDone = false;

  constructor(ms: number, over: () => void) {
    this.#ms = ms;
    this.#over = over;
    this.renew();
  }

  /** The host has answered: the next answer may take as long. */
  renew(): void {
    clearTimeout(this.#timer);
    if (this.#asking === 0 && !this.#isDone) this.#timer = setTimeout(this.#over, this.#ms);
  }

  end(): void {
    this.#isDone = true;
    clearTimeout(this.#timer);
  }

  /** The same question, during whose time the host is not waited for. */
  around(ask: Ask): Ask {
    return async (question, signal) => {
      this.#asking += 1;
      clearTimeout(this.#timer);
      try {
        return await ask(question, signal);
      } finally {
        this.#asking -= 1;
        this.renew();
      }
    };
  }
}
