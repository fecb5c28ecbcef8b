// Work that must not be done twice at the same time: who comes second waits, and finds it done.

export class Turns {
  readonly #underWay = new Map<string, Promise<void>>();

  /** Throws the signal's reason when it is given up while it waits, and what `work` throws. */
  async take<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    for (let before = this.#underWay.get(name); before !== undefined; before = this.#underWay.get(name)) {
      await settledOr(before, signal);
      signal.throwIfAborted();
    }
    const working = work();
    const settled = working.then(
      () => this.#end(name),
      () => this.#end(name),
    );
    this.#underWay.set(name, settled);
    return await working;
  }

  #end(name: string): void {
    this.#underWay.delete(name);
  }
}

function settledOr(before: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
    void before.then(done);
  });
}
