// Loads the modules of cells: virtual ones ('cellburst', 'tslab'), local files, and packages and builtins by Node's own loader, all as seen from the
// notebook's folder. Tells which value is which module's export, so that a capture can send the import instead of the thing.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Script, constants as vmConstants } from 'node:vm';
import { IMPORT_FILE } from '../protocol/environment';
import { systemCode } from '../protocol/errors';
import { MAIN } from '../protocol/main-context';
import { isLocalSpecifier } from './local-sources';
import type { LocalSource } from '../protocol/bundle';
import type { LocalSources } from './local-sources';
import { mapScript, withoutPackagesRoot } from './frames';

export type Exports = Readonly<Record<string, unknown>>;
export type ModuleListener = (specifier: string, exports: unknown) => void;

interface LocalModule {
  readonly source: LocalSource;
  readonly module: { exports: unknown };
}

type Import = (specifier: string, options?: unknown) => Promise<Record<string, unknown>>;

export interface ModulesOptions {
  /** Absolute; packages are found from here. */
  readonly directory: string;
  /** A folder that stands for the root of the machine that `directory` is on: packages are found below it then. */
  readonly packages?: string;
  /** What to do about a package that is not there, for the end of the error's message. */
  readonly missingAdvice?: string;
  readonly virtual: Readonly<Record<string, Exports>>;
  readonly sources: LocalSources;
  /** Told of every module once it is loaded: `node:path`, `lodash`, or `file:` + path for a local one. */
  readonly onLoad: ModuleListener;
}

/** Marks what `require` gave of a package, which need not be what `import` gives. */
const REQUIRED = 'require:';

export class Modules {
  readonly require: NodeJS.Require;
  readonly #options: ModulesOptions;
  readonly #import: Import;
  readonly #nativeRequire: NodeJS.Require;
  readonly #local = new Map<string, LocalModule>();
  /** Packages that only `import()` could load, for the `require` of local modules. */
  readonly #imported = new Map<string, unknown>();
  readonly #views = new WeakMap<object, Record<string, unknown>>();

