// The cell process, seen from its parent: started ahead of need or for one job, given its orders, ended with everything it has started.
import { execFile } from 'node:child_process';
import type { Readable } from 'node:stream';
import { identify, isAlive, readTree, sendSignal, signalGroup } from '../protocol/platform';
import type { CellOrders, ProcessIdentity } from '../protocol/run';
import { joinBatchSession } from './batch-session';
import { findProgram } from './find-program';
import { guardGroup, type Guard } from './guard';
import { RecordIntake, TextIntake } from './intake';
import type { CellExit, StartedCell } from './started-cell';

/** How long pipes may stay open after the end: whoever holds them then has left our tree. */
const DRAIN_MS = 1000;
/** From SIGTERM to SIGKILL. */
export const GRACE_MS = 5000;

export class CellProcess {
  readonly #cell: StartedCell;
  readonly #closed: Promise<void>;
  readonly #errors: TextIntake;
  readonly #guard: Guard | undefined;
  #cpus: readonly number[] | undefined;
  /** What it had started when it was asked to end: once their parent is gone, those that have left the group are not found any more. */
  #started: readonly ProcessIdentity[] = [];
  #sink: (records: Buffer) => void = () => undefined;
  #early: Buffer[] = [];

  constructor(cell: StartedCell) {
    this.#cell = cell;
    this.#cpus = cell.cpus;
    // Without orders a cell process ends by itself, so there is no moment in which it could be left behind.
    this.#guard = cell.pid === undefined ? undefined : guardGroup(cell.pid);
    if (cell.pid !== undefined) joinBatchSession(cell.pid);
    this.#sink = (records) => this.#early.push(records);
    const emit = (records: Buffer): void => {
      this.#sink(records);
    };
    const records = new RecordIntake(emit);
    const texts = new TextIntake('stdout', emit);
    this.#errors = new TextIntake('stderr', emit);
    this.#closed = Promise.all([
      drain(cell.output, (chunk) => {
        texts.push(chunk);
      }),
      drain(cell.errors, (chunk) => {
        this.#errors.push(chunk);
      }),
      drain(cell.records, (chunk) => {
        records.push(chunk);
      }),
    ]).then(() => {
      texts.end();
      this.#errors.end();
    });
    // Orders to a process that is gone: its exit tells the story.
    cell.orders?.on('error', () => undefined);
  }

  /** Settles when the process has ended; its pipes may still hold output. */
  get exit(): Promise<CellExit> {
    return this.#cell.exit;
  }

  get pid(): number | undefined {
    return this.#cell.pid;
  }

  /** The last text on the process's own standard error. */
  get lastWords(): string {
    return this.#errors.tail;
  }

  /** What the process printed so far, and all that follows. */
  setSink(sink: (records: Buffer) => void): void {
    this.#sink = sink;
    for (const records of this.#early) sink(records);
    this.#early = [];
  }

  /** Moves all threads of a process that was started ahead of need to the processors of its job. */
  async setCpus(cpus: readonly number[]): Promise<void> {
    const list = cpus.join(',');
    const taskset = findProgram('taskset');
    if (this.#cpus?.join(',') === list || taskset === undefined || this.pid === undefined) return;
    this.#cpus = cpus;
    const pid = String(this.pid);
    await new Promise<void>((resolve) => {
      // A process that has just ended cannot be moved: its exit tells the story.
      execFile(taskset, ['-a', '-c', '-p', list, pid], { timeout: 5000 }, () => {
        resolve();
      });
    });
  }

  order(orders: CellOrders): void {
    this.#cell.orders?.end(`${JSON.stringify(orders)}\n`);
  }

  /** Ends it and its descendants, at once. */
  kill(): void {
    if (this.pid === undefined) return;
    // Descendants that left the group are found as long as their parents live.
    const { pids } = readTree(this.pid);
    signalGroup(this.pid, 'SIGKILL');
    for (const pid of pids) if (pid !== this.pid) sendSignal(pid, 'SIGKILL');
  }

  /** Asks it to end, and ends it when it has not within the grace. */
  terminate(): void {
    if (this.pid === undefined) return;
    this.#started = readTree(this.pid).pids.map(identify);
    signalGroup(this.pid, 'SIGTERM');
    const timer = setTimeout(() => {
      this.kill();
    }, GRACE_MS);
    void this.exit.then(() => {
      clearTimeout(timer);
    });
  }

  /** After the exit: ends what is left of its group and takes in the rest of the output. */
  async drain(): Promise<void> {
    if (this.pid !== undefined) signalGroup(this.pid, 'SIGKILL');
    for (const process of this.#started) if (isAlive(process)) sendSignal(process.pid, 'SIGKILL');
    this.#guard?.dismiss();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, DRAIN_MS);
    });
    await Promise.race([this.#closed, late]);
    clearTimeout(timer);
    const { output, errors, records, orders } = this.#cell;
    for (const pipe of [output, errors, records, orders]) pipe?.destroy();
  }
}

function drain(pipe: Readable | null, take: (chunk: Buffer) => void): Promise<void> {
  if (pipe === null) return Promise.resolve();
  return new Promise((resolve) => {
    pipe.on('data', take);
    pipe.once('close', resolve);
    pipe.on('error', () => {
      resolve();
    });
  });
}
