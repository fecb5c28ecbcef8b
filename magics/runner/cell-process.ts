// The cell process, seen from its parent: started ahead of need or for one job, given its orders, ended with everything it has started.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { hugePages } from '../protocol/huge-pages';
import { identify, isAlive, readTree, sendSignal, signalGroup } from '../protocol/platform';
import type { CellOrders, ProcessIdentity } from '../protocol/run';
import { guardGroup, type Guard } from './guard';
import { RecordIntake, TextIntake } from './intake';

export interface CellStart {
  /** The program file. */
  readonly program: string;
  readonly nodeFlags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly cpus?: readonly number[];
  readonly cwd?: string;
}

export type CellExit = { readonly code: number } | { readonly signal: string } | { readonly error: Error };

/** How long pipes may stay open after the end: whoever holds them then has left our tree. */
const DRAIN_MS = 1000;
/** From SIGTERM to SIGKILL. */
export const GRACE_MS = 5000;

export class CellProcess {
  readonly #child: ChildProcess;
  /** Settles when the process has ended; its pipes may still hold output. */
  readonly exit: Promise<CellExit>;
  readonly #closed: Promise<void>;
  readonly #errors: TextIntake;
  readonly #guard: Guard | undefined;
  #cpus: readonly number[] | undefined;
  /** What it had started when it was asked to end: once their parent is gone, those that have left the group are not found any more. */
  #started: readonly ProcessIdentity[] = [];
  #sink: (records: Buffer) => void = () => undefined;
  #early: Buffer[] = [];

  constructor(start: CellStart) {
    const taskset = start.cpus === undefined ? undefined : findProgram('taskset');
    const node = [...start.nodeFlags, start.program];
    const [file, args] =
      taskset === undefined || start.cpus === undefined
        ? [process.execPath, node]
        : [taskset, ['-c', start.cpus.join(','), process.execPath, ...node]];
    this.#cpus = start.cpus;
    this.#child = spawn(file, args, {
      // A group of its own: what the cell starts ends with it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...hugePages(), ...start.environment },
      windowsHide: true,
      ...(start.cwd === undefined ? {} : { cwd: start.cwd }),
    });
    // Without orders a cell process ends by itself, so there is no moment in which it could be left behind.
    this.#guard = this.#child.pid === undefined ? undefined : guardGroup(this.#child.pid);
    this.#sink = (records) => this.#early.push(records);
    const emit = (records: Buffer): void => {
      this.#sink(records);
    };
    const records = new RecordIntake(emit);
    const texts = new TextIntake('stdout', emit);
    this.#errors = new TextIntake('stderr', emit);
    this.exit = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        resolve({ error });
      });
      this.#child.once('exit', (code, signal) => {
        resolve(code === null ? { signal: signal ?? 'unknown' } : { code });
      });
    });
    this.#closed = Promise.all([
      drain(this.#child.stdout, (chunk) => {
        texts.push(chunk);
      }),
      drain(this.#child.stderr, (chunk) => {
        this.#errors.push(chunk);
      }),
      drain(this.#pipe(3), (chunk) => {
        records.push(chunk);
      }),
    ]).then(() => {
      texts.end();
      this.#errors.end();
    });
    // Orders to a process that is gone: its exit tells the story.
    this.#child.stdio[4]?.on('error', () => undefined);
  }

  get pid(): number | undefined {
    return this.#child.pid;
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
    const pipe = this.#child.stdio[4];
    if (pipe && 'end' in pipe) (pipe satisfies Writable).end(`${JSON.stringify(orders)}\n`);
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
    for (const descriptor of [1, 2, 3, 4]) this.#child.stdio[descriptor]?.destroy();
  }

  #pipe(descriptor: 3): Readable | null {
    const pipe = this.#child.stdio[descriptor];
    return pipe && 'read' in pipe ? pipe : null;
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

const found = new Map<string, string | undefined>();

/** The path of a program on PATH. */
export function findProgram(name: string): string | undefined {
  if (!found.has(name)) {
    const places = (process.env['PATH'] ?? '').split(delimiter).map((directory) => join(directory, name));
    found.set(
      name,
      places.find((path) => existsSync(path)),
    );
  }
  return found.get(name);
}
