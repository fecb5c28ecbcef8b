// What a person at the notebook can do about a mistake, where the compiler only says what is wrong. Once per cell and kind.
import { additionOf, tellPlugAndPlay } from '../../magics/protocol/package-manager';
import type { CellProblem } from '../../magics/protocol/language';

/** A parameter without a type, which strict checking does not let pass. */
const UNTYPED_PARAMETER: ReadonlySet<number> = new Set([7006, 7019, 7031]);
const MISSING_MODULE: ReadonlySet<number> = new Set([2307, 2882]);
/** A name as npm has them, with or without a scope, and what may stand behind it. */
const PACKAGE = /'((?:@[\w.-]+\/)?[a-z0-9][\w.-]*)(?:\/[^']*)?'/i;

/** The same problems, the first of each kind with advice in a line of its own. `directory` is the notebook's. */
export function advise(problems: readonly CellProblem[], directory: string): CellProblem[] {
  const given = new Set<string>();
  return problems.map((problem) => {
    const advice = adviceFor(problem, directory);
    if (advice === undefined || given.has(advice)) return problem;
    given.add(advice);
    return { ...problem, message: `${problem.message}\n${advice}` };
  });
}

function adviceFor({ code = 0, message }: CellProblem, directory: string): string | undefined {
  if (UNTYPED_PARAMETER.has(code))
    return 'Give it a type, or allow this in the notebook by a line at the top of a cell: %ts noImplicitAny=false';
  const missing = MISSING_MODULE.has(code) ? PACKAGE.exec(message)?.[1] : undefined;
  if (missing === undefined) return undefined;
  return (
    tellPlugAndPlay(directory) ?? `Is it installed? By a line at the top of a cell: ${additionOf(missing, directory)}`
  );
}
