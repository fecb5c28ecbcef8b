// While one word is typed, what could stand in its place stays the same: the compiler is asked at the first key of the word alone. Front ends
// ask at each.
import { ts } from '../compiler';
import { isSameGround, type Footing, type Ground } from './standing';

/** A text around the word at the cursor. */
interface Place {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

interface Answer extends Place {
  /** What the answer was made from: on another one it may be another. */
  readonly footing: Footing;
  readonly scope: ts.Node | undefined;
  readonly found: ts.CompletionInfo | undefined;
}

export interface Asked {
  readonly path: string;
  readonly text: string;
  /** Of the cursor. */
  readonly offset: number;
  readonly scope: ts.Node | undefined;
  readonly ground: Ground;
}

/** What the compiler says, and what it was asked on. */
export interface Told {
  readonly found: ts.CompletionInfo | undefined;
  readonly footing: Footing;
}

export class TypedWord {
  #last: Answer | undefined;

  /** The answer for the same place with another word in it, or `ask`. */
  answer(asked: Asked, ask: () => Told): ts.CompletionInfo | undefined {
    const place = placeOf(asked);
    const last = this.#last;
    const { scope, ground } = asked;
    if (place && last && isSame(last, place) && last.scope === scope && isSameGround(last.footing, ground))
      return last.found;
    const { found, footing } = ask();
    this.#last = place && { ...place, scope, footing, found };
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
