// What the type check found, as the notebook shows it: one error, every problem with its line.
import { codeFrame } from './protocol/code-frame';
import { misplacedMagic } from './misplaced';
import { cellLabel } from './protocol/code';
import type { ShownError } from './namespace';
import type { CellProblem } from './protocol/language';
import { showError } from './show';

const SHOWN_PROBLEMS = 20;
const CYAN = '\u001b[36m';
const RED = '\u001b[31m';
const DIM = '\u001b[2m';
const RESET = '\u001b[0m';

export function showProblems(problems: readonly CellProblem[], source: string, execution: number): ShownError {
  // TypeScript would only say that an expression is expected.
  const misplaced = misplacedMagic(source);
  if (misplaced) return showError(misplaced.name, misplaced.message);
  const traceback = problems.slice(0, SHOWN_PROBLEMS).flatMap((problem) => showProblem(problem, source, execution));
  const more = problems.length - SHOWN_PROBLEMS;
  if (more > 0) traceback.push(`… and ${more} more problems`);
  const [first] = problems;
  return { name: 'TypeScriptError', message: first ? `${codeOf(first)}${first.message}` : '', traceback };
}

function showProblem(problem: CellProblem, source: string, execution: number): string[] {
  const place = `${cellLabel(execution)}:${problem.line + 1}:${problem.column + 1}`;
  return [
    `${CYAN}${place}${RESET} - ${RED}error${RESET} ${DIM}${codeOf(problem)}${RESET}${problem.message}`,
    ...codeFrame(source, problem.line + 1, problem.column + 1),
    '',
  ];
}

function codeOf(problem: CellProblem): string {
  return problem.code === undefined ? '' : `TS${problem.code}: `;
}
