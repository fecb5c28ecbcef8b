// The states of an array's tasks in few bytes: runs of one letter with their length, in index order. `C3R4Q93` is 100 tasks.
// Ten thousand tasks are one short text, so that an array is one row and one message. For browsers too: nothing of Node in here.

export type TaskState = 'queued' | 'running' | 'completed' | 'failed' | 'cancelled' | 'unknown';

const LETTERS: Readonly<Record<TaskState, string>> = {
  queued: 'Q',
  running: 'R',
  completed: 'C',
  failed: 'F',
  cancelled: 'X',
  unknown: '?',
};

const STATES = new Map(Object.entries(LETTERS).map(([state, letter]) => [letter, state]));

export interface TaskArray {
  readonly total: number;
  /** See above; the lengths add up to `total`. */
  readonly runs: string;
}

export interface TaskRun {
  readonly state: TaskState;
  readonly length: number;
}

export function encodeTasks(states: readonly TaskState[]): TaskArray {
  let runs = '';
  for (let start = 0; start < states.length;) {
    const state = states[start] ?? 'unknown';
    let end = start + 1;
    while (end < states.length && states[end] === state) end += 1;
    runs += `${LETTERS[state]}${end - start}`;
    start = end;
  }
  return { total: states.length, runs };
}

/** Runs in index order. A letter of a newer version reads as `unknown`; tasks the text says nothing of are `unknown` too. */
export function taskRuns(array: TaskArray): TaskRun[] {
  const runs: TaskRun[] = [];
  let seen = 0;
  for (const [, letter = '', digits = ''] of array.runs.matchAll(/(\D)(\d+)/g)) {
    const length = Math.min(Number(digits), array.total - seen);
    if (length <= 0) break;
    runs.push({ state: toState(letter), length });
    seen += length;
  }
  if (seen < array.total) runs.push({ state: 'unknown', length: array.total - seen });
  return runs;
}

export function countTasks(array: TaskArray): Readonly<Record<TaskState, number>> {
  const counts = { queued: 0, running: 0, completed: 0, failed: 0, cancelled: 0, unknown: 0 };
  for (const { state, length } of taskRuns(array)) counts[state] += length;
  return counts;
}

function toState(letter: string): TaskState {
  switch (STATES.get(letter)) {
    case 'queued':
      return 'queued';
    case 'running':
      return 'running';
    case 'completed':
      return 'completed';
    case 'failed':
      return 'failed';
    case 'cancelled':
      return 'cancelled';
    default:
      return 'unknown';
  }
}
