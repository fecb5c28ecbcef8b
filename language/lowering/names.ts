// How one use of a variable is written: notebook names become script-scope bindings, with the errors that the language gives for names that
// are not initialised yet, constant, or nowhere declared.
import { ts } from '../compiler';
import { EMIT_HELPERS, MARK, RUNTIME, mangle, type DeclarationKind, type SharedUse } from '../../magics/protocol/code';
import { isArguments, type CallWord, type CallWords } from './call-words';
import { isAnonymous, namesItsRight } from './function-names';
import type { FunctionTable, Use } from './function-table';
import type { Plan, TopName } from './plan';
import type { Doors } from './doors';
import type { Portals } from './portals';
import { isPatternTarget, ownerAt, unwrap } from './scopes';
import type { Writer } from './writer';

/** What the parts of the rewriting share. */
export interface Rewriting {
  readonly file: ts.SourceFile;
  readonly writer: Writer;
  readonly plan: Plan;
  readonly table: FunctionTable;
  readonly portals: Portals;
  readonly doors: Doors;
  readonly words: CallWords;
  /** Where variables are used that portals know. */
  readonly shared: SharedUse[];
  /** Names that earlier cells declared. */
  readonly known: ReadonlyMap<string, DeclarationKind>;
  readonly visit: (node: ts.Node) => void;
}

export type Meaning =
  | { readonly is: 'local'; readonly owner: ts.Node }
  /** Declared at the top level of this cell; `dead` when it may not be initialised here. */
  | { readonly is: 'own'; readonly top: TopName; readonly dead: boolean; readonly constant: boolean }
  | { readonly is: 'known'; readonly constant: boolean }
  | { readonly is: 'context'; readonly text: string }
  | { readonly is: 'global' }
  /** Nobody knows it yet: a later cell may declare it before this runs. */
  | { readonly is: 'unknown' };

const VALUE = `$${MARK}v`;
const CONTEXT: ReadonlyMap<string, string> = new Map([
  ['require', `${RUNTIME.context}.require`],
  ['module', `${RUNTIME.context}.module`],
  ['exports', `${RUNTIME.context}.module.exports`],
  ['__filename', `${RUNTIME.context}.filename`],
  ['__dirname', `${RUNTIME.context}.dirname`],
]);
const GLOBALS: ReadonlySet<string> = new Set([...Object.getOwnPropertyNames(globalThis), ...EMIT_HELPERS, 'arguments']);

function meaningOf(r: Rewriting, id: ts.Identifier): Meaning {
  return meaningAt(r, id, id);
}

/** What a name would mean where `place` is. */
export function meaningAt(r: Rewriting, { text: name, escapedText }: ts.Identifier, place: ts.Node): Meaning {
  const owner = ownerAt(escapedText, place);
  const top = r.plan.topName(name, owner);
  if (top) return { is: 'own', top, dead: r.plan.mayBeDead(place, top), constant: isConstant(top.kind) };
  if (owner) return { is: 'local', owner };
  if (name.startsWith(`$${MARK}`)) return { is: 'global' };
  const kind = r.known.get(name);
  if (kind) return { is: 'known', constant: isConstant(kind) };
  const text = CONTEXT.get(name);
  if (text) return { is: 'context', text };
  return GLOBALS.has(name) ? { is: 'global' } : { is: 'unknown' };
}

/** A name of Node's that neither the cell nor the notebook has taken. */
export function isGlobalName(r: Rewriting, id: ts.Identifier): boolean {
  return meaningOf(r, id).is === 'global';
}

function isConstant(kind: DeclarationKind): boolean {
  return kind === 'const' || kind === 'import';
}

export function note(r: Rewriting, name: string, meaning: Meaning, ...uses: Use[]): void {
  if (meaning.is === 'local') r.table.noteLocal(name, meaning.owner);
  else if (meaning.is === 'global') {
    if (name === 'arguments') r.table.noteThis('other');
  } else if (meaning.is !== 'context') r.table.noteUse(name, ...uses);
}

function quoted(name: string): string {
  return JSON.stringify(name);
}

function isReady(top: TopName): string {
  return `${RUNTIME.progress}>${top.step}`;
}

/** `, ` before it: throws when the name is not initialised. */
function deadCheck(name: string, meaning: Meaning): string {
  return meaning.is === 'own' && meaning.dead ? `${isReady(meaning.top)}||${RUNTIME.dead}(${quoted(name)}),` : '';
}

export function readText(name: string, meaning: Meaning): string {
  const binding = mangle(name);
  if (meaning.is === 'own')
    return meaning.dead ? `(${isReady(meaning.top)}?${binding}:${RUNTIME.dead}(${quoted(name)}))` : binding;
  if (meaning.is === 'known') return binding;
  if (meaning.is === 'unknown') return `(${RUNTIME.has}(${quoted(name)})?${binding}:${name})`;
  return meaning.is === 'context' ? meaning.text : name;
}

