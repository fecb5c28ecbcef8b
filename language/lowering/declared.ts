// Which notebook names a cell declares, and of which kind, read from the TypeScript that was typed: the emitted JavaScript has forgotten
// what was an enum, a namespace or a `using`.
import { ts } from '../compiler';
import type { DeclarationKind } from '../../magics/protocol/code';
import { exportedSymbol, localsOf } from '../internals';

/** Kind by name, in the order of the text. Types and ambient declarations are no bindings and do not appear. */
export function declaredNames(file: ts.SourceFile): ReadonlyMap<string, DeclarationKind> {
  const found: { name: string; kind: DeclarationKind; start: number }[] = [];
  localsOf(file)?.forEach((local, key) => {
    const symbol = exportedSymbol(local);
    const declarations = (symbol.declarations ?? []).filter((declaration) => !isAmbient(declaration));
    const kind = kindOf(symbol, declarations);
    const start = Math.min(...declarations.map((declaration) => declaration.pos));
    if (kind) found.push({ name: ts.unescapeLeadingUnderscores(key), kind, start });
  });
  found.sort((a, b) => a.start - b.start);
  return new Map(found.map(({ name, kind }) => [name, kind]));
}

function kindOf(symbol: ts.Symbol, declarations: readonly ts.Declaration[]): DeclarationKind | undefined {
  if (declarations.length === 0) return undefined;
  const has = (flag: ts.SymbolFlags): boolean => (symbol.flags & flag) !== 0;
  if (has(ts.SymbolFlags.Alias)) return declarations.every(ts.isTypeOnlyImportDeclaration) ? undefined : 'import';
  if (has(ts.SymbolFlags.Function)) return 'function';
  if (has(ts.SymbolFlags.Class)) return 'class';
  if (has(ts.SymbolFlags.Enum)) return 'enum';
  if (has(ts.SymbolFlags.FunctionScopedVariable)) return 'var';
  if (has(ts.SymbolFlags.BlockScopedVariable)) return declarations.some(isConstant) ? 'const' : 'let';
  // A namespace of types only leaves no trace at run time, and has no ValueModule flag.
  if (has(ts.SymbolFlags.ValueModule)) return 'namespace';
  return undefined;
}

function isAmbient(declaration: ts.Declaration): boolean {
  return (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Ambient) !== 0;
}

function isConstant(declaration: ts.Declaration): boolean {
  return (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Constant) !== 0;
}
