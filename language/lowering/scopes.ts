// Which declaration an identifier of the emitted JavaScript means, by the binder's scope tables alone: no checker, no library.
import { ts } from '../compiler';
import { localsOf } from '../internals';

export type FunctionNode =
  | ts.FunctionDeclaration
  | ts.FunctionExpression
  | ts.ArrowFunction
  | ts.MethodDeclaration
  | ts.GetAccessorDeclaration
  | ts.SetAccessorDeclaration
  | ts.ConstructorDeclaration;

export function isFunctionNode(node: ts.Node): node is FunctionNode {
  switch (node.kind) {
    case ts.SyntaxKind.FunctionDeclaration:
    case ts.SyntaxKind.FunctionExpression:
    case ts.SyntaxKind.ArrowFunction:
    case ts.SyntaxKind.MethodDeclaration:
    case ts.SyntaxKind.GetAccessor:
    case ts.SyntaxKind.SetAccessor:
    case ts.SyntaxKind.Constructor:
      return true;
    default:
      return false;
  }
}

/** The node whose scope declares the name: the source file for a top-level name, undefined when nothing in the cell does. */
export function ownerOf(id: ts.Identifier): ts.Node | undefined {
  return ownerAt(id.escapedText, id);
}

/** The same for a name that would stand where `place` is. */
export function ownerAt(name: ts.__String, place: ts.Node): ts.Node | undefined {
  let child = place;
  for (let node: ts.Node | undefined = place.parent; node as ts.Node | undefined; child = node, node = node.parent) {
    const symbol = localsOf(node)?.get(name);
    // A `var` of the body is not visible from the parameters.
    if (
      symbol &&
      !(ts.isParameter(child) && !symbol.declarations?.some((declaration) => inParameters(declaration, node)))
    )
      return node;
    if ((ts.isFunctionExpression(node) || ts.isClassLike(node)) && node.name?.escapedText === name) return node;
  }
  return undefined;
}

function inParameters(declaration: ts.Node, owner: ts.Node): boolean {
  for (let node = declaration; node !== owner && (node.parent as ts.Node | undefined); node = node.parent)
    if (ts.isParameter(node)) return node.parent === owner;
  return false;
}

/** Is this identifier a use of a variable? Not a property name, a label, a declared name or a keyword-like word. */
export function isReference(id: ts.Identifier): boolean {
  const { parent } = id;
  switch (parent.kind) {
    case ts.SyntaxKind.PropertyAccessExpression:
      return (parent as ts.PropertyAccessExpression).expression === id;
    case ts.SyntaxKind.PropertyAssignment:
      return (parent as ts.PropertyAssignment).initializer === id;
    case ts.SyntaxKind.VariableDeclaration:
      return (parent as ts.VariableDeclaration).initializer === id;
    case ts.SyntaxKind.Parameter:
      return (parent as ts.ParameterDeclaration).initializer === id;
    case ts.SyntaxKind.PropertyDeclaration:
      return (parent as ts.PropertyDeclaration).initializer === id;
    case ts.SyntaxKind.BindingElement:
      return (parent as ts.BindingElement).initializer === id;
    case ts.SyntaxKind.ArrowFunction:
      return (parent as ts.ArrowFunction).body === id;
    case ts.SyntaxKind.FunctionDeclaration:
    case ts.SyntaxKind.FunctionExpression:
    case ts.SyntaxKind.ClassDeclaration:
    case ts.SyntaxKind.ClassExpression:
    case ts.SyntaxKind.MethodDeclaration:
    case ts.SyntaxKind.GetAccessor:
    case ts.SyntaxKind.SetAccessor:
    case ts.SyntaxKind.LabeledStatement:
    case ts.SyntaxKind.BreakStatement:
    case ts.SyntaxKind.ContinueStatement:
    case ts.SyntaxKind.ImportClause:
    case ts.SyntaxKind.ImportSpecifier:
    case ts.SyntaxKind.NamespaceImport:
    case ts.SyntaxKind.ImportAttribute:
    case ts.SyntaxKind.ExportSpecifier:
    case ts.SyntaxKind.NamespaceExport:
    case ts.SyntaxKind.MetaProperty:
      return false;
    default:
      return true;
  }
}

/** Does a destructuring assignment or a for-in/for-of head assign to this expression? */
export function isPatternTarget(node: ts.Expression): boolean {
  const { parent } = node;
  if (ts.isForInStatement(parent) || ts.isForOfStatement(parent)) return parent.initializer === node;
  if (ts.isParenthesizedExpression(parent)) return isPatternTarget(parent);
  if (ts.isArrayLiteralExpression(parent)) return isPattern(parent);
  if (ts.isSpreadElement(parent)) return ts.isArrayLiteralExpression(parent.parent) && isPattern(parent.parent);
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node && isPattern(parent.parent);
  if (ts.isShorthandPropertyAssignment(parent)) return parent.name === node && isPattern(parent.parent);
  if (ts.isSpreadAssignment(parent)) return isPattern(parent.parent);
  return isPlainAssignment(parent) && parent.left === node && isPatternTarget(parent);
}

function isPattern(literal: ts.ArrayLiteralExpression | ts.ObjectLiteralExpression): boolean {
  const { parent } = literal;
  return (isPlainAssignment(parent) && parent.left === literal) || isPatternTarget(literal);
}

export function isPlainAssignment(node: ts.Node): node is ts.BinaryExpression {
  return ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken;
}

/** The outermost function or class around the node: what has to be called or made before the node runs. */
export function outermostCode(node: ts.Node): FunctionNode | ts.ClassLikeDeclaration | undefined {
  let outermost: FunctionNode | ts.ClassLikeDeclaration | undefined;
  for (let at: ts.Node = node; !ts.isSourceFile(at); at = at.parent)
    if (isFunctionNode(at) || ts.isClassLike(at)) outermost = at;
  return outermost;
}

export function unwrap(node: ts.Expression): ts.Expression {
  let inner = node;
  while (ts.isParenthesizedExpression(inner)) inner = inner.expression;
  return inner;
}
