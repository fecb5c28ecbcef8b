// The table of every function and class of a cell: where its text lies in both outputs and which names it needs, things inside it included.
import type { ts } from '../compiler';
import type { FunctionCode, FunctionKind, SourceRange, Uses } from '../../magics/protocol/code';
import { kindOfCode, shownName, type CodeNode } from './function-names';
import type { Place, Places } from './writer';

export type Use = 'read' | 'write' | 'probe';

class UseSet {
  readonly #names: Record<Use, Set<string>> = { read: new Set(), write: new Set(), probe: new Set() };

  add(name: string, use: Use): void {
    this.#names[use].add(name);
  }

  toUses(isOwn: (name: string) => boolean = () => false): Uses {
    const { read, write, probe } = this.#names;
    const sorted = (names: Iterable<string>): string[] => [...names].filter((name) => !isOwn(name)).sort();
    return {
      reads: sorted(read),
      writes: sorted(write),
      probes: sorted(probe).filter((name) => !read.has(name) && !write.has(name)),
    };
  }
}

interface Entry {
  readonly index: number;
  readonly node: CodeNode;
  readonly kind: FunctionKind;
  readonly parent: number | undefined;
  readonly begin: Places;
  readonly source: { readonly line: number; readonly column: number };
  readonly uses: UseSet;
  /** With the node whose scope declares them. */
  readonly captures: Map<string, ts.Node>;
  end?: Places;
  lexicalThis: boolean;
  usesSuper: boolean;
}

export class FunctionTable {
  readonly #entries: Entry[] = [];
  readonly #open: Entry[] = [];
  readonly #cell = new UseSet();
  /** Variables of inner scopes that are assigned besides their initialisation. */
  readonly #written = new Map<ts.Node, Set<string>>();

  /** Are we in a body that runs when it is called, not when the cell does? */
  get inFunction(): boolean {
    return this.#open.some((entry) => entry.kind !== 'class');
  }

  enter(node: CodeNode, begin: Places, source: { readonly line: number; readonly column: number }): void {
    const entry: Entry = {
      index: this.#entries.length,
      node,
      kind: kindOfCode(node),
      parent: this.#open.at(-1)?.index,
      begin,
      source,
      uses: new UseSet(),
      captures: new Map(),
      lexicalThis: false,
      usesSuper: false,
    };
    this.#entries.push(entry);
    this.#open.push(entry);
  }

  leave(end: Places): void {
    const entry = this.#open.pop();
    if (entry) entry.end = end;
  }

  noteUse(name: string, ...uses: Use[]): void {
    for (const use of uses) {
      this.#cell.add(name, use);
      for (const entry of this.#open) entry.uses.add(name, use);
    }
  }

  /** A use of a variable that some inner scope of the cell declares. */
  noteLocal(name: string, owner: ts.Node, isWrite: boolean): void {
    for (const { node, captures } of this.#open)
      if (owner !== node && owner.pos <= node.pos && node.end <= owner.end) captures.set(name, owner);
    if (!isWrite) return;
    const written = this.#written.get(owner) ?? new Set();
    this.#written.set(owner, written.add(name));
  }

  /** `this`, `arguments`, `new.target` or `super`: up to the function they belong to, every arrow between takes part. */
  noteThis(isSuper = false): void {
    for (const entry of this.#open.toReversed()) {
      if (entry.kind === 'class') continue;
      if (entry.kind !== 'arrow') {
        if (isSuper) entry.usesSuper = true;
        return;
      }
      entry.lexicalThis = true;
    }
  }

  toUses(isOwn: (name: string) => boolean): Uses {
    return this.#cell.toUses(isOwn);
  }

  toFunctions(): FunctionCode[] {
    return this.#entries.map((entry) => this.#toCode(entry));
  }

  #toCode(entry: Entry): FunctionCode {
    const captures = [...entry.captures.keys()].sort();
    const assigned = captures.filter((name) => {
      const owner = entry.captures.get(name);
      return owner !== undefined && this.#written.get(owner)?.has(name) === true;
    });
    return {
      index: entry.index,
      kind: entry.kind,
      name: shownName(entry.node),
      ...(entry.parent === undefined ? {} : { parent: entry.parent }),
      local: toRange(entry.begin.local, entry.end?.local),
      shipped: toRange(entry.begin.shipped, entry.end?.shipped),
      source: entry.source,
      uses: entry.uses.toUses(),
      captures,
      ...(assigned.length === 0 ? {} : { assigned }),
      lexicalThis: entry.lexicalThis,
      usesSuper: entry.usesSuper,
    };
  }
}

function toRange(begin: Place, end: Place = begin): SourceRange {
  return { start: begin.offset, end: end.offset, line: begin.line, column: begin.column };
}
