// Where a command writes and whom it can ask. Colours, lines that are written over and questions are for people at a terminal only.
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { stripVTControlCharacters, styleText } from 'node:util';
import { systemCode } from '../magics/protocol/errors';
import { EXIT } from './exit';

export type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold';

export interface Terminal {
  /** Standard output: what was asked for. */
  readonly out: (text: string) => void;
  /** Standard error: what is said about it. */
  readonly err: (text: string) => void;
  /** Of standard output; very wide where nobody looks. */
  readonly columns: number;
  /** One JSON value on standard output instead of text for people. */
  readonly json: boolean;
  /** Aborted by Ctrl-C, unless `onInterrupt` took it. */
  readonly signal: AbortSignal;
  /** Takes Ctrl-C over until the returned function is called. */
  readonly onInterrupt: (listener: () => void) => () => void;
  /** Coloured where standard output is a terminal that wants colours; else as it is. */
  readonly paint: (colour: Colour, text: string) => string;
  /** Text of a program, with its own colours where this terminal wants them. */
  readonly plain: (text: string) => string;
  /** Writes one line of standard error over; '' takes it away. Nothing where nobody watches. */
  readonly over: (line: string) => void;
  /** Asks on the terminal; absent where nobody sits there. Undefined: no answer. */
  readonly ask?: (prompt: string, isSecret: boolean) => Promise<string | undefined>;
}

const UNLIMITED = 1000;

export function openTerminal(json: boolean): Terminal {
  const { stdout, stderr, stdin } = process;
  const interrupt = new AbortController();
  const listeners: (() => void)[] = [];
  const onSignal = (): void => {
    const listener = listeners.at(-1);
    if (listener !== undefined) listener();
    // Whoever asks twice does not want to wait for an orderly end.
    else if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
    else interrupt.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  // `cellburst logs ID | head`: whoever read has seen enough.
  stdout.on('error', (error) => process.exit(systemCode(error) === 'EPIPE' ? EXIT.done : EXIT.failed));
  const isColoured = stdout.isTTY && stdout.hasColors();
  const line = new OverLine(stderr);
  return {
    out: (text) => line.aside(() => stdout.write(text)),
    err: (text) => line.aside(() => stderr.write(text)),
    columns: widthOf(stdout),
    json,
    signal: interrupt.signal,
    onInterrupt: (listener) => {
      listeners.push(listener);
      return () => void listeners.splice(listeners.indexOf(listener), 1);
    },
    paint: (colour, text) => (isColoured ? styleText(colour, text, { validateStream: false }) : text),
    plain: (text) => (isColoured ? text : stripVTControlCharacters(text)),
    over: (text) => line.show(text),
    ...(stdin.isTTY && stderr.isTTY ? { ask: (prompt, isSecret) => line.aside(() => ask(prompt, isSecret)) } : {}),
  };
}

/** Some terminals do not know their width, and say 0. */
function widthOf({ isTTY, columns }: NodeJS.WriteStream): number {
  return isTTY && columns > 0 ? columns : UNLIMITED;
}

const NEXT_MS = 100;
/** No line that is written over is longer: where the width is not known, one that wraps could not be. */
const LINE = 120;

/** One line that is written over, and gets out of the way of everything else. */
class OverLine {
  readonly #stream: NodeJS.WriteStream;
  #shownAt = 0;
  #text = '';

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  show(text: string): void {
    if (!this.#stream.isTTY) return;
    const now = performance.now();
    if (text !== '' && now - this.#shownAt < NEXT_MS) return;
    this.#shownAt = text === '' ? 0 : now;
    this.#draw(text.slice(0, Math.min(widthOf(this.#stream), LINE) - 1));
  }

  aside<T>(write: () => T): T {
    if (this.#text !== '') this.#draw('');
    return write();
  }

  #draw(text: string): void {
    if (text === '' && this.#text === '') return;
    this.#stream.write(`\r\u001b[K${text}`);
    this.#text = text;
  }
}

/** Secrets are not shown as they are typed. */
async function ask(prompt: string, isSecret: boolean): Promise<string | undefined> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  if (isSecret) process.stderr.write(prompt);
  const reader = createInterface({ input: process.stdin, output: isSecret ? silent : process.stderr, terminal: true });
  try {
    return await new Promise((resolve, reject) => {
      // Ctrl-C and Ctrl-D: no answer.
      reader.once('SIGINT', () => resolve(undefined)).once('close', () => resolve(undefined));
      reader.question(isSecret ? '' : prompt).then(resolve, reject);
    });
  } finally {
    reader.close();
    if (isSecret) process.stderr.write('\n');
  }
}
