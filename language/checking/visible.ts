// The names a new cell can see: for each name the newest declaration, and older ones as far as they mean something else (a type and a value
// of one name may come from two cells).
import { ts } from '../compiler';
import { exportedSymbol, exportsOf, identifiersOf, localsOf, makeScope } from '../internals';

const MEANINGS = ts.SymbolFlags.Value | ts.SymbolFlags.Type | ts.SymbolFlags.Namespace;

export class VisibleNames {
  /** Newest first. */
  readonly #symbols = new Map<ts.__String, readonly ts.Symbol[]>();
  #scope: ts.Node | undefined;

  /** A scope to put around the next cell. It does not change when more names are added. */
  get scope(): ts.Node | undefined {
    if (this.#symbols.size === 0) return undefined;
    this.#scope ??= this.#makeScope();
    return this.#scope;
  }

  add(file: ts.SourceFile, hidden: ReadonlySet<string>): void {
    for (const [key, symbol] of topSymbols(file)) {
      if (hidden.has(ts.unescapeLeadingUnderscores(key))) continue;
      const older = this.#symbols.get(key) ?? [];
      this.#symbols.set(key, uncovered([symbol, ...older]));
    }
    this.#scope = undefined;
  }

  forget(names: readonly string[]): void {
    for (const name of names) this.#symbols.delete(ts.escapeLeadingUnderscores(name));
    this.#scope = undefined;
  }

  symbolsOf(name: string): readonly ts.Symbol[] {
    return this.#symbols.get(ts.escapeLeadingUnderscores(name)) ?? [];
  }

  /** The files whose names the text of `file` may mean: by their words alone, so rather too many than too few. */
  usedBy(file: ts.SourceFile): Set<ts.SourceFile> {
    const own = topSymbols(file);
    const used = new Set<ts.SourceFile>();
    for (const name of identifiersOf(file)) {
      const key = ts.escapeLeadingUnderscores(name);
      const declared = own.get(key);
      const older = this.#symbols.get(key) ?? [];
      const reached = declared ? uncovered([declared, ...older]).slice(1) : older;
      for (const symbol of reached) for (const origin of filesOf(symbol)) used.add(origin);
    }
    return used;
  }

  /** The files that declare what is visible. */
  *files(): Generator<ts.SourceFile> {
    for (const symbols of this.#symbols.values()) for (const symbol of symbols) yield* filesOf(symbol);
  }

  #makeScope(): ts.Node | undefined {
    let scope: ts.Node | undefined;
    const depth = Math.max(...[...this.#symbols.values()].map((symbols) => symbols.length));
    for (let level = depth - 1; level >= 0; level--) {
      const names = new Map<ts.__String, ts.Symbol>();
      for (const [key, symbols] of this.#symbols) {
        const symbol = symbols[level];
        if (symbol) names.set(key, symbol);
      }
      scope = makeScope(names, scope);
    }
    return scope;
  }
}

function* filesOf(symbol: ts.Symbol): Generator<ts.SourceFile> {
  for (const declaration of symbol.declarations ?? []) yield declaration.getSourceFile();
}

function topSymbols(file: ts.SourceFile): Map<ts.__String, ts.Symbol> {
  const symbols = new Map<ts.__String, ts.Symbol>();
  localsOf(file)?.forEach((symbol, key) => symbols.set(key, exportedSymbol(symbol)));
  exportsOf(file)?.forEach((symbol, key) => {
    const isNamed = key !== ts.InternalSymbolName.Default && key !== ts.InternalSymbolName.ExportStar;
    if (isNamed && symbol.declarations?.some((declaration) => !ts.isExportSpecifier(declaration)))
      symbols.set(key, symbol);
  });
  return symbols;
}

/** Drops each symbol whose meanings newer ones have taken over. */
function uncovered(symbols: readonly ts.Symbol[]): ts.Symbol[] {
  let covered = 0;
  return symbols.filter((symbol) => {
    const meanings = (symbol.flags & ts.SymbolFlags.Alias) !== 0 ? MEANINGS : symbol.flags & MEANINGS;
    const adds = (meanings & ~covered) !== 0;
    covered |= meanings;
    return adds;
  });
}
