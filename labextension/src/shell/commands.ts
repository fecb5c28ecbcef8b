// The commands, for palette, menus, shortcuts and other extensions. Those with a job take its id as the argument `job`.
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { JobRow } from '../../../magics/protocol/monitor';
import type { MonitorClient } from '../model/client';
import { retryOf } from '../model/retry';
import type { Translation } from '../model/words';
import type { Notebooks } from '../notebook/notebooks';
import type { Actions } from '../panel/app';
import { jobsIcon, runOnClusterIcon } from './icons';

export const COMMANDS = {
  showJobs: 'cellburst:show-jobs',
  reconnect: 'cellburst:reconnect',
  runOnCluster: 'cellburst:run-on-cluster',
  insertExample: 'cellburst:insert-example',
  clearFinished: 'cellburst:clear-finished',
  openJob: 'cellburst:open-job',
  showLog: 'cellburst:show-log',
  cancel: 'cellburst:cancel-job',
  attach: 'cellburst:attach-job',
  goToCell: 'cellburst:go-to-cell',
  copyId: 'cellburst:copy-job-id',
  retry: 'cellburst:retry-job',
  hold: 'cellburst:hold-job',
  release: 'cellburst:release-job',
  copyScript: 'cellburst:copy-job-script',
  openClusters: 'cellburst:open-clusters',
} as const;

export interface CommandContext {
  readonly app: JupyterFrontEnd;
  readonly palette: ICommandPalette | null;
  readonly client: MonitorClient;
  readonly actions: Actions;
  readonly notebooks: Notebooks;
  readonly trans: Translation;
  readonly reveal: () => void;
  readonly openJob: (id: string) => Promise<void>;
}

const NO_ARGUMENTS = { args: { type: 'object', properties: {} } } as const;
const ONE_JOB = { args: { type: 'object', properties: { job: { type: 'string' } }, required: ['job'] } } as const;

export function addCommands(context: CommandContext): void {
  addPlainCommands(context);
  addJobCommands(context);
}

function addPlainCommands({ app, palette, actions, notebooks, trans, reveal }: CommandContext): void {
  const { commands } = app;
  const category = trans.__('Cluster');
  commands.addCommand(COMMANDS.showJobs, {
    label: trans.__('Show Cluster Jobs'),
    icon: jobsIcon,
    describedBy: NO_ARGUMENTS,
    execute: reveal,
  });
  commands.addCommand(COMMANDS.reconnect, {
    label: trans.__('Reconnect to the Job Monitor'),
    describedBy: NO_ARGUMENTS,
    execute: actions.connect,
  });
  commands.addCommand(COMMANDS.runOnCluster, {
    label: (args) => (args['toolbar'] === true ? '' : trans.__('Run on Cluster')),
    caption: trans.__('Run the selected cells on a cluster'),
    icon: runOnClusterIcon,
    describedBy: NO_ARGUMENTS,
    isVisible: () => notebooks.isFrontOurs.value,
    isEnabled: () => notebooks.isFrontOurs.value && notebooks.tracker.activeCell?.model.type === 'code',
    execute: () => notebooks.runOnCluster(),
  });
  commands.addCommand(COMMANDS.insertExample, {
    label: trans.__('Insert an Example of a Cluster Cell'),
    describedBy: NO_ARGUMENTS,
    isEnabled: () => notebooks.isFrontOurs.value,
    execute: actions.insertExample,
  });
  commands.addCommand(COMMANDS.clearFinished, {
    label: trans.__('Remove Finished Cluster Jobs…'),
    describedBy: NO_ARGUMENTS,
    execute: actions.clearFinished,
  });
  commands.addCommand(COMMANDS.openClusters, {
    label: trans.__('Configure Clusters'),
    icon: jobsIcon,
    describedBy: NO_ARGUMENTS,
    execute: actions.openClusters,
  });
  const refresh = (): void => {
    commands.notifyCommandChanged(COMMANDS.runOnCluster);
    commands.notifyCommandChanged(COMMANDS.insertExample);
  };
  notebooks.isFrontOurs.subscribe(refresh);
  notebooks.tracker.activeCellChanged.connect(refresh);
  const { showJobs, openClusters, reconnect, runOnCluster, insertExample, clearFinished } = COMMANDS;
  for (const command of [showJobs, openClusters, reconnect, runOnCluster, insertExample, clearFinished])
    palette?.addItem({ command, category });
}

function addJobCommands({ app, client, actions, trans, openJob }: CommandContext): void {
  const { commands } = app;
  const add = (command: string, label: string, run: (row: JobRow) => unknown): void => {
    commands.addCommand(command, {
      label,
      describedBy: ONE_JOB,
      isEnabled: (args) => rowOf(args, client) !== undefined,
      execute: (args) => {
        const row = rowOf(args, client);
        if (row === undefined) throw new Error(trans.__('There is no job %1.', JSON.stringify(args['job'])));
        return run(row);
      },
    });
  };
  add(COMMANDS.showLog, trans.__('Show the Log of a Job'), (row) => {
    actions.showLog(row.id);
  });
  add(COMMANDS.cancel, trans.__('Cancel a Job'), actions.cancel);
  add(COMMANDS.attach, trans.__('Bring the Result of a Job Home'), actions.attach);
  add(COMMANDS.goToCell, trans.__('Go to the Cell of a Job'), actions.goToCell);
  add(COMMANDS.retry, trans.__('Try a Job Again'), (row) => {
    actions.retry(row, retryOf(row) ?? {});
  });
  add(COMMANDS.hold, trans.__('Hold a Job that Waits'), actions.hold);
  add(COMMANDS.release, trans.__('Release a Held Job'), actions.release);
  add(COMMANDS.copyScript, trans.__('Copy the Script of a Job'), actions.copyScript);
  add(COMMANDS.copyId, trans.__('Copy the Id of a Job'), (row) => {
    actions.copy(row.id);
  });
  // Without a look at the list: a restored layout opens jobs before the monitor has answered.
  commands.addCommand(COMMANDS.openJob, {
    label: trans.__('Open a Job'),
    describedBy: ONE_JOB,
    execute: async (args) => {
      if (typeof args['job'] === 'string') await openJob(args['job']);
    },
  });
}

function rowOf(args: ReadonlyPartialJSONObject, client: MonitorClient): JobRow | undefined {
  const { job } = args;
  return typeof job === 'string' ? client.jobs.value.rows.get(job) : undefined;
}
