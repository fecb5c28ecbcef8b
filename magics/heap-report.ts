// Pages that V8 prints about itself when a heap is full, just before it ends the process. What they mean, and what to do, is told by the error of the
// cell; so they are left out of the cell. Those of a job stay in its log.
import type { OutputRecord } from './protocol/output';

/** How they begin, on standard error (V8's heap statistics since 2015, Node 18 to 24). */
const BEGIN = '<--- Last few GCs --->';

export class HeapReport {
  readonly #held: OutputRecord[] = [];

  /** What is to be shown of this record now: what comes on standard error after the beginning of the report is held back. */
  pass(record: OutputRecord): OutputRecord | undefined {
    if (record.type !== 'stderr') return record;
    const begin = this.#held.length > 0 ? 0 : record.text.indexOf(BEGIN);
    if (begin === -1) return record;
    this.#held.push({ type: 'stderr', text: record.text.slice(begin) });
    const before = record.text.slice(0, begin);
    return before.trim() === '' ? undefined : { type: 'stderr', text: before };
  }

  /** To be shown after all where the process did not end for want of memory: the words were somebody else's. */
  rest(wasFull: boolean): readonly OutputRecord[] {
    const held = this.#held.splice(0);
    return wasFull ? [] : held;
  }
}
