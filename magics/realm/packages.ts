// Packages and builtins, by Node's own loader as from a file in the notebook's folder.
import { createRequire, isBuiltin } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as vm from 'node:vm';
import { IMPORT_FILE } from '../protocol/environment';
import { systemCode } from '../protocol/errors';
import { MAIN } from '../protocol/main-context';
import { withoutPackagesRoot } from './frames';

type Import = (specifier: string, options?: unknown) => Promise<Record<string, unknown>>;

export interface PackagesOptions {
  /** Absolute; packages are found from here. */
  readonly directory: string;
  /** A folder that stands for the root of the machine that `directory` is on: packages are found below it then. */
  readonly packages?: string;
  /** What to do about a package that is not there, for the end of the error's message. */
  readonly missingAdvice?: string;
}

export class Packages {
  readonly nativeRequire: NodeJS.Require;
  readonly #import: Import;
  readonly #missingAdvice: string | undefined;
  /** Packages that only `import()` could load, for the `require` of local modules. */
  readonly #imported = new Map<string, unknown>();
  readonly #views = new WeakMap<object, Record<string, unknown>>();

  constructor({ directory, packages, missingAdvice }: PackagesOptions) {
    const folder = packages === undefined ? directory : join(packages, directory);
    const anchor = join(folder, 'notebook.js');
    this.nativeRequire = createRequire(anchor);
    this.#import = packages === undefined ? nativeImport(anchor) : carriedImport(folder);
    this.#missingAdvice = missingAdvice;
  }

  /** What `require` gives. Throws as Node does when there is none. */
  require(specifier: string): unknown {
    try {
      return this.nativeRequire(specifier) as unknown;
    } catch (error) {
      return this.#rethrow(error);
    }
  }

  /** The namespace of a package as `import` gives it. Rejects as Node does when there is none. */
  async load(specifier: string, attributes?: Readonly<Record<string, string>>): Promise<Record<string, unknown>> {
    const options = attributes === undefined ? undefined : { with: attributes };
    const namespace = await this.#import(specifier, options)
      .catch((error: unknown) => this.#importAsRequired(specifier, error))
      .catch((error: unknown) => this.#rethrow(error));
    return this.#withCommonJsNames(specifier, namespace);
  }

  /** `lodash/fp`, a folder: TypeScript and `require` find what is meant, and import() asks for `lodash/fp.js`. */
  async #importAsRequired(specifier: string, error: unknown): Promise<Record<string, unknown>> {
    const code = systemCode(error);
    const isPath = /^(?:@[^/]+\/)?[^./@][^/]*\/./.test(specifier);
    if (!isPath || (code !== 'ERR_UNSUPPORTED_DIR_IMPORT' && code !== 'ERR_MODULE_NOT_FOUND')) throw error;
    let file: string;
    try {
      file = this.nativeRequire.resolve(specifier);
    } catch {
      // Nobody finds it: import() has told so first.
      throw error;
    }
    return await this.#import(pathToFileURL(file).href);
  }

  /** Makes sure that `required` finds it: what `require` cannot load is imported now. */
  async prepare(specifier: string): Promise<void> {
    if (this.#imported.has(specifier)) return;
    try {
      this.nativeRequire(specifier);
    } catch (error) {
      if (!isImportOnly(error)) return; // The module's own `require` throws it where the user can see it.
      this.#imported.set(specifier, await this.#import(specifier));
    }
  }

  /** What an earlier `prepare` had to import; undefined when `require` is the way. */
  imported(specifier: string): unknown {
    return this.#imported.get(specifier);
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

  /** Says of a module that was not found what to do about it, and names places as they are at home. */
  #rethrow(error: unknown): never {
    const code = systemCode(error);
    const isMissing = code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND';
    if (isMissing && this.#missingAdvice !== undefined && error instanceof MAIN.Error) {
      const [sentence = ''] = withoutPackagesRoot(error.message)
        .replace(IMPORT_FILE, 'notebook.ts')
        .split('\nRequire stack');
      error.message = `${sentence}. ${this.#missingAdvice}`;
    }
    throw error;
  }

  #isCommonJs(specifier: string, exports: unknown): boolean {
    try {
      return this.nativeRequire.cache[this.nativeRequire.resolve(specifier)]?.exports === exports;
    } catch {
      // Not to be resolved by require: then it is no CommonJS package.
      return false;
    }
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
  // Node 18 has no such constant, whatever its types say. What only `import` may load is not found there then.
  if (!('constants' in vm)) return (specifier) => import(resolveFrom(anchor, specifier)) as ReturnType<Import>;
  let compiled: Import | undefined;
  return async (specifier, options) => {
    compiled ??= new vm.Script('(specifier, options) => import(specifier, options)', {
      filename: anchor,
      importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
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

function resolveFrom(anchor: string, specifier: string): string {
  return isBuiltin(specifier) ? specifier : pathToFileURL(createRequire(anchor).resolve(specifier)).href;
}
