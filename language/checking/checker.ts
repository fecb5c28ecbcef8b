// The incremental language service over the cells of one notebook. Each executed cell is a module file of its own, and the compiler's name
// resolution goes on in a scope of all names that were visible when the cell ran, as if that scope stood around the file. So a cell keeps its
// own version of every name. Only cells that import or augment something need to be part of the program; all others are reached by their symbols.
import { relative, sep } from 'node:path';
import { ts } from '../compiler';
import type { AppliedChecks, Checks } from '../../magics/protocol/language';
import { completionsIn, parseBound, setOuterScope } from '../internals';
import { diskVersion } from './disk';
import { makeHost, makeRegistry, type Files, type Held, type Shown } from './host';
import { readLanguage } from './early';
import { appliedChecks, checkOptions } from './options';
import { ProjectFile, type Project } from './project';
import { footingOf, needsProgram, StandingProgram, type Ground } from './standing';
import { TypedWord } from './typed-word';
import { VisibleNames } from './visible';

export type Extension = '.ts' | '.tsx' | '.js' | '.jsx';

interface CommittedCell {
  readonly file: ts.SourceFile;
  /** It imports, augments or refers: the program must hold it while anything of it is in use. */
  readonly isRoot: boolean;
  /** Changes global types: in use for ever. */
  readonly isGlobal: boolean;
  readonly uses: ReadonlySet<ts.SourceFile>;
}

interface CellFile {
  readonly execution: number;
  readonly text: string;
  readonly extension: Extension;
  /** What the cell saw when it was checked. */
  readonly scope: ts.Node | undefined;
}

interface LookedAt {
  readonly text: string;
  readonly extension: Extension;
  readonly standsAlone: boolean;
  readonly scope: ts.Node | undefined;
}

export class CellChecker {
  readonly service: ts.LanguageService;
  #options: ts.CompilerOptions;
  readonly #projectFile: ProjectFile;
  #project: Project;
  /** Said by `%ts`. */
  #checks: Partial<Checks> = {};
  /** Counts the times that packages were installed. */
  #installs = 0;
  readonly #directory: string;
  #visible = new VisibleNames();
  readonly #cells = new Map<ts.SourceFile, CommittedCell>();
  #roots = new Map<string, CommittedCell>();
  /** Modules that cells define in memory: text and version by path. */
  readonly #held = new Map<string, Held>();
  #text = '';
  #standsAlone = false;
  #version = 0;
  #lookedAt: LookedAt | undefined;
  #extension: Extension = '.ts';
  readonly #host: ts.LanguageServiceHost;
  readonly #standing = new StandingProgram();
  /** Stands until a whole program does. */
  #early: StandingProgram | undefined;
  readonly #registry: ts.DocumentRegistry;
  readonly #typedWord = new TypedWord();
  readonly #cancellation: ts.CancellationToken;
  /** Version of a file of the disk, as far as it can change between two cells. */
  readonly #versionOf = (name: string): string =>
    name.startsWith(`${this.#directory}/node_modules/`) ? `install ${this.#installs}` : diskVersion(name);

  constructor(directory: string, isCancelled: () => boolean) {
    // The compiler writes paths with slashes everywhere.
    this.#directory = directory.replaceAll(sep, '/');
    this.#projectFile = new ProjectFile(directory);
    this.#project = this.#projectFile.read();
    this.#options = this.#checkOptions();
    this.#cancellation = {
      isCancellationRequested: isCancelled,
      throwIfCancellationRequested: () => {
        // What the compiler knows as the sign to give up; it is no Error.
        // eslint-disable-next-line @typescript-eslint/only-throw-error
        if (isCancelled()) throw new ts.OperationCanceledException();
      },
    };
    const files: Files = {
      directory: this.#directory,
      options: () => this.#options,
      shown: () => this.#shown,
      roots: () => this.#roots,
      held: () => this.#held,
      versionOf: this.#versionOf,
      isCancelled,
    };
    this.#host = makeHost(files);
    this.#registry = makeRegistry(files);
    this.service = ts.createLanguageService(this.#host, this.#registry);
  }

  /** Gets ready for a first cell that needs nothing but the language. */
  readEarly(): void {
    this.#early = new StandingProgram();
    this.#early.keep(readLanguage(this.#directory, this.#host, this.#registry), this.#ground());
  }

  /** The file of the text that is looked at now. */
  get fileName(): string {
    return `${this.#directory}/Cell [*]${this.#extension}`;
  }

  get scope(): ts.Node | undefined {
    return this.#visible.scope;
  }

  get #shown(): Shown {
    const scope = this.#standsAlone ? undefined : this.scope;
    return { fileName: this.fileName, text: this.#text, version: this.#version, scope };
  }

  isVisible(name: string): boolean {
    return this.#visible.symbolsOf(name).length > 0;
  }

  /** Looks at a text that may never be executed: among the names of the notebook, or as a module that stands alone. */
  show(text: string, extension: Extension, standsAlone = false): ts.SourceFile {
    const looked = this.#lookedAt;
    const isSame =
      looked?.text === text &&
      looked.extension === extension &&
      looked.standsAlone === standsAlone &&
      looked.scope === this.scope;
    // A new version costs a new type checker: asking twice about one text must not.
    if (!isSame) this.#version++;
    this.#lookedAt = { text, extension, standsAlone, scope: this.scope };
    this.#text = text;
    this.#standsAlone = standsAlone;
    this.#extension = extension;
    const file = this.program.getSourceFile(this.fileName);
    if (!file) throw new Error(`The compiler has lost ${this.fileName}; restart the kernel.`);
    return file;
  }

