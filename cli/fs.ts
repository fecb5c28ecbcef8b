// `cellburst fs VERB …`: files of clusters from a terminal.
import { connectAgent } from '../magics/client';
import { runFs } from '../magics/fs';
import type { Terminal } from './commands';
import { EXIT } from './usage';

const NEXT_MS = 200;

export async function fsCommand(words: readonly string[], terminal: Terminal): Promise<number> {
  await using agent = await connectAgent();
  const line = new ProgressLine(terminal, process.stderr.isTTY);
  const shown = await runFs(
    words,
    {
      agent,
      directory: process.cwd(),
      signal: terminal.signal,
      print: (text) => terminal.out(text),
      progress: (text) => line.tell(text),
    },
    'cellburst fs',
  );
  line.end();
  const text = shown?.data['text/plain'];
  if (typeof text === 'string') terminal.out(`${text}\n`);
  return EXIT.done;
}

/** One line of the terminal that is written over; nothing where nobody watches. */
class ProgressLine {
  readonly #terminal: Terminal;
  readonly #isWatched: boolean;
  #next = performance.now() + NEXT_MS;
  #width = 0;

  constructor(terminal: Terminal, isWatched: boolean) {
    this.#terminal = terminal;
    this.#isWatched = isWatched;
  }

  tell(text: string): void {
    if (!this.#isWatched || performance.now() < this.#next) return;
    this.#next = performance.now() + NEXT_MS;
    this.#terminal.err(`\r${text.slice(0, this.#terminal.columns - 1).padEnd(this.#width)}`);
    this.#width = text.length;
  }

  end(): void {
    if (this.#width > 0) this.#terminal.err(`\r${' '.repeat(this.#width)}\r`);
  }
}
