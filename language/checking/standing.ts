// Most cells import nothing: to check one, the compiler needs no new program, which costs several times what the check does. So the last program
// stands, with a type checker that has seen the library already, and such a cell is checked as one more file beside it. What is found right
// here is right; what is not is checked anew by a program of its own, which also has the better words for it. Completion looks at a text in
// the same way, at every key that is pressed.
import { ts } from '../compiler';
import { parseBound, setOuterScope } from '../internals';
import { toProblems } from './problems';

/** What the standing program was made from. As long as all of it is the same, so is what a new program would say. */
export interface Ground {
  readonly options: ts.CompilerOptions;
  /** Changes with the cells that are part of the program, and with modules in memory. */
  readonly parts: string;
  readonly versionOf: (fileName: string) => string;
}

/** What something that the compiler has said rests on. */
export interface Footing {
  readonly ground: Ground;
  /** Files that may change between two cells, and what they were. */
  readonly versions: ReadonlyMap<string, string>;
}

interface Standing extends Footing {
  readonly program: ts.Program;
  /** Names of the files checked beside it. */
  readonly checked: Set<string>;
  /** How many characters were looked at beside it. */
  looked: number;
}

interface Beside {
  readonly program: ts.Program;
  readonly file: ts.SourceFile;
  readonly footing: Footing;
}

/** What the checker learns of a cell it keeps: after so many it starts anew. */
const MAX_CELLS = 300;
/** The same for what was typed and looked at, and thrown away. */
const MAX_LOOKED = 500_000;

/** Words by which a text may need files or change what is global: rather too many than too few. */
const NEEDS_PROGRAM = /\b(?:import|export|require|declare|module|exports)\b|\/\/\/|@jsx/;

export class StandingProgram {
  #standing: Standing | undefined;

  /** Lets this program stand, unless one does already that says the same. */
  keep(program: ts.Program, ground: Ground): void {
    const { checked, looked = 0 } = this.#standing ?? {};
    const isFresh = checked !== undefined && checked.size < MAX_CELLS && looked < MAX_LOOKED;
    if (this.#standing && isFresh && isSameGround(this.#standing, ground)) return;
    this.#standing = { ...footingOf(program, ground), program, checked: new Set(), looked: 0 };
  }

  /** The text as a file beside the program, to be asked about. Undefined: only a program of its own can tell about it. */
  look(path: string, text: string, scope: ts.Node | undefined, ground: Ground): Beside | undefined {
    const standing = this.#standing;
    if (!standing || needsProgram(path, text) || standing.looked >= MAX_LOOKED || !isSameGround(standing, ground))
      return undefined;
    standing.looked += text.length;
    const file = parseBound(path, text, ground.options, ts.JSDocParsingMode.ParseAll);
    setOuterScope(file, scope);
    return { program: standing.program, file, footing: standing };
  }

  /** The checked file, if the text is without mistakes. Undefined: a program of its own has to tell. */
  check(
    path: string,
    text: string,
    scope: ts.Node | undefined,
    ground: Ground,
    isNotebookName: (name: string) => boolean,
    token: ts.CancellationToken,
  ): ts.SourceFile | undefined {
    const standing = this.#standing;
    if (!standing || needsProgram(path, text)) return undefined;
    // Diagnostics are kept by name, so every name is checked once.
    const { checked, program } = standing;
    if (checked.has(path) || checked.size >= MAX_CELLS || !isSameGround(standing, ground)) return undefined;
    checked.add(path);
    const file = parseBound(path, text, ground.options, ts.JSDocParsingMode.ParseAll);
    setOuterScope(file, scope);
    const diagnostics = [
      ...program.getSyntacticDiagnostics(file, token),
      ...program.getSemanticDiagnostics(file, token),
    ];
    // The words for a mistake come from a program of its own: "Did you mean …" is proposed a few times in a checker's life only.
    return toProblems(diagnostics, file, isNotebookName).length === 0 ? file : undefined;
  }
}

export function needsProgram(path: string, text: string): boolean {
  return NEEDS_PROGRAM.test(text) || /\.[jt]sx$/.test(path);
}

export function footingOf(program: ts.Program, ground: Ground): Footing {
  const versions = new Map<string, string>();
  for (const { fileName } of program.getSourceFiles())
    if (!/\/node_modules\/|\/Cell \[/.test(fileName)) versions.set(fileName, ground.versionOf(fileName));
  return { ground, versions };
}

/** Would a new program say the same? */
export function isSameGround({ ground, versions }: Footing, now: Ground): boolean {
  if (now.options !== ground.options || now.parts !== ground.parts) return false;
  for (const [name, version] of versions) if (now.versionOf(name) !== version) return false;
  return true;
}
