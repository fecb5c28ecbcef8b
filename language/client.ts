// The asynchronous door to the language worker: requests by id, cancellation by signal, and a worker that dies is replaced and told all cells again.
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { CellCode, Declaration } from '../magics/protocol/code';
import type { AppliedChecks, CellLanguage, Checks, PreparedCell } from '../magics/protocol/language';
import { guessCompleteness } from './brackets';
import type { Completeness } from './completeness-words';
import type { Completions } from './completion';
import type { Inspection } from './inspection';
import { completeByName } from './known-names';
import {
  CANCEL_SLOTS,
  CURRENT_SLOT,
  type Method,
  type Reply,
  type Request,
  type Requests,
  type WorkerStart,
} from './messages';
import type { CellText, LanguageSettings, RestoredCell } from './notebook';

export type { Completeness, Completions, Inspection, LanguageSettings };

export interface LanguageOptions {
  /** The folder of the notebook. */
  readonly directory: string;
  readonly isJS?: boolean;
  /** The built worker; by default `language.js` beside the program that calls. */
  readonly workerPath?: string;
  /** Start the worker at the first request instead of at once. */
  readonly isLazy?: boolean;
  /** Told when the worker has died and was replaced. */
  readonly onRestart?: (reason: Error) => void;
}

interface Waiting {
  readonly method: Method;
  readonly question: unknown;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (reason: unknown) => void;
  readonly signal: AbortSignal | undefined;
  readonly onAbort: () => void;
}

/** Above the numbers of cells that are executed here. */
const FIRST_ADOPTED_EXECUTION = 2_000_000;
/** A worker that dies this often without an answer in between will not live. */
const MAX_FUTILE_STARTS = 3;
/** The compiler looks for a cancellation between declarations only. A worker that is longer at one than this is replaced. */
const GRACE_MILLISECONDS = 2000;
/** A completion that has to wait behind a check is answered by names after this. */
const PATIENCE_MILLISECONDS = 30;
/** A console waits a second for the word whether a cell is complete, and some never ask again after that. */
const CONSOLE_PATIENCE_MILLISECONDS = 600;

export class Language implements CellLanguage {
  readonly #options: LanguageOptions;
  readonly #waiting = new Map<number, Waiting>();
  /** Given up by the caller and not yet by the worker. */
  readonly #abandoned = new Map<number, NodeJS.Timeout>();
  readonly #cancelled = new SharedArrayBuffer(4 * (CURRENT_SLOT + 1));
  /** Prepared cells in order; committed ones move to the end. */
  readonly #cells = new Map<number, RestoredCell>();
  #settings: LanguageSettings;
  #worker: Worker | undefined;
  #futileStarts = 0;
  #nextId = 1;
  #failure: Error | undefined;

  /** Starts the worker at once, unless it is asked to be lazy. */
  constructor(options: LanguageOptions) {
    this.#options = options;
    this.#settings = { directory: options.directory, isJS: options.isJS ?? false };
    if (options.isLazy !== true) this.#start();
  }

  async prepare(cell: CellText, signal?: AbortSignal): Promise<PreparedCell> {
    const { source, execution } = cell;
    const prepared = await this.#ask('prepare', { source, execution }, signal);
    if (prepared.ok) {
      const { declarations } = prepared.code;
      this.#cells.set(execution, { source, execution, declarations, isJS: this.#settings.isJS });
    }
    return prepared;
  }

  async commit(execution: number, progress: number): Promise<void> {
    const cell = this.#cells.get(execution);
    if (cell && cell.progress === undefined) {
      this.#cells.delete(execution);
      this.#cells.set(execution, { ...cell, progress });
    }
    await this.#ask('commit', { execution, progress });
  }

