// Loads the modules of cells: virtual ones ('cellburst', 'tslab'), local files, packages and builtins, all as seen from the notebook's folder.
// Tells which value is which module's export, so that a capture can send the import instead of the thing.
import { dirname } from 'node:path';
import { Script } from 'node:vm';
import { MAIN } from '../protocol/main-context';
import type { LocalSource } from '../protocol/bundle';
import { mapScript } from './frames';
import { importMeta } from './import-meta';
import { isLocalSpecifier } from './local-sources';
import type { LocalSources } from './local-sources';
import { Packages } from './packages';
import { instantiateWasm } from './wasm';

export type Exports = Readonly<Record<string, unknown>>;
export type ModuleListener = (specifier: string, exports: unknown) => void;

interface LocalModule {
  readonly source: LocalSource;
  readonly module: { exports: unknown };
}

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
/** What a local module's text gets, in this order. */
const SCOPE = ['exports', 'require', 'module', '__filename', '__dirname', '__cellburst_meta__'].join(', ');

export class Modules {
  readonly require: NodeJS.Require;
  readonly #options: ModulesOptions;
  readonly #packages: Packages;
  readonly #local = new Map<string, LocalModule>();
  #evaluating: string | undefined;
  readonly #views = new WeakMap<object, Record<string, unknown>>();

  constructor(options: ModulesOptions) {
    this.#options = options;
    this.#packages = new Packages(options);
    const { resolve, cache } = this.#packages.nativeRequire;
    this.require = Object.assign((specifier: string) => this.#requireFrom(options.directory, specifier), {
      resolve,
      cache,
      main: undefined,
      extensions: {} as NodeJS.RequireExtensions,
    });
  }

  /** The namespace of a module as cells see it. Rejects as Node does when there is none. */
  async load(specifier: string, attributes?: Readonly<Record<string, string>>): Promise<unknown> {
    const { virtual, directory } = this.#options;
    if (virtual[specifier] !== undefined) return this.#announce(specifier, virtual[specifier]);
    if (specifier.startsWith(REQUIRED)) return this.#requireFrom(directory, specifier.slice(REQUIRED.length));
    const path = this.#localPath(specifier, directory);
    if (path === undefined) return this.#announce(specifier, await this.#packages.load(specifier, attributes));
    await this.#prepare(path);
    return this.#namespace(`file:${path}`, this.#evaluate(path));
  }

  /** The local module whose text runs just now: `file:` + path. */
  get evaluating(): string | undefined {
    return this.#evaluating === undefined ? undefined : `file:${this.#evaluating}`;
  }

  /** The files of local modules evaluated so far, newest version each. */
  localSources(): LocalSource[] {
    return [...this.#local.values()].map((entry) => entry.source);
  }

  /** Undefined for a package or a builtin; throws for a local file that is not there. */
  #localPath(specifier: string, folder: string): string | undefined {
    const { sources } = this.#options;
    if (!isLocalSpecifier(specifier)) return sources.alias(specifier);
    const path = sources.resolve(specifier, folder);
    if (path !== undefined) return path;
    const error = new MAIN.Error(`Cannot find module '${specifier}' from ${folder}.`);
    throw Object.assign(error, { code: 'MODULE_NOT_FOUND' });
  }

  /** Reads `path` and all it imports, so that the evaluation, which is synchronous, finds everything at hand. */
  async #prepare(path: string, seen = new Set<string>()): Promise<boolean> {
    if (seen.has(path)) return false;
    seen.add(path);
    const source = await this.#options.sources.read(path);
    let changed = this.#local.get(path)?.source.version !== source.version;
    for (const target of Object.values(source.links)) changed = (await this.#prepare(target, seen)) || changed;
    for (const specifier of source.packages)
      if (this.#options.virtual[specifier] === undefined) await this.#packages.prepare(specifier);
    // A module is evaluated again when it, or anything it imports, has changed.
    if (changed) this.#local.delete(path);
    if (source.format === 'async' && !this.#local.has(path)) await this.#evaluateAsync(source);
    return changed;
  }

  #evaluate(path: string): unknown {
    const known = this.#local.get(path);
    if (known !== undefined) return known.module.exports;
    const source = this.#options.sources.readSync(path);
    if (source.format === 'async') throw awaits(path);
    const module = { exports: new MAIN.Object() as unknown };
    this.#local.set(path, { source, module });
    try {
      if (source.format === 'json') module.exports = MAIN.JSON.parse(source.text) as unknown;
      else if (source.format === 'wasm') module.exports = instantiateWasm(source, this.#requireOf(source));
      else this.#run(source, module);
    } catch (error) {
      this.#local.delete(path);
      throw error;
    }
    this.#namespace(`file:${path}`, module.exports);
    return module.exports;
  }

  /** Of a module that awaits at its top level: whoever imports it finds it evaluated. */
  async #evaluateAsync(source: LocalSource): Promise<void> {
    const module = { exports: new MAIN.Object() as unknown };
    this.#local.set(source.path, { source, module });
    try {
      await this.#run(source, module);
    } catch (error) {
      this.#local.delete(source.path);
      throw error;
    }
    this.#namespace(`file:${source.path}`, module.exports);
  }

  #run(source: LocalSource, module: { exports: unknown }): unknown {
    const filename = `${source.path}?${source.version}`;
    mapScript(filename, source.path, source.mappings);
    const opening = `(${source.format === 'async' ? 'async ' : ''}function (${SCOPE}) {`;
    const script = new Script(`${opening}${source.text}\n})`, { filename, columnOffset: -opening.length });
    const evaluate = script.runInThisContext() as (...scope: unknown[]) => unknown;
    const { path } = source;
    const around = this.#evaluating;
    this.#evaluating = path;
    try {
      return evaluate(module.exports, this.#requireOf(source), module, path, dirname(path), importMeta(path));
    } finally {
      this.#evaluating = around;
    }
  }

  #requireOf({ path, links }: LocalSource): (specifier: string) => unknown {
    return (specifier) => this.#requireFrom(dirname(path), specifier, links[specifier]);
  }

  #requireFrom(folder: string, specifier: string, linked?: string): unknown {
    const virtual = this.#options.virtual[specifier];
    if (virtual !== undefined) return this.#announce(specifier, virtual);
    const imported = this.#packages.imported(specifier);
    if (imported !== undefined) return this.#announce(specifier, imported);
    const path = linked ?? this.#localPath(specifier, folder);
    if (path !== undefined) return this.#evaluate(path);
    return this.#announce(REQUIRED + specifier, this.#packages.require(specifier));
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

  #announce<T>(specifier: string, exports: T): T {
    this.#options.onLoad(specifier, exports);
    return exports;
  }
}

function awaits(path: string): Error {
  const error = new MAIN.Error(
    `Cannot require ${path}: it awaits at its top level. Import it instead, in a cell or by \`await import(…)\`.`,
  );
  return Object.assign(error, { code: 'ERR_REQUIRE_ASYNC_MODULE' });
}
