// The language of one notebook: what the worker thread holds. Every call is synchronous; client.ts is the asynchronous door to it.
import type { Declaration, DeclarationKind } from '../magics/protocol/code';
import type { AppliedChecks, CellProblem, Checks, PreparedCell } from '../magics/protocol/language';
import { ts } from './compiler';
import { CellChecker, type Extension } from './checking/checker';
import { refuseSyntax, toProblems } from './checking/problems';
import { emitOptions } from './lowering/emit';
import { judgeCompleteness } from './completeness';
import type { Completeness } from './completeness-words';
import { completeAt, type Completions } from './completion';
import { inspectAt, type Inspection } from './inspection';
import { syntaxErrorsOf } from './internals';
import { lowerCell } from './lowering/lower';
import { maskMagics } from './mask';

export interface LanguageSettings {
  /** The folder of the notebook: modules are resolved from here. */
  readonly directory: string;
  /** Cells are JavaScript: only what does not parse is a problem. */
  readonly isJS: boolean;
  /** What differs from the default. */
  readonly checks?: Partial<Checks>;
}

export interface CellText {
  readonly source: string;
  readonly execution: number;
}

/** A cell as a restarted worker is told of it. */
export interface RestoredCell extends CellText {
  readonly declarations: readonly Declaration[];
  /** Absent while the cell has not been committed. */
  readonly progress?: number;
  readonly isJS: boolean;
  /** Names it declared that were forgotten since. */
  readonly forgotten?: readonly string[];
}

/** Runs through what every cell does: code that has run before is quicker. */
const WARM_CELL: CellText = { source: 'const warm: number = 1;\nwarm', execution: 0 };

/** While somebody types, a change of the tsconfig.json may take this long to be seen. */
const TYPING_MILLISECONDS = 1000;

interface PendingCell {
  readonly text: string;
  readonly extension: Extension;
  readonly scope: ts.Node | undefined;
  readonly declarations: readonly Declaration[];
  readonly forgotten?: readonly string[] | undefined;
  /** The cell is a module in memory of this name. */
  readonly module: string | undefined;
  /** As it was checked beside the program. */
  readonly file?: ts.SourceFile | undefined;
}

interface Checked {
  readonly problems: readonly CellProblem[];
  /** Imported names that stand for types alone. */
  readonly typeOnly: ReadonlySet<string>;
}

export class NotebookLanguage {
  readonly #isCancelled: () => boolean;
  #settings: LanguageSettings;
  #checker: CellChecker;
  /** Checked and not committed, by execution. */
  readonly #pending = new Map<number, PendingCell>();
  readonly #known = new Map<string, DeclarationKind>();
  /** Complaints about the tsconfig.json that have been told. */
  #told: readonly string[] = [];

  constructor(settings: LanguageSettings, isCancelled: () => boolean = () => false) {
    this.#settings = settings;
    this.#isCancelled = isCancelled;
    this.#checker = new CellChecker(settings.directory, isCancelled);
    if (settings.checks) this.#checker.setChecks(settings.checks);
  }

  /** Gets ready for a first cell that needs nothing but the language, in half of the time. */
  readEarly(): void {
    this.#checker.readEarly();
    this.prepare(WARM_CELL);
    this.reset();
  }

  /** Gets ready for any cell. Tells whether that went well. */
  readAll(): boolean {
    return this.#check(WARM_CELL.source, '.ts', undefined).problems.length === 0;
  }

