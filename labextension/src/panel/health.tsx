// How it stands with the clusters and with what the panel shows: live, old, or nothing at all, and what to do then.
import * as React from 'react';
import type { ClusterHealth } from '../../../magics/protocol/monitor';
import type { Jobs } from '../model/jobs';
import { agoWords, type Translation } from '../model/words';
import type { LinkState } from '../shell/link';
import { useNow, useReadable, type App } from './app';

export function Health({ app }: { readonly app: App }): React.ReactElement {
  const { trans, actions, client } = app;
  const link = useReadable(app.link);
  const jobs = useReadable(client.jobs);
  const isLive = link.state === 'live' && jobs.feed.state === 'live';
  return (
    <section className="cb-Health" aria-label={trans.__('Clusters')} onMouseEnter={() => client.refreshClusters()}>
      {jobs.clusters.map((cluster) => (
        <button
          key={cluster.name}
          type="button"
          className="cb-Health-cluster"
          title={cluster.message ?? trans.__('Opens the settings and tests of %1', cluster.name)}
          data-cluster={cluster.name}
          data-state={isLive ? cluster.state : 'old'}
          onClick={() => {
            actions.openClusters();
          }}
        >
          <span className={`cb-Dot cb-mod-${isLive ? cluster.state : 'old'}`} aria-hidden="true" />
          <span className="cb-Health-name">{cluster.name}</span>
          <span className="cb-Health-words">{clusterWords(cluster, jobs, trans)}</span>
          <span className="cb-Health-age">
            <Age app={app} isLive={isLive} cluster={cluster} jobs={jobs} />
          </span>
        </button>
      ))}
      {isLive && <NotebookCluster app={app} jobs={jobs} />}
      <Banner app={app} link={link} jobs={jobs} />
    </section>
  );
}

/** Which cluster the cells of the notebook in front go to that name none. */
function NotebookCluster({ app, jobs }: { readonly app: App; readonly jobs: Jobs }): React.ReactElement | null {
  const { trans, actions } = app;
  const notebook = useReadable(app.notebook);
  const isOurs = useReadable(app.isNotebookOurs);
  const chosen = useReadable(app.notebookCluster);
  if (notebook === undefined || !isOurs) return null;
  const names = jobs.clusters.map(({ name }) => name);
  const all = chosen === undefined || names.includes(chosen) ? names : [...names, chosen];
  return (
    <label className="cb-Health-notebook">
      {trans.__('This notebook runs on')}
      <select
        className="cb-Select"
        value={chosen ?? ''}
        data-action="notebook-cluster"
        onChange={(event) => {
          actions.chooseCluster(event.target.value === '' ? undefined : event.target.value);
        }}
      >
        <option value="">{trans.__('%1 (default)', jobs.defaultCluster ?? 'local')}</option>
        {all.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function clusterWords(cluster: ClusterHealth, jobs: Jobs, trans: Translation): string {
  const busy = busyCores(jobs, cluster.name);
  const cores =
    cluster.cores === undefined
      ? busy > 0
        ? trans._n('%1 core busy', '%1 cores busy', busy, busy)
        : undefined
      : trans.__('%1 of %2 cores busy', busy, cluster.cores.total);
  const state =
    cluster.state === 'unknown' && busy === 0
      ? trans.__('not used yet')
      : cluster.state === 'down'
        ? trans.__('down')
        : undefined;
  const kind = cluster.scheduler === 'none' ? undefined : cluster.scheduler;
  return [state, cluster.state === 'down' ? cluster.message : undefined, cores, kind]
    .filter((part) => part !== undefined)
    .join(' · ');
}

/** How old it is what is known of a cluster. */
function Age({
  app,
  isLive,
  cluster,
  jobs,
}: {
  readonly app: App;
  readonly isLive: boolean;
  readonly cluster: ClusterHealth;
  readonly jobs: Jobs;
}): React.ReactElement | null {
  const { trans } = app;
  const isHere = cluster.host === undefined && cluster.heardAt === undefined && cluster.state === 'ok';
  const now = useNow(!(isLive && isHere), jobs.clockOffset);
  if (isLive && isHere) return <>{trans.__('live')}</>;
  const since = isLive ? cluster.heardAt : jobs.feed.since;
  return since === undefined ? null : <>{agoWords(Math.max(0, (now - since) / 1000), trans)}</>;
}

/** One sentence when something is not as it should be, with what can be done about it. */
function Banner({
  app,
  link,
  jobs,
}: {
  readonly app: App;
  readonly link: LinkState;
  readonly jobs: Jobs;
}): React.ReactElement | null {
  const { trans, actions } = app;
  const message = messageOf(link, jobs, trans);
  if (message === undefined) return null;
  return (
    <div className={`cb-Banner cb-mod-${link.state}`} role="status">
      <span>{message}</span>
      {link.state === 'lost' && (
        <button type="button" className="cb-Button cb-mod-main" onClick={actions.connect} data-action="reconnect">
          {trans.__('Reconnect')}
        </button>
      )}
    </div>
  );
}

function messageOf(link: LinkState, jobs: Jobs, trans: Translation): string | undefined {
  switch (link.state) {
    case 'lost':
      return link.isRetried ? trans.__('%1 Trying again…', link.message) : link.message;
    case 'refused':
      return link.message;
    case 'live':
      break;
    default:
      return undefined;
  }
  if (jobs.feed.state === 'lost')
    return trans.__('The home agent cannot be reached; trying again. %1', jobs.feed.message ?? '');
  return jobs.problem;
}

/** What its running jobs were granted: known at every moment, without asking. */
function busyCores({ rows }: Jobs, cluster: string): number {
  let cores = 0;
  for (const row of rows.values())
    if (row.cluster === cluster && row.status.state === 'running') cores += row.resources.cores;
  return cores;
}
