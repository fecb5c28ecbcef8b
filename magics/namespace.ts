// What the magics ask of the notebook: the kernel implements it by requests to the user process. magics/ knows no Jupyter message.
import type { CaptureReport, CaptureRequest, CellOutcome, SettleReport, SettleRequest } from './protocol/capture';
import type { ChoreName, Chores } from './protocol/chores';
import type { CellLanguage } from './protocol/language';
import type { OutputRecord } from './protocol/output';

/** One cell as it was sent for execution. */
export interface Cell {
  /** The text the user typed, magic line included. */
  readonly source: string;
  /** The number in `Cell [7]`. */
  readonly execution: number;
  /** JupyterLab's id of the cell, if the front end sends one. */
  readonly cellId?: string;
  readonly output: CellOutput;
  /** Aborted when the user interrupts: a cluster cell then detaches. */
  readonly signal: AbortSignal;
  /**
   * Aborted by a second interrupt within 3 s of the first, if no other cell was started meanwhile. It may come after the cell has ended:
   * whoever detached something at the first interrupt listens here to cancel it.
   */
  readonly cancel: AbortSignal;
  /** Asks the user in the cell. Absent where the front end cannot; undefined when the signal was aborted first. */
  readonly ask?: (
    question: { readonly prompt: string; readonly isSecret: boolean },
    signal: AbortSignal,
  ) => Promise<string | undefined>;
  /** Runs what stands beside the magic lines as a cell of its own would run: checked, in the user process, interruptible. Once. */
  runHere(): Promise<HereRun>;
}

export interface HereRun {
  readonly outcome: CellOutcome;
  /** Of the run alone, without the check; absent when nothing ran. */
  readonly took?: { readonly wallSeconds: number; readonly userSeconds: number; readonly systemSeconds: number };
}

/** Where a cell's output goes. The kernel batches, limits and attributes it. */
export interface CellOutput {
  write(record: OutputRecord): void;
}

export type {
  CaptureEntry,
  CaptureReport,
  CaptureRequest,
  CellOutcome,
  SettleReport,
  SettleRequest,
  ShownError,
} from './protocol/capture';

export interface Namespace {
  capture(request: CaptureRequest, signal: AbortSignal): Promise<CaptureReport>;
  settle(request: SettleRequest, signal: AbortSignal): Promise<SettleReport>;
  /** Forget a capture that will never be settled. */
  forget(captureId: string): void;
  /** Has something done in the user process that is no cell. Rejects with a UsageError when it cannot be done as asked. */
  chore<Name extends ChoreName>(
    name: Name,
    question: Chores[Name]['question'],
    signal: AbortSignal,
  ): Promise<Chores[Name]['answer']>;
}

export type { CellLanguage, CellProblem, PreparedCell } from './protocol/language';

export interface NotebookSession {
  readonly namespace: Namespace;
  readonly language: CellLanguage;
  /** The folder of the notebook. */
  readonly directory: string;
  readonly notebook?: string;
  /** Ends the process of the cells and starts another, whose heap may grow to this. All names are gone. */
  restart(heapMiB: number): Promise<void>;
  /** Where this kernel writes what has no cell to be shown in. The file exists once there is something. */
  readonly logFile: string;
}
