// Questions to the person at the front end: `await input('Name? ')`, and `process.stdin` for programs that read lines.
// The answer travels: input_request on Jupyter's stdin socket → supervisor → request pipe.
import { Readable } from 'node:stream';
import type { Turn } from '../pipe';
import type { Attribution } from './attribution';
import type { FrameWriter } from './frames';

export interface InputOptions {
  /** The front end hides what is typed. */
  readonly password?: boolean;
}

interface Question {
  readonly turn: Turn;
  readonly prompt: string;
  readonly password: boolean;
  readonly resolve: (answer: string) => void;
  readonly reject: (reason: Error) => void;
  /** Made where the question was asked: its stack names the cell's line. */
  readonly refusal: Error;
}

export class Input {
  readonly #frames: FrameWriter;
  readonly #attribution: Attribution;
  /** The first one has been asked. */
  readonly #questions: Question[] = [];

  constructor(frames: FrameWriter, attribution: Attribution) {
    this.#frames = frames;
    this.#attribution = attribution;
  }

  /** Asks in the running cell. Rejects when the front end has nobody to ask, or the cell is interrupted. */
  readonly ask = (prompt = '', options: InputOptions = {}): Promise<string> => {
    return new Promise((resolve, reject) => {
      const { turn } = this.#attribution;
      const password = options.password === true;
      this.#questions.push({ turn, prompt, password, resolve, reject, refusal: new Error() });
      if (this.#questions.length === 1) this.#askFirst();
    });
  };

  answer(turn: Turn, value: string): void {
    if (this.#questions[0]?.turn !== turn) return;
    this.#questions.shift()?.resolve(value);
    this.#askFirst();
  }

  refuse(turn: Turn, reason: string): void {
    if (this.#questions[0]?.turn !== turn) return;
    const { reject, refusal } = this.#questions.shift() as Question;
    refusal.message = `Cannot ask for input: ${reason}`;
    reject(refusal);
    this.#askFirst();
  }

  /** The cell is over by an interrupt: nobody waits for its answers. */
  forget(turn: Turn): void {
    const first = this.#questions[0];
    for (let at = this.#questions.length - 1; at >= 0; at--)
      if (this.#questions[at]?.turn === turn) this.#questions.splice(at, 1);
    if (this.#questions[0] !== first) this.#askFirst();
  }

  /** A `process.stdin` whose lines are answers. */
  install(): void {
    let stdin: Readable | undefined;
    Object.defineProperty(process, 'stdin', {
      configurable: true,
      enumerable: true,
      get: () => (stdin ??= new AskingStream(this.ask)),
    });
  }

  #askFirst(): void {
    const first = this.#questions[0];
    if (!first) return;
    const { turn, prompt, password } = first;
    this.#frames.notice({ type: 'input', question: { turn, prompt, password, isBlocking: false } });
  }
}

/** Asks only while somebody reads: a readable stream likes to read ahead, and every read here is a question to a person. */
class AskingStream extends Readable {
  readonly fd = 0;
  readonly #ask: (prompt: string) => Promise<string>;
  #wanted = false;
  #asking = false;

  constructor(ask: (prompt: string) => Promise<string>) {
    super({ encoding: 'utf8' });
    this.#ask = ask;
    this.on('resume', () => {
      this.#askLater();
    });
  }

  override _read(): void {
    this.#wanted = true;
    this.#askLater();
  }

  #askLater(): void {
    // After the reader had its turn: `readline` pauses or closes once it has its line.
    setImmediate(() => {
      if (!this.#wanted || this.#asking || this.isPaused() || !this.#isRead()) return;
      this.#asking = true;
      this.#ask('').then(
        (line) => {
          this.#asking = this.#wanted = false;
          this.push(`${line}\n`);
        },
        (error: unknown) => {
          this.#asking = this.#wanted = false;
          this.destroy(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }

  #isRead(): boolean {
    return this.readableFlowing === true || this.listenerCount('readable') > 0;
  }
}
