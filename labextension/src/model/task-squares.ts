// An array's tasks as squares of a grid: one for each, or for several where there is no room; of several the one counts that a person should see. Pure.
import { taskRuns, type TaskArray, type TaskState } from '../../../magics/protocol/tasks';

export interface Square {
  readonly state: TaskState;
  /** Tasks `first` to `last`, both included. */
  readonly first: number;
  readonly last: number;
}

export interface SquareGrid {
  readonly columns: number;
  readonly tasksPerSquare: number;
  readonly squares: readonly Square[];
}

/** What wants attention comes first. */
const RANK: readonly TaskState[] = ['failed', 'unknown', 'running', 'cancelled', 'queued', 'completed'];

/** At most `rows` rows of `columns`; whole numbers of tasks to a square. */
export function layTasks(array: TaskArray, columns: number, rows: number): SquareGrid {
  const tasksPerSquare = Math.max(1, Math.ceil(array.total / (columns * rows)));
  const squares: Square[] = [];
  let at = 0;
  let state: TaskState | undefined;
  let first = 0;
  for (const run of taskRuns(array)) {
    for (let left = run.length; left > 0;) {
      const room = tasksPerSquare - (at - first);
      const taken = Math.min(room, left);
      state = state === undefined || RANK.indexOf(run.state) < RANK.indexOf(state) ? run.state : state;
      at += taken;
      left -= taken;
      if (at - first < tasksPerSquare && at < array.total) continue;
      squares.push({ state, first, last: at - 1 });
      first = at;
      state = undefined;
    }
  }
  return { columns, tasksPerSquare, squares };
}
