// Where the text of local modules (`./lib.ts`) comes from: at home from the disk, through esbuild; on a worker from the bundle.
import { createHash } from 'node:crypto';
import { createRequire, isBuiltin } from 'node:module';
import { readFileSync, statSync } from 'node:fs';
import { dirname, extname, isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as esbuild from 'esbuild';
import type { Loader, TransformOptions } from 'esbuild';
import { expandAlias, findConfig, readAliases, type Alias } from '../protocol/aliases';
import type { LocalSource } from '../protocol/bundle';

export interface LocalSources {
  /** The absolute path that `specifier` means in a file of `folder`; undefined when there is no such file. */
  resolve(specifier: string, folder: string): string | undefined;
  /** The path that a word of the project's own (an alias) means; undefined for any other, which names a package. */
  alias(specifier: string): string | undefined;
  read(path: string): Promise<LocalSource>;
  readSync(path: string): LocalSource;
  /** Takes a module that a cell defines in memory. */
  hold?(path: string, text: string): void;
}

export function isLocalSpecifier(specifier: string): boolean {
  return /^(\.{1,2}(\/|$)|file:)/.test(specifier) || isAbsolute(specifier);
}

const EXTENSIONS = ['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs', '.json'];
// TypeScript's ESM style names the file that will be: './lib.js' for './lib.ts'.
const EMITTED: Readonly<Record<string, readonly string[]>> = {
  '.js': ['.ts', '.tsx'],
  '.jsx': ['.tsx'],
  '.mjs': ['.mts'],
  '.cjs': ['.cts'],
};
const LOADERS: Readonly<Record<string, Loader>> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
  '.jsx': 'jsx',
};

/** Local modules as files of this machine, TypeScript included. A file is transformed again only when it changed. */
export class DiskSources implements LocalSources {
  readonly #read = new Map<string, LocalSource>();
  /** Modules that cells define: text by path, before what the disk has. */
  readonly #held = new Map<string, string>();
  readonly #directory: string | undefined;
  #aliases: { readonly stamp: string; readonly list: readonly Alias[] } | undefined;

  /** `directory`: of the notebook, whose tsconfig.json may have aliases. */
  constructor(directory?: string) {
    this.#directory = directory;
  }

  /** From now on this text is the module at `path`. */
  hold(path: string, text: string): void {
    this.#held.set(path, text);
  }

  resolve(specifier: string, folder: string): string | undefined {
    return this.#find(
      specifier.startsWith('file://') ? fileURLToPath(specifier) : resolve(folder, withoutScheme(specifier)),
    );
  }

  alias(specifier: string): string | undefined {
    if (this.#directory === undefined || isBuiltin(specifier)) return undefined;
    for (const path of expandAlias(this.#aliasesNow(this.#directory), specifier)) {
      const found = this.#find(path);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #aliasesNow(directory: string): readonly Alias[] {
    const config = findConfig(directory);
    const found = config === undefined ? undefined : statSync(config, { throwIfNoEntry: false });
    const stamp = `${config ?? ''}:${found?.mtimeMs ?? 0}:${found?.size ?? 0}`;
    if (this.#aliases?.stamp !== stamp) this.#aliases = { stamp, list: readAliases(directory) };
    return this.#aliases.list;
  }

  #find(base: string): string | undefined {
    const extension = extname(base);
    const stem = base.slice(0, base.length - extension.length);
    const candidates = [
      base,
      ...(EMITTED[extension] ?? []).map((other) => stem + other),
      ...EXTENSIONS.map((other) => base + other),
      ...EXTENSIONS.map((other) => resolve(base, `index${other}`)),
    ];
    return candidates.find((path) => this.#held.has(path) || isFile(path));
  }

  async read(path: string): Promise<LocalSource> {
    const { text, version, known } = this.#look(path);
    if (known !== undefined) return known;
    if (extname(path) === '.json') return this.#keep(jsonSource(path, text, version));
    const { transform } = await import('esbuild');
    const output = await transform(text, transformOptions(path));
    return this.#keep(this.#toSource(path, version, output));
  }

  readSync(path: string): LocalSource {
    const { text, version, known } = this.#look(path);
    if (known !== undefined) return known;
    if (extname(path) === '.json') return this.#keep(jsonSource(path, text, version));
    // `require` cannot wait; a cell that requires a TypeScript file pays for a compiler process once per change of the file.
    return this.#keep(this.#toSource(path, version, compileNow(text, path)));
  }

  #look(path: string): { text: string; version: string; known: LocalSource | undefined } {
    const text = this.#held.get(path) ?? readFileSync(path, 'utf8');
    const version = createHash('sha256').update(text).digest('hex').slice(0, 20);
    const known = this.#read.get(path);
    return { text, version, known: known?.version === version ? known : undefined };
  }

  #keep(source: LocalSource): LocalSource {
    this.#read.set(source.path, source);
    return source;
  }

  #toSource(path: string, version: string, output: { code: string; map: string }): LocalSource {
    const specifiers = requiredSpecifiers(output.code);
    const links: Record<string, string> = {};
    for (const specifier of specifiers) {
      const target = isLocalSpecifier(specifier) ? this.resolve(specifier, dirname(path)) : this.alias(specifier);
      if (target !== undefined) links[specifier] = target;
    }
    const map = JSON.parse(output.map) as { mappings: string };
    return {
      path,
      format: 'commonjs',
      text: output.code,
      mappings: map.mappings,
      version,
      links,
      packages: specifiers.filter((specifier) => !isLocalSpecifier(specifier) && links[specifier] === undefined),
    };
  }
}