  prepare({ source, execution }: CellText): PreparedCell {
    const text = maskMagics(source);
    const extension = this.#extensionOf(text);
    const module = moduleName(text);
    const project = this.#checker.readProject();
    const notices = this.#notices(project.complaints);
    const { scope } = this.#checker;
    const isChecked = this.#settings.checks?.check !== false;
    const file = isChecked && !module ? this.#checker.checkBeside(execution, text, extension) : undefined;
    const checked = file ? { problems: [], typeOnly: new Set<string>() } : this.#check(text, extension, module);
    if (checked.problems.length > 0) return { ok: false, problems: checked.problems, ...notices };
    const { typeOnly } = checked;
    // A module runs where it is imported.
    const masked = module ? '' : text;
    const emit = emitOptions(project.options);
    const lowered = lowerCell({ source, masked, execution, extension, known: this.#known, typeOnly, emit });
    const code = {
      ...lowered,
      ...(module ? { memoryModule: module + extension } : {}),
      ...(project.rules ? { project: project.rules } : {}),
    };
    this.#pending.set(execution, { text, extension, scope, declarations: code.declarations, module, file });
    return { ok: true, code, ...notices };
  }

  /** By a program of its own. */
  #check(text: string, extension: Extension, module: string | undefined): Checked {
    const file = this.#checker.show(text, extension, module !== undefined);
    const { service, fileName } = this.#checker;
    const syntax = service.getSyntacticDiagnostics(fileName);
    const isChecked = syntax.length === 0 && this.#settings.checks?.check !== false;
    const diagnostics = isChecked ? service.getSemanticDiagnostics(fileName) : syntax;
    const isNotebookName = (name: string): boolean => this.#checker.isVisible(name);
    const problems = [...toProblems(diagnostics, file, isNotebookName), ...(module ? [] : refuseSyntax(file))];
    const typeOnly = typeOnlyImports(file, this.#checker.program.getTypeChecker());
    if (problems.length === 0) this.#checker.keepProgram();
    return { problems, typeOnly };
  }

  commit(execution: number, progress: number): void {
    const cell = this.#pending.get(execution);
    if (!cell) return;
    this.#pending.delete(execution);
    if (cell.module !== undefined) {
      this.#checker.hold(cell.module + cell.extension, cell.text);
      return;
    }
    const isReached = ({ step }: Declaration): boolean => step === 0 || step < progress;
    const unreached = cell.declarations.filter((declaration) => !isReached(declaration)).map(({ name }) => name);
    const hidden = new Set([...unreached, ...(cell.forgotten ?? [])]);
    this.#checker.commit({ execution, ...cell }, hidden);
    for (const declaration of cell.declarations)
      if (isReached(declaration)) this.#known.set(declaration.name, declaration.kind);
  }

  /** After a crash: what had been prepared or committed, in the order of commits. */
  restore(cells: readonly RestoredCell[]): void {
    for (const { source, execution, declarations, progress, isJS, forgotten } of cells) {
      const text = maskMagics(source);
      const extension = extensionOf(text, isJS);
      const { scope } = this.#checker;
      this.#pending.set(execution, { text, extension, scope, declarations, forgotten, module: moduleName(text) });
      if (progress !== undefined) this.commit(execution, progress);
    }
  }

  complete(source: string, offset: number): Completions {
    const text = maskMagics(source);
    this.#checker.readProject(TYPING_MILLISECONDS);
    return completeAt(this.#checker, text, this.#extensionOf(text), Math.min(offset, text.length));
  }

  inspect(source: string, offset: number): Inspection | undefined {
    const text = this.#show(source);
    return inspectAt(this.#checker, text, Math.min(offset, text.length));
  }

  isComplete(source: string): Completeness {
    const text = maskMagics(source);
    return judgeCompleteness(text, this.#extensionOf(text));
  }

  configure(settings: Partial<LanguageSettings>): void {
    const { directory } = this.#settings;
    this.#settings = { ...this.#settings, ...settings };
    if (this.#settings.directory !== directory) {
      this.reset();
      this.#checker.service.dispose();
      this.#checker = new CellChecker(this.#settings.directory, this.#isCancelled);
    }
    this.#checker.setChecks(this.#settings.checks ?? {});
  }

  checks(): AppliedChecks {
    return this.#checker.appliedChecks();
  }

  /** Packages of the notebook's folder have changed. */
  refresh(): void {
    this.#checker.refresh();
  }

  forget(names: readonly string[]): void {
    for (const name of names) this.#known.delete(name);
    this.#checker.forgetNames(names);
  }

  /** Forgets all cells. */
  reset(): void {
    this.#pending.clear();
    this.#known.clear();
    this.#told = [];
    this.#checker.forget();
  }

  #notices(complaints: readonly string[]): { notices?: readonly string[] } {
    const news = complaints.filter((complaint) => !this.#told.includes(complaint));
    this.#told = complaints;
    return news.length > 0 ? { notices: news } : {};
  }

  #show(source: string): string {
    const text = maskMagics(source);
    this.#checker.readProject(TYPING_MILLISECONDS);
    this.#checker.show(text, this.#extensionOf(text));
    return text;
  }

  #extensionOf(text: string): Extension {
    return extensionOf(text, this.#settings.isJS);
  }
}

/** A cell is read with JSX only if it needs it: in `.tsx`, `<T>x` is no assertion. */
function extensionOf(text: string, isJS: boolean): Extension {
  if (isJS) return text.includes('</') || text.includes('/>') ? '.jsx' : '.js';
  if (!text.includes('</') && !text.includes('/>')) return '.ts';
  const errors = (name: string): number =>
    syntaxErrorsOf(ts.createSourceFile(name, text, ts.ScriptTarget.ESNext, /*setParentNodes*/ false)).length;
  const plain = errors('cell.ts');
  return plain > 0 && errors('cell.tsx') < plain ? '.tsx' : '.ts';
}

/** A cell that begins with a comment of tslab's form, `@module name`, is a module in memory: others import it as `./name`. */
function moduleName(text: string): string | undefined {
  for (const { pos, end, kind } of ts.getLeadingCommentRanges(text, 0) ?? []) {
    const comment = text.slice(pos, end);
    const name = /@module\s+(\w+)\s*(?:\*\/)?$/m.exec(comment)?.[1];
    if (kind === ts.SyntaxKind.MultiLineCommentTrivia && comment.startsWith('/**') && name) return name;
  }
  return undefined;
}

/** Imported names that stand for types alone: there is nothing to load for them. */
function typeOnlyImports(file: ts.SourceFile, checker: ts.TypeChecker): Set<string> {
  const names = new Set<string>();
  const add = (name: ts.Identifier | undefined): void => {
    const alias = name && checker.getSymbolAtLocation(name);
    if (!alias || (alias.flags & ts.SymbolFlags.Alias) === 0) return;
    // A name that does not resolve counts as a value: loading it will tell.
    if ((checker.getAliasedSymbol(alias).flags & ts.SymbolFlags.Value) === 0) names.add(name.text);
  };
  for (const statement of file.statements) {
    const clause = ts.isImportDeclaration(statement) ? statement.importClause : undefined;
    add(clause?.name);
    if (clause?.namedBindings && ts.isNamedImports(clause.namedBindings))
      for (const element of clause.namedBindings.elements) add(element.name);
  }
  return names;
}
