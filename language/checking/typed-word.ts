// While one word is typed, what could stand in its place stays the same: the compiler is asked at the first key of the word alone. Front ends
// ask at each.
import { ts } from '../compiler';

/** A text around the word at the cursor. */
interface Place {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

interface Answer extends Place {
  /** What the answer was made from: another one may have another answer. */
  readonly program: ts.Program;
  readonly scope: ts.Node | undefined;
  readonly found: ts.CompletionInfo | undefined;
}

export interface Asked {
  readonly path: string;
  readonly text: string;
  /** Of the cursor. */
  readonly offset: number;
  readonly program: ts.Program;
  readonly scope: ts.Node | undefined;
}

export class TypedWord {
  #last: Answer | undefined;

  /** The answer for the same place with another word in it, or `ask`. */
  answer(asked: Asked, ask: () => ts.CompletionInfo | undefined): ts.CompletionInfo | undefined {
    const place = placeOf(asked);
    const last = this.#last;
    if (place && last && isSame(last, place) && last.program === asked.program && last.scope === asked.scope)
      return last.found;
    const found = ask();
    this.#last = place && { ...place, program: asked.program, scope: asked.scope, found };
    return found;
  }
}

/** Undefined where the word means something to the parser, or is none: then the text around it may be read in another way. */
function placeOf({ path, text, offset }: Asked): Place | undefined {
  const head = /[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.exec(text.slice(0, offset))?.[0];
  if (head === undefined) return undefined;
  const tail = /^[\p{ID_Continue}$]*/u.exec(text.slice(offset))?.[0] ?? '';
  if (ts.identifierToKeywordKind(ts.factory.createIdentifier(head + tail)) !== undefined) return undefined;
  return { path, before: text.slice(0, offset - head.length), after: text.slice(offset + tail.length) };
}

function isSame(a: Place, b: Place): boolean {
  return a.path === b.path && a.before === b.before && a.after === b.after;
}
