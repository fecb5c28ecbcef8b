// Is a text ready to run, or does its author still type? For consoles.
import { ts } from './compiler';
import { nextIndent, type Completeness } from './completeness-words';
import { syntaxErrorsOf } from './internals';

const UNTERMINATED: ReadonlySet<number> = new Set([
  1010, // '*/' expected
  1160, // template literal
]);

export function judgeCompleteness(text: string, extension: string): Completeness {
  const file = ts.createSourceFile(`/cell${extension}`, text, ts.ScriptTarget.ESNext, /*setParentNodes*/ false);
  const [first] = syntaxErrorsOf(file);
  if (!first) return { status: 'complete' };
  const isAtEnd = first.start >= text.trimEnd().length;
  // A string ends with its line: more lines do not help it.
  const isString = first.code === 1002;
  if (UNTERMINATED.has(first.code) || (isAtEnd && !isString)) return { status: 'incomplete', indent: nextIndent(text) };
  return { status: 'invalid' };
}