function throwConstant(name: string): string {
  return `${RUNTIME.constant}(${quoted(name)})`;
}

/** A property whose reading and writing is that of the name: goes wherever the language wants an assignment target. */
export function targetText(name: string, meaning: Meaning): string {
  const binding = mangle(name);
  if (meaning.is === 'local' || meaning.is === 'global') return name;
  if (meaning.is === 'context') return meaning.text;
  const plain = meaning.is !== 'unknown' && !meaning.constant && deadCheck(name, meaning) === '';
  if (plain) return binding;
  const assign =
    meaning.is === 'unknown'
      ? `${RUNTIME.has}(${quoted(name)})?${binding}=${VALUE}:${name}=${VALUE}`
      : `${deadCheck(name, meaning)}${meaning.constant ? throwConstant(name) : `${binding}=${VALUE}`}`;
  return `({get _(){return ${readText(name, meaning)}},set _(${VALUE}){${assign}}})._`;
}

/** `arguments` or `new.target` in an arrow. Gives false where the word stays as it is. */
export function writeCallWord(r: Rewriting, node: ts.Node, word: CallWord): boolean {
  const variable = r.words.variableAt(node, word);
  if (!variable) return false;
  r.table.noteLocal(variable.name, variable.owner);
  r.writer.copyTo(node.getStart(r.file));
  r.writer.replaceTo(node.end, variable.name);
  return true;
}

/** A reference on its own: a read, or an element of a destructuring assignment. */
export function writeReference(r: Rewriting, id: ts.Identifier): void {
  if (isArguments(id) && writeCallWord(r, id, 'arguments')) return;
  const meaning = meaningOf(r, id);
  const isTarget = isPatternTarget(id);
  note(r, id.text, meaning, isTarget ? 'write' : 'read');
  if (meaning.is === 'local') noteShared(r, id, meaning.owner, isCalled(id) ? 'call' : 'plain');
  if (meaning.is === 'local' || meaning.is === 'global') return;
  r.writer.copyTo(id.getStart(r.file));
  r.writer.replaceTo(id.end, isTarget ? targetText(id.text, meaning) : readText(id.text, meaning));
}

/** Remembers where the name will stand. */
function noteShared(r: Rewriting, id: ts.Identifier, owner: ts.Node, how: SharedUse[2]): void {
  const portal = r.portals.of(owner, id.text, id);
  if (!portal) return;
  const start = id.getStart(r.file);
  r.writer.copyTo(start);
  const { offset } = r.writer.places.local;
  r.shared.push([offset, offset + id.end - start, how, portal.index]);
}

/** A call of a property would have its object as `this`, which a call of a variable has not. */
function isCalled(id: ts.Identifier): boolean {
  let callee: ts.Expression = id;
  while (ts.isParenthesizedExpression(callee.parent)) callee = callee.parent;
  const { parent } = callee;
  if (ts.isTaggedTemplateExpression(parent)) return parent.tag === callee;
  return ts.isCallExpression(parent) && parent.expression === callee;
}

/** `{ x }` → `{ x: … }`, in literals and in destructuring assignments. */
export function writeShorthand(r: Rewriting, node: ts.ShorthandPropertyAssignment): void {
  const { name } = node;
  const word = isArguments(name) && r.words.variableAt(name, 'arguments');
  if (word) {
    r.writer.copyTo(name.getStart(r.file));
    r.writer.insert('arguments: ');
    writeCallWord(r, name, 'arguments');
    return;
  }
  const meaning = meaningOf(r, name);
  const isTarget = isPatternTarget(name);
  note(r, name.text, meaning, isTarget ? 'write' : 'read');
  if (meaning.is === 'local') noteShared(r, name, meaning.owner, 'shorthand');
  if (meaning.is !== 'local' && meaning.is !== 'global') {
    r.writer.copyTo(name.getStart(r.file));
    const value = isTarget ? targetText(name.text, meaning) : readText(name.text, meaning);
    r.writer.replaceTo(name.end, `${keyText(name.text)}: ${value}`);
  }
  if (node.objectAssignmentInitializer) visitNamed(r, node.objectAssignmentInitializer, name.text);
}

/** A property key that only names: `__proto__: x` would set the prototype. */
export function keyText(name: string): string {
  return name === '__proto__' ? '["__proto__"]' : name;
}

/** `typeof x` of a name that may not exist must not throw. Gives false when there is nothing special about it. */
export function writeTypeof(r: Rewriting, node: ts.TypeOfExpression): boolean {
  const operand = unwrap(node.expression);
  if (!ts.isIdentifier(operand) || isArguments(operand)) return false;
  const meaning = meaningOf(r, operand);
  // One that is declared in the cell is there, or in its dead zone: nothing special.
  if (meaning.is === 'local') return false;
  note(r, operand.text, meaning, 'probe');
  const name = operand.text;
  const text =
    meaning.is === 'unknown'
      ? `(${RUNTIME.has}(${quoted(name)})?typeof ${mangle(name)}:typeof ${name})`
      : `typeof ${readText(name, meaning)}`;
  r.writer.copyTo(node.getStart(r.file));
  r.writer.replaceTo(node.end, text);
  return true;
}

