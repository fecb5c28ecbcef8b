// The notebooks that are open here: finding a job's cell, putting cells in, running them.
import { PageConfig } from '@jupyterlab/coreutils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import { NotebookActions, NotebookPanel, type INotebookTracker } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import type { JobOrigin } from '../../../magics/protocol/monitor';
import { EXAMPLE, toClusterCell } from '../model/magic';
import { candidatePaths, isSameNotebook } from '../model/places';
import { Store, type Readable } from '../model/store';
import type { Translation } from '../model/words';
import { KERNEL_NAME } from '../shell/link';

export class Notebooks {
  readonly tracker: INotebookTracker;
  readonly #documents: IDocumentManager;
  readonly #contents: Contents.IManager;
  readonly #trans: Translation;
  readonly #front = new Store<string | undefined>(undefined);
  readonly #isOurs = new Store(false);

  constructor(tracker: INotebookTracker, documents: IDocumentManager, contents: Contents.IManager, trans: Translation) {
    this.tracker = tracker;
    this.#documents = documents;
    this.#contents = contents;
    this.#trans = trans;
    const update = (): void => {
      this.#front.set(tracker.currentWidget?.context.path);
      this.#isOurs.set(isOurs(tracker.currentWidget));
    };
    tracker.currentChanged.connect(update);
    tracker.widgetAdded.connect((_tracker, panel) => {
      panel.context.pathChanged.connect(update);
      panel.sessionContext.kernelChanged.connect(update);
      panel.sessionContext.statusChanged.connect(update);
    });
    update();
  }

  /** Path of the notebook in front. */
  get front(): Readable<string | undefined> {
    return this.#front;
  }

  /** The notebook in front runs on our kernel. */
  get isFrontOurs(): Readable<boolean> {
    return this.#isOurs;
  }

  async goToCell(origin: JobOrigin): Promise<void> {
    const panel = this.#findOpen(origin) ?? (await this.#open(origin));
    await panel.context.ready;
    const { content } = panel;
    const index = content.widgets.findIndex((cell) => cell.model.id === origin.cellId);
    const cell = content.widgets[index];
    if (!cell) throw new Error(this.#trans.__('It is no longer in %1.', panel.context.path));
    this.#documents.openOrReveal(panel.context.path);
    content.activeCellIndex = index;
    await content.scrollToCell(cell, 'center');
    content.node.focus();
  }

  /** Puts a cell with this code below the active one, and runs it. */
  async runBelow(code: string): Promise<void> {
    const panel = this.#need();
    NotebookActions.insertBelow(panel.content);
    panel.content.activeCell?.model.sharedModel.setSource(code);
    await NotebookActions.run(panel.content, panel.sessionContext);
  }

  async insertExample(): Promise<void> {
    const panel = this.#need();
    NotebookActions.insertBelow(panel.content);
    const cell = panel.content.activeCell;
    cell?.model.sharedModel.setSource(EXAMPLE);
    if (cell) await panel.content.scrollToCell(cell);
  }

  /** Gives the selected cells a %%cluster line where they have none, and runs them. */
  async runOnCluster(): Promise<void> {
    const panel = this.#need();
    const { content } = panel;
    for (const cell of content.widgets) {
      if (cell.model.type !== 'code' || !content.isSelectedOrActive(cell)) continue;
      const { sharedModel } = cell.model;
      const source = sharedModel.getSource();
      if (toClusterCell(source) !== source) sharedModel.setSource(toClusterCell(source));
    }
    await NotebookActions.run(content, panel.sessionContext);
  }

  #need(): NotebookPanel {
    const panel = this.tracker.currentWidget;
    if (panel && isOurs(panel)) return panel;
    throw new Error(this.#trans.__('Open a notebook with the Cellburst kernel first.'));
  }

  /** By the cell's id first: a notebook that was renamed keeps it. */
  #findOpen({ cellId, notebook }: JobOrigin): NotebookPanel | undefined {
    return (
      this.tracker.find((panel) => panel.content.widgets.some((cell) => cell.model.id === cellId)) ??
      this.tracker.find((panel) => isSameNotebook(notebook, panel.context.path))
    );
  }

  async #open({ notebook }: JobOrigin): Promise<NotebookPanel> {
    if (notebook === undefined) throw new Error(this.#trans.__('The job does not say which notebook it came from.'));
    for (const path of candidatePaths(notebook, PageConfig.getOption('serverRoot'))) {
      if (!(await this.#exists(path))) continue;
      const widget = this.#documents.openOrReveal(path, 'Notebook');
      if (widget instanceof NotebookPanel) return widget;
    }
    throw new Error(this.#trans.__('There is no %1 below the folder of this Jupyter server.', notebook));
  }

  async #exists(path: string): Promise<boolean> {
    try {
      await this.#contents.get(path, { content: false });
      return true;
    } catch {
      // Not there, or not to be seen: the next path may be the one.
      return false;
    }
  }
}

export function isOurs(panel: NotebookPanel | null): boolean {
  return panel?.sessionContext.session?.kernel?.name === KERNEL_NAME;
}
