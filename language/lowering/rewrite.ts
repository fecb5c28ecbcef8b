// Second half of the lowering: one walk over the emitted JavaScript, in the order of the text, that hands each construct to what knows it.
import { ts } from '../compiler';
import { RUNTIME, mangle, type FileUse } from '../../magics/protocol/code';
import { writeAwait, writeBody, writeLoopBody } from './checks';
import { isNotebookList, passed, writeList, writeLoopTarget } from './declarations';
import { writeEvaluated } from './evaluated';
import { propertyText, type CodeNode } from './function-names';
import {
  visitNamed,
  writeAssignment,
  writeCallWord,
  writeReference,
  writeShorthand,
  writeTypeof,
  writeUpdate,
  type Rewriting,
} from './names';
import { ownerOfPrivate } from './doors';
import { fileUseOf } from './file-uses';
import { isFunctionNode, isPlainAssignment, isReference, ownerOf, type FunctionNode } from './scopes';
import {
  isDecorated,
  isRevived,
  writeConstructorHead,
  writeInitialiser,
  writeKey,
  writeMovedParameters,
  writeOpening,
  writeStaticBlock,
} from './reviving';
import { typedAt, type Anchor, type Writer } from './writer';
import type { CallWords } from './call-words';
import type { FunctionTable } from './function-table';
import type { Plan } from './plan';
import { portalText, type Portals } from './portals';
import { isSuperCall, thisContainer } from './uses';

export interface Found {
  /** Specifiers of `import('…')` and `require('…')`. */
  readonly dynamicImports: Set<string>;
  readonly hiddenNames: { readonly line: number; readonly column: number }[];
  readonly files: FileUse[];
}

/** One walk over one cell; what it writes and notes goes to the writer, the table and `found`. */
export class Rewriter implements Rewriting {
  readonly file: ts.SourceFile;
  readonly writer: Writer;
  readonly plan: Plan;
  readonly table: FunctionTable;
  readonly portals: Portals;
  readonly doors: Rewriting['doors'];
  readonly words: CallWords;
  readonly shared: Rewriting['shared'] = [];
  readonly known: Rewriting['known'];
  readonly found: Found = { dynamicImports: new Set(), hiddenNames: [], files: [] };
  readonly #anchors: readonly Anchor[];

  constructor(shared: Omit<Rewriting, 'visit' | 'shared'>, anchors: readonly Anchor[]) {
    this.file = shared.file;
    this.writer = shared.writer;
    this.plan = shared.plan;
    this.table = shared.table;
    this.portals = shared.portals;
    this.doors = shared.doors;
    this.words = shared.words;
    this.known = shared.known;
    this.#anchors = anchors;
  }

  run(): Found {
    this.#visitChildren(this.file);
    return this.found;
  }

