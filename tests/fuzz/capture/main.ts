// The differential fuzzer of captures: `npm run fuzz -- capture`.
import { CellProcesses } from './cell-processes';
import { generate, type FuzzNotebook } from './generate';
import { differenceOf } from './runs';
import { shrink } from './shrink';

export interface Failure {
  readonly seed: number;
  readonly what: string;
  readonly notebook: FuzzNotebook;
}

/** Why the notebook fails, or undefined: a difference, a refusal, an error of ours. */
export async function failureOf(notebook: FuzzNotebook, processes: CellProcesses): Promise<string | undefined> {
  try {
    return await differenceOf(notebook, processes);
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

export interface FuzzOptions {
  readonly first: number;
  readonly count: number;
  readonly signal?: AbortSignal;
  /** Told of each failure as it is found, in its smallest form. */
  readonly onFailure: (failure: Failure) => void;
  readonly onProgress?: (done: number) => void;
}

/** How many seeds were tried. */
export async function fuzzCaptures({ first, count, signal, onFailure, onProgress }: FuzzOptions): Promise<number> {
  const processes = new CellProcesses();
  try {
    for (let seed = first; seed < first + count; seed++) {
      if (signal?.aborted === true) return seed - first;
      const notebook = generate(seed);
      const what = await failureOf(notebook, processes);
      if (what !== undefined) {
        const small = await shrink(notebook, what, (candidate) => failureOf(candidate, processes));
        onFailure({ seed, ...small });
      }
      onProgress?.(seed - first + 1);
    }
    return count;
  } finally {
    processes.close();
  }
}
