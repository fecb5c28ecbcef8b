// A job's output on its way to a panel: decoded, in batches, and never more than a panel can take. What a flood prints too fast is left out in the
// middle; its end always arrives.
import { setTimeout as sleep } from 'node:timers/promises';
import type { KernelMessage, LogPiece } from './protocol/monitor';
import { OutputReader, type OutputRecord } from './protocol/output';

type LogMessage = Extract<KernelMessage, { readonly type: 'log' }>;

/** As the home agent gives it: whole records, and where they lie in the output. */
export interface OutputPart {
  readonly offset: number;
  readonly next: number;
  readonly bytes: Uint8Array;
}

const BATCH_MS = 100;
/** Jupyter's server drops messages of a kernel that sends more than 1 MB/s; this is half of that. */
const BATCH_CHARACTERS = 48 * 1024;

export interface LogOptions {
  readonly job: string;
  readonly from: number;
  readonly tailBytes: number;
  /** Bytes of output there are by now, as far as known. */
  readonly size: () => number;
  readonly send: (message: LogMessage) => void;
  readonly signal: AbortSignal;
}

/** Settles when the output has ended and all of it is sent, or the signal is aborted. */
export async function followLog(output: AsyncIterable<OutputPart>, options: LogOptions): Promise<void> {
  const batch = new Batch(options);
  const finished = new AbortController();
  const sending = sendBatches(batch, AbortSignal.any([options.signal, finished.signal]));
  try {
    for await (const part of output) {
      if (part.next >= options.size() - options.tailBytes) batch.add(part);
    }
  } finally {
    finished.abort();
    await sending;
  }
  if (!options.signal.aborted) batch.send(true);
}

async function sendBatches(batch: Batch, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    batch.send(false);
    // Aborted is ended: the loop sees it.
    await sleep(BATCH_MS, undefined, { signal }).catch(() => undefined);
  }
}

class Batch {
  readonly #options: LogOptions;
  #pieces: LogPiece[] = [];
  #characters = 0;
  #from: number;
  #next: number;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#from = options.from;
    this.#next = options.from;
  }

  add({ offset, next, bytes }: OutputPart): void {
    if (this.#pieces.length === 0) this.#from = offset;
    // Parts are whole records, so no reader has to outlive its part.
    for (const { record } of new OutputReader().push(bytes)) {
      const piece = toPiece(record);
      if (piece !== undefined) this.#put(piece);
    }
    if (this.#characters > BATCH_CHARACTERS) this.#cut(offset);
    this.#next = next;
  }

  send(ended: boolean): void {
    if (this.#next === this.#from && !ended) return;
    const { job, send } = this.#options;
    send({ type: 'log', job, from: this.#from, next: this.#next, pieces: this.#pieces, ended });
    this.#pieces = [];
    this.#characters = 0;
    this.#from = this.#next;
  }

  #put(piece: LogPiece): void {
    const last = this.#pieces.at(-1);
    if (last?.stream === piece.stream)
      this.#pieces[this.#pieces.length - 1] = { ...last, text: last.text + piece.text };
    else this.#pieces.push(piece);
    this.#characters += piece.text.length;
  }

  /** Keeps the end. `offset`: where the part that was too much began, which is as near as positions get. */
  #cut(offset: number): void {
    let room = BATCH_CHARACTERS;
    const kept: LogPiece[] = [];
    for (let index = this.#pieces.length - 1; index >= 0 && room > 0; index -= 1) {
      const piece = this.#pieces[index];
      if (piece === undefined) break;
      kept.unshift({ stream: piece.stream, text: piece.text.slice(-room) });
      room -= piece.text.length;
    }
    this.#pieces = kept;
    this.#characters = BATCH_CHARACTERS;
    this.#from = Math.max(offset, this.#from + 1);
  }
}

function toPiece(record: OutputRecord): LogPiece | undefined {
  switch (record.type) {
    case 'stdout':
    case 'stderr':
      return { stream: record.type, text: record.text };
    case 'display': {
      const text = record.data['text/plain'];
      return { stream: 'display', text: typeof text === 'string' ? `${text}\n` : '[a display without a text form]\n' };
    }
    case 'clear':
      return undefined;
  }
}
