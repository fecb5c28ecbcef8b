// Top-level declarations lose their keyword and become assignments to the notebook's bindings; each counts up once it is initialised.
import { ts } from '../compiler';
import {
  RUNTIME,
  mangle,
  type DeclarationKind,
  type ImportBinding,
  type ModuleImport,
} from '../../magics/protocol/code';
import { keyText, visitNamed, type Rewriting } from './names';
import { boundNames, type TopName } from './plan';

/** Does the list declare notebook names? */
export function isNotebookList(r: Rewriting, list: ts.VariableDeclarationList): boolean {
  const isVar = (list.flags & ts.NodeFlags.BlockScoped) === 0;
  const isTop = isVar
    ? !r.table.inFunction
    : ts.isVariableStatement(list.parent) && ts.isSourceFile(list.parent.parent);
  return (
    isTop &&
    list.declarations.some((declaration) => boundNames(declaration.name).some((name) => r.plan.names.has(name)))
  );
}

export function writeList(r: Rewriting, list: ts.VariableDeclarationList): void {
  let separator = '';
  for (const declaration of list.declarations) {
    const tops = boundNames(declaration.name).flatMap((name) => r.plan.names.get(name) ?? []);
    const [first] = tops;
    // A `var` without a value changes nothing where it stands.
    const isIdle = first?.kind === 'var' && !declaration.initializer;
    r.writer.replaceTo(declaration.getStart(r.file), isIdle ? '' : separator);
    if (isIdle) {
      r.writer.replaceTo(declaration.end, '');
      continue;
    }
    separator = ',';
    writeDeclaration(r, declaration);
    if (first && first.step > 0) r.writer.insert(`,${passed(first)}`);
  }
}

function writeDeclaration(r: Rewriting, declaration: ts.VariableDeclaration): void {
  const { name, initializer } = declaration;
  if (ts.isIdentifier(name)) {
    r.writer.replaceTo(name.end, initializer ? mangle(name.text) : `${mangle(name.text)}=void 0`);
    if (initializer) visitNamed(r, initializer, name.text);
    r.writer.copyTo(declaration.end);
    return;
  }
  r.writer.insert('(');
  writePattern(r, name);
  if (initializer) r.visit(initializer);
  r.writer.copyTo(declaration.end);
  r.writer.insert(')');
}

/** The head of `for (var x of …)`: only the target stays. */
export function writeLoopTarget(r: Rewriting, list: ts.VariableDeclarationList): void {
  const [declaration] = list.declarations;
  if (!declaration) return;
  r.writer.copyTo(list.getStart(r.file));
  r.writer.replaceTo(declaration.getStart(r.file), '');
  writePattern(r, declaration.name);
}

/** A binding pattern as an assignment pattern: `{ a, b: c = 1, ...rest }` → `{ a: a‌, b: c‌ = 1, ...rest‌ }`. */
function writePattern(r: Rewriting, name: ts.BindingName): void {
  if (ts.isIdentifier(name)) {
    r.writer.copyTo(name.getStart(r.file));
    r.writer.replaceTo(name.end, mangle(name.text));
    return;
  }
  for (const element of name.elements) {
    if (ts.isOmittedExpression(element)) continue;
    if (element.propertyName) r.visit(element.propertyName);
    const isShort = ts.isObjectBindingPattern(name) && !element.propertyName && !element.dotDotDotToken;
    if (isShort && ts.isIdentifier(element.name)) {
      r.writer.copyTo(element.name.getStart(r.file));
      r.writer.insert(`${keyText(element.name.text)}: `);
    }
    writePattern(r, element.name);
    if (!element.initializer) continue;
    if (ts.isIdentifier(element.name)) visitNamed(r, element.initializer, element.name.text);
    else r.visit(element.initializer);
  }
}

/** Says that the declaration is through. */
export function passed(top: TopName): string {
  return `${RUNTIME.progress}=${top.step + 1}`;
}

/** What the cell imports, in the order of loading. Bindings that are only types are left out. */
export function collectImports(
  file: ts.SourceFile,
  kinds: ReadonlyMap<string, DeclarationKind>,
  typeOnly: ReadonlySet<string>,
): ModuleImport[] {
  return file.statements.flatMap((statement) => {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) return [];
    const all = importBindings(statement.importClause);
    const bindings = all.filter(({ name }) => kinds.has(name) && !typeOnly.has(name));
    if (all.length > 0 && bindings.length === 0) return [];
    const attributes = Object.fromEntries(
      (statement.attributes?.elements ?? []).flatMap(({ name, value }) =>
        ts.isStringLiteral(value) ? [[name.text, value.text] as const] : [],
      ),
    );
    return [
      { specifier: statement.moduleSpecifier.text, ...(statement.attributes ? { attributes } : {}), bindings },
    ] satisfies ModuleImport[];
  });
}

function importBindings(clause: ts.ImportClause | undefined): ImportBinding[] {
  if (!clause) return [];
  const first: ImportBinding[] = clause.name ? [{ name: clause.name.text, imported: 'default' }] : [];
  const named = clause.namedBindings;
  if (!named) return first;
  if (ts.isNamespaceImport(named)) return [...first, { name: named.name.text, imported: '*' }];
  return [
    ...first,
    ...named.elements.map((element) => ({
      name: element.name.text,
      imported: (element.propertyName ?? element.name).text,
    })),
  ];
}

/** Binds what was imported: one assignment per name. */
export function bindImports(imports: readonly ModuleImport[]): string {
  return imports
    .flatMap(({ bindings }, index) =>
      bindings.map(({ name, imported }) => {
        const module = `${RUNTIME.context}.modules[${index}]`;
        return `${mangle(name)}=${imported === '*' ? module : `${module}[${JSON.stringify(imported)}]`};`;
      }),
    )
    .join('');
}
