// Questions that were put to the front end and have no answer yet. All are the running cell's: with its end they are void.
import type { Message } from './wire/message';
import type { Wire } from './wire/wire';

/** Ids of void questions are remembered for this many, so that late answers are not taken for answers to newer ones. */
const REMEMBERED = 100;

interface Question {
  readonly id: string;
  readonly answered: (value: string) => void;
}

export class Questions {
  readonly #wire: Wire;
  #open: Question[] = [];
  readonly #void = new Set<string>();

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** Asks the client that sent `request`. Gives what withdraws the question. */
  ask(request: Message, prompt: string, password: boolean, answered: (value: string) => void): () => void {
    const question = { id: this.#wire.ask(request, prompt, password), answered };
    this.#open.push(question);
    return () => {
      if (this.#open.includes(question)) this.#withdraw(question);
    };
  }

  /**
   * An input_reply came. JupyterLab says by the parent header what it answers; jupyter_client says nothing, and answers in order.
   * False: nobody waits for it.
   */
  answer(parentId: unknown, value: string): boolean {
    if (typeof parentId === 'string' && this.#void.has(parentId)) return false;
    const question = this.#open.find(({ id }) => id === parentId) ?? this.#open[0];
    if (question === undefined) return false;
    this.#withdraw(question);
    question.answered(value);
    return true;
  }

  withdrawAll(): void {
    for (const question of this.#open) this.#withdraw(question);
  }

  #withdraw(question: Question): void {
    this.#open = this.#open.filter((each) => each !== question);
    this.#void.add(question.id);
    const [oldest] = this.#void;
    if (this.#void.size > REMEMBERED && oldest !== undefined) this.#void.delete(oldest);
  }
}
