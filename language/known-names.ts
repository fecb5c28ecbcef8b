// Completion without the compiler, for the time it is busy with a check: the notebook's names, the words of the cell, what JavaScript has of itself.
import type { Declaration } from '../magics/protocol/code';
import type { CompletionMatch, Completions } from './completion';

/** Undefined where only the compiler can tell: behind a dot, in a path. */
export function completeByName(
  source: string,
  offset: number,
  declarations: Iterable<Declaration>,
): Completions | undefined {
  const before = source.slice(0, offset);
  const typed = /[\p{ID_Continue}$]*$/u.exec(before)?.[0] ?? '';
  const start = offset - typed.length;
  if (/[.'"`/@#]$/.test(before.slice(0, start))) return undefined;
  const kinds = new Map<string, string>();
  for (const name of Object.getOwnPropertyNames(globalThis)) kinds.set(name, 'var');
  // The word under the cursor is no name yet.
  const others = source.slice(0, start) + source.slice(offset).replace(/^[\p{ID_Continue}$]*/u, '');
  for (const [word] of others.matchAll(/[\p{ID_Start}$_][\p{ID_Continue}$]+/gu))
    if (!kinds.has(word)) kinds.set(word, 'text');
  for (const { name, kind } of declarations) kinds.set(name, kind);
  const wanted = typed.toLowerCase();
  const matches = [...kinds]
    .map(([text, kind]): CompletionMatch => ({ text, kind }))
    .filter(({ text }) => text.toLowerCase().startsWith(wanted) && /^[\p{ID_Start}$_]/u.test(text))
    .sort((a, b) => rank(a, typed) - rank(b, typed) || (a.text < b.text ? -1 : 1));
  return { start, end: offset, matches };
}

/** The notebook's own names first, in each group those of the same case. */
function rank({ text, kind }: CompletionMatch, typed: string): number {
  const isBuiltin = Object.hasOwn(globalThis, text) && kind === 'var';
  return (isBuiltin ? 2 : 0) + (text.startsWith(typed) ? 0 : 1);
}
