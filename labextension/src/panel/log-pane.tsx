// The log below the list: of one job at a time, chosen there.
import { copyIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { lookOf } from '../model/words';
import { useReadable, type App } from './app';
import { LogView } from './log-view';
import { StateIcon } from './state-icon';

export function LogPane({ app, job }: { readonly app: App; readonly job: string }): React.ReactElement {
  const { trans, actions, view } = app;
  const row = useReadable(app.client.jobs).rows.get(job);
  const [isFollowing, setFollowing] = React.useState(true);
  return (
    <section className="cb-LogPane" aria-label={trans.__('Log')}>
      <div className="cb-LogPane-head">
        {row && <StateIcon look={lookOf(row)} />}
        <span className="cb-LogPane-name" title={row?.summary}>
          {row?.name ?? job}
        </span>
        <label className="cb-Check">
          <input
            type="checkbox"
            checked={isFollowing}
            onChange={(event) => {
              setFollowing(event.target.checked);
            }}
          />
          {trans.__('Follow')}
        </label>
        <button
          type="button"
          className="cb-Plain"
          title={trans.__('Copy what is shown')}
          aria-label={trans.__('Copy what is shown')}
          onClick={() => {
            const log = app.client.followLog(job);
            actions.copy(log.view.value.lines.map(({ spans }) => spans.map(({ text }) => text).join('')).join('\n'));
            log.release();
          }}
        >
          <copyIcon.react tag="span" width="16px" height="16px" />
        </button>
        {row && (
          <button
            type="button"
            className="cb-Plain"
            title={trans.__('Open in a tab of its own')}
            aria-label={trans.__('Open in a tab of its own')}
            onClick={() => {
              actions.openJob(row);
            }}
          >
            ⤢
          </button>
        )}
        <button
          type="button"
          className="cb-Plain"
          title={trans.__('Close the log')}
          aria-label={trans.__('Close the log')}
          onClick={() => {
            const { logJob, ...rest } = view.value;
            if (logJob === job) view.set(rest);
          }}
        >
          ✕
        </button>
      </div>
      <LogView key={job} app={app} job={job} isFollowing={isFollowing} onFollowing={setFollowing} />
    </section>
  );
}
