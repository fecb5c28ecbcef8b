// The kernel's door to the magics. What they are made of (config, options, schedulers' words) is a third of the kernel's memory and of its start, and
// most cells have none: so they are loaded behind the first cell, or with the first cell that has one. A kernel for job panels never loads them.
import type { MagicCompletion, Magics } from '../magics';
import type { Cell, CellOutcome, NotebookSession } from '../magics/namespace';
import { magicLines } from '../magics/protocol/magic';
import type { Log } from './log';

const QUIET_MILLISECONDS = 300;

export class LazyMagics implements AsyncDisposable {
  readonly #session: NotebookSession;
  readonly #log: Log;
  #loaded: Promise<Magics> | undefined;
  #soon: NodeJS.Timeout | undefined;
  #preferred: string | undefined;

  constructor(session: NotebookSession, log: Log) {
    this.#session = session;
    this.#log = log;
  }

  /** Does this cell begin with a magic? */
  owns(source: string): boolean {
    return magicLines(source).length > 0;
  }

  hasCellMagic(source: string): boolean {
    return magicLines(source).at(-1)?.kind === 'cell';
  }

  /** The notebook's own choice of a cluster for cells that name none. */
  prefer(cluster: string | undefined): void {
    this.#preferred = cluster;
  }

  async run(cell: Cell): Promise<CellOutcome> {
    return (await this.#load()).run(cell);
  }

  /** Undefined where the cursor is not on a magic line: then TypeScript answers. */
  async complete(source: string, offset: number): Promise<MagicCompletion | undefined> {
    return this.owns(source) ? (await this.#load()).complete(source, offset) : undefined;
  }

  async inspect(source: string, offset: number): Promise<string | undefined> {
    return this.owns(source) ? (await this.#load()).inspect(source, offset) : undefined;
  }

  /** Ahead of need, once a cell has run and nobody waits for anything. */
  loadSoon(): void {
    if (this.#loaded) return;
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => {
      this.#load().catch((error: unknown) => {
        this.#log.write('the magics could not be loaded', error);
      });
    }, QUIET_MILLISECONDS).unref();
  }

  #load(): Promise<Magics> {
    this.#loaded ??= import('../magics/index.js').then(
      ({ Magics: Loaded }) => new Loaded(this.#session, () => this.#preferred),
    );
    return this.#loaded;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#soon);
    await (await this.#loaded)?.[Symbol.asyncDispose]();
  }
}
