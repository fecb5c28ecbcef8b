// Where an activation gets a portal: an arrow that names the activation, reads and writes the variables that closures share, and knows its `this`.
// Only scopes with such variables get one; everything else is written as before. Decided on the whole file before a word of it is written.
import { ts } from '../compiler';
import { RUNTIME, portalName, type PortalCode } from '../../magics/protocol/code';
import { localsOf } from '../internals';
import { enclosingName } from './function-names';
import { boundIdentifiers } from './plan';
import { isFunctionNode, isReference, ownerOf, unwrap, type FunctionNode } from './scopes';
import {
  assignsTo,
  carrierOf,
  isBlockScoped,
  isConstant,
  isInside,
  isNamed,
  isRepeated,
  isSuperCall,
  thisContainer,
} from './uses';

export interface Portal {
  readonly index: number;
  /** What it is declared at the beginning of; functions outside of it do not see it. */
  readonly site: ts.Node;
  /** With the scope that declares each. */
  readonly names: ReadonlyMap<string, ts.Node>;
  /** The function whose `this` it knows. */
  readonly self: ts.Node | undefined;
  /** Does it know what `super` means in that function? */
  readonly knowsSuper: boolean;
  readonly parent: Portal | undefined;
}

interface Variable {
  readonly owner: ts.Node;
  readonly name: string;
  isCaptured: boolean;
  isWritten: boolean;
  /** Where it is used first. */
  firstUse: number;
  /** What closes over it: the outermost functions and classes within its scope. */
  readonly carriers: Set<ts.Node>;
}

export class Portals {
  readonly #variables = new Map<ts.Node, Map<string, Variable>>();
  readonly #selves = new Set<ts.Node>();
  readonly #supers = new Set<ts.Node>();
  readonly #bySite = new Map<ts.Node, Portal>();
  readonly #moved = new Set<FunctionNode>();
  readonly #isNotebookName: (name: string) => boolean;

  /** Names of the notebook need no portal: everybody has their bindings. The compiler's own variables beside them do. */
  constructor(file: ts.SourceFile, isNotebookName: (name: string) => boolean) {
    this.#isNotebookName = isNotebookName;
    this.#survey(file);
    this.#place();
  }

