// What the client and the worker thread say to each other, over the worker's message port.
import type { AppliedChecks, PreparedCell } from '../magics/protocol/language';
import type { Completeness } from './completeness-words';
import type { Completions } from './completion';
import type { Inspection } from './inspection';
import type { CellText, LanguageSettings, RestoredCell } from './notebook';

/** Question and answer of each request. */
export interface Requests {
  prepare: { question: CellText; answer: PreparedCell };
  commit: { question: { readonly execution: number; readonly progress: number }; answer: undefined };
  restore: { question: readonly RestoredCell[]; answer: undefined };
  complete: { question: TextPosition; answer: Completions };
  inspect: { question: TextPosition; answer: Inspection | undefined };
  isComplete: { question: { readonly source: string }; answer: Completeness };
  configure: { question: Partial<LanguageSettings>; answer: undefined };
  checks: { question: undefined; answer: AppliedChecks };
  refresh: { question: undefined; answer: undefined };
  forget: { question: { readonly names: readonly string[] }; answer: undefined };
  reset: { question: undefined; answer: undefined };
}

export interface TextPosition {
  readonly source: string;
  /** UTF-16 offset of the cursor. */
  readonly offset: number;
}

export type Method = keyof Requests;

export type Request = {
  [M in Method]: { readonly id: number; readonly method: M; readonly question: Requests[M]['question'] };
}[Method];

export type Reply =
  | { readonly id: number; readonly ok: true; readonly answer: unknown }
  | { readonly id: number; readonly ok: false; readonly message: string; readonly stack: string }
  /** The caller gave up before it was done. */
  | { readonly id: number; readonly ok: 'cancelled' };

export interface WorkerStart {
  readonly settings: LanguageSettings;
  /** 32-bit slots: `id % CANCEL_SLOTS` holds the id of a request that was given up, CURRENT_SLOT that of the request under way. */
  readonly cancelled: SharedArrayBuffer;
}

export const CANCEL_SLOTS = 64;
export const CURRENT_SLOT = CANCEL_SLOTS;