/** `x = v`, `x += v`, `x ??= v` for a plain name on the left. Gives false when the default traversal does. */
export function writeAssignment(r: Rewriting, node: ts.BinaryExpression): boolean {
  const left = unwrap(node.left);
  const operator = node.operatorToken.kind;
  if (!ts.isIdentifier(left)) return false;
  if (operator === ts.SyntaxKind.EqualsToken && isPatternTarget(node)) {
    // `[x = 1] = list`: the default of an element.
    r.visit(node.left);
    visitNamed(r, node.right, left.text);
    return true;
  }
  const meaning = meaningOf(r, left);
  const isPlain = operator === ts.SyntaxKind.EqualsToken;
  if (meaning.is === 'local') note(r, left.text, meaning, 'write');
  if (meaning.is === 'local' || meaning.is === 'global' || meaning.is === 'context') return false;
  note(r, left.text, meaning, ...(isPlain ? (['write'] as const) : (['read', 'write'] as const)));
  r.writer.copyTo(node.getStart(r.file));
  if (meaning.is !== 'unknown' && meaning.constant) {
    writeConstantAssignment(r, node, left.text, meaning);
    return true;
  }
  const check = deadCheck(left.text, meaning);
  const target = meaning.is === 'unknown' ? targetText(left.text, meaning) : mangle(left.text);
  r.writer.replaceTo(node.left.end, check === '' ? target : `(${check}${target}`);
  if (namesItsRight(operator)) visitNamed(r, node.right, left.text);
  else r.visit(node.right);
  r.writer.copyTo(node.end);
  if (check !== '') r.writer.insert(')');
  return true;
}

/** The right side runs first, then the assignment throws, as the language has it. */
function writeConstantAssignment(r: Rewriting, node: ts.BinaryExpression, name: string, meaning: Meaning): void {
  const operator = node.operatorToken.kind;
  const read = readText(name, meaning);
  const isLogical = namesItsRight(operator) && operator !== ts.SyntaxKind.EqualsToken;
  const head = isLogical
    ? `(${read}${node.operatorToken.getText(r.file).slice(0, -1)}(`
    : operator === ts.SyntaxKind.EqualsToken
      ? '('
      : `(${read},`;
  r.writer.replaceTo(node.right.getStart(r.file), head);
  r.visit(node.right);
  r.writer.copyTo(node.end);
  r.writer.insertFor(
    node.getStart(r.file),
    `,${deadCheck(name, meaning)}${throwConstant(name)})${isLogical ? ')' : ''}`,
  );
}

/** `x++`, `--x` for a plain name. Gives false when the default traversal does. */
export function writeUpdate(r: Rewriting, node: ts.PrefixUnaryExpression | ts.PostfixUnaryExpression): boolean {
  const operand = unwrap(node.operand);
  if (node.operator !== ts.SyntaxKind.PlusPlusToken && node.operator !== ts.SyntaxKind.MinusMinusToken) return false;
  if (!ts.isIdentifier(operand)) return false;
  const meaning = meaningOf(r, operand);
  if (meaning.is === 'local') note(r, operand.text, meaning, 'write');
  if (meaning.is === 'local' || meaning.is === 'global' || meaning.is === 'context') return false;
  const name = operand.text;
  note(r, name, meaning, 'read', 'write');
  r.writer.copyTo(node.getStart(r.file));
  const sign = node.operator === ts.SyntaxKind.PlusPlusToken ? '++' : '--';
  const target = meaning.is === 'unknown' ? targetText(name, meaning) : mangle(name);
  const check = deadCheck(name, meaning);
  const update = ts.isPrefixUnaryExpression(node) ? `${sign}${target}` : `${target}${sign}`;
  const isConstantName = meaning.is !== 'unknown' && meaning.constant;
  if (isConstantName) r.writer.replaceTo(node.end, `(${readText(name, meaning)},${throwConstant(name)})`);
  else r.writer.replaceTo(node.end, check === '' ? update : `(${check}${update})`);
  return true;
}

/** An anonymous function or class takes the name that was typed, not that of the binding. */
export function visitNamed(r: Rewriting, value: ts.Expression, name: string): void {
  if (!isAnonymous(value)) {
    r.visit(value);
    return;
  }
  const key = name === '__proto__' ? '["__proto__"]' : quoted(name);
  r.writer.copyTo(value.getStart(r.file));
  r.writer.insert(`({${key}:`);
  r.visit(value);
  r.writer.copyTo(value.end);
  r.writer.insert(`})[${quoted(name)}]`);
}
