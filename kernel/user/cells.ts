// Runs cells in the user process, one at a time, and tells how each ended.
import type { CellCode } from '../../magics/protocol/code';
import { isInterrupt } from '../../magics/realm';
import type { Realm } from '../../magics/realm';
import { showValue } from '../../magics/realm/display';
import { showError } from '../../magics/realm/traceback';
import type { RunReport, TimeTaken, Turn } from '../pipe';
import type { Attribution } from './attribution';
import type { Input } from './input';
import type { Stopping } from './stopping';

export class Cells {
  readonly #realm: Realm;
  readonly #stopping: Stopping;
  readonly #attribution: Attribution;
  readonly #input: Input;
  readonly #sources = new Map<number, string>();

  constructor(realm: Realm, stopping: Stopping, attribution: Attribution, input: Input) {
    this.#realm = realm;
    this.#stopping = stopping;
    this.#attribution = attribution;
    this.#input = input;
  }

  /** What was typed into `Cell [execution]`, for tracebacks. */
  readonly sourceOf = (execution: number): string | undefined => this.#sources.get(execution);

  remember(code: CellCode): void {
    this.#sources.set(code.execution, code.source);
  }

  async run(turn: Turn, code: CellCode): Promise<RunReport> {
    this.remember(code);
    const took = startWatch();
    const controller = new AbortController();
    try {
      return await this.#stopping.run(turn, controller, () =>
        this.#attribution.run(turn, () => this.#evaluate(turn, code, controller.signal, took)),
      );
    } catch (error) {
      // Its own end was never reached: what it has initialised is settled from outside.
      const progress = this.#realm.abandon(code);
      return this.#failed(turn, error, progress, took());
    }
  }

  async #evaluate(turn: Turn, code: CellCode, signal: AbortSignal, watch: () => TimeTaken): Promise<RunReport> {
    const run = await this.#realm.run(code, signal);
    const took = watch();
    if (!run.ok) return this.#failed(turn, run.error, run.progress, took);
    if (!run.hasValue || run.value === undefined) return { ok: true, progress: run.progress, took };
    // Part of what can be interrupted: an inspect method of the user's may never return.
    return { ok: true, progress: run.progress, took, display: await showValue(run.value) };
  }

  #failed(turn: Turn, error: unknown, progress: number, took: TimeTaken): RunReport {
    if (isInterrupt(error)) {
      this.#attribution.abandon(turn);
      this.#input.forget(turn);
    }
    return { ok: false, progress, took, error: showError(error, this.sourceOf) };
  }
}

function startWatch(): () => TimeTaken {
  const started = performance.now();
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return { wallSeconds: (performance.now() - started) / 1e3, userSeconds: user / 1e6, systemSeconds: system / 1e6 };
  };
}
