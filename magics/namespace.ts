// What the magics ask of the notebook: the kernel implements it by requests to the user process. magics/ knows no Jupyter message.
import type { CaptureReport, CaptureRequest, SettleReport, SettleRequest } from './protocol/capture';
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
}

export type { CellLanguage, CellProblem, PreparedCell } from './protocol/language';

export interface NotebookSession {
  readonly namespace: Namespace;
  readonly language: CellLanguage;
  /** The folder of the notebook. */
  readonly directory: string;
  readonly notebook?: string;
}
