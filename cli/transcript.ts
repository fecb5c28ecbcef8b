// What cells show, in a terminal: text as it comes, pictures by kind and size; a display that is updated is written over where the terminal can, and
// told again only when it says something new where it cannot.
import type { CellOutput } from '../kernel/client';
import type { Terminal } from './terminal';

type Bundle = Readonly<Record<string, unknown>>;

export class Transcript {
  readonly #terminal: Pick<Terminal, 'out' | 'err' | 'over' | 'plain'>;
  /** The last update without its figures. */
  #said = '';
  #isWatched: boolean;

  constructor(terminal: Pick<Terminal, 'out' | 'err' | 'over' | 'plain'>, isWatched: boolean) {
    this.#terminal = terminal;
    this.#isWatched = isWatched;
  }

  show(output: CellOutput): void {
    const { out, err, plain } = this.#terminal;
    switch (output.type) {
      case 'stream':
        if (output.name === 'stdout') out(output.text);
        else err(output.text);
        break;
      case 'result':
        out(`${describe(output.data)}\n`);
        break;
      case 'error':
        err(`${plain(output.traceback.join('\n'))}\n`);
        break;
      case 'display':
        if (output.displayId === undefined) out(`${describe(output.data)}\n`);
        else this.#update(describe(output.data));
        break;
      case 'clear':
    }
  }

  /** After a cell. */
  end(): void {
    this.#terminal.over('');
    this.#said = '';
  }

  #update(text: string): void {
    const line = text.trim().split('\n').at(-1) ?? '';
    if (this.#isWatched) {
      this.#terminal.over(line);
      return;
    }
    const news = line.replace(/[\d.]+/g, '');
    if (news === this.#said || news.trim() === '') return;
    this.#said = news;
    this.#terminal.err(`${line}\n`);
  }
}

/** The text form; what has none that says something, by its kind and size. */
function describe(data: Bundle): string {
  const pictures = Object.entries(data).flatMap(([type, content]) =>
    type.startsWith('image/') ? [`[${type}, ${(textOf(content).length / 1000).toFixed(1)} kB]`] : [],
  );
  const said = [...pictures, textOf(data['text/plain'])].filter((part) => part !== '').join(' ');
  return said === '' ? `[${Object.keys(data).join(', ')}]` : said;
}

function textOf(content: unknown): string {
  return typeof content === 'string' ? content : '';
}
