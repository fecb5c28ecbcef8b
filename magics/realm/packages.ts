// Packages and builtins, by Node's own loader as from a file in the notebook's folder.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Script, constants as vmConstants } from 'node:vm';
import { MAIN } from '../protocol/main-context';

type Import = (specifier: string, options?: unknown) => Promise<Record<string, unknown>>;

export class Packages {
  readonly require: NodeJS.Require;
  readonly #import: Import;
  /** Packages that only `import()` could load, for the `require` of local modules. */
  readonly #imported = new Map<string, unknown>();
  readonly #views = new WeakMap<object, Record<string, unknown>>();

  constructor(directory: string) {
    const anchor = join(directory, 'notebook.js');
    this.require = createRequire(anchor);
    this.#import = nativeImport(anchor);
  }

  /** The namespace of a package as `import` gives it. Rejects as Node does when there is none. */
  async load(specifier: string, attributes?: Readonly<Record<string, string>>): Promise<Record<string, unknown>> {
    const namespace = await this.#import(specifier, attributes === undefined ? undefined : { with: attributes });
    return this.#withCommonJsNames(specifier, namespace);
  }

  /** Makes sure that `required` finds it: what `require` cannot load is imported now. */
  async prepare(specifier: string): Promise<void> {
    if (this.#imported.has(specifier)) return;
    try {
      this.require(specifier);
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

  #isCommonJs(specifier: string, exports: unknown): boolean {
    try {
      return this.require.cache[this.require.resolve(specifier)]?.exports === exports;
    } catch {
      // Not to be resolved by require: then it is no CommonJS package.
      return false;
    }
  }
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
