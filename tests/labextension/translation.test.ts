// Whatever a person reads in the panel goes through JupyterLab's translator: no text stands in the markup, or in an attribute that is read out.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const SOURCES = join(__dirname, '..', '..', 'labextension', 'src');
const READ = new Set(['title', 'aria-label', 'placeholder', 'alt', 'label', 'caption']);
/** What is the same in every language: a cluster's own name, signs. */
const KEPT = new Set(['local', 'npx cellburst install']);

function textsIn(path: string): string[] {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2022, true);
  const found: string[] = [];
  const note = (node: ts.Node, text: string): void => {
    if (!/\p{L}{2}/u.test(text) || KEPT.has(text.trim())) return;
    const { line } = source.getLineAndCharacterOfPosition(node.getStart());
    found.push(`${path.slice(SOURCES.length + 1)}:${line + 1}: ${text.trim()}`);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isJsxText(node)) note(node, node.text);
    const name = ts.isJsxAttribute(node) || ts.isPropertyAssignment(node) ? node.name.getText() : '';
    if (READ.has(name) && (ts.isJsxAttribute(node) || ts.isPropertyAssignment(node))) {
      const value = node.initializer;
      if (value && ts.isStringLiteralLike(value)) note(node, value.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

test('no text of the panel passes the translator by', () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file));
  expect(files.length).toBeGreaterThan(30);
  expect(files.flatMap((file) => textsIn(join(SOURCES, file)))).toEqual([]);
});
