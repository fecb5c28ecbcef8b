// The one quiet line that a running cluster cell shows and updates in place. A job that is over at once shows none.
import { randomUUID } from 'node:crypto';
import type { CellOutput } from './namespace';
import { isFinal, type JobRecord } from './protocol/job';
import { showStatus } from './show';

/** Below this a line would only flicker. */
const FIRST_SHOWN_AFTER_MS = 700;
const REFRESH_MS = 1000;

export class StatusLine implements Disposable {
  readonly #output: CellOutput;
  readonly #id = `cellburst-status-${randomUUID()}`;
  #job: JobRecord | undefined;
  #shown = '';
  #timer: NodeJS.Timeout;

  constructor(output: CellOutput) {
    this.#output = output;
    this.#timer = setTimeout(() => {
      this.#show();
      this.#timer = setInterval(() => this.#show(), REFRESH_MS);
    }, FIRST_SHOWN_AFTER_MS);
  }

  update(job: JobRecord): void {
    const changed = this.#job?.status.state !== job.status.state;
    this.#job = job;
    if (this.#shown !== '' && (changed || isFinal(job.status))) this.#show();
  }

  #show(): void {
    if (!this.#job) return;
    const shown = showStatus(this.#job, Date.now());
    const text = String(shown.data['text/plain']);
    if (text === this.#shown) return;
    this.#output.write({
      type: 'display',
      ...shown,
      displayId: this.#id,
      ...(this.#shown === '' ? {} : { update: true }),
    });
    this.#shown = text;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
