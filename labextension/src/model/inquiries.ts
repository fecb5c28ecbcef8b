// What the panel has asked and waits for: each request is settled once, by its answer, by time, or by the loss of the channel.
export interface Inquiry<T> {
  readonly request: string;
  readonly answer: Promise<T>;
}

interface Open<T> {
  readonly resolve: (answer: T) => void;
  readonly reject: (error: Error) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

export class Inquiries<T> {
  readonly #open = new Map<string, Open<T>>();
  #count = 0;

  /** `late`: in words, for when nothing has come in time. */
  begin(patienceMs: number, late: () => string): Inquiry<T> {
    this.#count += 1;
    const request = `${String(this.#count)}-${Math.random().toString(36).slice(2)}`;
    const answer = new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.settle(request, new Error(late()));
      }, patienceMs);
      this.#open.set(request, { resolve, reject, timer });
    });
    return { request, answer };
  }

  settle(request: string, answer: T | Error): void {
    const open = this.#open.get(request);
    if (!open) return;
    this.#open.delete(request);
    clearTimeout(open.timer);
    if (answer instanceof Error) open.reject(answer);
    else open.resolve(answer);
  }

  fail(error: Error): void {
    for (const request of [...this.#open.keys()]) this.settle(request, error);
  }
}
