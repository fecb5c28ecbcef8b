// Where the text of local modules (`./lib.ts`) comes from: at home from the disk, through esbuild; on a worker from the bundle.
import { createHash } from 'node:crypto';
import { isBuiltin } from 'node:module';
import { readFileSync, statSync } from 'node:fs';
import { dirname, extname, isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LocalSource } from '../protocol/bundle';
import type { ProjectRules } from '../protocol/code';
import { compile, compileNow, requiredSpecifiers } from './compiling';
import { mappedPaths } from './path-mapping';
import { modulesImportedBy } from './wasm';

export interface LocalSources {
  /** The absolute path that `specifier` means in a file of `folder`; undefined when there is no such file. */
  resolve(specifier: string, folder: string): string | undefined;
  /** The path that a word of the project's own (an alias) means; undefined for any other, which names a package. */
  alias(specifier: string): string | undefined;
  read(path: string): Promise<LocalSource>;
  readSync(path: string): LocalSource;
  /** Takes a module that a cell defines in memory. */
  hold?(path: string, text: string): void;
  /** From now on modules are found and compiled as the project says. */
  follow?(rules: ProjectRules | undefined): void;
  /** For a thread that shall have the same. */
  describe(): SourcesStart;
}

/** Plain data, as threads are given it. */
export type SourcesStart =
  | { readonly kind: 'disk'; readonly rules?: ProjectRules; readonly held: ReadonlyMap<string, string> }
  | {
      readonly kind: 'bundle';
      readonly files: readonly LocalSource[];
      readonly links: Readonly<Record<string, string>>;
    };

export function openSources(start: SourcesStart): LocalSources {
  if (start.kind === 'bundle') return new BundledSources(start.files, start.links);
  const sources = new DiskSources();
  sources.follow(start.rules);
  for (const [path, text] of start.held) sources.hold(path, text);
  return sources;
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
/** Local modules as files of this machine, TypeScript included. A file is transformed again only when it changed. */
export class DiskSources implements LocalSources {
  readonly #read = new Map<string, LocalSource>();
  /** Modules that cells define: text by path, before what the disk has. */
  readonly #held = new Map<string, string>();
  #rules: ProjectRules | undefined;

  /** From now on this text is the module at `path`. */
  hold(path: string, text: string): void {
    this.#held.set(path, text);
  }

  follow(rules: ProjectRules | undefined): void {
    if (JSON.stringify(rules) === JSON.stringify(this.#rules)) return;
    this.#rules = rules;
    this.#read.clear();
  }

  describe(): SourcesStart {
    const rules = this.#rules;
    return { kind: 'disk', held: this.#held, ...(rules === undefined ? {} : { rules }) };
  }

  resolve(specifier: string, folder: string): string | undefined {
    return this.#find(
      specifier.startsWith('file://') ? fileURLToPath(specifier) : resolve(folder, withoutScheme(specifier)),
    );
  }

  alias(specifier: string): string | undefined {
    if (isBuiltin(specifier)) return undefined;
    for (const base of mappedPaths(specifier, this.#rules?.paths ?? {})) {
      const path = this.#find(base);
      if (path !== undefined) return path;
    }
    return undefined;
  }

  /** The file that `base` names with or without its extension, or the index of a folder. */
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
    const compiled = asItIs(path, text) ?? (await compile(text, path, this.#rules));
    return this.#keep(this.#toSource(path, version, compiled));
  }

  readSync(path: string): LocalSource {
    const { text, version, known } = this.#look(path);
    if (known !== undefined) return known;
    const compiled = asItIs(path, text) ?? compileNow(text, path, this.#rules);
    const source = this.#toSource(path, version, compiled);
    // What awaits was not compiled: whoever imports it must not find it so.
    return source.format === 'async' ? source : this.#keep(source);
  }

  #look(path: string): { text: string; version: string; known: LocalSource | undefined } {
    const text = this.#held.get(path) ?? readFileSync(path, extname(path) === '.wasm' ? 'base64' : 'utf8');
    const rules = this.#rules === undefined ? '' : JSON.stringify(this.#rules.compile);
    const version = createHash('sha256').update(text).update(rules).digest('hex').slice(0, 20);
    const known = this.#read.get(path);
    return { text, version, known: known?.version === version ? known : undefined };
  }

  #keep(source: LocalSource): LocalSource {
    this.#read.set(source.path, source);
    return source;
  }

  #toSource(path: string, version: string, content: Content): LocalSource {
    const { format, text, mappings, specifiers = requiredSpecifiers(text) } = content;
    const links: Record<string, string> = {};
    for (const specifier of specifiers) {
      const target = isLocalSpecifier(specifier) ? this.resolve(specifier, dirname(path)) : this.alias(specifier);
      if (target !== undefined) links[specifier] = target;
    }
    const packages = specifiers.filter((specifier) => !isLocalSpecifier(specifier) && !(specifier in links));
    return { path, format, text, mappings, version, links, packages };
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

  describe(): SourcesStart {
    return { kind: 'bundle', files: [...this.#sources.values()], links: this.#links };
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

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

interface Content {
  readonly format: LocalSource['format'];
  readonly text: string;
  readonly mappings: string;
  /** What it imports, where its text does not tell. */
  readonly specifiers?: readonly string[];
}

/** A file that is no code to compile. */
function asItIs(path: string, text: string): Content | undefined {
  const extension = extname(path);
  if (extension === '.json') return { format: 'json', text, mappings: '', specifiers: [] };
  if (extension !== '.wasm') return undefined;
  return { format: 'wasm', text, mappings: '', specifiers: modulesImportedBy(Buffer.from(text, 'base64')) };
}
