// A program in a terminal, and somebody who types: what the program draws is read as plain text.
import type { ChildProcess } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';

const PATIENCE_MILLISECONDS = 30_000;

/** Python's own pty module puts a terminal between our pipes and the program: `python -c IN_TERMINAL PROGRAM ARGS…`. */
export const IN_TERMINAL = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)';

export const KEYS = { enter: '\r', up: '\u001b[A', tab: '\t', interrupt: '\u0003', end: '\u0004' } as const;

export class Terminal {
  readonly #program: ChildProcess;
  readonly #ended: Promise<number | null>;
  #drawn = '';
  /** Up to here it has been looked at. */
  #seen = 0;

  constructor(program: ChildProcess) {
    this.#program = program;
    for (const stream of [program.stdout, program.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#drawn += text));
    this.#ended = new Promise((resolve) => program.once('close', resolve));
  }

  type(keys: string): void {
    this.#program.stdin?.write(keys);
  }

  /** Types a line, and Enter when the line is drawn: what comes too fast counts as pasted text. */
  async enter(line: string): Promise<void> {
    this.type(line);
    await new Promise((resolve) => setTimeout(resolve, 300));
    this.type(KEYS.enter);
  }

  /** Waits until this is drawn, after what was waited for before. Gives the text up to and with it. */
  async until(pattern: RegExp): Promise<string> {
    const deadline = Date.now() + PATIENCE_MILLISECONDS;
    for (;;) {
      const text = this.#unseen();
      const found = pattern.exec(text);
      if (found) {
        this.#seen += found.index + found[0].length;
        return text.slice(0, found.index + found[0].length);
      }
      if (Date.now() > deadline) throw new Error(`${String(pattern)} was not drawn. What was:\n${text.slice(-1_500)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** All that was drawn, colours and all. */
  get raw(): string {
    return this.#drawn;
  }

  /** The exit code. */
  ended(): Promise<number | null> {
    return this.#ended;
  }

  /** Hangs up: what runs there is told by the system that its terminal is gone. */
  async leave(): Promise<void> {
    this.#program.kill('SIGKILL');
    await this.#ended;
  }

  #unseen(): string {
    return stripVTControlCharacters(this.#drawn).replaceAll('\r', '').slice(this.#seen);
  }
}
