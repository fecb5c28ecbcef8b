// TypeScript to JavaScript by the compiler's own emitter, one file at a time and without looking at types. The compiler's function for that makes a
// program and a type checker each time, several times the work of the emitting; here both stand, and each file is emitted beside them.
import { ts } from '../compiler';

export const EMIT_OPTIONS: ts.CompilerOptions = {
  // As ESNext, with `import x = require(…)` spelled out.
  module: ts.ModuleKind.Preserve,
  moduleDetection: ts.ModuleDetectionKind.Force,
  // Node 20 has everything of ES2022; `using`, `accessor` and decorators are spelled out with helpers of tslib.
  target: ts.ScriptTarget.ES2022,
  verbatimModuleSyntax: true,
  jsx: ts.JsxEmit.React,
  noEmitHelpers: true,
  removeComments: true,
  sourceMap: true,
  newLine: ts.NewLineKind.LineFeed,
};

/** What makes the emitting of one file independent of all others. */
const ALONE: ts.CompilerOptions = {
  isolatedModules: true,
  noCheck: true,
  noLib: true,
  noResolve: true,
  types: [],
  suppressOutputPathCheck: true,
  allowNonTsExtensions: true,
};

/** The emitter keeps what it knows of each file: after so many it starts anew. */
const MAX_FILES = 500;
const NO_FILE = '/none.ts';

interface Standing {
  readonly program: ts.Program;
  files: number;
}

/** By what a project says beside EMIT_OPTIONS, as JSON. */
const standing = new Map<string, Standing>();

export interface Printed {
  readonly text: string;
  /** JSON, version 3. */
  readonly sourceMap: string;
}

/** `file`: bound, and read with EMIT_OPTIONS. `more`: options of a project beside those. */
export function print(
  file: ts.SourceFile,
  before: ts.TransformerFactory<ts.SourceFile>,
  more: ts.CompilerOptions = {},
): Printed {
  const program = programFor(more);
  let text = '';
  let sourceMap = '';
  const write = (name: string, output: string): void => {
    if (name.endsWith('.map')) sourceMap = output;
    else text = output;
  };
  program.emit(file, write, undefined, /*emitOnlyDtsFiles*/ false, { before: [before] });
  return { text, sourceMap };
}

function programFor(more: ts.CompilerOptions): ts.Program {
  const key = JSON.stringify(more);
  const known = standing.get(key);
  if (known && ++known.files <= MAX_FILES) return known.program;
  // A notebook has one project: another says that the last one was changed.
  standing.clear();
  const program = startProgram(more);
  standing.set(key, { program, files: 1 });
  return program;
}

function startProgram(more: ts.CompilerOptions): ts.Program {
  const none = ts.createSourceFile(NO_FILE, '', ts.ScriptTarget.ESNext);
  return ts.createProgram(
    [NO_FILE],
    { ...EMIT_OPTIONS, ...ALONE, ...more },
    {
      getSourceFile: (name) => (name === NO_FILE ? none : undefined),
      writeFile: () => undefined,
      getDefaultLibFileName: () => 'lib.d.ts',
      useCaseSensitiveFileNames: () => true,
      getCanonicalFileName: (name) => name,
      getCurrentDirectory: () => '/',
      getNewLine: () => '\n',
      fileExists: (name) => name === NO_FILE,
      readFile: () => undefined,
      directoryExists: () => true,
      getDirectories: () => [],
    },
  );
}
