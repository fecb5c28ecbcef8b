// Classes are opened so that an instance can be made again without running the user's code: private fields can be read and set by the realm,
// and initialisers, static blocks and constructors stand aside while `REVIVE.on`. An unguarded base class costs nothing.
import { ts } from '../compiler';
import { MARK, RUNTIME } from '../../magics/protocol/code';
import { isGlobalName, type Rewriting } from './names';
import { unwrap, type FunctionNode } from './scopes';

const ON = `${RUNTIME.revive}.on`;
/** No variable that text which is evaluated there may mean has such a name. */
const TEXT = `$${MARK}f`;

/** Writes up to the first member: what registers the class's private fields. */
export function writeOpening(r: Rewriting, node: ts.ClassLikeDeclaration): void {
  const fields = privateFields(node, false);
  const statics = privateFields(node, true);
  const keys = node.members.filter(({ name }) => name && ts.isComputedPropertyName(name) && isKept(r, name)).length;
  if (keys > 0) {
    r.writer.copyTo(node.members.pos);
    r.writer.insert(`static{${RUNTIME.revive}.keyed(this,${keys})}`);
  }
  const brand = brandOf(node);
  const door = r.doors.at(node);
  if (door?.shows !== undefined) {
    r.writer.copyTo(node.members.pos);
    r.writer.insert(`static{${RUNTIME.revive}.named(this,${JSON.stringify(door.shows)})}`);
  }
  if (brand === undefined && statics.length === 0 && door === undefined) return;
  r.writer.copyTo(node.members.pos);
  const access = [
    `has:(o)=>${brand === undefined ? 'false' : `${brand} in o`}`,
    `get:(o)=>${readAll('o', fields)}`,
    `set:(o,v)=>{${assignAll('o', fields)}}`,
    ...(door === undefined ? [] : [`open:(${TEXT})=>eval(${TEXT})`]),
    ...(statics.length === 0
      ? []
      : [`statics:{get:()=>${readAll('this', statics)},set:(v)=>{${assignAll('this', statics)}}}`]),
  ];
  r.writer.insert(`static{${RUNTIME.revive}.register(this,{${access.join(',')}})}`);
}

/**
 * Writes a computed key. A class that is made again takes the keys it had: what they are computed from may not be there yet, and may have changed.
 * A method of an object literal that is made again is taken out of its literal, whatever its key.
 */
export function writeKey(r: Rewriting, node: ts.ComputedPropertyName): void {
  const { expression, parent } = node;
  const isClass = ts.isClassLike(parent.parent);
  if (!isKept(r, node) || (!isClass && ts.isPropertyAssignment(parent))) {
    r.visit(expression);
    return;
  }
  r.writer.copyTo(expression.getStart(r.file));
  r.writer.insert(isClass ? `${ON}?${RUNTIME.revive}.nextKey():${RUNTIME.revive}.key(` : `${ON}?"":(`);
  r.visit(expression);
  r.writer.copyTo(expression.end);
  r.writer.insert(')');
}

/** Does the key depend on more than the language's own words? */
function isKept(r: Rewriting, { expression }: ts.ComputedPropertyName): boolean {
  const inner = unwrap(expression);
  if (ts.isStringLiteralLike(inner) || ts.isNumericLiteral(inner)) return false;
  const isSymbol = ts.isPropertyAccessExpression(inner) && ts.isIdentifier(inner.expression);
  return !(isSymbol && isGlobalName(r, inner.expression));
}

function readAll(holder: string, names: readonly string[]): string {
  return `({${names.map((name) => `${JSON.stringify(name)}:${holder}.${name}`).join(',')}})`;
}

function assignAll(holder: string, names: readonly string[]): string {
  return names.map((name) => `${holder}.${name}=v[${JSON.stringify(name)}];`).join('');
}

function privateFields(node: ts.ClassLikeDeclaration, areStatic: boolean): string[] {
  return node.members.flatMap((member) =>
    ts.isPropertyDeclaration(member) && ts.isPrivateIdentifier(member.name) && isStatic(member) === areStatic
      ? [member.name.text]
      : [],
  );
}

/** A private name that all instances have, be it a method's: only the class itself can give it to them. */
function brandOf(node: ts.ClassLikeDeclaration): string | undefined {
  for (const member of node.members)
    if (member.name && ts.isPrivateIdentifier(member.name) && !isStatic(member)) return member.name.text;
  return undefined;
}

function isStatic(member: ts.ClassElement): boolean {
  return (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Static) !== 0;
}