  async adopt({ source, declarations }: CellCode, progress: number): Promise<void> {
    // Its number belongs to another cell of this notebook.
    const execution = FIRST_ADOPTED_EXECUTION + this.#cells.size;
    const cell: RestoredCell = { source, execution, declarations, progress, isJS: this.#settings.isJS };
    this.#cells.set(execution, cell);
    await this.#ask('restore', [cell]);
  }

  /** While a check keeps the worker busy, names alone are answered, at once. */
  async complete(source: string, offset: number, signal?: AbortSignal): Promise<Completions> {
    const isBusy = [...this.#waiting.values()].some(({ method }) => method === 'prepare');
    const names = isBusy ? completeByName(source, offset, this.#declarations()) : undefined;
    if (!names) return this.#ask('complete', { source, offset }, signal);
    const superseded = new AbortController();
    const given = signal ? AbortSignal.any([signal, superseded.signal]) : superseded.signal;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<Completions>((resolve) => {
      timer = setTimeout(() => {
        resolve(names);
        // Nobody waits for the better answer any more.
        superseded.abort();
      }, PATIENCE_MILLISECONDS);
    });
    try {
      return await Promise.race([patience, this.#ask('complete', { source, offset }, given)]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Of all committed cells, in their order. */
  *#declarations(): Generator<Declaration> {
    for (const { declarations, progress = -1 } of this.#cells.values())
      yield* declarations.filter(({ step }) => progress >= 0 && (step === 0 || step < progress));
  }

  names(): readonly string[] {
    return [...new Set([...this.#declarations()].map(({ name }) => name))];
  }

  inspect(source: string, offset: number, signal?: AbortSignal): Promise<Inspection | undefined> {
    return this.#ask('inspect', { source, offset }, signal);
  }

  /** While the compiler is busy, or still starting, the brackets alone tell. */
  async isComplete(source: string, signal?: AbortSignal): Promise<Completeness> {
    const answer = this.#ask('isComplete', { source }, signal);
    // Its failure is nobody's business once the brackets have told.
    answer.catch(() => undefined);
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<Completeness>((resolve) => {
      timer = setTimeout(() => {
        resolve(guessCompleteness(source));
      }, CONSOLE_PATIENCE_MILLISECONDS);
    });
    try {
      return await Promise.race([answer, patience]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** A new directory forgets all cells. */
  async configure(settings: Partial<LanguageSettings>): Promise<void> {
    if (settings.directory !== undefined && settings.directory !== this.#settings.directory) this.#cells.clear();
    this.#settings = { ...this.#settings, ...settings };
    await this.#ask('configure', settings);
  }

  setChecks(checks: Partial<Checks>): Promise<void> {
    return this.configure({ checks: { ...this.#settings.checks, ...checks } });
  }

  checks(): Promise<AppliedChecks> {
    return this.#ask('checks', undefined);
  }

  async refresh(): Promise<void> {
    await this.#ask('refresh', undefined);
  }

  async forget(names: readonly string[]): Promise<void> {
    for (const [execution, cell] of this.#cells) {
      const declarations = cell.declarations.filter(({ name }) => !names.includes(name));
      if (declarations.length === cell.declarations.length) continue;
      const forgotten = [...(cell.forgotten ?? []), ...names];
      this.#cells.set(execution, { ...cell, declarations, forgotten });
    }
    await this.#ask('forget', { names });
  }

  /** Forgets all cells: the user process was started anew. */
  async reset(): Promise<void> {
    this.#cells.clear();
    await this.#ask('reset', undefined);
  }

  /** Ends the worker. Requests under way fail. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#failure ??= new Error('The language worker was closed.');
    this.#rejectAll(this.#failure);
    this.#forgetAbandoned();
    await worker?.terminate();
  }

  #ask<M extends Method>(
    method: M,
    question: Requests[M]['question'],
    signal?: AbortSignal,
  ): Promise<Requests[M]['answer']> {
    const id = this.#nextId++;
    return new Promise<unknown>((resolve, reject) => {
      if (!this.#worker && !this.#failure) this.#start();
      const worker = this.#worker;
      if (signal?.aborted || !worker) {
        reject(asError(signal?.aborted ? signal.reason : this.#failure));
        return;
      }
      const onAbort = (): void => {
        Atomics.store(new Int32Array(this.#cancelled), id % CANCEL_SLOTS, id);
        this.#settle(id)?.reject(asError(signal?.reason));
        this.#abandoned.set(
          id,
          setTimeout(() => {
            this.#endIfStuck(id);
          }, GRACE_MILLISECONDS).unref(),
        );
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.set(id, { method, question, resolve, reject, signal, onAbort });
      worker.ref();
      worker.postMessage({ id, method, question } satisfies { [K in keyof Request]: unknown });
      // The answer's type belongs to the method; the worker is of the same build.
    }) as Promise<Requests[M]['answer']>;
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    // Only a request under way keeps the process alive.
    if (this.#waiting.size === 0) this.#worker?.unref();
    waiting?.signal?.removeEventListener('abort', waiting.onAbort);
    return waiting;
  }

  #start(): Worker {
    const workerData: WorkerStart = { settings: this.#settings, cancelled: this.#cancelled };
    const worker = new Worker(this.#options.workerPath ?? join(__dirname, 'language.js'), {
      workerData,
      name: 'cellburst language',
    });
    worker.unref();
    let reason: Error | undefined;
    worker.on('message', (reply: Reply) => {
      this.#futileStarts = 0;
      this.#receive(reply);
    });
    worker.on('error', (error) => {
      reason = asError(error);
    });
    worker.on('exit', (code) => {
      if (worker === this.#worker) this.#replace(reason ?? new Error(`exit code ${code}`));
    });
    this.#worker = worker;
    if (this.#cells.size > 0) void this.#restore();
    return worker;
  }

  /** A failure to restore shows in the next request. */
  async #restore(): Promise<void> {
    try {
      await this.#ask('restore', [...this.#cells.values()]);
    } catch (error) {
      if (this.#worker) this.#options.onRestart?.(asError(error));
    }
  }

  #replace(cause: Error): void {
    this.#worker = undefined;
    const wasStuck = this.#abandoned.has(Atomics.load(new Int32Array(this.#cancelled), CURRENT_SLOT));
    this.#forgetAbandoned();
    const message = wasStuck
      ? 'The language worker did not give up a long check.'
      : `The language worker ended unexpectedly (${cause.message}).`;
    if (++this.#futileStarts > MAX_FUTILE_STARTS) {
      this.#failure = new Error(`${message} It does not stay up: restart the kernel.`, { cause });
      this.#rejectAll(this.#failure);
      this.#options.onRestart?.(this.#failure);
      return;
    }
    const reason = new Error(`${message} It was started anew with all cells; try again.`, { cause });
    // It was ended for one request, which is given up: the others wait for the next worker. One that died may have died of any of them.
    if (!wasStuck) this.#rejectAll(reason);
    Atomics.store(new Int32Array(this.#cancelled), CURRENT_SLOT, 0);
    const others = [...this.#waiting];
    const worker = this.#start();
    for (const [id, { method, question }] of others) worker.postMessage({ id, method, question });
    if (others.length > 0) worker.ref();
    this.#options.onRestart?.(reason);
  }

  #receive(reply: Reply): void {
    clearTimeout(this.#abandoned.get(reply.id));
    this.#abandoned.delete(reply.id);
    const waiting = this.#settle(reply.id);
    if (!waiting) return;
    if (reply.ok === true) waiting.resolve(reply.answer);
    else if (reply.ok === 'cancelled') waiting.reject(asError(waiting.signal?.reason));
    else waiting.reject(new Error(`The language worker failed: ${reply.message}`, { cause: reply.stack }));
  }

  /** A request that has not begun will not: the worker passes it over. */
  #endIfStuck(id: number): void {
    if (Atomics.load(new Int32Array(this.#cancelled), CURRENT_SLOT) === id) void this.#worker?.terminate();
    else this.#abandoned.delete(id);
  }

  #forgetAbandoned(): void {
    for (const timer of this.#abandoned.values()) clearTimeout(timer);
    this.#abandoned.clear();
  }

  #rejectAll(reason: Error): void {
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(reason);
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(`The request was given up: ${String(reason)}`);
}
