// How cells are checked: strict, for Node, with the types of Node found from our own package since notebooks often have none.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ts } from '../compiler';
import { readAliases } from '../../magics/protocol/aliases';

const own = createRequire(__filename);

export function checkOptions(directory: string): ts.CompilerOptions {
  return {
    strict: true,
    target: ts.ScriptTarget.ESNext,
    lib: ['lib.esnext.d.ts'],
    types: ['node'],
    typeRoots: [...typeRootsAbove(directory), dirname(dirname(own.resolve('@types/node/package.json')))],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    moduleDetection: ts.ModuleDetectionKind.Force,
    // Resolved to our copy: notebooks written for tslab need not install it.
    paths: {
      tslab: [join(dirname(own.resolve('tslab/package.json')), 'dist/public.d.ts')],
      ...Object.fromEntries(readAliases(directory).map(({ pattern, targets }) => [pattern, [...targets]])),
    },
    allowJs: true,
    resolveJsonModule: true,
    esModuleInterop: true,
    allowImportingTsExtensions: true,
    jsx: ts.JsxEmit.React,
    allowUnreachableCode: true,
    allowUnusedLabels: true,
    skipLibCheck: true,
    noEmit: true,
  };
}

/** The notebook's own packages of types come before ours. */
function typeRootsAbove(directory: string): string[] {
  const roots: string[] = [];
  for (let folder = directory; ; folder = dirname(folder)) {
    const root = join(folder, 'node_modules', '@types');
    if (existsSync(root)) roots.push(root);
    if (dirname(folder) === folder) return roots;
  }
}
