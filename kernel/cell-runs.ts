// How one cell comes to its outcome: by its magics, or checked, lowered and run in the user's process; and what becomes of one that does not stop.
import type { Language } from '../language';
import type { CellOutcome, HereRun, ShownError } from '../magics/namespace';
import { showProblems } from '../magics/problems';
import type { Log } from './log';
import type { LazyMagics } from './magics';
import { UserProcessEnded } from './process-end';
import type { RunningCell } from './running-cell';
import { interrupted, lostProcess, plainError } from './shown-errors';
import type { UserSeat } from './user-seat';

/** The user process has 300 ms for the gentle ways and 1 s for the rough one; then it is ended. Some slack for a busy machine. */
const LAST_RESORT_MILLISECONDS = 1_600;

export interface CellRunsOptions {
  readonly user: UserSeat;
  readonly language: Language;
  readonly magics: LazyMagics;
  readonly log: Log;
  /** The kernel shuts down: what fails from now on fails because of that. */
  readonly isEnding: () => boolean;
}

export class CellRuns {
  readonly #options: CellRunsOptions;

  constructor(options: CellRunsOptions) {
    this.#options = options;
  }

  /** Never rejects: what goes wrong is the outcome. */
  async outcome(cell: RunningCell): Promise<CellOutcome> {
    try {
      const { magics } = this.#options;
      if (magics.owns(cell.request.source)) return await magics.run(cell.toCell(() => this.#runHere(cell)));
      return (await this.#runHere(cell)).outcome;
    } catch (error) {
      if (this.#options.isEnding())
        return { ok: false, error: plainError('KernelShutdown', 'The kernel was shut down.') };
      if (error instanceof UserProcessEnded) return { ok: false, error: lostProcess(error.end, cell.wasInterrupted) };
      if (cell.wasInterrupted) return { ok: false, error: interrupted('The cell was interrupted.') };
      // A mistake of ours or a part that failed: its stack is for the log, not for the notebook.
      this.#options.log.write(`cell ${cell.execution} could not be run`, error);
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      return { ok: false, error: plainError(name, message) };
    }
  }

  async #runHere(cell: RunningCell): Promise<HereRun> {
    const { language, user, log } = this.#options;
    const { source, allowStdin } = cell.request;
    const prepared = await language.prepare({ source, execution: cell.execution }, cell.signal);
    for (const notice of prepared.notices ?? []) cell.flow.write({ type: 'stderr', text: `${notice}\n` });
    if (!prepared.ok) return failed(showProblems(prepared.problems, source, cell.execution));
    if (cell.wasInterrupted) return failed(interrupted('The cell was interrupted before it began.'));
    const lastResort = this.#endIfDeaf(cell);
    try {
      const report = await user.run(cell.turn, prepared.code, allowStdin);
      language.commit(cell.execution, report.progress).catch((error: unknown) => {
        if (!this.#options.isEnding()) log.write(`the names of cell ${cell.execution} could not be committed`, error);
      });
      return { outcome: report, took: report.took };
    } finally {
      lastResort();
    }
  }

  /** Ends the user process when an interrupt does not end the cell. Gives what calls this off. */
  #endIfDeaf(cell: RunningCell): () => void {
    let timer: NodeJS.Timeout | undefined;
    const start = () => {
      timer = setTimeout(() => {
        this.#options.log.write(`cell ${cell.execution} did not stop; ending the user process`);
        this.#options.user.kill();
      }, LAST_RESORT_MILLISECONDS);
    };
    cell.signal.addEventListener('abort', start, { once: true });
    return () => {
      clearTimeout(timer);
      cell.signal.removeEventListener('abort', start);
    };
  }
}

function failed(error: ShownError): HereRun {
  return { outcome: { ok: false, error } };
}