  /**
   * Checks a cell without a new program. Gives its file when it has no mistakes; undefined when it has, or when this cannot tell: then `show` it.
   */
  checkBeside(execution: number, text: string, extension: Extension): ts.SourceFile | undefined {
    const path = `${this.#directory}/Cell [${execution}]${extension}`;
    const isNotebookName = (name: string): boolean => this.isVisible(name);
    return (this.#early ?? this.#standing).check(
      path,
      text,
      this.scope,
      this.#ground(),
      isNotebookName,
      this.#cancellation,
    );
  }

  /**
   * Completions of a text that may never be executed. Most texts are looked at beside the standing program; one that imports is shown.
   */
  completionsAt(
    text: string,
    extension: Extension,
    offset: number,
    preferences: ts.GetCompletionsAtPositionOptions,
  ): ts.CompletionInfo | undefined {
    const path = `${this.#directory}/Cell [*]${extension}`;
    const { scope } = this;
    const ground = this.#ground();
    return this.#typedWord.answer({ path, text, offset, scope, ground }, () => {
      const beside = this.#standing.look(path, text, scope, ground);
      if (beside) {
        const question = { ...beside, offset, preferences, token: this.#cancellation };
        return { found: completionsIn(this.#host, question), footing: beside.footing };
      }
      this.show(text, extension);
      const found = this.service.getCompletionsAtPosition(this.fileName, offset, preferences);
      const footing = footingOf(this.program, ground);
      if (!needsProgram(path, text)) this.keepProgram();
      return { found, footing };
    });
  }

  /** The program of the text that was shown last serves cells to come. */
  keepProgram(): void {
    this.#standing.keep(this.program, this.#ground());
    this.#early = undefined;
  }

  #ground(): Ground {
    const held = [...this.#held].map(([name, { version }]) => `${name} ${version}`);
    return { options: this.#options, parts: [...this.#roots.keys(), ...held].join('\n'), versionOf: this.#versionOf };
  }

  get program(): ts.Program {
    const program = this.service.getProgram();
    if (!program) throw new Error('The compiler has no program; restart the kernel.');
    return program;
  }

  /** Makes names of an executed cell visible. `file`: what `checkBeside` gave of it. */
  commit(cell: CellFile & { readonly file?: ts.SourceFile | undefined }, hidden: ReadonlySet<string>): void {
    const file = cell.file ?? this.#read(cell);
    const uses = this.#visible.usedBy(file);
    const isGlobal = /\bdeclare\s+(global|module)\b/.test(cell.text);
    const isRoot = isGlobal || /\bimport\b|\brequire\b|^\s*\/\/\/\s*<|@jsx/m.test(cell.text);
    this.#cells.set(file, { file, isRoot, isGlobal, uses });
    this.#visible.add(file, hidden);
    this.#prune();
  }

  #read({ execution, text, extension, scope }: CellFile): ts.SourceFile {
    const path = `${this.#directory}/Cell [${execution}]${extension}`;
    const file = parseBound(path, text, this.#options, ts.JSDocParsingMode.ParseAll);
    setOuterScope(file, scope);
    return file;
  }

  /** From now on the notebook's folder has a module of this name, for cells to import. */
  hold(name: string, text: string): void {
    const path = `${this.#directory}/${name}`;
    this.#held.set(path, { text, version: (this.#held.get(path)?.version ?? 0) + 1 });
  }

  /** Options of the check, instead of those set before; what is not named is as by default. */
  setChecks(checks: Partial<Checks>): void {
    this.#checks = checks;
    this.#options = this.#checkOptions();
    this.#lookedAt = undefined;
  }

  /** Reads the tsconfig.json again if it has changed. Gives what it means for this notebook. */
  readProject(maxAgeMilliseconds?: number): Project {
    const project = this.#projectFile.read(maxAgeMilliseconds);
    if (project !== this.#project) {
      this.#project = project;
      this.#options = this.#checkOptions();
      this.#lookedAt = undefined;
    }
    return project;
  }

  appliedChecks(): AppliedChecks {
    const { file, complaints } = this.readProject();
    const checks = appliedChecks({ directory: this.#directory, project: this.#project, checks: this.#checks });
    return { checks, complaints, ...(file === undefined ? {} : { config: relative(this.#directory, file) || file }) };
  }

  /** Packages of the notebook's folder are read anew. */
  refresh(): void {
    this.#installs++;
    this.#lookedAt = undefined;
    this.#options = this.#checkOptions();
  }

  forgetNames(names: readonly string[]): void {
    this.#visible.forget(names);
    this.#prune();
  }

  /** Forgets all cells; what was read of the library and of packages stays. */
  forget(): void {
    this.#visible = new VisibleNames();
    this.#cells.clear();
    this.#roots = new Map();
    this.#held.clear();
  }

  #checkOptions(): ts.CompilerOptions {
    return checkOptions({ directory: this.#directory, project: this.#project, checks: this.#checks });
  }

  /** Forgets cells that nothing visible leads to. */
  #prune(): void {
    const reached = new Set<ts.SourceFile>();
    const queue = [
      ...this.#visible.files(),
      ...[...this.#cells.values()].filter((cell) => cell.isGlobal).map(({ file }) => file),
    ];
    for (let file = queue.pop(); file; file = queue.pop()) {
      if (reached.has(file)) continue;
      reached.add(file);
      queue.push(...(this.#cells.get(file)?.uses ?? []));
    }
    this.#roots = new Map();
    for (const cell of this.#cells.values()) {
      if (!reached.has(cell.file)) this.#cells.delete(cell.file);
      else if (cell.isRoot) this.#roots.set(cell.file.fileName, cell);
    }
  }
}
