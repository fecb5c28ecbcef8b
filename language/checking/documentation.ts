// Reading documentation comments is a fifth of a cold start, and nearly all of them are the library's. So declaration files of packages are read
// without them, and the comments around a declaration are read when somebody asks for its documentation. `@deprecated` alone counts at once:
// completion orders by it.
import { ts } from '../compiler';
import { canBeDocumented, documentNode, onDocumentation } from '../internals';

/** Files that are read without their documentation. */
export function isTerse(path: string): boolean {
  return /\.d\.[cm]?ts$/.test(path) && path.includes('/node_modules/');
}

/** Reads what a declaration is said to be, in its own comments and those around it. */
function documentDeclaration(declaration: ts.Node): void {
  const file = declaration.getSourceFile();
  if (!isTerse(file.fileName)) return;
  for (let node = declaration; !ts.isSourceFile(node); node = node.parent) documentNode(node, file);
}

onDocumentation(documentDeclaration);

/** Completion orders by what is deprecated. */
function markDeprecated(file: ts.SourceFile): void {
  const { text } = file;
  for (let at = text.indexOf('@deprecated'); at >= 0; at = text.indexOf('@deprecated', at + 1)) {
    const node = documentedAt(file, at);
    if (node) documentNode(node, file);
  }
}

/** The outermost declaration that has `offset` in the comments before it. */
function documentedAt(file: ts.SourceFile, offset: number): ts.Node | undefined {
  let node: ts.Node | undefined = file;
  while (node) {
    node = ts.forEachChild(node, (child) => (child.pos <= offset && offset < child.end ? child : undefined));
    if (node && offset < node.getStart(file) && canBeDocumented(node)) return node;
  }
  return undefined;
}

/** A registry for files that are read without their documentation. */
export function terseRegistry(directory: string): ts.DocumentRegistry {
  const registry = ts.createDocumentRegistry(
    ts.sys.useCaseSensitiveFileNames,
    directory,
    ts.JSDocParsingMode.ParseNone,
  );
  return {
    ...registry,
    acquireDocumentWithKey: (name, path, settings, key, snapshot, version, kind, options) => {
      const file = registry.acquireDocumentWithKey(
        name,
        path,
        settings,
        key,
        snapshot,
        version,
        kind,
        tersely(options),
      );
      markDeprecated(file);
      return file;
    },
    updateDocumentWithKey: (name, path, settings, key, snapshot, version, kind, options) =>
      registry.updateDocumentWithKey(name, path, settings, key, snapshot, version, kind, tersely(options)),
  };
}

type ParsingOptions = ts.CreateSourceFileOptions | ts.ScriptTarget | undefined;

function tersely(options: ParsingOptions): ParsingOptions {
  return typeof options === 'object' ? { ...options, jsDocParsingMode: ts.JSDocParsingMode.ParseNone } : options;
}
