// Direct eval of a literal is code like any other: the names in it are the notebook's, and are planned and written as such.
import { ts } from '../compiler';
import { parseBound, syntaxErrorsOf } from '../internals';
import { EMIT_OPTIONS } from './printing';
import { keyText, meaningAt, note, readText, targetText, type Meaning, type Rewriting } from './names';
import { assignsTo } from './uses';
import { isReference, ownerOf } from './scopes';

/**
 * Writes the literal with its names rewritten. Gives false when it changes variables of functions, whose sharing is decided before the text of
 * a literal is looked into, or uses shared ones: then the names count as hidden.
 */
export function writeEvaluated(r: Rewriting, call: ts.CallExpression, literal: ts.StringLiteralLike): boolean {
  const file = parseBound('/eval.js', literal.text, { ...EMIT_OPTIONS, allowJs: true });
  // It throws its SyntaxError when it runs, as the language has it.
  if (syntaxErrorsOf(file).length > 0) return true;
  const free: ts.Identifier[] = [];
  const selves: ts.Node[] = [];
  const collect = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && isReference(node) && ownerOf(node) === undefined) free.push(node);
    if (node.kind === ts.SyntaxKind.ThisKeyword || node.kind === ts.SyntaxKind.SuperKeyword) selves.push(node);
    ts.forEachChild(node, collect);
  };
  collect(file);
  const uses = free.map((id) => ({ id, meaning: meaningAt(r, id, call), writes: assignsTo(id, file) }));
  const isShared = ({ id, meaning }: (typeof uses)[number]): boolean =>
    meaning.is === 'local' && r.portals.of(meaning.owner, id.text, call) !== undefined;
  if (uses.some((use) => isShared(use) || (use.writes && use.meaning.is === 'local'))) return false;
  if (selves.length > 0) r.table.noteThis('other');
  let text = '';
  let end = 0;
  for (const { id, meaning, writes } of uses) {
    text += file.text.slice(end, id.getStart(file)) + nameText(r, id, meaning, writes);
    end = id.end;
  }
  text += file.text.slice(end);
  r.writer.copyTo(literal.getStart(r.file));
  r.writer.replaceTo(literal.end, JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029'));
  return true;
}

function nameText(r: Rewriting, id: ts.Identifier, meaning: Meaning, writes: boolean): string {
  const isProbe = ts.isTypeOfExpression(id.parent);
  note(
    r,
    id.text,
    meaning,
    ...(writes ? (['read', 'write'] as const) : isProbe ? (['probe'] as const) : (['read'] as const)),
  );
  if (isProbe && meaning.is === 'unknown') return id.text;
  const text = writes ? targetText(id.text, meaning) : readText(id.text, meaning);
  return ts.isShorthandPropertyAssignment(id.parent) ? `${keyText(id.text)}: ${text}` : text;
}
