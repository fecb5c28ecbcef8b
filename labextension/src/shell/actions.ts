// What the buttons do. Whatever goes wrong is told as a notification that says what to do.
import { Clipboard, Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { CommandRegistry } from '@lumino/commands';
import type { JobRow, RetryResources } from '../../../magics/protocol/monitor';
import type { MonitorClient } from '../model/client';
import type { Store } from '../model/store';
import { elapsedSeconds, isOver, type Translation } from '../model/words';
import type { Notebooks } from '../notebook/notebooks';
import type { Actions, View } from '../panel/app';
import type { MonitorLink } from './link';
import type { Settings } from './settings';
import type { Readable } from '../model/store';

/** From here on a cancelled job is a loss worth a question. */
const LONG_SECONDS = 3600;

export interface ActionContext {
  readonly client: MonitorClient;
  readonly link: MonitorLink;
  readonly notebooks: Notebooks;
  readonly view: Store<View>;
  readonly settings: Readable<Settings>;
  readonly commands: CommandRegistry;
  readonly trans: Translation;
  /** Shows the sidebar. */
  readonly reveal: () => void;
  readonly openJob: (id: string) => void;
  readonly openClusters: () => void;
  readonly chooseCluster: (cluster: string | undefined) => void;
}

export function makeActions(context: ActionContext): Actions {
  const { client, link, notebooks, view, commands, trans, reveal, openJob } = context;
  const attempt = (what: string, doing: Promise<unknown>): void => {
    doing.catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      Notification.error(`${what}: ${reason}`, { autoClose: 15_000 });
    });
  };
  return {
    connect: () => {
      link.connect();
    },
    cancel: (row) => {
      attempt(trans.__('%1 could not be cancelled', row.name), cancel(row, context));
    },
    retry: (row, resources) => {
      attempt(trans.__('%1 could not be tried again', row.name), retry(row, resources, context));
    },
    remove: (row) => {
      attempt(trans.__('%1 could not be removed', row.name), remove([row], context));
    },
    attach: (row) => {
      attempt(
        trans.__('The result of %1 could not be brought home', row.name),
        client
          .act('attach', row.id)
          .then((result) => (result.action === 'attach' ? notebooks.runBelow(result.code) : undefined)),
      );
    },
    goToCell: (row) => {
      attempt(trans.__('The cell of %1 could not be shown', row.name), notebooks.goToCell(row.origin));
    },
    openJob: (row) => {
      openJob(row.id);
    },
    showLog: (id) => {
      view.set({ ...view.value, logJob: id });
      reveal();
    },
    insertExample: () => {
      attempt(trans.__('The example could not be inserted'), notebooks.insertExample());
    },
    clearFinished: () => {
      const over = [...client.jobs.value.rows.values()].filter(isOver);
      attempt(trans.__('Finished jobs could not be removed'), clearFinished(over, context));
    },
    hold: (row) => {
      attempt(trans.__('%1 could not be held', row.name), client.act('hold', row.id));
    },
    release: (row) => {
      attempt(trans.__('%1 could not be released', row.name), client.act('release', row.id));
    },
    copyScript: (row) => {
      attempt(
        trans.__('The script of %1 could not be copied', row.name),
        client.act('script', row.id).then((result) => {
          if (result.action !== 'script') return;
          Clipboard.copyToSystem(result.text);
          Notification.info(trans.__('The script of %1 is in the clipboard.', row.name), { autoClose: 4000 });
        }),
      );
    },
    openClusters: context.openClusters,
    chooseCluster: (cluster) => {
      context.chooseCluster(cluster);
    },
    copy: (text) => {
      Clipboard.copyToSystem(text);
    },
    openSettings: () => {
      attempt(
        trans.__('The settings could not be opened'),
        commands.execute('settingeditor:open', { query: 'Cellburst jobs' }),
      );
    },
  };
}

async function cancel(row: JobRow, { client, settings, trans }: ActionContext): Promise<void> {
  const { confirmCancel } = settings.value;
  const seconds = row.startedAt === undefined ? 0 : elapsedSeconds(row, Date.now() + client.jobs.value.clockOffset);
  if (confirmCancel === 'always' || (confirmCancel === 'long' && seconds > LONG_SECONDS)) {
    const isSure = await ask(
      trans.__('Cancel %1?', row.name),
      trans.__('What it has computed so far is lost. There is no undo.'),
      trans.__('Cancel the job'),
      trans.__('Let it run'),
    );
    if (!isSure) return;
  }
  await client.act('cancel', row.id);
}

async function retry(row: JobRow, resources: RetryResources, { client, trans }: ActionContext): Promise<void> {
  const result = await client.act('retry', row.id, resources);
  if (result.action !== 'retry') return;
  Notification.info(trans.__('%1 runs again as job %2. Bring its result home when it is done.', row.name, result.job), {
    autoClose: 8000,
  });
}

async function remove(rows: readonly JobRow[], { client }: ActionContext): Promise<void> {
  for (const { id } of rows) await client.act('remove', id);
}

async function clearFinished(rows: readonly JobRow[], context: ActionContext): Promise<void> {
  const { trans } = context;
  if (rows.length === 0) {
    Notification.info(trans.__('There are no finished jobs.'), { autoClose: 4000 });
    return;
  }
  const waiting = rows.filter((row) => row.status.state === 'completed' && row.deliveredAt === undefined).length;
  const isSure = await ask(
    trans._n('Remove %1 finished job?', 'Remove %1 finished jobs?', rows.length, rows.length),
    waiting === 0
      ? trans.__('Their logs go with them.')
      : trans._n(
          'Their logs go with them, and %1 result that is in no notebook yet.',
          'Their logs go with them, and %1 results that are in no notebook yet.',
          waiting,
          waiting,
        ),
    trans.__('Remove'),
    trans.__('Keep them'),
  );
  if (isSure) await remove(rows, context);
}

async function ask(title: string, body: string, yes: string, no: string): Promise<boolean> {
  const { button } = await showDialog({
    title,
    body,
    buttons: [Dialog.cancelButton({ label: no }), Dialog.warnButton({ label: yes })],
    defaultButton: 0,
  });
  return button.accept;
}