  readonly visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      if (isReference(node)) writeReference(this, node);
    } else if (isFunctionNode(node)) this.#visitFunction(node);
    else if (ts.isClassLike(node)) this.#visitClass(node);
    else if (ts.isBlock(node)) this.#visitBlock(node);
    else if (ts.isStatement(node)) this.#visitStatement(node);
    else if (ts.isVariableDeclarationList(node) && isNotebookList(this, node)) {
      this.writer.copyTo(node.getStart(this.file));
      writeList(this, node);
    } else if (!this.#visitExpression(node)) this.#visitChildren(node);
  };

  #visitChildren(node: ts.Node): void {
    ts.forEachChild(node, this.visit);
  }

  /** Gives false when the construct needs nothing of its own. */
  #visitExpression(node: ts.Node): boolean {
    if (ts.isBinaryExpression(node)) return isAssignment(node) && writeAssignment(this, node);
    if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) return writeUpdate(this, node);
    if (ts.isTypeOfExpression(node)) return writeTypeof(this, node);
    if (ts.isShorthandPropertyAssignment(node)) writeShorthand(this, node);
    else if (ts.isAwaitExpression(node)) writeAwait(this, node);
    else if (ts.isCallExpression(node)) return this.#visitCall(node);
    else if (ts.isNewExpression(node)) return this.#noteThread(node);
    else if (ts.isMetaProperty(node)) this.#visitMeta(node);
    else if (ts.isPropertyDeclaration(node) && node.initializer) this.#visitField(node);
    else if (ts.isClassStaticBlockDeclaration(node)) {
      this.#inside(node, node.getStart(this.file), () => {
        writeStaticBlock(this, node, this.visit);
      });
    } else if (node.kind === ts.SyntaxKind.ThisKeyword) this.table.noteThis('this', thisContainer(node).container);
    else if (node.kind === ts.SyntaxKind.SuperKeyword) this.#visitSuper(node);
    else if (ts.isPrivateIdentifier(node)) this.#visitPrivate(node);
    else if (ts.isComputedPropertyName(node)) writeKey(this, node);
    else if (ts.isCaseOrDefaultClause(node)) this.#visitClause(node);
    else if (ts.isObjectLiteralExpression(node) && node.properties.some(usesSuper)) this.#visitHome(node);
    else return false;
    return true;
  }

  #visitStatement(node: ts.Statement): void {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      this.writer.copyTo(node.getStart(this.file));
      this.writer.replaceTo(node.end, '');
    } else if (ts.isVariableStatement(node)) {
      this.writer.copyTo(node.getStart(this.file));
      // `export`
      this.writer.replaceTo(node.declarationList.getStart(this.file), '');
      this.visit(node.declarationList);
    } else if (ts.isForInStatement(node) || ts.isForOfStatement(node)) {
      const { initializer } = node;
      if (ts.isVariableDeclarationList(initializer) && isNotebookList(this, initializer))
        writeLoopTarget(this, initializer);
      else this.visit(initializer);
      this.visit(node.expression);
      writeLoopBody(this, node.statement, ts.isForOfStatement(node) && node.awaitModifier !== undefined);
    } else if (ts.isIterationStatement(node, /*lookInLabeledStatements*/ false)) {
      ts.forEachChild(node, (child) => {
        if (child === node.statement) writeLoopBody(this, node.statement, false);
        else this.visit(child);
      });
    } else this.#visitChildren(node);
  }

  #visitBlock(node: ts.Block): void {
    const portal = this.portals.at(node);
    const opening = this.words.openingOf(node.parent) + (portal ? portalText(portal) : '');
    if (opening !== '') {
      this.writer.copyTo(node.getStart(this.file) + 1);
      this.writer.insert(opening);
    }
    this.#visitChildren(node);
  }

  /** What `super` means in a method of it hangs on the object: the realm is told of it. */
  #visitHome(node: ts.ObjectLiteralExpression): void {
    this.writer.copyTo(node.getStart(this.file));
    this.writer.insert(`${RUNTIME.revive}.home(`);
    this.#visitChildren(node);
    this.writer.copyTo(node.end);
    this.writer.insert(')');
  }

  #visitClause(node: ts.CaseOrDefaultClause): void {
    if (ts.isCaseClause(node)) this.visit(node.expression);
    const portal = node.parent.clauses[0] === node && this.portals.at(node.parent);
    if (portal) {
      this.writer.copyTo(node.statements.pos);
      this.writer.insert(portalText(portal));
    }
    node.statements.forEach(this.visit);
  }

  #visitSuper(node: ts.Node): void {
    if (isSuperCall(node)) this.table.noteThis('other');
    else this.table.noteThis('super', thisContainer(node).container);
  }

  #visitPrivate(name: ts.PrivateIdentifier): void {
    const owner = ownerOfPrivate(name);
    if (owner) this.table.notePrivate(owner);
  }

  #visitFunction(node: FunctionNode): void {
    const begin = this.#textStart(node);
    const isNameless = ts.isFunctionDeclaration(node) && !node.name;
    this.writer.copyTo(node.getStart(this.file));
    if (isDefaultOrExport(node)) this.writer.replaceTo(begin, isNameless ? '(' : '');
    this.#inside(node, begin, () => {
      if (ts.isConstructorDeclaration(node) && node.body && isRevived(this, node.parent)) {
        writeConstructorHead(this, node, node.body);
        writeBody(this, node, node.body);
        return;
      }
      const moves = node.body !== undefined && this.portals.moves(node);
      ts.forEachChild(node, (child) => {
        if (child === node.body) {
          if (moves) writeMovedParameters(this, node, node.body, 'let');
          writeBody(this, node, node.body);
        } else if (!moves || child.pos < node.parameters.pos) this.visit(child);
      });
    });
    if (isNameless) this.writer.insert(');');
  }

  #visitField(node: ts.PropertyDeclaration): void {
    this.#inside(node, node.getStart(this.file), () => {
      this.visit(node.name);
      writeInitialiser(this, node, (value) => {
        const portal = this.portals.at(value);
        if (!portal) {
          this.visit(value);
          return;
        }
        this.writer.copyTo(value.getStart(this.file));
        this.writer.insert(`(()=>{${portalText(portal)}return `);
        visitNamed(this, value, propertyText(node.name));
        this.writer.copyTo(value.end);
        this.writer.insert('})()');
      });
    });
  }

  #visitClass(node: ts.ClassLikeDeclaration): void {
    const begin = this.#textStart(node);
    const isStatement = ts.isClassDeclaration(node);
    const top = isStatement && node.name ? this.plan.topName(node.name.text, node.parent) : undefined;
    this.writer.copyTo(node.getStart(this.file));
    if (isDefaultOrExport(node)) this.writer.replaceTo(begin, '');
    this.writer.insert(top ? `${mangle(top.name)}=` : isStatement && !node.name ? '(' : '');
    this.#inside(node, begin, () => {
      if (isDecorated(node)) this.table.noteDecorated();
      this.#giveName(node, begin);
      node.heritageClauses?.forEach(this.visit);
      writeOpening(this, node);
      node.members.forEach(this.visit);
    });
    if (top) this.writer.insert(`;${passed(top)};`);
    else if (isStatement && !node.name) this.writer.insert(');');
  }

  /** A class that functions in it have to be found by, and that has no name for itself. */
  #giveName(node: ts.ClassLikeDeclaration, begin: number): void {
    const door = this.doors.at(node);
    if (door?.shows === undefined) return;
    this.writer.copyTo(begin + 'class'.length);
    this.writer.insert(` ${door.name}`);
  }

  /** Enters the text from `begin` to the node's end into the this.table. */
  #inside(node: CodeNode, begin: number, write: () => void): void {
    this.writer.copyTo(begin);
    this.table.enter(node, this.writer.places, typedAt(this.#anchors, begin));
    write();
    this.writer.copyTo(node.end);
    this.table.leave(this.writer.places);
  }

  #visitCall(node: ts.CallExpression): boolean {
    const callee = node.expression;
    const [argument] = node.arguments;
    const literal = argument && ts.isStringLiteralLike(argument) ? argument.text : undefined;
    if (callee.kind === ts.SyntaxKind.ImportKeyword) {
      if (literal !== undefined) this.found.dynamicImports.add(literal);
      this.writer.copyTo(callee.getStart(this.file));
      this.writer.replaceTo(callee.end, `${RUNTIME.context}.load`);
      node.arguments.forEach(this.visit);
      return true;
    }
    const how = literal === undefined ? undefined : fileUseOf(this, callee, literal);
    if (how !== undefined && literal !== undefined) {
      const inside = this.table.current;
      this.found.files.push({ path: literal, how, ...(inside === undefined ? {} : { function: inside }) });
    }
    if (ts.isIdentifier(callee) && ownerOf(callee) === undefined && !this.known.has(callee.text)) {
      if (callee.text === 'require' && literal !== undefined) this.found.dynamicImports.add(literal);
      if (callee.text === 'eval' && argument) return this.#visitEval(node, argument);
    }
    return false;
  }

  /** `new Worker('./x.ts')`, `new URL('./x.ts', import.meta.url)`: a module that is needed where the code runs. */
  #noteThread({ expression, arguments: given }: ts.NewExpression): boolean {
    const [argument] = given ?? [];
    const isNamed = ts.isIdentifier(expression) && (expression.text === 'Worker' || expression.text === 'URL');
    if (isNamed && argument && ts.isStringLiteralLike(argument) && /^\.{1,2}\/.*\.[cm]?[jt]sx?$/.test(argument.text))
      this.found.dynamicImports.add(argument.text);
    return false;
  }

  #visitEval(node: ts.CallExpression, argument: ts.Expression): boolean {
    if (ts.isStringLiteralLike(argument) && writeEvaluated(this, node, argument)) return true;
    this.table.noteHidden();
    this.found.hiddenNames.push(typedAt(this.#anchors, node.getStart(this.file)));
    return false;
  }

  #visitMeta(node: ts.MetaProperty): void {
    if (node.keywordToken === ts.SyntaxKind.NewKeyword) {
      if (writeCallWord(this, node, 'new.target')) return;
      this.table.noteThis('other');
      return;
    }
    this.writer.copyTo(node.getStart(this.file));
    this.writer.replaceTo(node.end, `${RUNTIME.context}.meta`);
  }

  /** Where `toString()` of the function begins: after `export`, `default` and `static`. */
  #textStart(node: FunctionNode | ts.ClassLikeDeclaration): number {
    const before = node.modifiers?.findLast((modifier) => modifier.kind !== ts.SyntaxKind.AsyncKeyword);
    if (!before) return node.getStart(this.file);
    const gap = /^\s*/.exec(this.file.text.slice(before.end))?.[0].length ?? 0;
    return before.end + gap;
  }
}

function isDefaultOrExport(node: FunctionNode | ts.ClassLikeDeclaration): boolean {
  return (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.ExportDefault) !== 0;
}

function isAssignment(node: ts.BinaryExpression): boolean {
  const { kind } = node.operatorToken;
  return isPlainAssignment(node) || (kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment);
}

/** Is it a method that uses `super` of its own? */
function usesSuper(member: ts.ObjectLiteralElementLike): boolean {
  if (!isFunctionNode(member)) return false;
  const find = (node: ts.Node): boolean =>
    node.kind === ts.SyntaxKind.SuperKeyword ||
    (ts.forEachChild(node, (child) => !isOwnWorld(child) && find(child)) ?? false);
  return find(member);
}

/** What has a `super` of its own. */
function isOwnWorld(node: ts.Node): boolean {
  return (isFunctionNode(node) && !ts.isArrowFunction(node)) || ts.isClassLike(node);
}
