// What is asked of a notebook's values and what is told of them: a capture before a job, a settle after it. Plain JSON.
import type { CellCode, FileUse } from './code';
import type { Refusal } from './errors';
import type { ModuleRoot } from './environment';
import type { MimeBundle } from './output';

/** `CaptureData` as data, beside the table that people read. */
export const CAPTURE_MIME = 'application/vnd.cellburst.capture+json';

export interface CaptureRequest {
  readonly cell: CellCode;
  /** Where to write the bundle; absent where nothing is to be written. */
  readonly bundlePath?: string;
  /** For `--dry-run`: the bundle is not going to be sent, and entries say where in it they lie. */
  readonly isReport?: boolean;
}

/** One row of `--dry-run`. */
export interface CaptureEntry {
  readonly name: string;
  /** `Float64Array(1000000)`, `class Model`, `function ridge`, `enum Color`, `import`, `codec`, `Map(3)` … */
  readonly kind: string;
  /** What it adds to the bundle with all that hangs on it; what an earlier entry holds as well is counted there. */
  readonly bytes: number;
  /** `Cell [3]:2`, a package, a file. */
  readonly origin: string;
  /** The first entry that holds a part of it. Absent: none does. */
  readonly sharedWith?: string;
  /** Where it lies in the bundle, about: offsets and lengths, in turns. Only of a report whose bundle was written. */
  readonly places?: readonly number[];
}

export interface CaptureReport {
  /** Names the capture for the later settle: the user process keeps the table of what it sent. */
  readonly captureId: string;
  /** Only of a report: telling costs more than sending. */
  readonly entries: readonly CaptureEntry[];
  /** What cannot travel. With a bundle that is an error instead. */
  readonly refusals: readonly Refusal[];
  readonly packages: readonly { readonly name: string; readonly version?: string }[];
  /** Variables of the environment that decide how dates and numbers are written. */
  readonly locale: Readonly<Record<string, string>>;
  /** What has to be importable where the cell runs: packages and builtins. */
  readonly modules: readonly ModuleRoot[];
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  /** Files that the cell and the functions that travel with it name by literals. */
  readonly fileUses: readonly FileUse[];
  readonly bytes: number;
  /** Where code and local modules lie in the bundle, as `places` of entries. */
  readonly codePlaces?: readonly number[];
  /** What will be otherwise than here, each a sentence. */
  readonly notices: readonly string[];
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
