// Where a running cell can be interrupted. All of this goes into the text for the user process only: shipped code is ended by ending its process.
import { ts } from '../compiler';
import { RUNTIME } from '../../magics/protocol/code';
import type { Rewriting } from './names';
import { portalText } from './portals';
import { isFunctionNode, type FunctionNode } from './scopes';

const CHECK = `if(${RUNTIME.stop})${RUNTIME.throw}();`;
export const NOTE_EPOCH = `const ${RUNTIME.activation}=${RUNTIME.epoch};`;

export function writeBody(r: Rewriting, node: FunctionNode, body: ts.ConciseBody): void {
  if (ts.isBlock(body)) {
    r.writer.copyTo(body.getStart(r.file) + 1);
    r.writer.insertLocal(isAsync(node) ? NOTE_EPOCH + CHECK : CHECK);
    r.visit(body);
    return;
  }
  const waits = isAsync(node) && contains(body, ts.isAwaitExpression);
  const runs = waits || contains(body, canRunLong);
  const portal = r.portals.at(body);
  r.writer.copyTo(body.getStart(r.file));
  if (portal) {
    // Where the parameters were moved, the body is open already.
    if (!r.portals.moves(node)) r.writer.insert('{');
    if (runs) r.writer.insertLocal(waits ? NOTE_EPOCH + CHECK : CHECK);
    r.writer.insert(`${portalText(portal)}return `);
    r.visit(body);
    r.writer.copyTo(body.end);
    r.writer.insert(';}');
    return;
  }
  if (waits) r.writer.insertLocal(`{${NOTE_EPOCH}${CHECK}return `);
  else if (runs) r.writer.insertLocal(`(${RUNTIME.stop}&&${RUNTIME.throw}(),`);
  r.visit(body);
  r.writer.copyTo(body.end);
  if (waits) r.writer.insertLocal(';}');
  else if (runs) r.writer.insertLocal(')');
}

/** Every turn of every loop passes a check; an asynchronous one also notices that its cell was given up. */
export function writeLoopBody(r: Rewriting, body: ts.Statement, isForAwait: boolean): void {
  const check = isForAwait ? `${RUNTIME.awaited}(${RUNTIME.activation});${CHECK}` : CHECK;
  if (ts.isBlock(body)) {
    r.writer.copyTo(body.getStart(r.file) + 1);
    r.writer.insertLocal(check);
    r.visit(body);
    return;
  }
  r.writer.copyTo(body.getStart(r.file));
  const portal = r.portals.at(body);
  if (portal) r.writer.insert(`{${portalText(portal)}`);
  r.writer.insertLocal(portal ? check : `{${check}`);
  r.visit(body);
  r.writer.copyTo(body.end);
  if (portal) r.writer.insert('}');
  else r.writer.insertLocal('}');
}

export function writeAwait(r: Rewriting, node: ts.AwaitExpression): void {
  r.writer.copyTo(node.getStart(r.file));
  r.writer.insertLocal(`${RUNTIME.awaited}(${RUNTIME.activation},`);
  r.visit(node.expression);
  r.writer.copyTo(node.end);
  r.writer.insertLocal(')');
}

/** Does the top level wait? */
export function awaitsAtTop(file: ts.SourceFile): boolean {
  return contains(
    file,
    (node) => ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier !== undefined),
  );
}

function isAsync(node: FunctionNode): boolean {
  return (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Async) !== 0;
}

function canRunLong(node: ts.Node): boolean {
  return (
    ts.isCallExpression(node) ||
    ts.isNewExpression(node) ||
    ts.isTaggedTemplateExpression(node) ||
    ts.isAwaitExpression(node) ||
    ts.isSpreadElement(node)
  );
}

/** Looks at the node and what runs with it: not into functions. */
function contains(node: ts.Node, test: (node: ts.Node) => boolean): boolean {
  if (test(node)) return true;
  return ts.forEachChild(node, (child) => !isFunctionNode(child) && contains(child, test)) ?? false;
}
