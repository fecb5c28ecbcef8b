// How far long work of a cell has come: one quiet line that is written over. Work that is over at once shows none.
import { randomUUID } from 'node:crypto';
import type { Cell } from './namespace';
import { showQuietly } from './show';

/** Below this, words of progress would only flicker. */
const FIRST_MS = 700;
const NEXT_MS = 250;

export class News {
  readonly #cell: Cell;
  readonly #id = `cellburst-files-${randomUUID()}`;
  #next = performance.now() + FIRST_MS;
  #isShown = false;

  constructor(cell: Cell) {
    this.#cell = cell;
  }

  tell(line: string): void {
    if (performance.now() >= this.#next) this.#show(line);
  }

  /** The last word, if there was one before. */
  end(line: string): void {
    if (this.#isShown) this.#show(line);
  }

  #show(line: string): void {
    this.#next = performance.now() + NEXT_MS;
    const update = this.#isShown ? { update: true } : {};
    this.#cell.output.write({ type: 'display', ...showQuietly(line), displayId: this.#id, ...update });
    this.#isShown = true;
  }
}
