// How it stands with the clusters and with what the panel shows: live, old, or nothing at all, and what to do then.
import * as React from 'react';
import type { Jobs } from '../model/jobs';
import { agoWords, type Translation } from '../model/words';
import type { LinkState } from '../shell/link';
import { useNow, useReadable, type App } from './app';

export function Health({ app }: { readonly app: App }): React.ReactElement {
  const link = useReadable(app.link);
  const jobs = useReadable(app.client.jobs);
  const isLive = link.state === 'live' && jobs.feed.state === 'live';
  return (
    <div className="cb-Health">
      {jobs.clusters.map(({ name, state, cores, message }) => (
        <div key={name} className="cb-Health-cluster" title={message}>
          <span className={`cb-Dot cb-mod-${isLive ? state : 'old'}`} aria-hidden="true" />
          <span className="cb-Health-name">{name}</span>
          <span className="cb-Health-words">
            {cores && app.trans.__('%1 of %2 cores busy', busyCores(jobs, name), cores.total)}
            {message !== undefined && ` · ${message}`}
          </span>
          <span className="cb-Health-age">
            <Age app={app} isLive={isLive} since={jobs.feed.since} clockOffset={jobs.clockOffset} />
          </span>
        </div>
      ))}
      <Banner app={app} link={link} jobs={jobs} />
    </div>
  );
}

function Age({
  app,
  isLive,
  since,
  clockOffset,
}: {
  readonly app: App;
  readonly isLive: boolean;
  readonly since: number;
  readonly clockOffset: number;
}): React.ReactElement {
  const now = useNow(!isLive, clockOffset);
  return <>{isLive ? app.trans.__('live') : agoWords((now - since) / 1000, app.trans)}</>;
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
  return undefined;
}

/** What its running jobs were granted: known at every moment, without asking. */
function busyCores({ rows }: Jobs, cluster: string): number {
  let cores = 0;
  for (const row of rows.values())
    if (row.cluster === cluster && row.status.state === 'running') cores += row.resources.cores;
  return cores;
}
