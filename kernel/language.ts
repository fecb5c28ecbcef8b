// What the kernel asks of the language, beside what the magics ask of it.
import type { CellLanguage } from '../magics/namespace';

export interface Completion {
  /** Range to replace, in UTF-16 offsets of the source. */
  readonly start: number;
  readonly end: number;
  readonly matches: readonly { readonly text: string; readonly type?: string }[];
}

export interface Inspection {
  readonly text: string;
  readonly markdown?: string;
}

export type Completeness =
  { readonly status: 'complete' | 'invalid' | 'unknown' } | { readonly status: 'incomplete'; readonly indent: string };

export interface KernelLanguage extends CellLanguage {
  complete(source: string, offset: number, signal: AbortSignal): Promise<Completion | undefined>;
  inspect(source: string, offset: number, signal: AbortSignal): Promise<Inspection | undefined>;
  isComplete(source: string, signal: AbortSignal): Promise<Completeness>;
  /** All names are gone: the user process was started anew. */
  reset(): Promise<void>;
  close(): Promise<void>;
}
