// The extension: puts panel, tabs, badges, status bar, commands and notifications together.
import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { MonitorClient } from './model/client';
import { Store } from './model/store';
import { ClustersTab } from './clusters/tab';
import { DefaultCluster } from './notebook/default-cluster';
import { drawJobOutputs } from './notebook/job-output';
import { keepBadges } from './notebook/badges';
import { Notebooks } from './notebook/notebooks';
import { FIRST_VIEW, toggled, type App, type View } from './panel/app';
import { JobPanel } from './panel/panel';
import { makeActions } from './shell/actions';
import { addCommands, COMMANDS } from './shell/commands';
import { JobDetail } from './shell/detail';
import { MonitorLink } from './shell/link';
import { notifyOfEnds } from './shell/notifications';
import { askQuestions } from './shell/questions';
import { readSettings } from './shell/settings';
import { JobCounts } from './shell/status-bar';

const PLUGIN = 'jupyterlab-cellburst:plugin';
const NAMESPACE = 'cellburst-job';
const CLUSTERS = 'cellburst-clusters';
const RANK = 450;
/** Of a log that is opened anew; what lies further back is in the job's directory. */
const LOG_TAIL_BYTES = 512 * 1024;

const plugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN,
  description: 'Cluster jobs of Cellburst: panel, badges, commands.',
  autoStart: true,
  requires: [INotebookTracker, IDocumentManager, IRenderMimeRegistry],
  optional: [ILayoutRestorer, ICommandPalette, ISettingRegistry, ITranslator, IStatusBar],
  activate,
};

function activate(
  lab: JupyterFrontEnd,
  tracker: INotebookTracker,
  documents: IDocumentManager,
  rendermime: IRenderMimeRegistry,
  restorer: ILayoutRestorer | null,
  palette: ICommandPalette | null,
  registry: ISettingRegistry | null,
  translator: ITranslator | null,
  statusBar: IStatusBar | null,
): void {
  const trans = (translator ?? nullTranslator).load('jupyterlab_cellburst');
  const settings = readSettings(registry, PLUGIN);
  const client = new MonitorClient({
    trans,
    limits: () => ({ lines: settings.value.logLines, tailBytes: LOG_TAIL_BYTES }),
    onRefused: (message) => {
      link.refuse(message);
    },
  });
  const link = new MonitorLink(lab.serviceManager, client, trans);
  const notebooks = new Notebooks(tracker, documents, lab.serviceManager.contents, trans);
  const view = new Store<View>(FIRST_VIEW);
  const reveal = (): void => {
    lab.shell.activateById(panel.id);
  };
  const openJob = makeOpenJob(lab, restorer, () => app);
  const openClusters = makeOpenClusters(lab, restorer, () => app);
  const defaultCluster = new DefaultCluster(tracker);
  const actions = makeActions({
    ...{ client, link, notebooks, view, settings, trans, reveal },
    commands: lab.commands,
    openJob: (id) => void openJob(id),
    openClusters: () => {
      startOn('shown');
      void openClusters();
    },
    chooseCluster: (cluster) => {
      defaultCluster.choose(cluster);
    },
  });
  const app: App = {
    ...{ client, link: link.state, settings, view, trans, actions },
    notebook: notebooks.front,
    isNotebookOurs: notebooks.isFrontOurs,
    notebookCluster: defaultCluster.front,
  };

  const startOn = (reason: 'start' | 'shown' | 'notebook'): void => {
    const { autoStart } = settings.value;
    if (autoStart === 'always' || (autoStart === 'onDemand' && reason !== 'start'))
      if (link.state.value.state === 'off') link.connect();
  };
  const panel = new JobPanel(app, () => {
    startOn('shown');
  });
  lab.shell.add(panel, 'left', { rank: RANK, type: 'Cluster jobs' });
  restorer?.add(panel, panel.id);
  settings.subscribe(() => {
    startOn('start');
  });
  notebooks.isFrontOurs.subscribe(() => {
    if (notebooks.isFrontOurs.value) startOn('notebook');
  });

  addCommands({ app: lab, palette, client, actions, notebooks, trans, reveal, openJob });
  statusBar?.registerStatusItem(`${PLUGIN}:status`, {
    item: new JobCounts(app, reveal),
    align: 'left',
    rank: 3,
  });
  drawJobOutputs(rendermime, app);
  askQuestions(client, trans);
  notifyOfEnds({ client, settings, actions, trans });
  keepBadges({
    ...{ tracker, client, settings, trans },
    onPress: (job) => {
      view.set({ ...view.value, expanded: toggled(view.value.expanded, job, true), logJob: job });
      reveal();
    },
  });
}

/** A tab per job; the layout brings open ones back after a reload. */
function makeOpenJob(
  lab: JupyterFrontEnd,
  restorer: ILayoutRestorer | null,
  app: () => App,
): (id: string) => Promise<void> {
  const tabs = new WidgetTracker<MainAreaWidget<JobDetail>>({ namespace: NAMESPACE });
  if (restorer)
    void restorer.restore(tabs, {
      command: COMMANDS.openJob,
      args: ({ content }) => ({ job: content.job }),
      name: ({ content }) => content.job,
    });
  return async (id) => {
    const open = tabs.find(({ content }) => content.job === id);
    const tab = open ?? new MainAreaWidget({ content: new JobDetail(app(), id) });
    if (!open) {
      tab.id = `${NAMESPACE}-${id}`;
      tab.toolbar.hide();
      await tabs.add(tab);
      lab.shell.add(tab, 'main');
    }
    lab.shell.activateById(tab.id);
  };
}

/** One tab for all clusters. */
function makeOpenClusters(lab: JupyterFrontEnd, restorer: ILayoutRestorer | null, app: () => App): () => Promise<void> {
  const tabs = new WidgetTracker<MainAreaWidget<ClustersTab>>({ namespace: CLUSTERS });
  if (restorer) void restorer.restore(tabs, { command: COMMANDS.openClusters, name: () => CLUSTERS });
  return async () => {
    const open = tabs.find(() => true);
    const tab = open ?? new MainAreaWidget({ content: new ClustersTab(app()) });
    if (!open) {
      tab.id = CLUSTERS;
      tab.toolbar.hide();
      await tabs.add(tab);
      lab.shell.add(tab, 'main');
    }
    lab.shell.activateById(tab.id);
  };
}

export default plugin;
