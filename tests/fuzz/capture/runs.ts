// Runs a fuzzed notebook: once with all cells here, once with some of them as cluster cells, by the real capture, cell process and settle. What the two
// runs show and leave behind must be the same.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { lowerCell } from '../../../language/lowering/lower';
import { captureCell, settleCell } from '../../../magics/capture';
import type { CellCode, DeclarationKind } from '../../../magics/protocol/code';
import type { CellOutcome } from '../../../magics/protocol/capture';
import { Realm } from '../../../magics/realm';
import { showValue } from '../../../magics/realm/display';
import { showError } from '../../../magics/realm/traceback';
import type { CellProcesses } from './cell-processes';
import { compareLines, describeNames, type Line } from './description';
import type { FuzzCell, FuzzNotebook } from './generate';

interface Trace {
  /** What each cell showed. */
  readonly shown: readonly string[];
  /** All names, before and after the last cells (which look at everything). */
  readonly states: readonly (readonly Line[])[];
}

/** What notebooks may hang things on that outlives them: all of a process have the same. */
const SHARED: readonly object[] = [Math.max, Array.prototype.slice];

/** By the number of the cell and what was known before it: both runs take the same code, as long as they know the same names. */
type Lowered = Map<string, CellCode>;

interface Job {
  readonly index: number;
  readonly code: CellCode;
  readonly captureId: string;
  readonly directory: string;
  readonly running: Promise<void>;
}

/** The first difference between the two runs, in words; undefined if there is none. */
export async function differenceOf(notebook: FuzzNotebook, processes: CellProcesses): Promise<string | undefined> {
  const directory = mkdtempSync(join(tmpdir(), 'fuzz-'));
  try {
    const lowered: Lowered = new Map();
    const here = await new NotebookRun(notebook, directory, processes, lowered).run(true);
    const cluster = await new NotebookRun(notebook, directory, processes, lowered).run(false);
    return compareTraces(here, cluster);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function compareTraces(here: Trace, cluster: Trace): string | undefined {
  // A generator that a cell started by chance can stay where it runs only: that is told, and what comes after goes another way.
  if (cluster.shown.some((shown) => shown.includes('it is a running generator'))) return undefined;
  for (const [index, shown] of here.shown.entries())
    if (shown !== cluster.shown[index])
      return `Cell [${index + 1}] shows\n    here:     ${shown}\n    cluster:  ${cluster.shown[index] ?? ''}`;
  for (const [index, lines] of here.states.entries()) {
    const difference = compareLines(lines, cluster.states[index] ?? []);
    if (difference !== undefined) return `${index === 0 ? 'Before' : 'After'} the last look: ${difference}`;
  }
  return undefined;
}

class NotebookRun {
  readonly #notebook: FuzzNotebook;
  readonly #directory: string;
  readonly #processes: CellProcesses;
  readonly #lowered: Lowered;
  readonly #realm: Realm;
  readonly #known = new Map<string, DeclarationKind>();
  readonly #shown: string[] = [];
  readonly #codes: CellCode[] = [];
  readonly #out = new Map<number, Job>();

  constructor(notebook: FuzzNotebook, directory: string, processes: CellProcesses, lowered: Lowered) {
    this.#notebook = notebook;
    this.#lowered = lowered;
    this.#directory = directory;
    this.#processes = processes;
    this.#realm = new Realm({ directory, text: 'local' });
  }

  async run(isHere: boolean): Promise<Trace> {
    const { cells } = this.#notebook;
    const states: Line[][] = [];
    const last = cells.length - new Set(cells.map(({ group }) => group)).size;
    for (const [index, cell] of cells.entries()) {
      if (index === last) {
        for (const group of [...this.#out.keys()]) await this.#settle(group);
        states.push(this.#describe());
      }
      await this.#settle(cell.group);
      if (isHere || cell.place === 'here') await this.#runHere(index, cell);
      else await this.#send(index, cell);
      if (cell.place === 'cluster') await this.#settle(cell.group);
    }
    states.push(this.#describe());
    for (const shared of SHARED)
      for (const key of Reflect.ownKeys(shared))
        if (key !== 'name' && key !== 'length') Reflect.deleteProperty(shared, key);
    // What scripts hold would otherwise be held until the process ends.
    this.#realm.forget();
    return { shown: this.#shown, states };
  }

  #describe(): Line[] {
    return describeNames(this.#realm, this.#realm.names().sort());
  }

  #lower(index: number, { statements }: FuzzCell): CellCode {
    const source = statements.join('\n');
    const [known, typeOnly] = [this.#known, new Set<string>()];
    const key = JSON.stringify([index, ...known]);
    const code =
      this.#lowered.get(key) ??
      lowerCell({ source, masked: source, execution: index + 1, extension: '.ts', known, typeOnly });
    this.#lowered.set(key, code);
    this.#codes.push(code);
    return code;
  }

  async #runHere(index: number, cell: FuzzCell): Promise<void> {
    const code = this.#lower(index, cell);
    const run = await this.#realm.run(code);
    this.#commit(code, run.progress);
    const sourceOf = (execution: number): string | undefined =>
      this.#codes.find((other) => other.execution === execution)?.source;
    this.#shown[index] = run.ok
      ? run.hasValue && run.value !== undefined
        ? withoutForeignFrames(String((await showValue(run.value)).data['text/plain']))
        : ''
      : errorText(showError(run.error, sourceOf));
  }

  async #send(index: number, cell: FuzzCell): Promise<void> {
    const code = this.#lower(index, cell);
    const directory = mkdtempSync(join(this.#directory, 'job-'));
    mkdirSync(directory, { recursive: true });
    const { captureId } = await captureCell(this.#realm, { cell: code, bundlePath: join(directory, 'bundle.bin') });
    const running = this.#processes.run(directory);
    running.catch(() => undefined);
    this.#out.set(cell.group, { index, code, captureId, directory, running });
  }

  async #settle(group: number): Promise<void> {
    const job = this.#out.get(group);
    if (job === undefined) return;
    this.#out.delete(group);
    await job.running;
    const { captureId, directory, code } = job;
    const report = await settleCell(this.#realm, { captureId, directory, atomic: false, where: 'ran in a test' });
    if (report.conflicts.length > 0) throw new Error(`There are conflicts: ${report.conflicts.join(', ')}`);
    this.#commit(code, report.progress);
    this.#shown[job.index] = shownOutcome(report.outcome);
  }

  #commit(code: CellCode, progress: number): void {
    for (const { name, kind, step } of code.declarations) if (progress > step) this.#known.set(name, kind);
  }
}

function shownOutcome(outcome: CellOutcome): string {
  if (!outcome.ok) return errorText(outcome.error);
  return outcome.display === undefined ? '' : withoutForeignFrames(String(outcome.display.data['text/plain']));
}

/** An error that is shown as a value: below the cells in its stack are those who run the cells here. */
function withoutForeignFrames(text: string): string {
  return text.replaceAll(/\n +at (?![^\n]*Cell \[)[^\n]*?(?= \{\n|,?\n|$)/g, '');
}

/** Without frames that are not of cells, and without the line that says where a job ran. */
function errorText({
  name,
  message,
  traceback,
}: {
  name: string;
  message: string;
  traceback: readonly string[];
}): string {
  const lines = traceback.map((line) => stripVTControlCharacters(line));
  const own = lines.filter((line) => !/^\s+at /.test(line) || line.includes('Cell ['));
  return [`${name}: ${message}`, ...own.filter((line) => line !== '    (ran in a test)')].join('\n');
}
