// Second half of the lowering: one walk over the emitted JavaScript, in the order of the text, that hands each construct to what knows it.
import { ts } from '../compiler';
import { RUNTIME, mangle } from '../../magics/protocol/code';
import { writeAwait, writeBody, writeLoopBody } from './checks';
import { isNotebookList, passed, writeList, writeLoopTarget } from './declarations';
import type { CodeNode } from './function-names';
import { writeAssignment, writeReference, writeShorthand, writeTypeof, writeUpdate, type Rewriting } from './names';
import { isFunctionNode, isPlainAssignment, isReference, ownerOf, type FunctionNode } from './scopes';
import { isRevived, writeConstructorHead, writeInitialiser, writeOpening, writeStaticBlock } from './reviving';
import { typedAt, type Anchor } from './writer';

export interface Found {
  /** Specifiers of `import('…')` and `require('…')`. */
  readonly dynamicImports: Set<string>;
  readonly hiddenNames: { readonly line: number; readonly column: number }[];
}

export function rewrite(shared: Omit<Rewriting, 'visit'>, anchors: readonly Anchor[]): Found {
  const found: Found = { dynamicImports: new Set(), hiddenNames: [] };
  const r: Rewriting = { ...shared, visit };
  const { file, writer, table } = r;
  visitChildren(file);
  return found;

  function visit(node: ts.Node): void {
    if (ts.isIdentifier(node)) {
      if (isReference(node)) writeReference(r, node);
    } else if (isFunctionNode(node)) visitFunction(node);
    else if (ts.isClassLike(node)) visitClass(node);
    else if (ts.isStatement(node)) visitStatement(node);
    else if (ts.isVariableDeclarationList(node) && isNotebookList(r, node)) {
      writer.copyTo(node.getStart(file));
      writeList(r, node);
    } else if (!visitExpression(node)) visitChildren(node);
  }

  function visitChildren(node: ts.Node): void {
    ts.forEachChild(node, visit);
  }

  /** Gives false when the construct needs nothing of its own. */
  function visitExpression(node: ts.Node): boolean {
    if (ts.isBinaryExpression(node)) return isAssignment(node) && writeAssignment(r, node);
    if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) return writeUpdate(r, node);
    if (ts.isTypeOfExpression(node)) return writeTypeof(r, node);
    if (ts.isShorthandPropertyAssignment(node)) writeShorthand(r, node);
    else if (ts.isAwaitExpression(node)) writeAwait(r, node);
    else if (ts.isCallExpression(node)) return visitCall(node);
    else if (ts.isMetaProperty(node)) visitMeta(node);
    else if (ts.isPropertyDeclaration(node) && node.initializer) visitField(node);
    else if (ts.isClassStaticBlockDeclaration(node)) {
      inside(node, node.getStart(file), () => {
        writeStaticBlock(r, node, visit);
      });
    } else if (node.kind === ts.SyntaxKind.ThisKeyword) table.noteThis();
    else if (node.kind === ts.SyntaxKind.SuperKeyword) table.noteThis(!isSuperCall(node));
    else return false;
    return true;
  }

  function visitStatement(node: ts.Statement): void {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      writer.copyTo(node.getStart(file));
      writer.replaceTo(node.end, '');
    } else if (ts.isVariableStatement(node)) {
      writer.copyTo(node.getStart(file));
      // `export`
      writer.replaceTo(node.declarationList.getStart(file), '');
      visit(node.declarationList);
    } else if (ts.isForInStatement(node) || ts.isForOfStatement(node)) {
      const { initializer } = node;
      if (ts.isVariableDeclarationList(initializer) && isNotebookList(r, initializer)) writeLoopTarget(r, initializer);
      else visit(initializer);
      visit(node.expression);
      writeLoopBody(r, node.statement, ts.isForOfStatement(node) && node.awaitModifier !== undefined);
    } else if (ts.isIterationStatement(node, /*lookInLabeledStatements*/ false)) {
      ts.forEachChild(node, (child) => {
        if (child === node.statement) writeLoopBody(r, node.statement, false);
        else visit(child);
      });
    } else visitChildren(node);
  }

  function visitFunction(node: FunctionNode): void {
    const begin = textStart(node);
    const isNameless = ts.isFunctionDeclaration(node) && !node.name;
    writer.copyTo(node.getStart(file));
    if (isDefaultOrExport(node)) writer.replaceTo(begin, isNameless ? '(' : '');
    inside(node, begin, () => {
      if (ts.isConstructorDeclaration(node) && node.body && isRevived(r, node.parent)) {
        writeConstructorHead(r, node, node.body);
        writeBody(r, node, node.body);
        return;
      }
      ts.forEachChild(node, (child) => {
        if (child === node.body) writeBody(r, node, node.body);
        else visit(child);
      });
    });
    if (isNameless) writer.insert(');');
  }

  function visitField(node: ts.PropertyDeclaration): void {
    inside(node, node.getStart(file), () => {
      visit(node.name);
      writeInitialiser(r, node, visit);
    });
  }

  function visitClass(node: ts.ClassLikeDeclaration): void {
    const begin = textStart(node);
    const isStatement = ts.isClassDeclaration(node);
    const top = isStatement && node.name ? r.plan.topName(node.name.text, node.parent) : undefined;
    writer.copyTo(node.getStart(file));
    if (isDefaultOrExport(node)) writer.replaceTo(begin, '');
    writer.insert(top ? `${mangle(top.name)}=` : isStatement && !node.name ? '(' : '');
    inside(node, begin, () => {
      node.heritageClauses?.forEach(visit);
      writeOpening(r, node);
      node.members.forEach(visit);
    });
    if (top) writer.insert(`;${passed(top)};`);
    else if (isStatement && !node.name) writer.insert(');');
  }

  /** Enters the text from `begin` to the node's end into the table. */
  function inside(node: CodeNode, begin: number, write: () => void): void {
    writer.copyTo(begin);
    table.enter(node, writer.places, typedAt(anchors, begin));
    write();
    writer.copyTo(node.end);
    table.leave(writer.places);
  }

  function visitCall(node: ts.CallExpression): boolean {
    const callee = node.expression;
    const [argument] = node.arguments;
    const literal = argument && ts.isStringLiteralLike(argument) ? argument.text : undefined;
    if (callee.kind === ts.SyntaxKind.ImportKeyword) {
      if (literal !== undefined) found.dynamicImports.add(literal);
      writer.copyTo(callee.getStart(file));
      writer.replaceTo(callee.end, `${RUNTIME.context}.load`);
      node.arguments.forEach(visit);
      return true;
    }
    if (ts.isIdentifier(callee) && ownerOf(callee) === undefined && !r.known.has(callee.text)) {
      if (callee.text === 'require' && literal !== undefined) found.dynamicImports.add(literal);
      if (callee.text === 'eval' && argument && literal === undefined)
        found.hiddenNames.push(typedAt(anchors, node.getStart(file)));
    }
    return false;
  }

  function visitMeta(node: ts.MetaProperty): void {
    if (node.keywordToken === ts.SyntaxKind.NewKeyword) {
      table.noteThis();
      return;
    }
    writer.copyTo(node.getStart(file));
    writer.replaceTo(node.end, `${RUNTIME.context}.meta`);
  }

  /** Where `toString()` of the function begins: after `export`, `default` and `static`. */
  function textStart(node: FunctionNode | ts.ClassLikeDeclaration): number {
    const before = node.modifiers?.findLast((modifier) => modifier.kind !== ts.SyntaxKind.AsyncKeyword);
    if (!before) return node.getStart(file);
    const gap = /^\s*/.exec(file.text.slice(before.end))?.[0].length ?? 0;
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

function isSuperCall(node: ts.Node): boolean {
  return ts.isCallExpression(node.parent) && node.parent.expression === node;
}
