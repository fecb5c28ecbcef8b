// What the compiler sees: the cells of the notebook, modules in memory and our own declarations before what the disk has.
import { ts } from '../compiler';
import { AMBIENT_TYPES } from '../ambient';
import { setOuterScope } from '../internals';
import { WEBASSEMBLY_TYPES } from '../webassembly-types';
import { snapshotsOfDisk } from './disk';
import { isTerse, terseRegistry } from './documentation';
import { hasBrowserTypes } from './options';
import { wasmBehind } from './wasm';

/** A text that may never be executed. */
export interface Shown {
  readonly fileName: string;
  readonly text: string;
  readonly version: number;
  /** Around it. */
  readonly scope: ts.Node | undefined;
}

export interface Held {
  readonly text: string;
  readonly version: number;
}

/** What there is at the moment, by path. */
export interface Files {
  readonly directory: string;
  options(): ts.CompilerOptions;
  shown(): Shown;
  /** Executed cells that are part of the program. */
  roots(): ReadonlyMap<string, { readonly file: ts.SourceFile }>;
  /** Modules in memory. */
  held(): ReadonlyMap<string, Held>;
  /** Of a file of the disk. */
  versionOf(name: string): string;
  isCancelled(): boolean;
}

export function makeHost(files: Files): ts.LanguageServiceHost {
  const ambient = `${files.directory}/[cellburst].d.ts`;
  const ambientText = (): string => AMBIENT_TYPES + (hasBrowserTypes(files.options()) ? '' : WEBASSEMBLY_TYPES);
  const read = snapshotsOfDisk((name) => files.versionOf(name));
  /** Undefined: it is for the disk to tell. */
  const textOf = (name: string): string | undefined => {
    if (name === files.shown().fileName) return files.shown().text;
    if (name === ambient) return ambientText();
    return files.held().get(name)?.text ?? files.roots().get(name)?.file.text;
  };
  return {
    getScriptFileNames: () => [ambient, ...files.roots().keys(), files.shown().fileName],
    getScriptVersion: (name) => {
      if (name === files.shown().fileName) return String(files.shown().version);
      if (name === ambient) return String(hasBrowserTypes(files.options()));
      const held = files.held().get(name);
      return held ? `held ${held.version}` : files.versionOf(name);
    },
    getScriptSnapshot: (name) => {
      const text = textOf(name);
      return text === undefined ? read(name) : ts.ScriptSnapshot.fromString(text);
    },
    getCompilationSettings: () => files.options(),
    getCurrentDirectory: () => files.directory,
    getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
    getCancellationToken: () => ({ isCancellationRequested: () => files.isCancelled() }),
    useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
    fileExists: (name) => textOf(name) !== undefined || ts.sys.fileExists(name) || wasmBehind(name) !== undefined,
    readFile: (name, encoding) => files.held().get(name)?.text ?? ts.sys.readFile(name, encoding),
    directoryExists: (name) => ts.sys.directoryExists(name),
    getDirectories: (name) => ts.sys.getDirectories(name),
    readDirectory: (...query) => ts.sys.readDirectory(...query),
    realpath: (name) => ts.sys.realpath?.(name) ?? name,
  };
}

/** The compiler's own registries, except that cells come bound to their scope. */
export function makeRegistry(files: Files): ts.DocumentRegistry {
  const full = ts.createDocumentRegistry(ts.sys.useCaseSensitiveFileNames, files.directory);
  const terse = terseRegistry(files.directory);
  const registryOf = (name: string): ts.DocumentRegistry => (isTerse(name) ? terse : full);
  const placed = (name: string, make: () => ts.SourceFile): ts.SourceFile => {
    const cell = files.roots().get(name);
    if (cell) return cell.file;
    const file = make();
    const { fileName, scope } = files.shown();
    if (name === fileName) setOuterScope(file, scope);
    return file;
  };
  return {
    ...full,
    acquireDocumentWithKey: (name, ...rest) =>
      placed(name, () => registryOf(name).acquireDocumentWithKey(name, ...rest)),
    updateDocumentWithKey: (name, ...rest) => placed(name, () => registryOf(name).updateDocumentWithKey(name, ...rest)),
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
