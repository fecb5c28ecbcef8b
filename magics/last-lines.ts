// The end of what a job printed, for the error that tells why it left no result.
import type { OutputRecord } from './protocol/output';

const MOST_CHARACTERS = 8000;
const MOST_LINES = 10;
// eslint-disable-next-line no-control-regex -- Colours mean nothing in a field of an error.
const COLOURS = /\u001b\[[\d;]*m/g;

export class LastLines {
  #text = '';

  push(record: OutputRecord): void {
    if ('text' in record) this.#text = (this.#text + record.text).slice(-MOST_CHARACTERS);
  }

  get lines(): readonly string[] {
    const lines = this.#text.replaceAll(COLOURS, '').split('\n');
    return lines
      .map((line) => line.trimEnd())
      .filter((line) => line !== '')
      .slice(-MOST_LINES);
  }
}
