// The incremental language service over the cells of one notebook. Each executed cell is a module file of its own, and the compiler's name
// resolution goes on in a scope of all names that were visible when the cell ran, as if that scope stood around the file. So a cell keeps its
// own version of every name. Only cells that import or augment something need to be part of the program; all others are reached by their symbols.
import { statSync } from 'node:fs';
import { relative, sep } from 'node:path';
import { ts } from '../compiler';
import type { AppliedChecks, Checks } from '../../magics/protocol/language';
import { AMBIENT_TYPES } from '../ambient';
import { WEBASSEMBLY_TYPES } from '../webassembly-types';
import { completionsIn, parseBound, setOuterScope } from '../internals';
import { isTerse, terseRegistry } from './documentation';
import { readLanguage } from './early';
import { appliedChecks, checkOptions, hasBrowserTypes } from './options';
import { ProjectFile, type Project } from './project';
import { footingOf, needsProgram, StandingProgram, type Ground } from './standing';
import { TypedWord } from './typed-word';
import { VisibleNames } from './visible';
import { declareWasm, wasmBehind } from './wasm';

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
  readonly #held = new Map<string, { readonly text: string; readonly version: number }>();
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
    this.#host = this.#makeHost(isCancelled);
    this.#registry = this.#makeRegistry();
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

  #makeHost(isCancelled: () => boolean): ts.LanguageServiceHost {
    const ambient = `${this.#directory}/[cellburst].d.ts`;
    const ambientText = (): string => AMBIENT_TYPES + (hasBrowserTypes(this.#options) ? '' : WEBASSEMBLY_TYPES);
    const read = snapshotsOfDisk(this.#versionOf);
    const snapshotOf = (name: string): ts.IScriptSnapshot | undefined => {
      if (name === this.fileName) return ts.ScriptSnapshot.fromString(this.#text);
      if (name === ambient) return ts.ScriptSnapshot.fromString(ambientText());
      const held = this.#held.get(name);
      if (held) return ts.ScriptSnapshot.fromString(held.text);
      const cell = this.#roots.get(name);
      return cell ? ts.ScriptSnapshot.fromString(cell.file.text) : read(name);
    };
    return {
      getScriptFileNames: () => [ambient, ...this.#roots.keys(), this.fileName],
      getScriptVersion: (name) => {
        if (name === this.fileName) return String(this.#version);
        const held = this.#held.get(name);
        if (name === ambient) return String(hasBrowserTypes(this.#options));
        return held ? `held ${held.version}` : this.#versionOf(name);
      },
      getScriptSnapshot: snapshotOf,
      getCompilationSettings: () => this.#options,
      getCurrentDirectory: () => this.#directory,
      getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
      getCancellationToken: () => ({ isCancellationRequested: isCancelled }),
      useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
      fileExists: (name) =>
        name === this.fileName ||
        name === ambient ||
        this.#held.has(name) ||
        this.#roots.has(name) ||
        ts.sys.fileExists(name) ||
        wasmBehind(name) !== undefined,
      readFile: (name, encoding) => this.#held.get(name)?.text ?? ts.sys.readFile(name, encoding),
      directoryExists: (name) => ts.sys.directoryExists(name),
      getDirectories: (name) => ts.sys.getDirectories(name),
      readDirectory: (...query) => ts.sys.readDirectory(...query),
      realpath: (name) => ts.sys.realpath?.(name) ?? name,
    };
  }

  /** The compiler's own registries, except that cells come bound to their scope. */
  #makeRegistry(): ts.DocumentRegistry {
    const isCaseSensitive = ts.sys.useCaseSensitiveFileNames;
    const full = ts.createDocumentRegistry(isCaseSensitive, this.#directory);
    const terse = terseRegistry(this.#directory);
    const registryOf = (name: string): ts.DocumentRegistry => (isTerse(name) ? terse : full);
    const placed = (name: string, make: () => ts.SourceFile): ts.SourceFile => {
      const cell = this.#roots.get(name);
      if (cell) return cell.file;
      const file = make();
      if (name === this.fileName) setOuterScope(file, this.#standsAlone ? undefined : this.scope);
      return file;
    };
    return {
      ...full,
      acquireDocumentWithKey: (name, ...rest) =>
        placed(name, () => registryOf(name).acquireDocumentWithKey(name, ...rest)),
      updateDocumentWithKey: (name, ...rest) =>
        placed(name, () => registryOf(name).updateDocumentWithKey(name, ...rest)),
      // The type asks for an overload without the last two, which the language service never uses.
      // eslint-disable-next-line @typescript-eslint/no-deprecated
      releaseDocumentWithKey: (
        path: ts.Path,
        key: ts.DocumentRegistryBucketKey,
        kind: ts.ScriptKind = ts.ScriptKind.TS,
        mode?: ts.ResolutionMode,
      ) => {
        // Committed cells never were in the registry.
        if (!/\/Cell \[\d+\]\.[jt]sx?$/i.test(path)) registryOf(path).releaseDocumentWithKey(path, key, kind, mode);
      },
    };
  }
}

/** The language service asks for every file of the program each time; nothing is read twice. */
function snapshotsOfDisk(versionOf: (name: string) => string): (name: string) => ts.IScriptSnapshot | undefined {
  const read = new Map<string, { readonly version: string; readonly snapshot: ts.IScriptSnapshot }>();
  return (name) => {
    const version = versionOf(name);
    const known = read.get(name);
    if (known?.version === version) return known.snapshot;
    const wasm = wasmBehind(name);
    const text = wasm === undefined || ts.sys.fileExists(name) ? ts.sys.readFile(name) : declareWasm(wasm);
    if (text === undefined) return undefined;
    const snapshot = ts.ScriptSnapshot.fromString(text);
    read.set(name, { version, snapshot });
    return snapshot;
  };
}

/** Installed packages and the library do not change under us; a local file may, between two cells. */
function diskVersion(name: string): string {
  if (/\/node_modules\/|\/Cell \[\d+\]\.|\[cellburst\]\.d\.ts$/.test(name)) return '1';
  const written = wasmBehind(name) ?? name;
  return String(statSync(written, { throwIfNoEntry: false })?.mtimeMs ?? 0);
}
