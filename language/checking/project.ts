// The tsconfig.json over the notebook's folder, the nearest one upwards as editors find it, as far as it means something for cells. It is read again
// when it, or a file that it extends, has changed. Mistakes in it are told with their place, and what could be read of it counts.
import { statSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import type { ProjectRules } from '../../magics/protocol/code';
import { ts } from '../compiler';
import { syntaxErrorsOf } from '../internals';

export interface Project {
  /** Absolute path of the tsconfig.json; absent: there is none. */
  readonly file?: string;
  /** Those of its compilerOptions that cells have a use for; paths are absolute. */
  readonly options: ts.CompilerOptions;
  /** What local modules are found and compiled by. Absent: as without a tsconfig.json. */
  readonly rules?: ProjectRules;
  /** `../tsconfig.json:3:5 - TS5023: Unknown compiler option 'strct'.` */
  readonly complaints: readonly string[];
}

/** How strictly, and against which library. Nothing about output, and no unused names: later cells use them. */
const CHECKED = [
  'strict',
  'noImplicitAny',
  'strictNullChecks',
  'strictFunctionTypes',
  'strictBindCallApply',
  'strictPropertyInitialization',
  'strictBuiltinIteratorReturn',
  'noImplicitThis',
  'useUnknownInCatchVariables',
  'noUncheckedIndexedAccess',
  'exactOptionalPropertyTypes',
  'noImplicitReturns',
  'noImplicitOverride',
  'noFallthroughCasesInSwitch',
  'noPropertyAccessFromIndexSignature',
  'noUncheckedSideEffectImports',
  'erasableSyntaxOnly',
  'lib',
  'types',
  'typeRoots',
  'customConditions',
  'rootDirs',
] as const;

/** What code becomes: for cells and for local modules alike. */
export const EMITTED = [
  'jsx',
  'jsxFactory',
  'jsxFragmentFactory',
  'jsxImportSource',
  'experimentalDecorators',
  'emitDecoratorMetadata',
  'useDefineForClassFields',
] as const;

/** No inputs: a notebook's cells are none. */
const NO_INPUTS: ReadonlySet<number> = new Set([18002, 18003]);

const NONE: Project = { options: {}, complaints: [] };

export class ProjectFile {
  readonly #directory: string;
  #project = NONE;
  #readAt = -Infinity;
  /** The files that were read, as they were. */
  #seen: ReadonlyMap<string, string> = new Map();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Gives the same object as long as nothing has changed. What was read less than `maxAgeMilliseconds` ago is not looked at again: on a
   * network's disk that would cost at every key.
   */
  read(maxAgeMilliseconds = 0): Project {
    const now = performance.now();
    if (now - this.#readAt < maxAgeMilliseconds) return this.#project;
    this.#readAt = now;
    const file = ts.findConfigFile(this.#directory, HOST.fileExists);
    const isSame =
      file === this.#project.file && [...this.#seen].every(([path, version]) => versionOf(path) === version);
    if (isSame) return this.#project;
    if (file === undefined) {
      this.#seen = new Map();
      this.#project = NONE;
      return NONE;
    }
    const source = ts.readJsonConfigFile(file, HOST.readFile);
    const parsed = ts.parseJsonSourceFileConfigFileContent(source, HOST, dirname(file), undefined, file);
    const files = [file, ...(source.extendedSourceFiles ?? [])];
    this.#seen = new Map(files.map((path) => [path, versionOf(path)]));
    const errors = [...syntaxErrorsOf(source), ...parsed.errors].filter(({ code }) => !NO_INPUTS.has(code));
    this.#project = {
      file,
      options: cellOptions(parsed.options, dirname(file)),
      ...rulesOf(parsed.options, dirname(file)),
      complaints: [...new Set(errors.map((error) => this.#place(error, file)))],
    };
    return this.#project;
  }

  #place({ file, start, code, messageText }: ts.Diagnostic, config: string): string {
    const message = `TS${code}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    const path = relative(this.#directory, file?.fileName ?? config);
    if (!file || start === undefined) return `${path} - ${message}`;
    const { line, character } = ts.getLineAndCharacterOfPosition(file, start);
    return `${path}:${line + 1}:${character + 1} - ${message}`;
  }
}

/** The folder's own files are no part of the program: a large project would be listed for nothing. */
const HOST = {
  useCaseSensitiveFileNames: ts.sys.useCaseSensitiveFileNames,
  readDirectory: () => [],
  fileExists: (path: string) => ts.sys.fileExists(path),
  readFile: (path: string) => ts.sys.readFile(path),
} satisfies ts.ParseConfigHost;

function versionOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats ? `${stats.mtimeMs} ${stats.size}` : 'absent';
}

function cellOptions(parsed: ts.CompilerOptions, folder: string): ts.CompilerOptions {
  const kept: readonly string[] = [...CHECKED, ...EMITTED];
  const options: ts.CompilerOptions = Object.fromEntries(
    Object.entries(parsed).filter(([name]) => kept.includes(name)),
  );
  // Cells run: there is nobody after us who would take the JSX away.
  if (options.jsx === ts.JsxEmit.Preserve || options.jsx === ts.JsxEmit.ReactNative) delete options.jsx;
  if (parsed.baseUrl !== undefined) options.baseUrl = resolve(folder, parsed.baseUrl);
  const paths = absolutePaths(parsed, folder);
  if (paths) options.paths = paths;
  return options;
}

function absolutePaths(parsed: ts.CompilerOptions, folder: string): Record<string, string[]> | undefined {
  if (!parsed.paths) return undefined;
  // The folder of the file that says `paths`, which may be one that is extended.
  const said = parsed['pathsBasePath'];
  const base = parsed.baseUrl ?? (typeof said === 'string' ? said : folder);
  return Object.fromEntries(
    Object.entries(parsed.paths).map(([pattern, targets]) => [
      pattern,
      targets.map((target) => resolve(folder, base, target)),
    ]),
  );
}

function rulesOf(parsed: ts.CompilerOptions, folder: string): { rules?: ProjectRules } {
  const paths: Record<string, readonly string[]> = absolutePaths(parsed, folder) ?? {};
  if (parsed.baseUrl !== undefined) paths['*'] = [...(paths['*'] ?? []), resolve(folder, parsed.baseUrl, '*')];
  const options = cellOptions(parsed, folder);
  const compile: Record<string, string | boolean> = {};
  for (const name of EMITTED) {
    const value = name === 'jsx' && options.jsx !== undefined ? jsxWord(options.jsx) : options[name];
    if (typeof value === 'string' || typeof value === 'boolean') compile[name] = value;
  }
  const isEmpty = Object.keys(paths).length === 0 && Object.keys(compile).length === 0;
  return isEmpty ? {} : { rules: { paths, compile } };
}

/** As a tsconfig.json spells it. */
function jsxWord(jsx: ts.JsxEmit): string {
  if (jsx === ts.JsxEmit.ReactJSX) return 'react-jsx';
  return jsx === ts.JsxEmit.ReactJSXDev ? 'react-jsxdev' : 'react';
}