  constructor(options: ModulesOptions) {
    this.#options = options;
    const { directory, packages } = options;
    const folder = packages === undefined ? directory : join(packages, directory);
    const anchor = join(folder, 'notebook.js');
    this.#nativeRequire = createRequire(anchor);
    this.#import = packages === undefined ? nativeImport(anchor) : carriedImport(folder);
    this.require = Object.assign((specifier: string) => this.#requireFrom(options.directory, specifier), {
      resolve: this.#nativeRequire.resolve,
      cache: this.#nativeRequire.cache,
      main: undefined,
      extensions: {} as NodeJS.RequireExtensions,
    });
  }

  /** The namespace of a module as cells see it. Rejects as Node does when there is none. */
  async load(specifier: string, attributes?: Readonly<Record<string, string>>): Promise<unknown> {
    const virtual = this.#options.virtual[specifier];
    if (virtual !== undefined) return this.#announce(specifier, virtual);
    if (specifier.startsWith(REQUIRED))
      return this.#requireFrom(this.#options.directory, specifier.slice(REQUIRED.length));
    const path = isLocalSpecifier(specifier)
      ? this.#resolveLocal(specifier, this.#options.directory)
      : this.#options.sources.alias(specifier);
    if (path === undefined) return this.#loadPackage(specifier, attributes);
    await this.#prepare(path);
    return this.#namespace(`file:${path}`, this.#evaluate(path));
  }

  /** The files of local modules evaluated so far, newest version each. */
  localSources(): LocalSource[] {
    return [...this.#local.values()].map((entry) => entry.source);
  }

  #resolveLocal(specifier: string, folder: string): string {
    const path = this.#options.sources.resolve(specifier, folder);
    if (path !== undefined) return path;
    const error = new MAIN.Error(`Cannot find module '${specifier}' from ${folder}.`);
    throw Object.assign(error, { code: 'MODULE_NOT_FOUND' });
  }

  async #loadPackage(specifier: string, attributes?: Readonly<Record<string, string>>): Promise<unknown> {
    const options = attributes === undefined ? undefined : { with: attributes };
    const namespace = await this.#import(specifier, options).catch((error: unknown) => this.#rethrow(error));
    return this.#announce(specifier, this.#withCommonJsNames(specifier, namespace));
  }

  /**
   * import() of a CommonJS package names only the exports that a lexer finds in its text; TypeScript users expect all of them
   * (`import { chunk } from 'lodash'`).
   */
  #withCommonJsNames(specifier: string, namespace: Record<string, unknown>): Record<string, unknown> {
    const exports: unknown = namespace['default'];
    if ((typeof exports !== 'object' && typeof exports !== 'function') || exports === null) return namespace;
    if (!this.#isCommonJs(specifier, exports)) return namespace;
    const known = this.#views.get(namespace);
    if (known !== undefined) return known;
    const view = Object.create(null) as Record<string, unknown>;
    for (const key of new Set([...Object.keys(exports), ...Object.keys(namespace)])) {
      if (key === 'module.exports') continue;
      view[key] = key in namespace ? namespace[key] : Reflect.get(exports, key);
    }
    this.#views.set(namespace, view);
    return view;
  }

  #isCommonJs(specifier: string, exports: unknown): boolean {
    try {
      return this.#nativeRequire.cache[this.#nativeRequire.resolve(specifier)]?.exports === exports;
    } catch {
      // Not to be resolved by require: then it is no CommonJS package.
      return false;
    }
  }

  /** Reads `path` and all it imports, so that the evaluation, which is synchronous, finds everything at hand. */
  async #prepare(path: string, seen = new Set<string>()): Promise<boolean> {
    if (seen.has(path)) return false;
    seen.add(path);
    const source = await this.#options.sources.read(path);
    let changed = this.#local.get(path)?.source.version !== source.version;
    for (const target of Object.values(source.links)) changed = (await this.#prepare(target, seen)) || changed;
    for (const specifier of source.packages) await this.#preparePackage(specifier);
    // A module is evaluated again when it, or anything it imports, has changed.
    if (changed) this.#local.delete(path);
    return changed;
  }

  async #preparePackage(specifier: string): Promise<void> {
    if (this.#options.virtual[specifier] !== undefined || this.#imported.has(specifier)) return;
    try {
      this.#nativeRequire(specifier);
    } catch (error) {
      if (!isImportOnly(error)) return; // The module's own `require` throws it where the user can see it.
      this.#imported.set(specifier, await this.#import(specifier));
    }
  }

  #evaluate(path: string): unknown {
    const known = this.#local.get(path);
    if (known !== undefined) return known.module.exports;
    const source = this.#options.sources.readSync(path);
    const module = { exports: new MAIN.Object() as unknown };
    this.#local.set(path, { source, module });
    try {
      if (source.format === 'json') module.exports = MAIN.JSON.parse(source.text) as unknown;
      else this.#run(source, module);
    } catch (error) {
      this.#local.delete(path);
      throw error;
    }
    this.#namespace(`file:${path}`, module.exports);
    return module.exports;
  }

  #run(source: LocalSource, module: { exports: unknown }): void {
    const filename = `${source.path}?${source.version}`;
    mapScript(filename, source.path, source.mappings);
    const script = new Script(`(function (exports, require, module, __filename, __dirname) {${source.text}\n})`, {
      filename,
      columnOffset: -'(function (exports, require, module, __filename, __dirname) {'.length,
    });
    const folder = dirname(source.path);
    const evaluate = script.runInThisContext() as (...scope: unknown[]) => void;
    const require = (specifier: string): unknown => this.#requireFrom(folder, specifier, source.links[specifier]);
    evaluate(module.exports, require, module, source.path, folder);
  }

  #requireFrom(folder: string, specifier: string, linked?: string): unknown {
    const virtual = this.#options.virtual[specifier];
    if (virtual !== undefined) return this.#announce(specifier, virtual);
    const imported = this.#imported.get(specifier);
    if (imported !== undefined) return this.#announce(specifier, imported);
    const path =
      linked ??
      (isLocalSpecifier(specifier) ? this.#resolveLocal(specifier, folder) : this.#options.sources.alias(specifier));
    if (path !== undefined) return this.#evaluate(path);
    try {
      return this.#announce(REQUIRED + specifier, this.#nativeRequire(specifier) as unknown);
    } catch (error) {
      return this.#rethrow(error);
    }
  }

  /** CommonJS as an import sees it: an ES module's exports as they are, else `default` and the names. */
  #namespace(specifier: string, exports: unknown): unknown {
    if ((typeof exports !== 'object' && typeof exports !== 'function') || exports === null) return { default: exports };
    if (Reflect.get(exports, '__esModule') === true) return this.#announce(specifier, exports);
    let view = this.#views.get(exports);
    if (view === undefined) {
      view = Object.assign(Object.create(null), exports, { default: exports }) as Record<string, unknown>;
      this.#views.set(exports, view);
    }
    return this.#announce(specifier, view);
  }

  /** Says of a module that was not found what to do about it, and names places as they are at home. */
  #rethrow(error: unknown): never {
    const { missingAdvice } = this.#options;
    const code = systemCode(error);
    const isMissing = code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND';
    if (isMissing && missingAdvice !== undefined && error instanceof MAIN.Error) {
      const [sentence = ''] = withoutPackagesRoot(error.message)
        .replace(IMPORT_FILE, 'notebook.ts')
        .split('\nRequire stack');
      error.message = `${sentence}. ${missingAdvice}`;
    }
    throw error;
  }

  #announce<T>(specifier: string, exports: T): T {
    this.#options.onLoad(specifier, exports);
    return exports;
  }
}

