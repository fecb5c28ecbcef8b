// Is a text ready to run, judged by its brackets alone? For consoles that do not wait: the compiler may still be starting, and jupyter_console gives up after
// a second, for good. What brackets cannot tell is called unknown, which consoles run.
import { nextIndent, type Completeness } from './completeness-words';

/** Strings, comments, templates and what opens or closes. A regular expression that holds quotes or brackets is taken for what it is not. */
const PARTS =
  /\/\/.*|\/\*[^]*?(?:\*\/|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?|`(?:\\[^]|[^`\\])*(`?)|([([{])|([)\]}])/g;

export function guessCompleteness(text: string): Completeness {
  let depth = 0;
  for (const [part, closing, opens, closes] of text.matchAll(PARTS)) {
    if (opens !== undefined) depth++;
    else if (closes !== undefined) depth--;
    else if ((part.startsWith('`') && closing === '') || /^\/\*(?![^]*\*\/$)/.test(part)) depth = Infinity;
  }
  return depth > 0 ? { status: 'incomplete', indent: nextIndent(text) } : { status: 'unknown' };
}
