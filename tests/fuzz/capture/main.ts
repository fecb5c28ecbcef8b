// The differential fuzzer of captures, `npm run fuzz -- capture`: random notebooks, run with all cells here and with some of them on a worker.
import { CellProcesses } from './cell-processes';
import { USUAL, generate, type FuzzNotebook, type Size } from './generate';
import { differenceOf } from './runs';
import { notebookText, shrink } from './shrink';

export interface Failure {
  readonly seed: number;
  /** What was different, and the smallest notebook in which it is. */
  readonly faults: readonly string[];
}

export interface FuzzOptions {
  readonly seed: number;
  readonly count: number;
  readonly size?: Size;
  readonly onPlayed?: (played: number, failure: Failure | undefined) => void;
}

/** Seeds from `seed` on, one after the other. */
export async function fuzz({ seed, count, size = USUAL, onPlayed }: FuzzOptions): Promise<Failure[]> {
  const processes = new CellProcesses();
  const failures: Failure[] = [];
  // Notebooks leave promises behind that reject when nobody looks; kernels say so, here nobody would read it.
  const forget = (): void => undefined;
  process.on('unhandledRejection', forget);
  try {
    for (let played = 0; played < count; played++) {
      const failure = await play(generate(seed + played, size), processes);
      if (failure !== undefined) failures.push(failure);
      onPlayed?.(played + 1, failure);
    }
    return failures;
  } finally {
    await new Promise(setImmediate);
    process.off('unhandledRejection', forget);
    processes.close();
  }
}

export function describeSequence(seed: number): string {
  return notebookText(generate(seed));
}

async function play(notebook: FuzzNotebook, processes: CellProcesses): Promise<Failure | undefined> {
  const what = await failureOf(notebook, processes);
  if (what === undefined) return undefined;
  const small = await shrink(notebook, what, (candidate) => failureOf(candidate, processes));
  return { seed: notebook.seed, faults: [small.what, notebookText(small.notebook)] };
}

/** Why the notebook fails, or undefined: a difference, a refusal, an error of ours. */
export async function failureOf(notebook: FuzzNotebook, processes: CellProcesses): Promise<string | undefined> {
  try {
    return await differenceOf(notebook, processes);
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}
