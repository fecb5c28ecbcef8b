// What the magics ask of the notebook: the kernel implements it by requests to the user process. magics/ knows no Jupyter message.
import type { CellCode } from './protocol/code';
import type { CellLanguage } from './protocol/language';
import type { MimeBundle, OutputRecord } from './protocol/output';

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
}

/** Where a cell's output goes. The kernel batches, limits and attributes it. */
export interface CellOutput {
  write(record: OutputRecord): void;
}

export interface CaptureRequest {
  readonly cell: CellCode;
  /** Where to write the bundle; absent for `--dry-run`. */
  readonly bundlePath?: string;
}

/** One row of `--dry-run`. */
export interface CaptureEntry {
  readonly name: string;
  /** `Float64Array(1000000)`, `class Model`, `function ridge`, `import`, `Map(3)` … */
  readonly kind: string;
  readonly bytes: number;
  /** `Cell [3]`, a package, a file. */
  readonly origin: string;
}

export interface CaptureReport {
  /** Names the capture for the later settle: the user process keeps the table of what it sent. */
  readonly captureId: string;
  readonly entries: readonly CaptureEntry[];
  readonly packages: readonly { readonly name: string; readonly version?: string }[];
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  readonly bytes: number;
}

export interface SettleRequest {
  /** Absent when the capture was made by another process: then nothing is patched in place. */
  readonly captureId?: string;
  /** The job's directory: envelope, and the bundle when the capture is not known here. */
  readonly directory: string;
  /** Discard what a cell did before it threw. */
  readonly atomic: boolean;
  /** Shown on the last line of a remote error's traceback: where it ran. */
  readonly where: string;
}

/** An error as the notebook shows it. */
export interface ShownError {
  readonly name: string;
  readonly message: string;
  readonly traceback: readonly string[];
}

export type CellOutcome =
  | { readonly ok: true; readonly display?: { readonly data: MimeBundle; readonly metadata: MimeBundle } }
  | { readonly ok: false; readonly error: ShownError };

export interface SettleReport {
  readonly outcome: CellOutcome;
  /** How many top-level declarations of the cell are initialised. */
  readonly progress: number;
  /** Names bound or patched. */
  readonly changed: readonly string[];
  /** Names that were left alone since the user had changed them meanwhile. */
  readonly conflicts: readonly string[];
  /** The code that ran: for a capture made elsewhere, read from the bundle. */
  readonly cell: CellCode;
}

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
