// How output reaches the clients: in batches, text of one stream joined, never faster than Jupyter's default limits let pass
// (ServerApp.iopub_data_rate_limit 1 MB/s and iopub_msg_rate_limit 1,000/s over 3 s), and at most so much per cell.
import type { MimeBundle, OutputRecord } from '../magics/protocol/output';
import type { Content } from './wire/message';

/** Between two batches; a line after a pause waits only for those that are printed with it. */
const BATCH_MILLISECONDS = 50;
const FIRST_MILLISECONDS = 3;
const BYTES_PER_SECOND = 800_000;
const MESSAGES_PER_SECOND = 800;
/** A burst and three seconds at full rate stay below what the server counts over its window. */
const BURST_BYTES = 300_000;
const BURST_MESSAGES = 300;
/** Text of one message is never longer: the others need not wait behind it. */
const MAX_TEXT = 100_000;
export const MAX_BYTES_PER_CELL = 10 * 1024 * 1024;
/** What a message costs beside its text: signature, headers, a place in the queue. */
const MESSAGE_OVERHEAD_BYTES = 500;
/** Above this many waiting bytes the writer is told to wait, below the half of it to go on. */
const HIGH_WATER_BYTES = 512 * 1024;

/** Publishes one message of a cell. */
export type Publish = (
  type: 'stream' | 'display_data' | 'update_display_data' | 'clear_output',
  content: Content,
) => void;

export interface FlowEvents {
  /** Too much waits: stop reading the writer's pipe. */
  congested(): void;
  relieved(): void;
}

interface Entry {
  readonly cell: CellFlow;
  record: OutputRecord;
  bytes: number;
}

/** The one queue of all output of a kernel: limits hold for the kernel, not per cell. */
export class OutputFlow {
  readonly #events: FlowEvents;
  readonly #queue: Entry[] = [];
  #waitingBytes = 0;
  #congested = false;
  #timer: NodeJS.Timeout | undefined;
  #bytesLeft = BURST_BYTES;
  #messagesLeft = BURST_MESSAGES;
  #refilledAt = performance.now();
  #sentAt = -Infinity;
  #drained: (() => void)[] = [];

  constructor(events: FlowEvents) {
    this.#events = events;
  }

  /** The output of one cell. Works as well after the cell has ended. */
  open(publish: Publish): CellFlow {
    return new CellFlow(this, publish);
  }

  /** Resolves when everything written until now is published. */
  async drained(): Promise<void> {
    this.#send();
    if (this.#queue.length > 0) await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  add(cell: CellFlow, record: OutputRecord, bytes: number): void {
    if (this.#merge(cell, record, bytes)) this.#waitingBytes += bytes;
    else {
      this.#queue.push({ cell, record, bytes: bytes + MESSAGE_OVERHEAD_BYTES });
      this.#waitingBytes += bytes + MESSAGE_OVERHEAD_BYTES;
    }
    if (!this.#congested && this.#waitingBytes > HIGH_WATER_BYTES) {
      this.#congested = true;
      this.#events.congested();
    }
    this.#later(Math.max(FIRST_MILLISECONDS, this.#sentAt + BATCH_MILLISECONDS - performance.now()));
  }

  /** An interrupted flood: what waits is forgotten, so that its end comes now. */
  discardIfCongested(cell: CellFlow): void {
    if (this.#congested) this.discard(cell);
  }

  /** What this cell wrote and nobody saw yet is forgotten. */
  discard(cell: CellFlow): void {
    for (let at = this.#queue.length - 1; at >= 0; at--) {
      if (this.#queue[at]?.cell !== cell) continue;
      this.#waitingBytes -= this.#queue[at]?.bytes ?? 0;
      this.#queue.splice(at, 1);
    }
    this.#afterSending();
  }

  /** Joins text to text, and lets a newer picture of one display take the place of the older. */
  #merge(cell: CellFlow, record: OutputRecord, bytes: number): boolean {
    if (record.type === 'stdout' || record.type === 'stderr') {
      const last = this.#queue.at(-1);
      if (last?.cell !== cell || last.record.type !== record.type || last.bytes + bytes > MAX_TEXT) return false;
      last.record = { type: record.type, text: last.record.text + record.text };
      last.bytes += bytes;
      return true;
    }
    if (record.type === 'display' && record.update && record.displayId !== undefined) {
      const older = this.#queue.findLast(
        (entry) =>
          entry.cell === cell && entry.record.type === 'display' && entry.record.displayId === record.displayId,
      );
      if (older?.record.type !== 'display') return false;
      this.#waitingBytes -= older.bytes;
      older.record = { ...record, update: older.record.update ?? false };
      older.bytes = bytes;
      return true;
    }
    return false;
  }

  #later(milliseconds: number): void {
    if (this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#send();
    }, milliseconds);
  }

