// What a name is: its type and its documentation, as plain text and as Markdown.
import { readable } from './checking/problems';
import { ts } from './compiler';
import { unlessCompilerFails } from './compiler-failure';
import type { CellChecker } from './checking/checker';

export interface Inspection {
  readonly plain: string;
  readonly markdown: string;
}

export function inspectAt(checker: CellChecker, text: string, offset: number): Inspection | undefined {
  const at = (position: number): ts.QuickInfo | undefined =>
    unlessCompilerFails(() => checker.service.getQuickInfoAtPosition(checker.fileName, position));
  const info =
    at(offset) ?? (offset > 0 ? at(offset - 1) : undefined) ?? at(calleeAround(checker, offset) ?? text.length);
  if (!info) return undefined;
  const signature = readable(ts.displayPartsToString(info.displayParts));
  const documentation = ts.displayPartsToString(info.documentation);
  const tags = (info.tags ?? []).map(({ name, text: parts }) => ({ name, words: ts.displayPartsToString(parts) }));
  return {
    plain: [signature, documentation, ...tags.map(({ name, words }) => `@${name} ${words}`.trimEnd())]
      .filter((part) => part !== '')
      .join('\n\n'),
    markdown: [
      `\`\`\`typescript\n${signature}\n\`\`\``,
      documentation,
      ...tags.map(({ name, words }) => `*@${name}* ${words}`.trimEnd()),
    ]
      .filter((part) => part !== '')
      .join('\n\n'),
  };
}

/** With the cursor between the parentheses of a call, the function that is called. */
function calleeAround(checker: CellChecker, offset: number): number | undefined {
  const file = checker.program.getSourceFile(checker.fileName);
  if (!file) return undefined;
  let callee: ts.Expression | undefined;
  const visit = (node: ts.Node): void => {
    if (offset < node.pos || offset > node.end) return;
    if ((ts.isCallExpression(node) || ts.isNewExpression(node)) && offset > node.expression.end)
      callee = node.expression;
    ts.forEachChild(node, visit);
  };
  visit(file);
  return callee && callee.end - 1;
}
