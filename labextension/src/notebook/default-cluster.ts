// Which cluster the cells of a notebook go to that name none: kept in the notebook's metadata, chosen in the panel, and told to the notebook's kernel, which knows
// nothing of metadata. Told again to each kernel that comes.
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';
import { NOTEBOOK_TARGET, type NotebookTold } from '../../../magics/protocol/monitor';
import { Store, type Readable } from '../model/store';
import { isOurs } from './notebooks';

const KEY = 'cellburst';

export class DefaultCluster {
  readonly #tracker: INotebookTracker;
  readonly #front = new Store<string | undefined>(undefined);
  readonly #comms = new WeakMap<NotebookPanel, Kernel.IComm>();

  constructor(tracker: INotebookTracker) {
    this.#tracker = tracker;
    tracker.currentChanged.connect(this.#look);
    const follow = (panel: NotebookPanel): void => {
      const tell = (): void => {
        this.#tell(panel);
      };
      panel.sessionContext.kernelChanged.connect(tell);
      // A kernel that was restarted knows nothing of what the one before was told.
      panel.sessionContext.statusChanged.connect((_context, status) => {
        if (status === 'restarting' || status === 'autorestarting') this.#comms.delete(panel);
        else tell();
      });
      void panel.context.ready.then(() => {
        panel.context.model.metadataChanged.connect(() => {
          this.#look();
          this.#send(panel);
        });
        this.#look();
        tell();
      });
    };
    tracker.forEach(follow);
    tracker.widgetAdded.connect((_tracker, panel) => {
      follow(panel);
    });
  }

  /** Of the notebook in front. */
  get front(): Readable<string | undefined> {
    return this.#front;
  }

  /** For the notebook in front; undefined: as the config says. */
  choose(cluster: string | undefined): void {
    const panel = this.#tracker.currentWidget;
    if (!panel) return;
    const { model } = panel.context;
    if (cluster === undefined) model.deleteMetadata(KEY);
    else model.setMetadata(KEY, { cluster });
  }

  readonly #look = (): void => {
    const panel = this.#tracker.currentWidget;
    this.#front.set(panel ? told(panel).cluster : undefined);
  };

  /** By a comm of the kernel's own connection: others may open none. */
  #tell(panel: NotebookPanel): void {
    const kernel = panel.sessionContext.session?.kernel;
    if (!kernel || !isOurs(panel) || kernel.connectionStatus !== 'connected') return;
    const known = this.#comms.get(panel);
    if (known !== undefined && !known.isDisposed && kernel.hasComm(known.commId)) return;
    // Nothing to say, nothing to open: most notebooks choose nothing.
    if (told(panel).cluster === undefined) return;
    const comm = kernel.createComm(NOTEBOOK_TARGET);
    comm.open({ ...told(panel) });
    this.#comms.set(panel, comm);
  }

  #send(panel: NotebookPanel): void {
    const comm = this.#comms.get(panel);
    if (comm !== undefined && !comm.isDisposed) comm.send({ ...told(panel) });
    else this.#tell(panel);
  }
}

/** Anybody may have written it. */
function told({ context }: NotebookPanel): NotebookTold {
  const kept: unknown = context.model.getMetadata(KEY);
  const cluster = typeof kept === 'object' && kept !== null && 'cluster' in kept ? kept.cluster : undefined;
  return typeof cluster === 'string' && cluster !== '' ? { cluster } : {};
}