/** Writes the value of a field; `visit` writes it as it is. */
export function writeInitialiser(
  r: Rewriting,
  field: ts.PropertyDeclaration,
  visit: (value: ts.Expression) => void,
): void {
  const { initializer, parent } = field;
  if (!initializer) return;
  const isGuarded = isStatic(field) || isRevived(r, parent);
  if (!isGuarded || isInert(initializer) || !ts.isClassLike(parent)) {
    visit(initializer);
    return;
  }
  r.writer.copyTo(initializer.getStart(r.file));
  r.writer.insert(`${ON}?void 0:(`);
  visit(initializer);
  r.writer.copyTo(initializer.end);
  r.writer.insert(')');
}

/** Writes a static block. What decorators did is in the variables around the class and in its members, and travels as values. */
export function writeStaticBlock(
  r: Rewriting,
  node: ts.ClassStaticBlockDeclaration,
  visit: (body: ts.Block) => void,
): void {
  r.writer.copyTo(node.body.getStart(r.file) + 1);
  r.writer.insert(`if(!${ON}){`);
  visit(node.body);
  r.writer.copyTo(node.body.end - 1);
  r.writer.insert('}');
}

/**
 * Writes the constructor of a revived class up to the inside of its body. Patterns and defaults of parameters move into the body, behind the
 * guard: they are the user's code too, and a pattern fails without an argument.
 */
export function writeConstructorHead(r: Rewriting, node: ts.ConstructorDeclaration, body: ts.Block): void {
  const guard = heritage(node.parent) ? `if(${ON}){super();return;}` : `if(${ON})return;`;
  const { parameters } = node;
  if (parameters.every(({ name, initializer }) => ts.isIdentifier(name) && !initializer)) {
    r.writer.copyTo(body.getStart(r.file) + 1);
    r.writer.insert(guard);
    return;
  }
  writeMovedParameters(r, node, body, `${guard}var`);
}

/** Writes up to the inside of the body: parameters without patterns and defaults, then `opening` and a pattern that takes what they were given. */
export function writeMovedParameters(
  r: Rewriting,
  node: FunctionNode,
  body: ts.ConciseBody,
  opening: 'let' | `${string}var`,
): void {
  const { parameters } = node;
  const place = (index: number): string => `$${MARK}q${index}`;
  // `length` counts up to the first default.
  const plain = parameters.map(({ dotDotDotToken, initializer }, index) =>
    dotDotDotToken ? `...${place(index)}` : initializer ? `${place(index)}=void 0` : place(index),
  );
  const given = parameters.map(({ dotDotDotToken }, index) => `${dotDotDotToken ? '...' : ''}${place(index)}`);
  r.writer.copyTo(parameters.pos);
  r.writer.insert(`${plain.join(',')})${ts.isArrowFunction(node) ? '=>' : ''}{${opening} [`);
  parameters.forEach(r.visit);
  r.writer.copyTo(parameters.end);
  r.writer.replaceTo(body.getStart(r.file) + (ts.isBlock(body) ? 1 : 0), `]=[${given.join(',')}];`);
}

/** May an instance of it have to be made without its constructor? Its own private fields, or those of a base class, say so. */
export function isRevived(r: Rewriting, node: ts.Node): boolean {
  if (!ts.isClassLike(node)) return false;
  if (brandOf(node) !== undefined) return true;
  const base = heritage(node);
  if (!base) return false;
  const inner = unwrap(base);
  return inner.kind !== ts.SyntaxKind.NullKeyword && !(ts.isIdentifier(inner) && isGlobalName(r, inner));
}

function heritage(node: ts.ClassLikeDeclaration): ts.Expression | undefined {
  return node.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)?.types[0]?.expression;
}

/** Runs nothing of the user's and needs nothing that may not be there yet. */
function isInert(value: ts.Expression): boolean {
  const inner = unwrap(value);
  if (ts.isPrefixUnaryExpression(inner)) return ts.isNumericLiteral(inner.operand);
  if (ts.isArrayLiteralExpression(inner)) return inner.elements.length === 0;
  if (ts.isObjectLiteralExpression(inner)) return inner.properties.length === 0;
  return (
    ts.isLiteralExpression(inner) ||
    ts.isArrowFunction(inner) ||
    ts.isFunctionExpression(inner) ||
    ts.isVoidExpression(inner) ||
    inner.kind === ts.SyntaxKind.NullKeyword ||
    inner.kind === ts.SyntaxKind.TrueKeyword ||
    inner.kind === ts.SyntaxKind.FalseKeyword
  );
}

/** Has the compiler spelled out decorators in it? */
export function isDecorated(node: ts.ClassLikeDeclaration): boolean {
  return node.members.some(
    (member) => ts.isClassStaticBlockDeclaration(member) && member.getText().includes('__esDecorate('),
  );
}