  /** `doorOf`: index of the innermost class with a door that a place lies in. */
  codes(doorOf: (place: ts.Node) => number | undefined, indexOf: (code: ts.Node) => number | undefined): PortalCode[] {
    return [...this.#bySite.values()].map(({ index, site, names, self, knowsSuper, parent }) => ({
      index,
      name: ts.isSourceFile(site) ? '' : enclosingName(site.parent),
      names: [...names.keys()],
      self: self !== undefined,
      ...(parent === undefined ? {} : { parent: parent.index }),
      ...doorPart(doorOf(site)),
      ...(knowsSuper && self ? superPart(indexOf(self)) : {}),
    }));
  }

  at(site: ts.Node): Portal | undefined {
    return this.#bySite.get(site);
  }

  /** The portal through which `user` shares the variable; undefined when there is none, or `user` stands outside of it. */
  of(owner: ts.Node, name: string, user: ts.Node): Portal | undefined {
    const portal = this.#portalOf(owner);
    return portal?.names.get(name) === owner && this.#sees(user, portal.site) ? portal : undefined;
  }

  ofSelf(container: ts.Node, user: ts.Node): Portal | undefined {
    const portal = this.#portalOf(container);
    return portal?.self === container && this.#sees(user, portal.site) ? portal : undefined;
  }

  /** The portal that knows what `super` means in `container`. */
  ofSuper(container: ts.Node, user: ts.Node): Portal | undefined {
    const portal = this.ofSelf(container, user);
    return portal?.knowsSuper === true ? portal : undefined;
  }

  /** Are the patterns and defaults of its parameters to be written into its body, since closures in them share variables with the body? */
  moves(node: FunctionNode): boolean {
    return this.#moved.has(node);
  }

  #sees(user: ts.Node, site: ts.Node): boolean {
    if (isInside(user, site)) return true;
    if (ts.isSourceFile(site)) return false;
    const { parent } = site;
    return isFunctionNode(parent) && this.#moved.has(parent) && parent.body === site && isInParameters(user, parent);
  }

  /** Is the variable assigned after it was initialised? */
  isWritten(owner: ts.Node, name: string): boolean {
    return this.#variables.get(owner)?.get(name)?.isWritten === true;
  }

  #portalOf(owner: ts.Node): Portal | undefined {
    const site = siteOf(owner);
    return site && this.#bySite.get(site);
  }

  #survey(node: ts.Node): void {
    if (ts.isIdentifier(node)) this.#noteUse(node);
    else if (node.kind === ts.SyntaxKind.ThisKeyword) this.#noteThis(node);
    else if (node.kind === ts.SyntaxKind.SuperKeyword && !isSuperCall(node)) this.#noteSuper(node);
    else if (ts.isVariableDeclarationList(node)) this.#noteRepeated(node);
    ts.forEachChild(node, (child) => {
      this.#survey(child);
    });
  }

  #noteUse(id: ts.Identifier): void {
    const owner = isReference(id) ? ownerOf(id) : undefined;
    if (!owner) return;
    const symbol = localsOf(owner)?.get(id.escapedText);
    // The name that a function expression or class has for itself is constant.
    if (!symbol) return;
    const variable = this.#variable(owner, id.text);
    const carrier = carrierOf(id, owner);
    if (carrier) {
      variable.isCaptured = true;
      variable.carriers.add(carrier);
    }
    if (!carrier || !isNamed(carrier, id.text)) variable.firstUse = Math.min(variable.firstUse, id.pos);
    if (assignsTo(id, owner) && !symbol.declarations?.some(isConstant)) variable.isWritten = true;
  }

  /** A `var` is one variable for all turns of a loop, and for all its declarations. */
  #noteRepeated(list: ts.VariableDeclarationList): void {
    if ((list.flags & ts.NodeFlags.BlockScoped) !== 0) return;
    const isHead = ts.isForInStatement(list.parent) || ts.isForOfStatement(list.parent);
    for (const declaration of list.declarations) {
      if (!declaration.initializer && !isHead) continue;
      for (const id of boundIdentifiers(declaration.name)) {
        const owner = ownerOf(id);
        if (!owner) continue;
        const declared = localsOf(owner)?.get(id.escapedText)?.declarations?.length ?? 0;
        if (declared > 1 || isRepeated(list, owner)) this.#variable(owner, id.text).isWritten = true;
      }
    }
  }

  #noteThis(node: ts.Node): void {
    const { container, crossesArrow } = thisContainer(node);
    if (crossesArrow && container && hasKnownName(container)) this.#selves.add(container);
  }

  /** What it means goes with the `this` that it is asked for. */
  #noteSuper(node: ts.Node): void {
    this.#noteThis(node);
    const { container, crossesArrow } = thisContainer(node);
    if (crossesArrow && container) this.#supers.add(container);
  }

  #variable(owner: ts.Node, name: string): Variable {
    const variables = this.#variables.get(owner) ?? new Map<string, Variable>();
    this.#variables.set(owner, variables);
    const variable = variables.get(name) ?? {
      owner,
      name,
      isCaptured: false,
      isWritten: false,
      firstUse: Infinity,
      carriers: new Set(),
    };
    variables.set(name, variable);
    return variable;
  }

  /** Can it be closed over before it is initialised, by what lives on when it never is? The inspector does not tell: the portal does. */
  #mayBeDead({ owner, name, carriers }: Variable): boolean {
    const declaration = localsOf(owner)?.get(ts.escapeLeadingUnderscores(name))?.valueDeclaration;
    if (!declaration || !isBlockScoped(declaration)) return false;
    // A clause of a `switch` may be entered behind the declaration.
    if (ts.isCaseBlock(owner)) return true;
    return [...carriers].some((carrier) => this.#startOfLife(carrier) < declaration.end);
  }

  /** From where on somebody can have hold of it: what initialises a variable waits for that, a hoisted function for its first use. */
  #startOfLife(carrier: ts.Node): number {
    if (ts.isFunctionDeclaration(carrier)) {
      const name = carrier.name?.text ?? '';
      const owner = carrier.name && ownerOf(carrier.name);
      return (owner && this.#variables.get(owner)?.get(name)?.firstUse) ?? Infinity;
    }
    let outer = carrier.parent;
    while (ts.isParenthesizedExpression(outer)) outer = outer.parent;
    return ts.isVariableDeclaration(outer) && outer.initializer && unwrap(outer.initializer) === carrier
      ? outer.end
      : carrier.pos;
  }

  #beginOf(site: ts.Node): number {
    if (ts.isSourceFile(site)) return site.pos;
    const { parent } = site;
    return isFunctionNode(parent) && this.#moved.has(parent) ? parent.parameters.pos : site.pos;
  }

  #place(): void {
    const sites = new Map<ts.Node, { names: Map<string, ts.Node>; self: ts.Node | undefined }>();
    const siteFor = (owner: ts.Node): { names: Map<string, ts.Node>; self: ts.Node | undefined } | undefined => {
      const node = siteOf(owner);
      if (!node) return undefined;
      const site = sites.get(node) ?? { names: new Map<string, ts.Node>(), self: undefined };
      sites.set(node, site);
      return site;
    };
    for (const [owner, variables] of this.#variables)
      for (const variable of variables.values()) {
        const { name } = variable;
        if (!variable.isCaptured || (ts.isSourceFile(owner) && this.#isNotebookName(name))) continue;
        if (!variable.isWritten && !this.#mayBeDead(variable)) continue;
        const node = siteOf(owner);
        // A variable of the site itself hides one of its head.
        const isHidden = node !== owner && node && localsOf(node)?.has(ts.escapeLeadingUnderscores(name));
        if (isHidden === true) continue;
        siteFor(owner)?.names.set(name, owner);
        if (isFunctionNode(owner) && isClosedOverInParameters(variable, owner) && mayMove(owner))
          this.#moved.add(owner);
      }
    for (const container of this.#selves) {
      const site = siteFor(container);
      if (site) site.self = container;
    }
    const ordered = [...sites].sort(([a], [b]) => this.#beginOf(a) - this.#beginOf(b) || b.end - a.end);
    for (const [site, { names, self }] of ordered) {
      const parent = [...this.#bySite.values()].findLast((other) => this.#sees(site, other.site));
      const knowsSuper = self !== undefined && this.#supers.has(self);
      this.#bySite.set(site, { index: this.#bySite.size, site, names, self, knowsSuper, parent });
    }
  }
}

function superPart(index: number | undefined): Pick<PortalCode, 'superOf'> {
  return index === undefined ? {} : { superOf: index };
}

function doorPart(door: number | undefined): Pick<PortalCode, 'door'> {
  return door === undefined ? {} : { door };
}

function isInParameters(node: ts.Node, { parameters }: FunctionNode): boolean {
  return parameters.pos <= node.pos && node.end <= parameters.end;
}

function isClosedOverInParameters({ carriers }: Variable, owner: FunctionNode): boolean {
  return [...carriers].some((carrier) => isInParameters(carrier, owner));
}

/**
 * May the patterns and defaults of the parameters stand at the beginning of the body? Not where the body would see or declare other things than they do,
 * nor in a generator, whose body waits for the first `next`.
 */
function mayMove(node: FunctionNode): boolean {
  if (node.asteriskToken) return false;
  const { body } = node;
  const locals = localsOf(node);
  const clashes = (at: ts.Node): boolean => {
    const declarations = ts.isIdentifier(at) ? locals?.get(at.escapedText)?.declarations : undefined;
    if (declarations?.some((declaration) => body && isInside(declaration, body)) === true) return true;
    return ts.forEachChild(at, clashes) ?? false;
  };
  return !node.parameters.some(clashes);
}

/** Declares the portal; ends with a semicolon. */
export function portalText({ index, site, names, self, knowsSuper }: Portal): string {
  const name = portalName(index);
  const [key, value] = [`${RUNTIME.portal}k`, `${RUNTIME.portal}v`];
  const cases = [...names.keys()].map(
    (variable, at) => `case ${2 * at}:return ${variable};case ${2 * at + 1}:${variable}=${value};return;`,
  );
  if (self) cases.push(`case ${2 * names.size}:return this;`);
  if (knowsSuper) cases.push(`case ${2 * names.size + 1}:return super[${value}];`);
  const body = `{switch(${key}){${cases.join('')}default:return ${name}}}`;
  // In a `switch` any clause may be the first to run: only a function declaration is there in all of them.
  return ts.isCaseBlock(site)
    ? `function ${name}(${key},${value})${body}`
    : `const ${name}=(${key},${value})=>${body};`;
}

/** What a portal for the variables of `owner` would be declared at the beginning of. */
function siteOf(owner: ts.Node): ts.Node | undefined {
  if (isFunctionNode(owner) || ts.isClassStaticBlockDeclaration(owner)) return owner.body;
  if (ts.isForStatement(owner) || ts.isForInStatement(owner) || ts.isForOfStatement(owner)) return owner.statement;
  if (ts.isCatchClause(owner)) return owner.block;
  if (ts.isPropertyDeclaration(owner)) return owner.initializer;
  return ts.isBlock(owner) || ts.isCaseBlock(owner) || ts.isSourceFile(owner) ? owner : undefined;
}

/** A portal in a field stands between the value and the name it would give to an anonymous function. */
function hasKnownName(container: ts.Node): boolean {
  return !ts.isPropertyDeclaration(container) || !ts.isComputedPropertyName(container.name);
}
