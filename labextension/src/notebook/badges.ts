// A badge above each cell whose job says something the cell's output does not: that it waits, runs, has failed, or that its result waits.
import type { Cell } from '@jupyterlab/cells';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { JobRow } from '../../../magics/protocol/monitor';
import { badgesOf } from '../model/badges';
import type { MonitorClient } from '../model/client';
import type { Readable } from '../model/store';
import { isOver, lookOf, stateWord, type Translation } from '../model/words';
import type { Settings } from '../shell/settings';

const CLASS = 'cb-Badge';

export interface BadgeContext {
  readonly tracker: INotebookTracker;
  readonly client: MonitorClient;
  readonly settings: Readable<Settings>;
  readonly trans: Translation;
  /** A badge was pressed. */
  readonly onPress: (job: string) => void;
}

/** Keeps the badges of all open notebooks true. */
export function keepBadges(context: BadgeContext): void {
  const { tracker, client, settings } = context;
  let wanted = new Map<string, JobRow>();
  const update = (): void => {
    wanted = settings.value.badges ? badgesOf(client.jobs.value.rows.values()) : new Map<string, JobRow>();
    tracker.forEach((panel) => {
      updatePanel(panel, wanted, context);
    });
  };
  client.jobs.subscribe(update);
  client.cancelling.subscribe(update);
  settings.subscribe(update);
  const watch = (panel: NotebookPanel): void => {
    // Cells that come later: added, or made when the notebook has loaded.
    panel.content.modelContentChanged.connect(() => {
      if (wanted.size > 0) updatePanel(panel, wanted, context);
    });
    void panel.context.ready.then(() => {
      updatePanel(panel, wanted, context);
    });
  };
  tracker.forEach(watch);
  tracker.widgetAdded.connect((_tracker, panel) => {
    watch(panel);
  });
}

function updatePanel(panel: NotebookPanel, wanted: ReadonlyMap<string, JobRow>, context: BadgeContext): void {
  if (panel.isDisposed) return;
  for (const cell of panel.content.widgets) updateCell(cell, wanted.get(cell.model.id), context);
}

function updateCell(cell: Cell, row: JobRow | undefined, context: BadgeContext): void {
  const found = cell.node.querySelector<HTMLElement>(`.${CLASS}`);
  if (row === undefined) {
    found?.remove();
    return;
  }
  // Into the header, which nothing clips.
  const header = cell.node.querySelector('.jp-CellHeader');
  const badge = found ?? header?.appendChild(document.createElement('button'));
  if (badge) drawBadge(badge, row, context);
}

function drawBadge(badge: HTMLElement, row: JobRow, { client, trans, onPress }: BadgeContext): void {
  const look = lookOf(row, client.cancelling.value.has(row.id));
  const word = stateWord(row, look, trans);
  const text = isOver(row) && look === 'succeeded' ? trans.__('%1 · result waits', word) : word;
  if (badge.textContent === text && badge.dataset['job'] === row.id && badge.dataset['look'] === look) return;
  badge.setAttribute('type', 'button');
  badge.className = `${CLASS} cb-mod-${look}`;
  badge.dataset['job'] = row.id;
  badge.dataset['look'] = look;
  badge.textContent = text;
  badge.title = trans.__('Job %1. Press to show it.', row.id);
  badge.onclick = (event) => {
    event.stopPropagation();
    onPress(row.id);
  };
}
