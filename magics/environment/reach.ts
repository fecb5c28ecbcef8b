// Which files of packages a cell reaches: from the specifiers it names, along every static import and require, as Node would resolve them.
// esbuild walks; what it would make of the files is thrown away, since they travel as they are.
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { BuildFailure, BuildOptions, Metafile, Plugin } from 'esbuild';
import type { ModuleRoot } from '../protocol/environment';
import { EnvironmentSetupError, messageOf } from '../protocol/errors';

export interface Reached {
  /** Real absolute paths, sorted. */
  readonly files: readonly string[];
  /** Where a package is asked for by name: which packages, from which folder. */
  readonly lookups: readonly { readonly name: string; readonly folder: string }[];
  /** Specifiers that lead nowhere here either: code that tries them is expected to cope. */
  readonly missing: readonly string[];
}

/** A package may try many optional ones; each look names all that are missing then. */
const LOOKS = 20;
const VIRTUAL = 'notebook.js';

/** Throws EnvironmentSetupError for a file that cannot be read as JavaScript. */
export async function findReached(roots: readonly ModuleRoot[], directory: string): Promise<Reached> {
  const missing = new Set<string>();
  const guessing = new Set<string>();
  const foreign = new Set<string>();
  let format: 'esm' | 'cjs' = 'esm';
  for (let look = 0; look < LOOKS; look++) {
    const found = await walk(roots, { directory, missing: [...missing], guessing: [...guessing], foreign, format });
    if ('metafile' in found) return toReached(found.metafile, directory, [...missing]);
    const absent = found.errors.flatMap(({ text }) => /^Could not resolve "(.+)"$/.exec(text)?.[1] ?? []);
    for (const specifier of absent) missing.add(specifier);
    // A pattern that no file fits: a build of one's own, tried before others.
    const guesses = found.errors.flatMap(({ text, location }) =>
      /^Could not resolve (?:require|import)\(/.test(text) && location !== null ? [`/${location.file}`] : [],
    );
    // What a made name may mean, and is no code: a page, a picture.
    const endings = found.errors.flatMap(
      ({ text }) => /^No loader is configured for "([^"]+)" files/.exec(text)?.[1] ?? [],
    );
    const isNews = guesses.some((file) => !guessing.has(file)) || endings.some((ending) => !foreign.has(ending));
    for (const file of guesses) guessing.add(file);
    for (const ending of endings) foreign.add(ending);
    if (absent.length > 0 || isNews) continue;
    // Old CommonJS may hold what strict code may not; and what awaits at its top can be no CommonJS.
    if (format === 'esm') format = 'cjs';
    else throw new EnvironmentSetupError(unreadable(found));
  }
  throw new EnvironmentSetupError(
    `Cannot find out which packages the cell needs: ${[...missing].join(', ')} and more are missing. Is everything installed (npm install)?`,
  );
}

interface Walk {
  readonly directory: string;
  readonly missing: readonly string[];
  /** Files whose modules with names made while they run are not to be looked for. */
  readonly guessing: readonly string[];
  /** Endings of files that are not to be looked into. */
  readonly foreign: ReadonlySet<string>;
  readonly format: 'esm' | 'cjs';
}

async function walk(
  roots: readonly ModuleRoot[],
  { directory, missing, guessing, foreign, format }: Walk,
): Promise<{ readonly metafile: Metafile } | BuildFailure> {
  const { build } = await import('esbuild');
  const options: BuildOptions & { metafile: true } = {
    stdin: { contents: toProgram(roots), resolveDir: directory, sourcefile: VIRTUAL, loader: 'js' },
    absWorkingDir: '/',
    outdir: '/out',
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format,
    external: [...missing],
    plugins: guessing.length === 0 ? [] : [blindTo(guessing)],
    // As Node resolves: no fields of bundlers, no aliases of TypeScript, nothing left out as free of side effects.
    conditions: ['node'],
    mainFields: ['main'],
    ignoreAnnotations: true,
    tsconfigRaw: '{}',
    loader: Object.fromEntries(['.node', '.wasm', '.css', ...foreign].map((ending) => [ending, 'empty'] as const)),
    logLevel: 'silent',
  };
  try {
    return { metafile: (await build(options)).metafile };
  } catch (error) {
    if (isBuildFailure(error)) return error;
    throw new EnvironmentSetupError(`Cannot look at the packages of the cell: ${messageOf(error)}`, { cause: error });
  }
}

const MADE_NAME = /\b(?:require|import)\s*\(\s*(?=`[^`]*\$\{|(?:"[^"\n]*"|'[^'\n]*')\s*\+)/g;

/** Calls whose argument is made while the program runs become calls of nothing that esbuild knows. What such a package may load is seen to in collect.ts. */
function blindTo(files: readonly string[]): Plugin {
  const escaped = files.map((file) => file.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return {
    name: 'blind',
    setup: (build) => {
      build.onLoad({ filter: new RegExp(`^(?:${escaped.join('|')})$`) }, async ({ path }) => ({
        contents: (await readFile(path, 'utf8')).replaceAll(MADE_NAME, 'globalThis.later('),
        loader: 'js',
      }));
    },
  };
}

/** A program that uses all of each module. */
function toProgram(roots: readonly ModuleRoot[]): string {
  const lines = roots.flatMap(({ specifier, kind }, index) => {
    const text = JSON.stringify(specifier);
    return [
      ...(kind === 'require' ? [] : [`import * as m${index} from ${text}; export { m${index} };`]),
      ...(kind === 'import' ? [] : [`export const r${index} = () => require(${text});`]),
    ];
  });
  return lines.join('\n');
}

function toReached({ inputs }: Metafile, directory: string, missing: readonly string[]): Reached {
  const files: string[] = [];
  const lookups = new Map<string, { name: string; folder: string }>();
  for (const [path, { imports }] of Object.entries(inputs)) {
    const file = toPath(path);
    if (file === undefined) continue;
    const isNotebook = basename(file) === VIRTUAL && file === join(directory, VIRTUAL);
    const folder = isNotebook ? directory : join(file, '..');
    if (!isNotebook) files.push(file);
    for (const { original, external } of imports) {
      const name = original === undefined || external === true ? undefined : packageName(original);
      if (name !== undefined) lookups.set(`${folder}\0${name}`, { name, folder });
    }
  }
  return { files: files.sort(), lookups: [...lookups.values()], missing };
}

/** Paths are told from the root on; a plugin's or a disabled module is none of the disk. */
function toPath(input: string): string | undefined {
  const [path = ''] = input.split(' with {');
  return /^\(?[a-z-]+:/.test(path) ? undefined : `/${path}`;
}

/** `@scope/name`, `name`; undefined for a path, a `#word` of a package's own, or a builtin. */
export function packageName(specifier: string): string | undefined {
  if (/^(\.|\/|#|node:|file:|data:)/.test(specifier)) return undefined;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return typeof error === 'object' && error !== null && 'errors' in error && Array.isArray(error.errors);
}

function unreadable({ errors }: BuildFailure): string {
  const [first] = errors;
  const place = first?.location ? ` (/${first.location.file}:${first.location.line})` : '';
  return `Cannot read a package that the cell uses: ${first?.text ?? 'it is no JavaScript'}${place}. Take --env-mode npm, or --env-mode none where the cluster has it.`;
}
