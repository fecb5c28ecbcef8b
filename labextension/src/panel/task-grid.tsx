// The tasks of an array as a grid of squares, each told apart by colour and by word: arrow keys go from one to the next, and what it is stands below. Drawn on a
// canvas, since ten thousand elements would cost the page more than they tell.
import * as React from 'react';
import type { TaskArray, TaskState } from '../../../magics/protocol/tasks';
import { layTasks, type Square, type SquareGrid } from '../model/task-squares';
import type { Translation } from '../model/words';

const SQUARE = 7;
const GAP = 1;
const STEP = SQUARE + GAP;
const FALLBACK_COLUMNS = 32;

/** JupyterLab's variables, so that each theme has its own. */
const COLOURS: Readonly<Record<TaskState, string>> = {
  queued: '--jp-layout-color3',
  running: '--jp-brand-color1',
  completed: '--jp-success-color1',
  failed: '--jp-error-color1',
  cancelled: '--jp-border-color1',
  unknown: '--jp-warn-color1',
};

export interface TaskGridProps {
  readonly array: TaskArray;
  readonly trans: Translation;
  /** More tasks than fit share squares. */
  readonly rows: number;
}

export function TaskGrid({ array, trans, rows }: TaskGridProps): React.ReactElement {
  const canvas = React.useRef<HTMLCanvasElement>(null);
  const columns = useColumns(canvas);
  useTheme();
  const grid = React.useMemo(() => layTasks(array, columns, rows), [array, columns, rows]);
  const [chosen, setChosen] = React.useState<number>();
  const index = chosen === undefined ? undefined : Math.min(chosen, grid.squares.length - 1);
  const square = index === undefined ? undefined : grid.squares[index];
  React.useLayoutEffect(() => {
    if (canvas.current) draw(canvas.current, grid, index);
  });
  return (
    <div className="cb-Grid">
      <canvas
        ref={canvas}
        className="cb-Grid-canvas"
        role="application"
        tabIndex={0}
        aria-label={trans.__('Tasks, one square each; arrow keys go from one to the next')}
        data-squares={grid.squares.length}
        onKeyDown={(event) => {
          const next = stepOf(event.key, index, grid);
          if (next === undefined) return;
          event.preventDefault();
          event.stopPropagation();
          setChosen(next);
        }}
        onFocus={() => {
          setChosen((known) => known ?? 0);
        }}
        onPointerMove={(event) => {
          const { left, top } = event.currentTarget.getBoundingClientRect();
          const at = indexAt(event.clientX - left, event.clientY - top, grid);
          if (at !== undefined) setChosen(at);
        }}
      />
      <div className="cb-Grid-words" role="status">
        {square === undefined ? '\u00a0' : wordsOf(square, trans)}
      </div>
    </div>
  );
}

/** Colours of a canvas are drawn once: a theme that changes has to be seen. */
function useTheme(): void {
  const [, redraw] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    const watcher = new MutationObserver(() => {
      // The theme's sheet is there a moment after its name.
      requestAnimationFrame(redraw);
    });
    watcher.observe(document.body, { attributeFilter: ['data-jp-theme-name'] });
    return () => {
      watcher.disconnect();
    };
  }, []);
}

/** As many as there is room for. */
function useColumns(canvas: React.RefObject<HTMLCanvasElement>): number {
  const [columns, setColumns] = React.useState(FALLBACK_COLUMNS);
  React.useLayoutEffect(() => {
    const room = canvas.current?.parentElement;
    if (!room) return undefined;
    const watcher = new ResizeObserver(() => {
      setColumns(Math.max(8, Math.floor((room.clientWidth + GAP) / STEP)));
    });
    watcher.observe(room);
    return () => {
      watcher.disconnect();
    };
  }, [canvas]);
  return columns;
}

function draw(canvas: HTMLCanvasElement, { columns, squares }: SquareGrid, chosen: number | undefined): void {
  const width = columns * STEP - GAP;
  const height = Math.ceil(squares.length / columns) * STEP - GAP;
  const scale = window.devicePixelRatio;
  if (canvas.width !== width * scale || canvas.height !== height * scale) {
    canvas.width = width * scale;
    canvas.height = height * scale;
    canvas.style.width = `${String(width)}px`;
    canvas.style.height = `${String(height)}px`;
  }
  const context = canvas.getContext('2d');
  if (context === null) return;
  const theme = getComputedStyle(canvas);
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  // By colour: changing it is what costs.
  for (const [state, variable] of Object.entries(COLOURS)) {
    context.fillStyle = theme.getPropertyValue(variable).trim() || 'gray';
    squares.forEach((square, index) => {
      if (square.state !== state) return;
      context.fillRect((index % columns) * STEP, Math.floor(index / columns) * STEP, SQUARE, SQUARE);
    });
  }
  if (chosen === undefined) return;
  context.strokeStyle = theme.getPropertyValue('--jp-ui-font-color0').trim() || 'black';
  context.lineWidth = 1;
  const x = (chosen % columns) * STEP;
  const y = Math.floor(chosen / columns) * STEP;
  context.strokeRect(x + 0.5, y + 0.5, SQUARE - 1, SQUARE - 1);
}

function stepOf(key: string, index: number | undefined, { columns, squares }: SquareGrid): number | undefined {
  const last = squares.length - 1;
  const at = index ?? 0;
  const next: Readonly<Record<string, number>> = {
    ArrowRight: at + 1,
    ArrowLeft: at - 1,
    ArrowDown: at + columns,
    ArrowUp: at - columns,
    Home: 0,
    End: last,
  };
  const to = Object.hasOwn(next, key) ? next[key] : undefined;
  return to === undefined ? undefined : Math.max(0, Math.min(last, to));
}

function indexAt(x: number, y: number, { columns, squares }: SquareGrid): number | undefined {
  const index = Math.floor(y / STEP) * columns + Math.floor(x / STEP);
  return x >= 0 && x < columns * STEP && index >= 0 && index < squares.length ? index : undefined;
}

/** Tasks count from 0, as their index does. */
function wordsOf({ first, last, state }: Square, trans: Translation): string {
  const word = taskWord(state, trans);
  return first === last ? trans.__('task %1: %2', first, word) : trans.__('tasks %1 to %2: %3', first, last, word);
}

export function taskWord(state: TaskState, trans: Translation): string {
  switch (state) {
    case 'queued':
      return trans.__('queued');
    case 'running':
      return trans.__('running');
    case 'completed':
      return trans.__('done');
    case 'failed':
      return trans.__('failed');
    case 'cancelled':
      return trans.__('cancelled');
    case 'unknown':
      return trans.__('unknown');
  }
}
