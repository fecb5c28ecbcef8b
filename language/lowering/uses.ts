// What code does with a name, as its syntax tells: where `this` comes from, what closes over a variable, what assigns it, and whether that is done again.
import { ts } from '../compiler';
import { isFunctionNode, isPatternTarget } from './scopes';

export function isSuperCall(node: ts.Node): boolean {
  return ts.isCallExpression(node.parent) && node.parent.expression === node;
}

/** Where `this` comes from: the function, field or static block; undefined at the top level. */
export function thisContainer(node: ts.Node): { container: ts.Node | undefined; crossesArrow: boolean } {
  let crossesArrow = false;
  let child = node;
  for (let at = node.parent; !ts.isSourceFile(at); child = at, at = at.parent) {
    const isKey = 'name' in at && at.name === child && ts.isComputedPropertyName(child);
    if (isKey) continue;
    if (ts.isArrowFunction(at)) crossesArrow = true;
    else if (isFunctionNode(at) || ts.isPropertyDeclaration(at) || ts.isClassStaticBlockDeclaration(at))
      return { container: at, crossesArrow };
  }
  return { container: undefined, crossesArrow };
}

export function isInside(node: ts.Node, outer: ts.Node): boolean {
  return outer.pos <= node.pos && node.end <= outer.end;
}

/** The outermost function, or class, which lives as long, between a use and the scope of its variable. */
export function carrierOf(id: ts.Node, owner: ts.Node): ts.Node | undefined {
  let carrier: ts.Node | undefined;
  for (let at = id.parent; at !== owner; at = at.parent) if (isFunctionNode(at) || ts.isClassLike(at)) carrier = at;
  return carrier;
}

export function isNamed(carrier: ts.Node, name: string): boolean {
  return ts.isFunctionDeclaration(carrier) && carrier.name?.text === name;
}

export function isBlockScoped(declaration: ts.Declaration): boolean {
  if (ts.isClassDeclaration(declaration)) return true;
  const isVariable = ts.isVariableDeclaration(declaration) || ts.isBindingElement(declaration);
  return isVariable && (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.BlockScoped) !== 0;
}

/** Does the identifier stand where a variable of `owner` is assigned? */
export function assignsTo(id: ts.Identifier, owner: ts.Node): boolean {
  let target: ts.Expression = id;
  while (ts.isParenthesizedExpression(target.parent)) target = target.parent;
  const { parent } = target;
  if (ts.isPrefixUnaryExpression(parent) || ts.isPostfixUnaryExpression(parent)) {
    const { PlusPlusToken, MinusMinusToken } = ts.SyntaxKind;
    const isUpdate = parent.operator === PlusPlusToken || parent.operator === MinusMinusToken;
    return isUpdate && !beginsNextTurn(parent, owner);
  }
  if (ts.isBinaryExpression(parent) && parent.left === target && isAssignmentOperator(parent.operatorToken.kind))
    return !beginsNextTurn(parent, owner);
  return isPatternTarget(id);
}

/** Each turn of a loop has its own variable, and counting up is how the next one begins. */
function beginsNextTurn(assignment: ts.Node, owner: ts.Node): boolean {
  const counts = ts.isForStatement(owner) && owner.incrementor && isInside(assignment, owner.incrementor);
  return counts === true && carrierOf(assignment, owner) === undefined;
}

function isAssignmentOperator(kind: ts.SyntaxKind): boolean {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}

export function isConstant(declaration: ts.Declaration): boolean {
  return (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Constant) !== 0;
}

export function isRepeated(list: ts.Node, owner: ts.Node): boolean {
  for (let at = list.parent; at !== owner; at = at.parent)
    if (ts.isIterationStatement(at, /*lookInLabeledStatements*/ false)) return true;
  return false;
}
