// From the compiler's diagnostics to problems of a cell: what a notebook has no use for is left out, positions are those of the typed text.
import { ts } from '../compiler';
import type { CellProblem } from '../../magics/protocol/language';

const IGNORED: ReadonlySet<number> = new Set([
  1375,
  1378,
  1431,
  1432, // `await` and `for await` at the top level: cells may
  2306, // an imported file that is no module still runs
]);

/** "… implicitly has an 'any' type" and its kin: types left out are no mistake in a notebook, and packages may come without any. */
function isImplicitAny(code: number): boolean {
  return code >= 7005 && code <= 7057;
}

export function toProblems(diagnostics: readonly ts.Diagnostic[], file: ts.SourceFile): CellProblem[] {
  return diagnostics
    .filter(
      ({ category, code }) => category === ts.DiagnosticCategory.Error && !IGNORED.has(code) && !isImplicitAny(code),
    )
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
