// What the language tells about a cell before it runs. Spoken by the language worker, the kernel and the magics.
import type { CellCode } from './code';

export interface CellProblem {
  readonly message: string;
  /** TypeScript's number, for `TS2322`. */
  readonly code?: number;
  /** From 0, in the cell as typed. */
  readonly line: number;
  readonly column: number;
  readonly length: number;
}

export type PreparedCell = (
  { readonly ok: true; readonly code: CellCode } | { readonly ok: false; readonly problems: readonly CellProblem[] }
) & {
  /** What is wrong beside the cell, in its surroundings. Told once, until it changes. */
  readonly notices?: readonly string[];
};

/** What the magics ask of the language. */
export interface CellLanguage {
  /** Checks and lowers. Leading lines that start with `%` are left to the magics (same length, so positions stay). */
  prepare(cell: { readonly source: string; readonly execution: number }, signal?: AbortSignal): Promise<PreparedCell>;
  /** Makes the cell's names visible to later cells: those initialised by `progress`. */
  commit(execution: number, progress: number): Promise<void>;
  /**
   * Makes the names of a cell visible that another kernel sent: it is checked here for its types alone. What it used there and is unknown here
   * has the type `any`.
   */
  adopt(code: CellCode, progress: number): Promise<void>;
  /** Changes how cells are checked from now on; what is not named stays. */
  setChecks(checks: Partial<Checks>): Promise<void>;
  /** What the notebook's cells have declared, as far as it is visible. */
  names(): readonly string[];
  /** Later cells do not see these names any more. */
  forget(names: readonly string[]): Promise<void>;
  /** How cells are checked, and who has said so. */
  checks(): Promise<AppliedChecks>;
  /** Forgets all names. */
  reset(): Promise<void>;
  /** Packages were installed or removed: what was read of them is read anew. */
  refresh(): Promise<void>;
}

/** How strictly cells are checked. The names are TypeScript's own, but for `check`. */
export interface Checks {
  /** Off: only what does not parse is a problem. */
  readonly check: boolean;
  readonly strict: boolean;
  readonly noImplicitAny: boolean;
  readonly strictNullChecks: boolean;
  readonly strictFunctionTypes: boolean;
  readonly strictBindCallApply: boolean;
  readonly strictPropertyInitialization: boolean;
  readonly noImplicitThis: boolean;
  readonly useUnknownInCatchVariables: boolean;
  readonly noUncheckedIndexedAccess: boolean;
  readonly exactOptionalPropertyTypes: boolean;
  readonly noImplicitReturns: boolean;
  readonly noImplicitOverride: boolean;
  readonly noFallthroughCasesInSwitch: boolean;
  readonly noPropertyAccessFromIndexSignature: boolean;
}

export interface AppliedCheck {
  readonly name: keyof Checks;
  readonly isOn: boolean;
  /** `notebook`: by `%ts`. */
  readonly from: 'default' | 'tsconfig' | 'notebook';
}

export interface AppliedChecks {
  readonly checks: readonly AppliedCheck[];
  /** The tsconfig.json over the notebook's folder, relative to it; absent: there is none. */
  readonly config?: string;
  /** What is wrong in it, with its place. */
  readonly complaints: readonly string[];
}
