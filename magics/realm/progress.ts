// `for (const x of progress(items))`: a loop that shows how far it is, in one display that is written over. The text alone reads well, so it works in
// terminals, in exported notebooks and where HTML is not trusted.
import { randomUUID } from 'node:crypto';
import type { OutputSink } from './output';
import { escapeHtml } from './records';

export interface ProgressOptions {
  readonly label?: string;
  /** How many items there will be, where they do not tell it themselves. */
  readonly total?: number;
}

/** A number means 0, 1, 2 … below it. */
export type Progress = (items: unknown, options?: ProgressOptions) => Iterable<unknown> | AsyncIterable<unknown>;

/** Seen by people, so as often as people can see. */
const UPDATE_MILLISECONDS = 100;
const BAR_WIDTH = 24;

export function makeProgress(sink: OutputSink): Progress {
  return (items, options = {}) => {
    const source = typeof items === 'number' ? countTo(items) : items;
    const bar = new Bar(sink, options.total ?? totalOf(items), options.label ?? '');
    if (hasMethod(source, Symbol.iterator)) return over(source as Iterable<unknown>, bar);
    if (hasMethod(source, Symbol.asyncIterator)) return overAsync(source as AsyncIterable<unknown>, bar);
    throw new TypeError('progress(items): items can neither be iterated nor is it a number.');
  };
}

function* over(items: Iterable<unknown>, bar: Bar): Generator {
  try {
    bar.show();
    for (const item of items) {
      yield item;
      bar.step();
    }
    bar.complete();
  } finally {
    bar.show();
  }
}

async function* overAsync(items: AsyncIterable<unknown>, bar: Bar): AsyncGenerator {
  try {
    bar.show();
    for await (const item of items) {
      yield item;
      bar.step();
    }
    bar.complete();
  } finally {
    bar.show();
  }
}

function* countTo(end: number): Generator<number> {
  for (let at = 0; at < end; at++) yield at;
}

function totalOf(items: unknown): number | undefined {
  if (typeof items === 'number') return Math.max(0, Math.ceil(items));
  if (typeof items === 'string' || typeof items !== 'object' || items === null) return undefined;
  const length: unknown = Reflect.get(items, 'length') ?? Reflect.get(items, 'size');
  return typeof length === 'number' ? length : undefined;
}

function hasMethod(value: unknown, key: symbol): boolean {
  return value !== null && value !== undefined && typeof Reflect.get(Object(value) as object, key) === 'function';
}

class Bar {
  readonly #sink: OutputSink;
  readonly #total: number | undefined;
  readonly #label: string;
  readonly #displayId = randomUUID();
  readonly #startedAt = performance.now();
  #done = 0;
  #shownAt = -Infinity;
  #isShown = false;
  #isComplete = false;

  constructor(sink: OutputSink, total: number | undefined, label: string) {
    this.#sink = sink;
    this.#total = total;
    this.#label = label;
  }

  step(): void {
    this.#done++;
    if (performance.now() - this.#shownAt >= UPDATE_MILLISECONDS) this.show();
  }

  /** All items came: also where nobody knew how many there would be. */
  complete(): void {
    this.#isComplete = true;
  }

  show(): void {
    this.#shownAt = performance.now();
    const words = this.#words();
    const total = this.#isComplete ? Math.max(this.#done, 1) : this.#total;
    const value = this.#isComplete && this.#done === 0 ? 1 : this.#done;
    const text = total === undefined ? words : `${drawBar(value / total)} ${words}`;
    const bar = total === undefined ? '' : `<progress value="${value}" max="${total}"></progress> `;
    this.#sink.write({
      type: 'display',
      data: { 'text/plain': text, 'text/html': `${bar}<small>${escapeHtml(words)}</small>` },
      metadata: {},
      displayId: this.#displayId,
      ...(this.#isShown ? { update: true } : {}),
    });
    this.#isShown = true;
  }

  /** `fitting · 37 of 100 · 37 % · 12 s, 20 s left` */
  #words(): string {
    const seconds = (this.#shownAt - this.#startedAt) / 1000;
    const total = this.#total;
    const parts = this.#label === '' ? [] : [this.#label];
    if (total === undefined || total < this.#done) parts.push(`${this.#done} done`);
    else parts.push(`${this.#done} of ${total}`, `${total === 0 ? 100 : Math.floor((this.#done / total) * 100)} %`);
    const left = total === undefined || this.#done === 0 ? undefined : (seconds / this.#done) * (total - this.#done);
    const isUnderWay = !this.#isComplete && left !== undefined && left > 0;
    parts.push(isUnderWay ? `${showSeconds(seconds)}, ${showSeconds(left)} left` : showSeconds(seconds));
    return parts.join(' · ');
  }
}

function drawBar(share: number): string {
  const full = Math.round(Math.min(1, share) * BAR_WIDTH);
  return '█'.repeat(full) + '░'.repeat(BAR_WIDTH - full);
}

function showSeconds(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
