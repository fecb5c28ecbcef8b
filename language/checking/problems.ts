// From the compiler's diagnostics to problems of a cell: what a notebook has no use for is left out, positions are those of the typed text.
import { dirname } from 'node:path';
import { ts } from '../compiler';
import { localsOf } from '../internals';
import { advise } from './advice';
import type { CellProblem } from '../../magics/protocol/language';

const IGNORED: ReadonlySet<number> = new Set([
  1375,
  1378,
  1431,
  1432, // `await` and `for await` at the top level: cells may
  2306, // an imported file that is no module still runs
  7016, // so does a package without types
  7026, // and JSX without a library of types for it
]);

/** "Variable … implicitly has an 'any' type": of a name of the notebook, later cells will tell the type. */
const UNTYPED_VARIABLE: ReadonlySet<number> = new Set([7005, 7034]);

/** `isNotebookName`: has an earlier cell declared it? */
export function toProblems(
  diagnostics: readonly ts.Diagnostic[],
  file: ts.SourceFile,
  isNotebookName: (name: string) => boolean = () => false,
): CellProblem[] {
  const isTopName = ({ start = 0, length = 0 }: ts.Diagnostic): boolean => {
    const name = file.text.slice(start, start + length);
    return isNotebookName(name) || localsOf(file)?.has(ts.escapeLeadingUnderscores(name)) === true;
  };
  const problems = diagnostics
    .filter(({ category, code }) => category === ts.DiagnosticCategory.Error && !IGNORED.has(code))
    .filter((diagnostic) => !UNTYPED_VARIABLE.has(diagnostic.code) || !isTopName(diagnostic))
    .sort((a, b) => (a.start ?? 0) - (b.start ?? 0))
    .map((diagnostic) =>
      problemAt(
        file,
        diagnostic.start ?? 0,
        diagnostic.length ?? 0,
        readable(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')),
        diagnostic.code,
      ),
    );
  return advise(problems, dirname(file.fileName));
}

/** Things that check but mean nothing in a notebook. */
export function refuseSyntax(file: ts.SourceFile): CellProblem[] {
  return file.statements
    .filter((statement) => ts.isExportDeclaration(statement))
    .filter((statement) => statement.moduleSpecifier !== undefined && !statement.isTypeOnly)
    .map((statement) => {
      const start = statement.getStart(file);
      const message = 'A cell cannot export from another module: nobody imports a cell. Import the names instead.';
      return problemAt(file, start, statement.end - start, message);
    });
}

function problemAt(file: ts.SourceFile, at: number, length: number, message: string, code?: number): CellProblem {
  const start = Math.min(at, file.text.trimEnd().length);
  const { line, character } = ts.getLineAndCharacterOfPosition(file, start);
  const fitting = Math.max(0, Math.min(length, file.text.length - start));
  return { message, ...(code === undefined ? {} : { code }), line, column: character, length: fitting };
}

/** The compiler speaks of files and modules; the notebook has cells. */
export function readable(message: string): string {
  return message
    .replace(/import\("[^"]*\/(Cell \[[\d*]+\])"\)\.([\w$]+)/g, '$2 ($1)')
    .replace(
      /Two different types with this name exist, but they are unrelated\./g,
      'What was made before a name was declared anew keeps the type it was made with.',
    );
}
