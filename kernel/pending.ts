// What was asked of a process and is not answered yet.

interface Waiting<Answer> {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

export class Pending<Key, Answer> {
  readonly #waiting = new Map<Key, Waiting<Answer>>();

  /** The answer to what is asked under this key. */
  wait(key: Key): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(key, { resolve, reject });
    });
  }

  /** Does nothing for a key that nobody waits for. */
  resolve(key: Key, answer: Answer): void {
    this.#take(key)?.resolve(answer);
  }

  reject(key: Key, error: Error): void {
    this.#take(key)?.reject(error);
  }

  rejectAll(error: Error): void {
    for (const key of [...this.#waiting.keys()]) this.reject(key, error);
  }

  #take(key: Key): Waiting<Answer> | undefined {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    return waiting;
  }
}

/** An error of a call, with its own fields as JSON. */
export class CallFailed extends Error {
  override readonly name: string;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(name: string, message: string, fields: Readonly<Record<string, unknown>>) {
    super(message);
    this.name = name;
    this.fields = fields;
    if (typeof fields['stack'] === 'string') this.stack = fields['stack'];
  }
}
