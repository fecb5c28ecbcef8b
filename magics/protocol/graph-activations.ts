// Activations lie in each other as the scopes of the code did: from the list of a graph's activations to trees of groups, which are built as wholes.
import { broken } from './graph-heads';
import type { ActivationHead } from './graph-heads';
import type { FunctionGroup } from './graph-hooks';

export interface ActivationTree {
  readonly number: number;
  /** The class that it is made in, -1 for none. What lies within and has the same is made with it. */
  readonly door: number;
  readonly group: FunctionGroup;
  readonly inner: readonly ActivationTree[];
}

interface Node {
  readonly head: ActivationHead;
  readonly codes: readonly string[];
  readonly inner: number[];
}

/** Scopes of code that people write do not lie deeper in each other. */
const MAX_DEPTH = 500;

/** Functions that close over nothing of their own. */
export function bareGroup(codes: readonly string[]): FunctionGroup {
  return { portal: '', names: [], dead: new Set(), self: undefined, codes, inner: [] };
}

export class ActivationForest {
  readonly #nodes = new Map<number, Node>();

  get numbers(): Iterable<number> {
    return this.#nodes.keys();
  }

  /** `members`: ids of the code of the functions in each activation. */
  add(number: number, head: ActivationHead, members: ReadonlyMap<number, readonly string[]>): void {
    this.#nodes.set(number, { head, codes: members.get(number) ?? [], inner: [] });
  }

  /**
   * After all were added. With the number of what is around each, or -1: it is here already, or is that of another tree, which the class of this one lies
   * in.
   */
  roots(): { readonly tree: ActivationTree; readonly parent: number }[] {
    const roots: [number, number][] = [];
    for (const [number, { head }] of this.#nodes) {
      const parent = this.#nodes.get(head.parent);
      if (parent === undefined || (head.door !== -1 && head.door !== parent.head.door))
        roots.push([number, head.parent]);
      else parent.inner.push(number);
    }
    return roots.map(([number, parent]) => ({ tree: this.#tree(number, 0), parent }));
  }

  #tree(number: number, depth: number): ActivationTree {
    const node = this.#nodes.get(number);
    if (node === undefined || depth > MAX_DEPTH) throw broken('activations lie too deep in each other');
    const inner = node.inner.map((child) => this.#tree(child, depth + 1));
    const { portal, door, names, dead, self } = node.head;
    const group = { portal, names, dead, self, codes: node.codes, inner: inner.map((tree) => tree.group) };
    return { number, door, group, inner };
  }
}
