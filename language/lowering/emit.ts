// First half of the lowering: TypeScript to the JavaScript that Node runs, by the compiler itself. Before that, on the tree as typed, the last
// expression becomes the cell's value (so that the try block of a `using` cannot lose it) and top-level `using` becomes `const`.
import { decode } from '@jridgewell/sourcemap-codec';
import { ts } from '../compiler';
import { EMITTED } from '../checking/project';
import { MARK, RUNTIME } from '../../magics/protocol/code';
import { print } from './printing';
import type { Anchor } from './writer';

/** What a top-level `using` adds its resource to: a local of the cell. */
export const DISPOSABLES = `$${MARK}u`;

export interface Emitted {
  readonly text: string;
  /** From offsets in `text` to what was typed, ascending. */
  readonly anchors: readonly Anchor[];
  readonly disposal: 'none' | 'sync' | 'async';
}

/** With what a project says of the form that code takes. */
export function emitOptions(project: ts.CompilerOptions): ts.CompilerOptions {
  const said = EMITTED.flatMap((name) => (project[name] === undefined ? [] : [[name, project[name]] as const]));
  return Object.fromEntries(said);
}

/** `parsed`: bound, and read with EMIT_OPTIONS. `more`: what a project says, as emitOptions gives it. */
export function emitJavaScript(parsed: ts.SourceFile, more: ts.CompilerOptions): Emitted {
  let disposal: Emitted['disposal'] = 'none';
  const before: ts.TransformerFactory<ts.SourceFile> = () => (file) => {
    const last = lastExpression(file);
    const statements = file.statements.map((statement) => {
      if (statement === last) return assignValue(last);
      if (ts.isExportAssignment(statement)) return bareExpression(statement);
      const using = usingKind(statement);
      if (using === 'none') return statement;
      disposal = disposal === 'async' ? 'async' : using;
      return ts.isVariableStatement(statement) ? keepDisposable(statement, using) : statement;
    });
    return ts.factory.updateSourceFile(file, ts.setTextRange(ts.factory.createNodeArray(statements), file.statements));
  };
  const output = print(parsed, before, more);
  // So that whoever parses it takes it for the module it is, also where it uses `module.exports`.
  const text = `${output.text.replace(/\/\/# sourceMappingURL=[^\n]*\s*$/, '')}export {};\n`;
  return { text, anchors: toAnchors(text, output.sourceMap), disposal };
}

type ValueStatement = ts.ExpressionStatement | ts.ExportAssignment;

/** The last statement, if it is an expression; declarations of types and empty statements after it do not count. */
function lastExpression(file: ts.SourceFile): ValueStatement | undefined {
  const last = file.statements.findLast(
    (statement) =>
      !ts.isEmptyStatement(statement) && !ts.isInterfaceDeclaration(statement) && !ts.isTypeAliasDeclaration(statement),
  );
  return last && (ts.isExpressionStatement(last) || ts.isExportAssignment(last)) ? last : undefined;
}

function assignValue(statement: ValueStatement): ts.Statement {
  const { factory } = ts;
  const target = factory.createPropertyAccessExpression(factory.createIdentifier(RUNTIME.context), 'value');
  const assignment = ts.setTextRange(factory.createAssignment(target, statement.expression), statement.expression);
  return ts.setTextRange(factory.createExpressionStatement(assignment), statement);
}

/** `export default x` has nobody to export to. */
function bareExpression(statement: ts.ExportAssignment): ts.Statement {
  return ts.setTextRange(ts.factory.createExpressionStatement(statement.expression), statement);
}

function usingKind(statement: ts.Statement): Emitted['disposal'] {
  if (!ts.isVariableStatement(statement)) return 'none';
  const kind: number = statement.declarationList.flags & ts.NodeFlags.BlockScoped;
  const [using, awaitUsing]: readonly number[] = [ts.NodeFlags.Using, ts.NodeFlags.AwaitUsing];
  return kind === awaitUsing ? 'async' : kind === using ? 'sync' : 'none';
}

/** `using a = x` → `const a = __addDisposableResource(disposables, x, false)`; the cell disposes of them at its end. */
function keepDisposable(statement: ts.VariableStatement, kind: 'sync' | 'async'): ts.Statement {
  const { factory } = ts;
  const declarations = statement.declarationList.declarations.map((declaration) => {
    const resource = declaration.initializer ?? factory.createVoidZero();
    const call = factory.createCallExpression(factory.createIdentifier('__addDisposableResource'), undefined, [
      factory.createIdentifier(DISPOSABLES),
      resource,
      kind === 'async' ? factory.createTrue() : factory.createFalse(),
    ]);
    const kept = factory.createVariableDeclaration(
      declaration.name,
      undefined,
      undefined,
      ts.setTextRange(call, resource),
    );
    return ts.setTextRange(kept, declaration);
  });
  const list = factory.createVariableDeclarationList(declarations, ts.NodeFlags.Const);
  return ts.setTextRange(factory.createVariableStatement(undefined, list), statement);
}

function toAnchors(text: string, sourceMap: string): Anchor[] {
  const map: unknown = JSON.parse(sourceMap);
  if (typeof map !== 'object' || map === null || !('mappings' in map) || typeof map.mappings !== 'string') return [];
  const starts = lineStarts(text);
  const anchors: Anchor[] = [];
  decode(map.mappings).forEach((segments, line) => {
    for (const [column, , sourceLine, sourceColumn] of segments) {
      if (sourceLine === undefined || sourceColumn === undefined) continue;
      anchors.push({ offset: (starts[line] ?? 0) + column, line: sourceLine, column: sourceColumn });
    }
  });
  return anchors;
}

/** Where lines begin as the compiler and V8 count them. */
function lineStarts(text: string): number[] {
  const starts = [0];
  for (const end of text.matchAll(/\r\n|[\n\r\u2028\u2029]/g)) starts.push(end.index + end[0].length);
  return starts;
}
