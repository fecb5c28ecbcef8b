// TypeScript of local modules → a function's body that is given `require` and `exports`, by esbuild. A module that awaits at its top level, which
// CommonJS cannot say, becomes the body of an async function.
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import type * as esbuild from 'esbuild';
import type { BuildOptions, CommonOptions, Loader, TransformOptions } from 'esbuild';
import type { ProjectRules } from '../protocol/code';

export interface Compiled {
  readonly format: 'commonjs' | 'async';
  readonly text: string;
  /** Source map v3 `mappings`. */
  readonly mappings: string;
}

const LOADERS: Readonly<Record<string, Loader>> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
  '.jsx': 'jsx',
};

/** Rejects with esbuild's own failure for text that does not parse. */
export async function compile(text: string, path: string, rules: ProjectRules | undefined): Promise<Compiled> {
  const { transform, build } = await import('esbuild');
  try {
    return toCompiled('commonjs', await transform(text, transformOptions(path, rules)));
  } catch (error) {
    if (!awaitsAtTop(error)) throw error;
    const { outputFiles } = await build(asyncOptions(text, path, rules));
    return toCompiled('async', fromFiles(outputFiles));
  }
}

/** `require` cannot wait; a cell that requires a TypeScript file pays for a compiler process once per change of the file. */
export function compileNow(text: string, path: string, rules: ProjectRules | undefined): Compiled {
  const compiler = createRequire(__filename)('esbuild') as typeof esbuild;
  try {
    return toCompiled('commonjs', compiler.transformSync(text, transformOptions(path, rules)));
  } catch (error) {
    if (!awaitsAtTop(error)) throw error;
    // What awaits cannot be required, so its text is not needed.
    return { format: 'async', text: '', mappings: '' };
  }
}

/** The literal specifiers in esbuild's output, whose `require("…")` has one form only. */
export function requiredSpecifiers(code: string): string[] {
  const found = new Set<string>();
  for (const [, literal] of code.matchAll(/\b(?:__)?require\(("(?:[^"\\]|\\.)*")\)/g)) {
    if (literal !== undefined) found.add(JSON.parse(literal) as string);
  }
  return [...found].sort();
}

function toCompiled(format: Compiled['format'], output: { readonly code: string; readonly map: string }): Compiled {
  const { mappings } = JSON.parse(output.map) as { mappings: string };
  return { format, text: format === 'async' ? asFunctionBody(output.code) : output.code, mappings };
}

function fromFiles(files: readonly esbuild.OutputFile[]): { code: string; map: string } {
  const of = (isMap: boolean): string => files.find(({ path }) => path.endsWith('.map') === isMap)?.text ?? '';
  return { code: of(false), map: of(true) };
}

function commonOptions(rules: ProjectRules | undefined): CommonOptions & { sourcemap: 'external' } {
  return {
    platform: 'node',
    target: 'es2022',
    sourcemap: 'external',
    sourcesContent: false,
    keepNames: false,
    define: { 'import.meta': '__cellburst_meta__' },
    tsconfigRaw: {
      compilerOptions: { verbatimModuleSyntax: false, useDefineForClassFields: true, ...rules?.compile },
    },
    logLevel: 'silent',
  };
}

function transformOptions(path: string, rules: ProjectRules | undefined): TransformOptions & { sourcemap: 'external' } {
  return {
    ...commonOptions(rules),
    loader: LOADERS[extname(path)] ?? 'js',
    format: 'cjs',
    sourcefile: path,
    // import() becomes require(), which finds local TypeScript files as well.
    supported: { 'dynamic-import': false },
  };
}

/** Bundled with nothing: so that imports stand one to a line, and exports in one list at the end. */
function asyncOptions(text: string, path: string, rules: ProjectRules | undefined): BuildOptions & { write: false } {
  return {
    ...commonOptions(rules),
    stdin: { contents: text, loader: LOADERS[extname(path)] ?? 'js', sourcefile: path },
    outfile: `${path}.js`,
    bundle: true,
    packages: 'external',
    external: ['*'],
    format: 'esm',
    target: 'esnext',
    supported: { 'dynamic-import': false },
    treeShaking: false,
    write: false,
  };
}

function awaitsAtTop(error: unknown): boolean {
  const errors: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'errors') : undefined;
  return Array.isArray(errors) && errors.some(({ text }: esbuild.Message) => text.startsWith('Top-level await'));
}

const IMPORT =
  /^import (?:([^\s,{*"]+)(?:, )?)?(?:\* as (\S+)|\{ (.*) \})?(?: from )?("(?:[^"\\]|\\.)*")(?: with .*)?;$/gm;
const EXPORT = /^export \{([^}]*)\}(?: from ("(?:[^"\\]|\\.)*"))?;$/gm;
const EXPORT_ALL = /^export \* from ("(?:[^"\\]|\\.)*");$/gm;

/** Imports become constants, exports getters that stand before all else: functions are hoisted, and cycles see them. */
function asFunctionBody(code: string): string {
  const opened: string[] = [];
  const body = code
    .replace(IMPORT, (_, whole?: string, star?: string, names?: string, specifier = '') => {
      const module = `__import(require(${specifier}))`;
      const parts = [
        whole === undefined ? '' : `const ${whole}=${module}.default;`,
        star === undefined ? '' : `const ${star}=${module};`,
        names === undefined ? '' : `const {${names.replaceAll(' as ', ': ')}}=${module};`,
      ];
      return parts.join('') || `${module};`;
    })
    .replace(EXPORT, (_, names: string, specifier?: string) => {
      const from = specifier === undefined ? '' : `__import(require(${specifier})).`;
      for (const [, local = '', exported = local] of names.matchAll(/([^\s,]+)(?: as ([^\s,]+))?/g))
        opened.push(`get ${exported}(){return ${from}${local}}`);
      // As many lines as before, for the source map.
      return names.replace(/[^\n]/g, '');
    })
    .replace(EXPORT_ALL, (_, specifier: string) => `__all(require(${specifier}));`);
  const helpers =
    'const __import=(m)=>m&&m.__esModule?m:Object.assign(Object.create(null),m,{default:m}),' +
    '__all=(m)=>{for(const k of Object.keys(m))if(k!=="default"&&!(k in exports))Object.defineProperty(exports,k,{enumerable:true,get:()=>m[k]})};' +
    'Object.defineProperty(exports,"__esModule",{value:true});';
  const getters = `Object.defineProperties(exports,Object.getOwnPropertyDescriptors({${opened.join(',')}}));`;
  return `"use strict";${helpers}${getters}${body}`;
}
