// What the top level of a cell declares and when each name comes to life; decides which uses can meet a name before it is initialised.
import { ts } from '../compiler';
import type { Declaration, DeclarationKind } from '../../magics/protocol/code';
import { localsOf } from '../internals';
import { isFunctionNode, isReference, outermostCode, ownerOf, unwrap } from './scopes';

export interface TopName extends Declaration {
  /** Offset in the JavaScript after which straight-line code finds it initialised; 0 when hoisted. */
  readonly readyAt: number;
}

export class Plan {
  readonly names = new Map<string, TopName>();
  /** Names of top-level functions, to be bound before the first statement. */
  readonly functions: string[] = [];
  readonly #file: ts.SourceFile;
  /** For each top-level function, the offset from which on it may be called. */
  readonly #callableFrom: ReadonlyMap<string, number>;
  #steps = 0;

  constructor(file: ts.SourceFile, kinds: ReadonlyMap<string, DeclarationKind>) {
    this.#file = file;
    for (const statement of file.statements) this.#addStatement(statement, kinds);
    // What is left is hoisted: `var`, wherever it stands, and imports.
    localsOf(file)?.forEach((_, key) => {
      const name = ts.unescapeLeadingUnderscores(key);
      const kind = kinds.get(name);
      if (kind && !this.names.has(name)) this.names.set(name, { name, kind, step: 0, readyAt: 0 });
    });
    this.#callableFrom = callableOffsets(file, this.functions);
  }

  get declarations(): Declaration[] {
    return [...this.names.values()].map(({ name, kind, step }) => ({ name, kind, step }));
  }

  /** The name as a notebook name of this cell, if `owner` is the cell's top level and the compiler has not made it up. */
  topName(name: string, owner: ts.Node | undefined): TopName | undefined {
    return owner === this.#file ? this.names.get(name) : undefined;
  }

  /** May the reference run before `name` is initialised? */
  mayBeDead(id: ts.Node, name: TopName): boolean {
    if (name.readyAt === 0) return false;
    const code = outermostCode(id);
    if (!code) return id.pos < name.readyAt && !this.#isLaterInSamePattern(id, name);
    if (isHoisted(code)) {
      const from = (code.name && this.#callableFrom.get(code.name.text)) ?? Infinity;
      return code.pos < name.readyAt || from < name.readyAt;
    }
    return startOfLife(code) < name.readyAt;
  }

  #addStatement(statement: ts.Statement, kinds: ReadonlyMap<string, DeclarationKind>): void {
    if (ts.isFunctionDeclaration(statement)) {
      if (statement.name && kinds.has(statement.name.text)) {
        this.functions.push(statement.name.text);
        this.names.set(statement.name.text, { name: statement.name.text, kind: 'function', step: 0, readyAt: 0 });
      }
    } else if (ts.isClassDeclaration(statement)) {
      if (statement.name && kinds.has(statement.name.text)) this.#addStep([statement.name.text], statement.end, kinds);
    } else if (ts.isVariableStatement(statement)) {
      for (const declaration of statement.declarationList.declarations) {
        const names = boundNames(declaration.name).filter((name) => kinds.has(name) && kinds.get(name) !== 'var');
        if (names.length > 0) this.#addStep(names, declaration.end, kinds);
      }
    }
  }

  #addStep(names: readonly string[], readyAt: number, kinds: ReadonlyMap<string, DeclarationKind>): void {
    const step = ++this.#steps;
    for (const name of names) {
      const kind = kinds.get(name);
      // The compiler declares a namespace that adds to a function or class no second time.
      if (kind && !this.names.has(name)) this.names.set(name, { name, kind, step, readyAt });
    }
  }

  /** `const { a, b = a } = o`: by the time b's default runs, a is there. */
  #isLaterInSamePattern(id: ts.Node, name: TopName): boolean {
    const declaration = ts.findAncestor(id, ts.isVariableDeclaration);
    if (declaration?.end !== name.readyAt || ts.isIdentifier(declaration.name)) return false;
    const inPattern = id.pos < declaration.name.end;
    return (
      inPattern && boundIdentifiers(declaration.name).some((bound) => bound.text === name.name && bound.end <= id.pos)
    );
  }
}

export function boundIdentifiers(name: ts.BindingName): ts.Identifier[] {
  if (ts.isIdentifier(name)) return [name];
  return name.elements.flatMap((element) => (ts.isOmittedExpression(element) ? [] : boundIdentifiers(element.name)));
}

export function boundNames(name: ts.BindingName): string[] {
  return boundIdentifiers(name).map((identifier) => identifier.text);
}

function isHoisted(code: ts.Node): code is ts.FunctionDeclaration {
  return ts.isFunctionDeclaration(code) && ts.isSourceFile(code.parent);
}

/** The offset from which on the function can be called: a function that initialises a variable waits for the variable. */
function startOfLife(code: ts.Node): number {
  let outer = code.parent;
  while (ts.isParenthesizedExpression(outer)) outer = outer.parent;
  const initialises =
    isFunctionNode(code) && ts.isVariableDeclaration(outer) && outer.initializer && unwrap(outer.initializer) === code;
  return initialises ? outer.end : code.pos;
}

/** For every top-level function the first place that mentions it, mentions inside other such functions followed transitively. */
function callableOffsets(file: ts.SourceFile, functions: readonly string[]): Map<string, number> {
  const offsets = new Map(functions.map((name) => [name, Infinity]));
  if (functions.length === 0) return offsets;
  const mentions: { callee: string; caller: string | undefined; at: number }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && offsets.has(node.text) && isReference(node) && ownerOf(node) === file) {
      const code = outermostCode(node);
      const caller = code && isHoisted(code) ? code.name?.text : undefined;
      const at = caller ? Infinity : code ? startOfLife(code) : node.pos;
      if (caller !== node.text) mentions.push({ callee: node.text, caller, at });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  for (let changed = true; changed;) {
    changed = false;
    for (const { callee, caller, at } of mentions) {
      const from = caller === undefined ? at : (offsets.get(caller) ?? at);
      if (from < (offsets.get(callee) ?? Infinity)) {
        offsets.set(callee, from);
        changed = true;
      }
    }
  }
  return offsets;
}
