// `arguments` and `new.target` mean those of the nearest function that is no arrow. Where an arrow uses them they become variables of that function, which
// arrows close over like any others, so that they travel.
import { ts } from '../compiler';
import { MARK } from '../../magics/protocol/code';
import { isInside, thisContainer } from './uses';
import { isFunctionNode, isReference, ownerOf } from './scopes';

export type CallWord = 'arguments' | 'new.target';

const VARIABLES: Readonly<Record<CallWord, string>> = { arguments: `$${MARK}g`, 'new.target': `$${MARK}n` };

export class CallWords {
  /** By function: what arrows in it use. */
  readonly #used = new Map<ts.Node, Set<CallWord>>();

  constructor(file: ts.SourceFile) {
    this.#survey(file);
  }

  /** What a body begins with. */
  openingOf(container: ts.Node): string {
    return [...(this.#used.get(container) ?? [])].map((word) => `const ${VARIABLES[word]}=${word};`).join('');
  }

  /** The variable that stands for the word at this place, and whose it is; undefined where the word itself does. */
  variableAt(node: ts.Node, word: CallWord): { readonly name: string; readonly owner: ts.Node } | undefined {
    const owner = ownerOfWord(node);
    return owner && { name: VARIABLES[word], owner };
  }

  #survey(node: ts.Node): void {
    const word = wordOf(node);
    const owner = word && ownerOfWord(node);
    if (word && owner) this.#used.set(owner, (this.#used.get(owner) ?? new Set()).add(word));
    ts.forEachChild(node, (child) => {
      this.#survey(child);
    });
  }
}

export function isArguments(node: ts.Node): boolean {
  return ts.isIdentifier(node) && node.text === 'arguments' && isReference(node) && ownerOf(node) === undefined;
}

function wordOf(node: ts.Node): CallWord | undefined {
  if (ts.isMetaProperty(node)) return node.keywordToken === ts.SyntaxKind.NewKeyword ? 'new.target' : undefined;
  return isArguments(node) ? 'arguments' : undefined;
}

/** The function whose body the arrow stands in that uses the word. Parameters do not see the variables of the body. */
function ownerOfWord(node: ts.Node): ts.Node | undefined {
  const { container, crossesArrow } = thisContainer(node);
  if (!crossesArrow || !container || !isFunctionNode(container) || !container.body) return undefined;
  return isInside(node, container.body) ? container : undefined;
}
