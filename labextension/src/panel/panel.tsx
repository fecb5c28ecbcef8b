// The sidebar: health, filters, jobs, and a log below.
import { ReactWidget, clearIcon, listIcon, refreshIcon, settingsIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { jobsIcon } from '../shell/icons';
import { countGroups } from '../model/selection';
import { useReadable, type App } from './app';
import { Health } from './health';
import { JobList } from './list';
import { LogPane } from './log-pane';
import { Welcome } from './welcome';

export const PANEL_ID = 'cellburst-jobs';

export class JobPanel extends ReactWidget {
  readonly #app: App;
  readonly #onShown: () => void;

  constructor(app: App, onShown: () => void) {
    super();
    this.#app = app;
    this.#onShown = onShown;
    this.id = PANEL_ID;
    this.addClass('cb-Panel');
    this.title.icon = jobsIcon;
    this.title.caption = app.trans.__('Cluster jobs');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', app.trans.__('Cluster jobs'));
  }

  protected override onAfterShow(): void {
    this.#onShown();
  }

  protected override onAfterAttach(message: Parameters<ReactWidget['onAfterAttach']>[0]): void {
    super.onAfterAttach(message);
    if (this.isVisible) this.#onShown();
  }

  protected override render(): React.ReactElement {
    return <Panel app={this.#app} />;
  }
}

function Panel({ app }: { readonly app: App }): React.ReactElement {
  const jobs = useReadable(app.client.jobs);
  const link = useReadable(app.link);
  const { logJob } = useReadable(app.view);
  const isOld = link.state !== 'live' || jobs.feed.state !== 'live';
  return (
    <>
      <Head app={app} />
      <Health app={app} />
      <div className={`cb-Body${isOld && jobs.rows.size > 0 ? ' cb-mod-old' : ''}`}>
        {jobs.rows.size === 0 ? <Welcome app={app} link={link} isKnown={jobs.isKnown} /> : <JobList app={app} />}
      </div>
      {logJob !== undefined && <LogPane key={logJob} app={app} job={logJob} />}
      <Announcer app={app} />
    </>
  );
}

function Head({ app: { trans, actions } }: { readonly app: App }): React.ReactElement {
  const tools = [
    { icon: refreshIcon, label: trans.__('Reconnect'), run: actions.connect },
    { icon: clearIcon, label: trans.__('Remove finished jobs'), run: actions.clearFinished },
    { icon: listIcon, label: trans.__('Clusters'), run: actions.openClusters },
    { icon: settingsIcon, label: trans.__('Settings'), run: actions.openSettings },
  ];
  return (
    <div className="cb-Head">
      <h2>{trans.__('Cluster jobs')}</h2>
      {tools.map(({ icon, label, run }) => (
        <button key={label} type="button" className="cb-Plain" title={label} aria-label={label} onClick={run}>
          <icon.react tag="span" width="16px" height="16px" />
        </button>
      ))}
    </div>
  );
}

/** Says to screen readers how many jobs run, wait and failed; the rows themselves change too often to be read out. */
function Announcer({ app }: { readonly app: App }): React.ReactElement {
  const { rows } = useReadable(app.client.jobs);
  const { running, waiting, failed } = countGroups(rows.values());
  return (
    <div className="cb-Announcer" role="status" aria-live="polite">
      {app.trans.__('%1 jobs running, %2 waiting, %3 failed', running, waiting, failed)}
    </div>
  );
}
