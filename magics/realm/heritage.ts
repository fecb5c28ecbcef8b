// A class that is built again extends the very superclass it had, whatever its heritage clause would give by now.
import { MARK } from '../protocol/code';

/** Stands in the text of a rebuilt class for what it extends. */
export const SUPERCLASS = `$${MARK}b`;

const EXTENDS = /^class(?:\s+[^\s{]+)?\s+extends\s+/u;
const OPENING = new Set(['(', '[', '{']);
const CLOSING = new Set([')', ']', '}']);

/** The text of a class, its heritage replaced by SUPERCLASS; `extends null` stays. Without comments, as the lowering prints it. */
export function withSuperclass(text: string): string {
  const head = EXTENDS.exec(text)?.[0];
  if (head === undefined || /^null\s*\{/.test(text.slice(head.length))) return text;
  const body = bodyStart(text, head.length);
  // As long as before, so that columns stay.
  return head + SUPERCLASS.padEnd(body - head.length) + text.slice(body);
}

/** Where the brace of the class body is: the first one outside of brackets, strings and an inner class or function. */
function bodyStart(text: string, from: number): number {
  const isNested = /^(class|function|async\s+function)\b/.test(text.slice(from));
  let depth = 0;
  let skipped = isNested ? 0 : 1;
  for (let i = from; i < text.length; i++) {
    const character = text[i] ?? '';
    if (character === '"' || character === "'" || character === '`') i = stringEnd(text, i, character);
    else if (character === '{' && depth === 0 && skipped++ > 0) return i;
    else if (OPENING.has(character)) depth += 1;
    else if (CLOSING.has(character)) depth -= 1;
  }
  throw new SyntaxError('A class has no body.');
}

function stringEnd(text: string, start: number, quote: string): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i += 1;
    else if (text[i] === quote) return i;
  }
  throw new SyntaxError('A string in the heritage of a class does not end.');
}