/** Local modules that travelled with a job. */
export class BundledSources implements LocalSources {
  readonly #sources: ReadonlyMap<string, LocalSource>;
  readonly #links: Readonly<Record<string, string>>;

  /** `links`: what the specifiers in cells mean. */
  constructor(sources: readonly LocalSource[], links: Readonly<Record<string, string>>) {
    this.#sources = new Map(sources.map((source) => [source.path, source]));
    this.#links = links;
  }

  resolve(specifier: string): string | undefined {
    const path = withoutScheme(specifier);
    return this.#sources.has(path) ? path : this.#links[specifier];
  }

  alias(specifier: string): string | undefined {
    return isLocalSpecifier(specifier) ? undefined : this.#links[specifier];
  }

  read(path: string): Promise<LocalSource> {
    return Promise.resolve().then(() => this.readSync(path));
  }

  readSync(path: string): LocalSource {
    const source = this.#sources.get(path);
    if (source === undefined)
      throw new Error(`The file ${path} did not travel with this job. Import it in a cell first.`);
    return source;
  }
}

/** Our own references name a file as `file:` and its path. */
function withoutScheme(specifier: string): string {
  return specifier.startsWith('file:') && !specifier.startsWith('file://')
    ? specifier.slice('file:'.length)
    : specifier;
}

function compileNow(text: string, path: string): { code: string; map: string } {
  const compiler: unknown = createRequire(__filename)('esbuild');
  return (compiler as typeof esbuild).transformSync(text, transformOptions(path));
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function jsonSource(path: string, text: string, version: string): LocalSource {
  return { path, format: 'json', text, mappings: '', version, links: {}, packages: [] };
}

function transformOptions(path: string): TransformOptions & { sourcemap: 'external' } {
  return {
    loader: LOADERS[extname(path)] ?? 'js',
    format: 'cjs',
    platform: 'node',
    target: 'es2022',
    sourcefile: path,
    sourcemap: 'external',
    sourcesContent: false,
    keepNames: false,
    // import() becomes require(), which finds local TypeScript files as well.
    supported: { 'dynamic-import': false },
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: false, useDefineForClassFields: true } },
  };
}

/** The literal specifiers in esbuild's output, whose `require("…")` has one form only. */
function requiredSpecifiers(code: string): string[] {
  const found = new Set<string>();
  for (const [, literal] of code.matchAll(/\brequire\(("(?:[^"\\]|\\.)*")\)/g)) {
    if (literal !== undefined) found.add(JSON.parse(literal) as string);
  }
  return [...found].sort();
}
