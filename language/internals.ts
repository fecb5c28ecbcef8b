// The parts of the compiler that its published types leave out, typed here once. This is the only file of the project that casts on the
// way into `typescript`; TypeScript is pinned to ~5.9 for its sake, and tests/language/internals.test.ts says which promise broke.
import { ts } from './compiler';

/** What the binder and the parser keep on nodes beside the published fields. */
interface Bound {
  readonly locals?: ts.SymbolTable;
  readonly symbol?: ts.Symbol;
}

interface BoundFile {
  path: string;
  resolvedPath: string;
  originalFileName: string;
  parent: ts.Node | undefined;
  readonly identifiers: ReadonlyMap<string, string>;
  readonly parseDiagnostics: readonly ts.DiagnosticWithLocation[];
}

interface Documented {
  jsDoc?: ts.JSDoc[];
}

/** Of symbols and of signatures, as the language service makes them: the only ways to documentation. */
const DOORS = [
  'getDocumentationComment',
  'getContextualDocumentationComment',
  'getJsDocTags',
  'getContextualJsDocTags',
] as const;

/** A symbol has declarations, a signature one. */
interface Declared {
  readonly declarations?: readonly ts.Node[];
  readonly declaration?: ts.Node;
}

type Door = (this: Declared, ...args: unknown[]) => unknown;
type Doors = Partial<Record<(typeof DOORS)[number], Door>>;

interface CompletionQuestion {
  readonly program: ts.Program;
  /** Bound; it need not be part of the program. */
  readonly file: ts.SourceFile;
  readonly offset: number;
  readonly preferences: ts.GetCompletionsAtPositionOptions;
  readonly token: ts.CancellationToken;
}

interface Compiler {
  readonly Completions: {
    getCompletionsAtPosition(
      host: ts.LanguageServiceHost,
      program: ts.Program,
      log: (text: string) => void,
      file: ts.SourceFile,
      offset: number,
      preferences: ts.GetCompletionsAtPositionOptions,
      triggerCharacter: undefined,
      completionKind: undefined,
      token: ts.CancellationToken,
    ): ts.CompletionInfo | undefined;
  };
  readonly objectAllocator: {
    getSymbolConstructor(): { readonly prototype: Doors };
    getSignatureConstructor(): { readonly prototype: Doors };
  };
  canHaveJSDoc(node: ts.Node): boolean;
  getJSDocCommentRanges(node: ts.Node, text: string): readonly ts.CommentRange[] | undefined;
  parseIsolatedJSDocComment(text: string, start: number, length: number): { readonly jsDoc: ts.JSDoc } | undefined;
  setParent(node: ts.Node, parent: ts.Node): void;
  setParentRecursive(node: ts.Node, incremental: boolean): void;
  bindSourceFile(file: ts.SourceFile, options: ts.CompilerOptions): void;
  getSetExternalModuleIndicator(options: ts.CompilerOptions): (file: ts.SourceFile) => void;
}

const compiler = ts as unknown as Compiler;

/** Names that a node declares as a scope: what the checker's name resolution looks into on its way up. */
export function localsOf(node: ts.Node): ts.SymbolTable | undefined {
  return (node as unknown as Bound).locals;
}

/** The symbol under which an exported name is known to importers, and inside the file as well. */
export function exportedSymbol(symbol: ts.Symbol): ts.Symbol {
  return (symbol as unknown as { readonly exportSymbol?: ts.Symbol }).exportSymbol ?? symbol;
}

export function exportsOf(file: ts.SourceFile): ts.SymbolTable | undefined {
  return (file as unknown as Bound).symbol?.exports;
}

/** Texts of all identifiers and property names in the file. */
export function identifiersOf(file: ts.SourceFile): Iterable<string> {
  return (file as unknown as BoundFile).identifiers.keys();
}

export function syntaxErrorsOf(file: ts.SourceFile): readonly ts.DiagnosticWithLocation[] {
  return (file as unknown as BoundFile).parseDiagnostics;
}

/** Parses one file as an ES module, whatever is in it, and makes its scope tables. No program, no checker. */
export function parseBound(
  path: string,
  text: string,
  options: ts.CompilerOptions,
  jsDoc = ts.JSDocParsingMode.ParseNone,
): ts.SourceFile {
  const file = ts.createSourceFile(
    path,
    text,
    {
      languageVersion: ts.ScriptTarget.ESNext,
      setExternalModuleIndicator: compiler.getSetExternalModuleIndicator(options),
      jsDocParsingMode: jsDoc,
    },
    /*setParentNodes*/ true,
  );
  const bound = file as unknown as BoundFile;
  bound.path = bound.resolvedPath = bound.originalFileName = path;
  compiler.bindSourceFile(file, options);
  return file;
}

/** A scope of names that stands around whole files. */
export function makeScope(names: ts.SymbolTable, outer: ts.Node | undefined): ts.Node {
  const scope = ts.factory.createBlock([]);
  Object.assign(scope, { locals: names, parent: outer });
  return scope;
}

/** Name resolution of the file goes on in `scope` when the file itself does not know a name. */
export function setOuterScope(file: ts.SourceFile, scope: ts.Node | undefined): void {
  (file as unknown as BoundFile).parent = scope;
}

/** What the language service does for a file of its program. */
export function completionsIn(
  host: ts.LanguageServiceHost,
  { program, file, offset, preferences, token }: CompletionQuestion,
): ts.CompletionInfo | undefined {
  const log = (): void => undefined;
  return compiler.Completions.getCompletionsAtPosition(
    ...([host, program, log, file, offset, preferences, undefined, undefined, token] as const),
  );
}

/** Can comments before this node be its documentation? */
export function canBeDocumented(node: ts.Node): boolean {
  return compiler.canHaveJSDoc(node);
}

/** Reads the comments before a node of a file that was parsed without documentation. */
export function documentNode(node: ts.Node, file: ts.SourceFile): void {
  const documented = node as unknown as Documented;
  if (documented.jsDoc || !compiler.canHaveJSDoc(node)) return;
  const comments: ts.JSDoc[] = [];
  for (const { pos, end } of compiler.getJSDocCommentRanges(node, file.text) ?? []) {
    const comment = compiler.parseIsolatedJSDocComment(file.text, pos, end - pos)?.jsDoc;
    if (!comment) continue;
    compiler.setParent(comment, node);
    compiler.setParentRecursive(comment, /*incremental*/ false);
    comments.push(comment);
  }
  if (comments.length > 0) documented.jsDoc = comments;
}

/** Calls `prepare` with each declaration whose documentation the compiler is about to look up. */
export function onDocumentation(prepare: (declaration: ts.Node) => void): void {
  const { objectAllocator } = compiler;
  for (const { prototype } of [objectAllocator.getSymbolConstructor(), objectAllocator.getSignatureConstructor()])
    for (const name of DOORS) {
      const door = prototype[name];
      if (!door) continue;
      prototype[name] = function (this: Declared, ...args) {
        const declarations = this.declarations ?? (this.declaration ? [this.declaration] : []);
        for (const declaration of declarations) prepare(declaration);
        return Reflect.apply(door, this, args);
      };
    }
}
