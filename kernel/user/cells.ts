// Runs cells in the user process, one at a time, and tells how each ended.
import type { CellCode } from '../../magics/protocol/code';
import { showValue } from '../../magics/realm/display';
import { showError } from '../../magics/realm/traceback';
import type { RunReport, Turn } from '../pipe';
import type { Attribution } from './attribution';
import type { Evaluator } from './evaluator';
import type { Input } from './input';
import { isKeyboardInterrupt } from './stopping';
import type { Stopping } from './stopping';

export class Cells {
  readonly #evaluator: Evaluator;
  readonly #stopping: Stopping;
  readonly #attribution: Attribution;
  readonly #input: Input;
  readonly #sources = new Map<number, string>();

  constructor(evaluator: Evaluator, stopping: Stopping, attribution: Attribution, input: Input) {
    this.#evaluator = evaluator;
    this.#stopping = stopping;
    this.#attribution = attribution;
    this.#input = input;
  }

  /** What was typed into `Cell [execution]`, for tracebacks. */
  readonly sourceOf = (execution: number): string | undefined => this.#sources.get(execution);

  async run(turn: Turn, code: CellCode): Promise<RunReport> {
    this.#sources.set(code.execution, code.source);
    const controller = new AbortController();
    let progress = (): number => 0;
    try {
      const display = await this.#stopping.run(turn, () =>
        this.#attribution.run(turn, async () => {
          const running = this.#evaluator.run(code, controller.signal);
          progress = running.progress;
          const ended = await running.ended;
          // Shown inside the interruptible part: an inspect method of the user's may never return.
          return ended.hasValue && ended.value !== undefined ? await showValue(ended.value) : undefined;
        }),
      );
      return { ok: true, progress: progress(), ...(display ? { display } : {}) };
    } catch (error) {
      controller.abort(error);
      if (isKeyboardInterrupt(error)) this.#abandon(turn);
      return { ok: false, progress: progress(), error: showError(error, this.sourceOf) };
    }
  }

  #abandon(turn: Turn): void {
    this.#attribution.abandon(turn);
    this.#input.forget(turn);
  }
}
