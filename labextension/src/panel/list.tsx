// The jobs, as a tree grid: arrow keys go from job to job, right opens one, left closes it, Tab reaches its buttons.
import * as React from 'react';
import type { JobRow } from '../../../magics/protocol/monitor';
import { selectJobs } from '../model/selection';
import { groupOf } from '../model/words';
import { toggled, useReadable, type App } from './app';
import { JobRowItem } from './row';
import { Filters } from './filters';

const MORE = 50;

export function JobList({ app }: { readonly app: App }): React.ReactElement {
  const { client, view: viewStore, trans } = app;
  const jobs = useReadable(client.jobs);
  const cancelling = useReadable(client.cancelling);
  const view = useReadable(viewStore);
  const notebook = useReadable(app.notebook);
  const settings = useReadable(app.settings);
  const [current, setCurrent] = React.useState<string>();
  const selection = React.useMemo(
    () =>
      selectJobs(jobs.rows.values(), {
        filter: view.filter,
        notebook,
        seen: view.seen,
        finishedShown: settings.finishedShown + view.more,
      }),
    [jobs.rows, view.filter, view.seen, view.more, notebook, settings.finishedShown],
  );
  const onToggle = React.useCallback(
    (row: JobRow) => {
      toggle(app, row);
    },
    [app],
  );
  const reachable = selection.rows.some(({ id }) => id === current) ? current : selection.rows[0]?.id;
  return (
    <>
      <Filters app={app} counts={selection.counts} />
      <div
        className="cb-List"
        role="treegrid"
        aria-label={trans.__('Jobs')}
        onKeyDown={(event) => {
          onKey(event, app, selection.rows);
        }}
        onFocus={(event) => {
          setCurrent(jobOf(event.target) ?? current);
        }}
      >
        {selection.rows.map((row) => (
          <JobRowItem
            key={row.id}
            app={app}
            row={row}
            isExpanded={view.expanded.has(row.id)}
            isCancelling={cancelling.has(row.id)}
            isCurrent={row.id === reachable}
            clockOffset={jobs.clockOffset}
            onToggle={onToggle}
          />
        ))}
      </div>
      {selection.rows.length === 0 && jobs.rows.size > 0 && (
        <p className="cb-Nothing">{trans.__('No job fits the filter.')}</p>
      )}
      {selection.hidden > 0 && (
        <button
          type="button"
          className="cb-Button cb-More"
          onClick={() => {
            viewStore.set({ ...view, more: view.more + MORE });
          }}
        >
          {trans._n('Show %1 more', 'Show %1 more', selection.hidden, Math.min(MORE, selection.hidden))}
        </button>
      )}
    </>
  );
}

function toggle({ view: store }: App, row: JobRow, is?: boolean): void {
  const view = store.value;
  const expanded = toggled(view.expanded, row.id, is);
  // Closing is what says: I have seen it. Opening must not move the row from under the pointer.
  const seen = groupOf(row) === 'failed' && !expanded.has(row.id) ? toggled(view.seen, row.id, true) : view.seen;
  store.set({ ...view, expanded, seen });
}

function onKey(event: React.KeyboardEvent, app: App, rows: readonly JobRow[]): void {
  const target = event.target;
  // Keys in a row's buttons are the buttons' own.
  if (!(target instanceof HTMLElement) || target.getAttribute('role') !== 'row') return;
  const index = rows.findIndex(({ id }) => id === target.dataset['job']);
  const row = rows[index];
  if (row === undefined) return;
  const goTo = (to: number): void => {
    const id = rows[Math.max(0, Math.min(rows.length - 1, to))]?.id;
    const list = target.parentElement;
    for (const child of list?.children ?? []) if (jobOf(child) === id && child instanceof HTMLElement) child.focus();
  };
  const keys: Readonly<Record<string, () => void>> = {
    ArrowDown: () => {
      goTo(index + 1);
    },
    ArrowUp: () => {
      goTo(index - 1);
    },
    Home: () => {
      goTo(0);
    },
    End: () => {
      goTo(rows.length - 1);
    },
    ArrowRight: () => {
      toggle(app, row, true);
    },
    ArrowLeft: () => {
      toggle(app, row, false);
    },
    Enter: () => {
      toggle(app, row);
    },
    ' ': () => {
      toggle(app, row);
    },
  };
  const act = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined;
  if (act === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}

function jobOf(element: Element | EventTarget): string | undefined {
  if (!(element instanceof HTMLElement)) return undefined;
  return element.closest<HTMLElement>('[data-job]')?.dataset['job'];
}
