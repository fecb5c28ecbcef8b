// TypeScript to JavaScript by the compiler's own emitter, one file at a time and without looking at types. The compiler's function for that makes a
// program and a type checker each time, several times the work of the emitting; here both stand, and each file is emitted beside them.
import { ts } from '../compiler';

export const EMIT_OPTIONS: ts.CompilerOptions = {
  module: ts.ModuleKind.ESNext,
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

let program: ts.Program | undefined;
let files = 0;

export interface Printed {
  readonly text: string;
  /** JSON, version 3. */
  readonly sourceMap: string;
}

/** `file`: bound, and read with EMIT_OPTIONS. */
export function print(file: ts.SourceFile, before: ts.TransformerFactory<ts.SourceFile>): Printed {
  if (++files > MAX_FILES) program = undefined;
  program ??= startProgram();
  let text = '';
  let sourceMap = '';
  const write = (name: string, output: string): void => {
    if (name.endsWith('.map')) sourceMap = output;
    else text = output;
  };
  program.emit(file, write, undefined, /*emitOnlyDtsFiles*/ false, { before: [before] });
  return { text, sourceMap };
}

function startProgram(): ts.Program {
  files = 1;
  const none = ts.createSourceFile(NO_FILE, '', ts.ScriptTarget.ESNext);
  return ts.createProgram(
    [NO_FILE],
    { ...EMIT_OPTIONS, ...ALONE },
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
