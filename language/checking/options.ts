// How cells are checked: strict, for Node, with the types of Node found from our own package since notebooks often have none. The folder's
// tsconfig.json changes that, and `%ts` in the notebook changes both.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { AppliedCheck, Checks } from '../../magics/protocol/language';
import { ts } from '../compiler';
import type { Project } from './project';

const own = createRequire(__filename);

const STRICT_FAMILY: readonly (keyof Checks)[] = [
  'noImplicitAny',
  'strictNullChecks',
  'strictFunctionTypes',
  'strictBindCallApply',
  'strictPropertyInitialization',
  'noImplicitThis',
  'useUnknownInCatchVariables',
];
const OTHERS: readonly (keyof Checks)[] = [
  'noUncheckedIndexedAccess',
  'exactOptionalPropertyTypes',
  'noImplicitReturns',
  'noImplicitOverride',
  'noFallthroughCasesInSwitch',
  'noPropertyAccessFromIndexSignature',
];

export interface CheckSettings {
  readonly directory: string;
  readonly project: Project;
  /** Said by `%ts`. */
  readonly checks: Partial<Checks>;
}

export function checkOptions({ directory, project, checks }: CheckSettings): ts.CompilerOptions {
  const { types, typeRoots, paths, ...rest } = project.options;
  const defaults = defaultOptions(directory);
  // Who says `%ts strict=false` means all of it, whatever the tsconfig.json says of a part.
  const overruled: readonly string[] = checks.strict === undefined ? [] : STRICT_FAMILY;
  const said = Object.fromEntries(Object.entries(rest).filter(([name]) => !overruled.includes(name)));
  return {
    ...defaults,
    ...said,
    // Not an option of the compiler: who asks for diagnostics knows it.
    ...Object.fromEntries(Object.entries(checks).filter(([name]) => name !== 'check')),
    types: [...new Set(['node', ...(types ?? [])])],
    typeRoots: [...(typeRoots ?? []), ...(defaults.typeRoots ?? [])],
    paths: { ...paths, ...defaults.paths },
  };
}

/** Does the library have the types of browsers, WebAssembly among them? */
export function hasBrowserTypes({ lib }: ts.CompilerOptions): boolean {
  return lib?.some((name) => /^lib\.(dom|webworker)\b/.test(name)) ?? true;
}

/** Every check as it is, and who has said so. */
export function appliedChecks(settings: CheckSettings): AppliedCheck[] {
  const { project, checks } = settings;
  const options = checkOptions(settings);
  const tell = (name: keyof Checks, isOn: boolean): AppliedCheck => {
    const isStrictAsWell = STRICT_FAMILY.includes(name) && checks.strict !== undefined;
    if (checks[name] !== undefined || isStrictAsWell) return { name, isOn, from: 'notebook' };
    const names: readonly string[] = STRICT_FAMILY.includes(name) ? [name, 'strict'] : [name];
    return { name, isOn, from: names.some((said) => project.options[said] !== undefined) ? 'tsconfig' : 'default' };
  };
  const isStrict = options.strict === true;
  return [
    tell('check', checks.check ?? true),
    tell('strict', isStrict),
    ...STRICT_FAMILY.map((name) => tell(name, (options[name] ?? isStrict) === true)),
    ...OTHERS.map((name) => tell(name, options[name] === true)),
  ];
}

function defaultOptions(directory: string): ts.CompilerOptions {
  return {
    strict: true,
    target: ts.ScriptTarget.ESNext,
    lib: ['lib.esnext.d.ts'],
    typeRoots: [...typeRootsAbove(directory), dirname(dirname(own.resolve('@types/node/package.json')))],
    // As ESNext, with `import x = require(…)` beside it.
    module: ts.ModuleKind.Preserve,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    moduleDetection: ts.ModuleDetectionKind.Force,
    // Resolved to our copy: notebooks written for tslab need not install it.
    paths: { tslab: [join(dirname(own.resolve('tslab/package.json')), 'dist/public.d.ts')] },
    allowJs: true,
    resolveJsonModule: true,
    esModuleInterop: true,
    allowImportingTsExtensions: true,
    // `x.d.wasm.ts` beside `x.wasm`.
    allowArbitraryExtensions: true,
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
