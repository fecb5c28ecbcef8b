// What the project relies on inside the compiler, each promise by itself: the first place to look when TypeScript is raised.
import { ts } from '../../language/compiler';
import {
  exportedSymbol,
  exportsOf,
  identifiersOf,
  localsOf,
  makeScope,
  parseBound,
  setOuterScope,
  syntaxErrorsOf,
} from '../../language/internals';
import { MARK } from '../../magics/protocol/code';

const OPTIONS: ts.CompilerOptions = { moduleDetection: ts.ModuleDetectionKind.Force, target: ts.ScriptTarget.ESNext };
const NAMES = (table: ts.SymbolTable | undefined): string[] => [...(table?.keys() ?? [])].map(String).sort();

test('the version is one that the internals are known of', () => {
  expect(ts.versionMajorMinor).toBe('5.9');
});

test('the mark is allowed inside identifiers', () => {
  expect(ts.isIdentifierPart(MARK.charCodeAt(0), ts.ScriptTarget.ESNext)).toBe(true);
  expect(ts.isIdentifierStart(MARK.charCodeAt(0), ts.ScriptTarget.ESNext)).toBe(false);
});

test('binding makes scope tables, with top-level await read as such', () => {
  const file = parseBound(
    '/a.ts',
    'const a = await 1; { let b } function f(p) { var v } export const e = 1; interface I {}',
    OPTIONS,
  );
  expect(NAMES(localsOf(file))).toEqual(['I', 'a', 'e', 'f']);
  const [, block, f] = file.statements;
  expect(block && NAMES(localsOf(block))).toEqual(['b']);
  expect(f && NAMES(localsOf(f))).toEqual(['p', 'v']);
  expect(NAMES(exportsOf(file))).toEqual(['e']);
  const local = localsOf(file)?.get(ts.escapeLeadingUnderscores('e'));
  expect(local && exportedSymbol(local)).toBe(exportsOf(file)?.get(ts.escapeLeadingUnderscores('e')));
  expect(syntaxErrorsOf(file)).toEqual([]);
});

test('identifiers of a file are listed', () => {
  expect([...identifiersOf(parseBound('/a.ts', 'one.two(three)', OPTIONS))].sort()).toEqual(['one', 'three', 'two']);
});

test('a checker resolves names in a scope that stands around the file, and binding keeps it there', () => {
  const earlier = parseBound('/earlier.ts', 'const n = 1', OPTIONS);
  const scope = makeScope(localsOf(earlier) ?? new Map<ts.__String, ts.Symbol>(), undefined);
  const file = ts.createSourceFile('/later.ts', 'n.nope; export {}', ts.ScriptTarget.ESNext, true);
  setOuterScope(file, scope);
  const program = ts.createProgram(
    ['/later.ts'],
    { noLib: true, types: [] },
    {
      ...ts.createCompilerHost({}),
      getSourceFile: (name) => (name === '/later.ts' ? file : undefined),
      fileExists: (name) => name === '/later.ts',
    },
  );
  const messages = program.getSemanticDiagnostics(file).map(({ messageText }) => messageText);
  expect(messages).toEqual(["Property 'nope' does not exist on type '1'."]);
  expect(file.parent).toBe(scope);
});