  #send(): void {
    this.#refill();
    if (this.#queue.length > 0) this.#sentAt = performance.now();
    while (this.#queue.length > 0 && this.#bytesLeft > 0 && this.#messagesLeft >= 1) {
      const entry = this.#queue.shift();
      if (!entry) break;
      this.#waitingBytes -= entry.bytes;
      this.#messagesLeft -= 1;
      // May go below zero: a message cannot be cut, the next ones wait for it instead.
      this.#bytesLeft -= entry.cell.publish(entry.record);
    }
    if (this.#queue.length > 0) this.#later(this.#waitMilliseconds());
    this.#afterSending();
  }

  #afterSending(): void {
    if (this.#congested && this.#waitingBytes < HIGH_WATER_BYTES / 2) {
      this.#congested = false;
      this.#events.relieved();
    }
    if (this.#queue.length > 0) return;
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  #refill(): void {
    const now = performance.now();
    const seconds = (now - this.#refilledAt) / 1000;
    this.#refilledAt = now;
    this.#bytesLeft = Math.min(BURST_BYTES, this.#bytesLeft + seconds * BYTES_PER_SECOND);
    this.#messagesLeft = Math.min(BURST_MESSAGES, this.#messagesLeft + seconds * MESSAGES_PER_SECOND);
  }

  #waitMilliseconds(): number {
    const bytes = this.#bytesLeft > 0 ? 0 : (-this.#bytesLeft / BYTES_PER_SECOND) * 1000;
    const messages = this.#messagesLeft >= 1 ? 0 : ((1 - this.#messagesLeft) / MESSAGES_PER_SECOND) * 1000;
    return Math.max(bytes, messages, BATCH_MILLISECONDS);
  }
}

/** The output of one cell: counts against its limit, knows where to publish. */
export class CellFlow {
  readonly #flow: OutputFlow;
  readonly #publish: Publish;
  #bytes = 0;
  #closed = false;
  #silent = false;

  constructor(flow: OutputFlow, publish: Publish) {
    this.#flow = flow;
    this.#publish = publish;
  }

  write(record: OutputRecord): void {
    if (this.#silent) return;
    const bytes = sizeOf(record);
    // A picture that takes another's place makes the notebook no larger: the last one is always shown.
    if (record.type === 'display' && record.update) {
      this.#flow.add(this, record, bytes);
      return;
    }
    if (this.#closed) return;
    this.#bytes += bytes;
    if (this.#bytes <= MAX_BYTES_PER_CELL) {
      for (const part of cutText(record)) this.#flow.add(this, part, sizeOf(part));
      return;
    }
    this.#closed = true;
    const text = `\n[Output of this cell reached ${MAX_BYTES_PER_CELL / 1024 / 1024} MB; what follows is not shown.]\n`;
    this.#flow.add(this, { type: 'stderr', text }, text.length);
  }

  /** From now on nothing of this cell is shown; what waits is forgotten. */
  silence(): void {
    this.#silent = true;
    this.#flow.discard(this);
  }

  /** Gives the size of the message, in bytes of JSON (nearly). */
  publish(record: OutputRecord): number {
    switch (record.type) {
      case 'stdout':
      case 'stderr':
        this.#publish('stream', { name: record.type, text: record.text });
        return jsonBytes(record.text);
      case 'clear':
        this.#publish('clear_output', { wait: record.wait });
        return 0;
      case 'display':
        this.#publish(record.update ? 'update_display_data' : 'display_data', {
          data: record.data,
          metadata: record.metadata,
          transient: record.displayId === undefined ? {} : { display_id: record.displayId },
        });
        return sizeOf(record);
    }
  }
}

function sizeOf(record: OutputRecord): number {
  if (record.type === 'stdout' || record.type === 'stderr') return record.text.length;
  return record.type === 'display' ? bundleBytes(record.data) + bundleBytes(record.metadata) : 16;
}

function bundleBytes(bundle: MimeBundle): number {
  let bytes = 0;
  for (const media of Object.values(bundle)) bytes += typeof media === 'string' ? media.length : jsonBytes(media);
  return bytes;
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function cutText(record: OutputRecord): OutputRecord[] {
  if ((record.type !== 'stdout' && record.type !== 'stderr') || record.text.length <= MAX_TEXT) return [record];
  const parts: OutputRecord[] = [];
  for (let start = 0; start < record.text.length;) {
    let end = start + MAX_TEXT;
    // Not between the halves of one character.
    if ((record.text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end++;
    parts.push({ type: record.type, text: record.text.slice(start, end) });
    start = end;
  }
  return parts;
}
