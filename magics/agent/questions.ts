// Questions that only a person can answer, on their way from a connection that needs one to the notebooks that wait for it. The first answer counts;
// with nobody there the question is given up soon, and never asked again without a person's doing.
import type { Ask, Question } from '../transports';

export interface AskedQuestion extends Question {
  readonly id: number;
}

/** A notebook that has just submitted may need a moment to listen. */
const NOBODY_MS = 5000;

export interface QuestionListener {
  readonly asked: (question: AskedQuestion) => void;
  /** Answered by somebody, or of no use any more. */
  readonly settled: (id: number) => void;
}

interface Pending {
  readonly question: AskedQuestion;
  readonly settle: (answer: string | undefined) => void;
}

export class Questions {
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Set<QuestionListener>();
  readonly #arrivals = new Set<() => void>();
  #last = 0;

  readonly ask: Ask = (question, signal) =>
    new Promise((resolve) => {
      const id = ++this.#last;
      const asked: AskedQuestion = { ...question, id };
      const settle = (answer: string | undefined): void => {
        clearInterval(timer);
        signal.removeEventListener('abort', giveUp);
        this.#pending.delete(id);
        for (const { settled } of this.#listeners) settled(id);
        resolve(answer);
      };
      const giveUp = (): void => {
        settle(undefined);
      };
      let heardAt = Date.now();
      const timer = setInterval(() => {
        if (this.#listeners.size > 0) heardAt = Date.now();
        else if (Date.now() - heardAt > NOBODY_MS) giveUp();
      }, NOBODY_MS / 10);
      signal.addEventListener('abort', giveUp);
      if (signal.aborted) giveUp();
      else this.#pending.set(id, { question: asked, settle });
      for (const listener of this.#listeners) listener.asked(asked);
    });

  /** Until somebody listens who was not there before, or the signal. */
  readonly untilPerson = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        this.#arrivals.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
      else this.#arrivals.add(done);
    });

  /** undefined: the person would rather not. A question that is settled already has no use for it. */
  answer(id: number, text: string | undefined): void {
    this.#pending.get(id)?.settle(text);
  }

  /** Tells the questions that wait, and each new one. Gives how to stop that. */
  subscribe(listener: QuestionListener): () => void {
    this.#listeners.add(listener);
    for (const arrived of [...this.#arrivals]) arrived();
    for (const { question } of this.#pending.values()) listener.asked(question);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
