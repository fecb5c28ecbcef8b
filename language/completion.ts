// Completion of text that was not executed, as Jupyter wants it: what to replace, and with what.
import { ts } from './compiler';
import { unlessCompilerFails } from './compiler-failure';
import type { CellChecker, Extension } from './checking/checker';

export interface CompletionMatch {
  readonly text: string;
  /** `function`, `const`, `class`, `property`, `method`, `keyword` …: TypeScript's own words. */
  readonly kind: string;
}

export interface Completions {
  /** UTF-16 offsets of what a match replaces. */
  readonly start: number;
  readonly end: number;
  readonly matches: readonly CompletionMatch[];
}

const PREFERENCES: ts.GetCompletionsAtPositionOptions = {
  includeCompletionsForModuleExports: false,
  includeCompletionsWithInsertText: false,
  quotePreference: 'single',
};

/** `offset` is the cursor in the text. */
export function completeAt(checker: CellChecker, text: string, extension: Extension, offset: number): Completions {
  const found = unlessCompilerFails(() => checker.completionsAt(text, extension, offset, PREFERENCES));
  const start = found?.optionalReplacementSpan?.start ?? offset - wordBefore(text, offset).length;
  if (!found) return { start, end: offset, matches: [] };
  const span = found.entries.find((entry) => entry.replacementSpan)?.replacementSpan;
  const begin = Math.min(span?.start ?? start, offset);
  const typed = text.slice(begin, offset).toLowerCase();
  const matches = found.entries
    .filter(({ name, kind }) => kind !== ts.ScriptElementKind.warning && name.toLowerCase().startsWith(typed))
    .sort(inOrderOf(text.slice(begin, offset), (name) => checker.isVisible(name)))
    .map(({ name, kind }) => ({ text: name, kind }));
  return { start: begin, end: offset, matches };
}

/** Names of the compiler's group for globals that are the notebook's come between the locals and those of Node. */
const GLOBAL_GROUP = '15';
const NOTEBOOK_GROUP = '14';

/** The compiler's groups (locals before globals), in each the same case first, then by name. */
function inOrderOf(
  typed: string,
  isNotebookName: (name: string) => boolean,
): (a: ts.CompletionEntry, b: ts.CompletionEntry) => number {
  const group = ({ name, sortText }: ts.CompletionEntry): string =>
    sortText === GLOBAL_GROUP && isNotebookName(name) ? NOTEBOOK_GROUP : sortText;
  const differs = ({ name }: ts.CompletionEntry): number => (name.startsWith(typed) ? 0 : 1);
  return (a, b) => compare(group(a), group(b)) || differs(a) - differs(b) || compare(a.name, b.name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function wordBefore(text: string, offset: number): string {
  return /[\p{ID_Continue}$]*$/u.exec(text.slice(0, offset))?.[0] ?? '';
}