/** import() as from `folder`, by a file that lies there for this purpose. */
function carriedImport(folder: string): Import {
  let carried: Import | undefined;
  return (specifier, options) => {
    carried ??= createRequire(join(folder, IMPORT_FILE))(join(folder, IMPORT_FILE)) as Import;
    return carried(specifier, options);
  };
}

/** Node's own import(), as from a file at `anchor`. */
function nativeImport(anchor: string): Import {
  let compiled: Import | undefined;
  return async (specifier, options) => {
    compiled ??= new Script('(specifier, options) => import(specifier, options)', {
      filename: anchor,
      importModuleDynamically: vmConstants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    }).runInThisContext() as Import;
    return quietly(() => (compiled as Import)(specifier, options));
  };
}

let quiet = false;

/** Node 20 warns of the loader constant at its first use; it is the documented way, and no news for whoever reads the notebook. */
async function quietly<T>(action: () => Promise<T>): Promise<T> {
  if (quiet) return action();
  quiet = true;
  const { process } = MAIN;
  const emit = process.emitWarning;
  const filtered = (warning: string | Error, ...rest: unknown[]): void => {
    if (String(warning).includes('USE_MAIN_CONTEXT_DEFAULT_LOADER')) return;
    Reflect.apply(emit, process, [warning, ...rest]);
  };
  process.emitWarning = filtered;
  try {
    return await action();
  } finally {
    process.emitWarning = emit;
  }
}

function isImportOnly(error: unknown): boolean {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return code === 'ERR_REQUIRE_ESM' || code === 'ERR_PACKAGE_PATH_NOT_EXPORTED' || code === 'ERR_REQUIRE_ASYNC_MODULE';
}

/** What `import.meta` gives in a cell. */
export function importMeta(directory: string, filename: string): unknown {
  const path = join(directory, filename);
  return Object.assign(new MAIN.Object(), {
    url: pathToFileURL(path).href,
    filename: path,
    dirname: directory,
    resolve: (specifier: string) =>
      isLocalSpecifier(specifier)
        ? new URL(specifier, pathToFileURL(path)).href
        : pathToFileURL(createRequire(path).resolve(specifier)).href,
  });
}
