// The table of every function and class of a cell: where its text lies in both outputs and which names it needs, things inside it included.
import type { ts } from '../compiler';
import type { FunctionCode, FunctionKind, PortalUse, SourceRange, Uses } from '../../magics/protocol/code';
import { kindOfCode, shownName, type CodeNode } from './function-names';
import type { Doors } from './doors';
import type { Portals } from './portals';
import { isInside } from './uses';
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
  /** The function, field or block whose `this` it uses. */
  thisOwner: ts.Node | undefined;
  /** What has the `super` that it uses, of an enclosing function. */
  superOwner: ts.Node | undefined;
  hidesThis: boolean;
  readonly privateOwners: Set<ts.Node>;
  isDecorated: boolean;
  hidesNames: boolean;
  usesSuper: boolean;
}

export class FunctionTable {
  readonly #entries: Entry[] = [];
  readonly #open: Entry[] = [];
  readonly #cell = new UseSet();
  readonly #portals: Portals;
  readonly #doors: Doors;

  constructor(portals: Portals, doors: Doors) {
    this.#portals = portals;
    this.#doors = doors;
  }

  /** Are we in a body that runs when it is called, not when the cell does? */
  get inFunction(): boolean {
    return this.#open.some((entry) => entry.kind !== 'class');
  }

  /** Of the function that we are in. */
  get current(): number | undefined {
    return this.#open.at(-1)?.index;
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
      thisOwner: undefined,
      superOwner: undefined,
      hidesThis: false,
      privateOwners: new Set(),
      isDecorated: false,
      hidesNames: false,
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
  noteLocal(name: string, owner: ts.Node): void {
    for (const { node, captures } of this.#open) if (owner !== node && isInside(node, owner)) captures.set(name, owner);
  }

  /**
   * `this` of `container` (undefined at the top level), or else `arguments`, `new.target` or `super`: up to the function they belong to, every
   * arrow between takes part.
   */
  noteThis(what: 'this' | 'super' | 'other', container?: ts.Node): void {
    for (const entry of this.#open.toReversed()) {
      if (entry.kind === 'class') continue;
      if (entry.kind !== 'arrow') {
        if (what === 'super') entry.usesSuper = true;
        return;
      }
      entry.lexicalThis = true;
      if (what !== 'other' && container) entry.thisOwner = container;
      if (what === 'super' && container) entry.superOwner = container;
      else if (what === 'this') continue;
      else entry.hidesThis = true;
    }
  }

  /** The class that was entered last has decorators. */
  noteDecorated(): void {
    const entry = this.#open.at(-1);
    if (entry) entry.isDecorated = true;
  }

  noteHidden(): void {
    for (const entry of this.#open) entry.hidesNames = true;
  }

  /** A private name that `owner` declares. */
  notePrivate(owner: ts.Node): void {
    for (const entry of this.#open)
      if (entry.node !== owner && isInside(entry.node, owner)) entry.privateOwners.add(owner);
  }

  toUses(isOwn: (name: string) => boolean): Uses {
    return this.#cell.toUses(isOwn);
  }

  toFunctions(): FunctionCode[] {
    return this.#entries.map((entry) => this.#toCode(entry));
  }

  #shared({ node, captures, thisOwner, superOwner, hidesThis }: Entry): Shared {
    const uses = new Map<number, { portal: number; names: string[]; self: boolean; asksSuper?: true }>();
    const useOf = (portal: number): { names: string[]; self: boolean; asksSuper?: true } => {
      const use = uses.get(portal) ?? { portal, names: [], self: false };
      uses.set(portal, use);
      return use;
    };
    const assigned: string[] = [];
    for (const [name, owner] of [...captures].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const portal = this.#portals.of(owner, name, node);
      if (portal) useOf(portal.index).names.push(name);
      else if (this.#portals.isWritten(owner, name)) assigned.push(name);
    }
    const self = thisOwner && this.#portals.ofSelf(thisOwner, node);
    if (self) useOf(self.index).self = true;
    const asked = superOwner && this.#portals.ofSuper(superOwner, node);
    if (asked) Object.assign(useOf(asked.index), { self: true, asksSuper: true });
    const isHidden =
      (thisOwner !== undefined && self === undefined) || (superOwner !== undefined && asked === undefined);
    const portals = [...uses.values()].sort((a, b) => a.portal - b.portal);
    return { portals, assigned, hiddenThis: hidesThis || isHidden };
  }

  /** Of a class or function of the cell. */
  indexOf(node: ts.Node): number | undefined {
    return this.#entries.find((entry) => entry.node === node)?.index;
  }

  #privacy({ node, privateOwners }: Entry): Pick<FunctionCode, 'privateOf' | 'door'> {
    const innermost = [...privateOwners].sort((a, b) => b.pos - a.pos)[0];
    const privateOf = innermost && this.indexOf(innermost);
    const door = this.#doors.at(node)?.name;
    return { ...(privateOf === undefined ? {} : { privateOf }), ...(door === undefined ? {} : { door }) };
  }

  #toCode(entry: Entry): FunctionCode {
    const captures = [...entry.captures.keys()].sort();
    const { portals, assigned, hiddenThis } = this.#shared(entry);
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
      ...(portals.length === 0 ? {} : { portals }),
      ...(assigned.length === 0 ? {} : { assigned }),
      lexicalThis: entry.lexicalThis,
      ...(hiddenThis ? { hiddenThis } : {}),
      ...this.#privacy(entry),
      ...(entry.isDecorated ? { isDecorated: true } : {}),
      ...(entry.hidesNames ? { hidesNames: true } : {}),
      usesSuper: entry.usesSuper,
    };
  }
}

/** What functions share with others of their activations: through which portal, or through none. */
interface Shared {
  readonly portals: PortalUse[];
  readonly assigned: string[];
  readonly hiddenThis: boolean;
}

function toRange(begin: Place, end: Place = begin): SourceRange {
  return { start: begin.offset, end: end.offset, line: begin.line, column: begin.column };
}
