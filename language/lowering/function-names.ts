// Names that functions and classes show (`f.name`) as far as the text tells: the language names an anonymous one after what it is put into.
import { ts } from '../compiler';
import type { FunctionKind } from '../../magics/protocol/code';
import { isFunctionNode, unwrap, type FunctionNode } from './scopes';

export type CodeNode = FunctionNode | ts.ClassLikeDeclaration | ts.PropertyDeclaration | ts.ClassStaticBlockDeclaration;

export function kindOfCode(node: CodeNode): FunctionKind {
  if (ts.isArrowFunction(node)) return 'arrow';
  if (ts.isMethodDeclaration(node)) return 'method';
  if (ts.isGetAccessorDeclaration(node)) return 'getter';
  if (ts.isSetAccessorDeclaration(node)) return 'setter';
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  if (ts.isClassLike(node)) return 'class';
  if (ts.isPropertyDeclaration(node)) return 'field';
  if (ts.isClassStaticBlockDeclaration(node)) return 'static-block';
  return 'function';
}

export function shownName(node: CodeNode): string {
  if (ts.isClassStaticBlockDeclaration(node)) return '';
  if (ts.isConstructorDeclaration(node)) return node.parent.name?.text ?? '';
  if (ts.isGetAccessorDeclaration(node)) return `get ${propertyText(node.name)}`;
  if (ts.isSetAccessorDeclaration(node)) return `set ${propertyText(node.name)}`;
  if (ts.isMethodDeclaration(node) || ts.isPropertyDeclaration(node)) return propertyText(node.name);
  return node.name ? node.name.text : contextName(node);
}

/** The name of the function or class that a place is in; '' where there is none or it has none. */
export function enclosingName(place: ts.Node): string {
  for (let at = place; !ts.isSourceFile(at); at = at.parent)
    if (isFunctionNode(at) || ts.isClassLike(at)) return shownName(at);
  return '';
}

/** Is it a function or class that would take the name of what it is assigned to? */
export function isAnonymous(expression: ts.Expression): boolean {
  const inner = unwrap(expression);
  return (
    ts.isArrowFunction(inner) ||
    ((ts.isFunctionExpression(inner) || ts.isClassExpression(inner)) && inner.name === undefined)
  );
}

function contextName(node: ts.Node): string {
  let value = node;
  while (ts.isParenthesizedExpression(value.parent)) value = value.parent;
  const { parent } = value;
  if (ts.isVariableDeclaration(parent) || ts.isBindingElement(parent) || ts.isParameter(parent))
    return parent.initializer === value && ts.isIdentifier(parent.name) ? parent.name.text : '';
  if (ts.isPropertyAssignment(parent) || ts.isPropertyDeclaration(parent))
    return parent.initializer === value ? propertyText(parent.name) : '';
  if (ts.isShorthandPropertyAssignment(parent)) return parent.name.text;
  if (ts.isBinaryExpression(parent) && parent.right === value && namesItsRight(parent.operatorToken.kind)) {
    const target = unwrap(parent.left);
    return ts.isIdentifier(target) ? target.text : '';
  }
  return '';
}

export function namesItsRight(operator: ts.SyntaxKind): boolean {
  return (
    operator === ts.SyntaxKind.EqualsToken ||
    operator === ts.SyntaxKind.BarBarEqualsToken ||
    operator === ts.SyntaxKind.AmpersandAmpersandEqualsToken ||
    operator === ts.SyntaxKind.QuestionQuestionEqualsToken
  );
}

export function propertyText(name: ts.PropertyName): string {
  if (ts.isComputedPropertyName(name))
    return ts.isStringLiteralLike(name.expression) || ts.isNumericLiteral(name.expression) ? name.expression.text : '';
  return name.text;
}
