// What stands where there are no jobs: how to make the first one, how to install what is missing, or that it is about to come.
import * as React from 'react';
import { EXAMPLE } from '../model/magic';
import type { LinkState } from '../shell/link';
import type { App } from './app';

export function Welcome({
  app,
  link,
  isKnown,
}: {
  readonly app: App;
  readonly link: LinkState;
  /** It is known that there are none. */
  readonly isKnown: boolean;
}): React.ReactElement {
  const { trans, actions } = app;
  const state = link.state === 'live' && !isKnown ? 'starting' : link.state;
  switch (state) {
    case 'no-kernel':
      return (
        <div className="cb-Welcome">
          <p>{trans.__('The Cellburst kernel is not installed on this Jupyter server.')}</p>
          <p>{trans.__('Where the server runs, with Node 20.19 or newer:')}</p>
          <pre className="cb-Code">npx cellburst install</pre>
          <button type="button" className="cb-Button cb-mod-main" onClick={actions.connect}>
            {trans.__('Look again')}
          </button>
        </div>
      );
    case 'off':
      return (
        <div className="cb-Welcome">
          <p>{trans.__('The job monitor is off.')}</p>
          <button type="button" className="cb-Button cb-mod-main" onClick={actions.connect} data-action="connect">
            {trans.__('Connect')}
          </button>
        </div>
      );
    case 'starting':
      return <p className="cb-Welcome">{trans.__('Starting the job monitor…')}</p>;
    case 'lost':
    case 'refused':
      return <></>;
    case 'live':
      return (
        <div className="cb-Welcome">
          <p>
            {trans.__(
              'No jobs yet. A cell that begins with %1 runs on a cluster, and its results come back as if it had run here.',
              '%%cluster',
            )}
          </p>
          <pre className="cb-Code">{EXAMPLE.split('\n')[0]}</pre>
          <button type="button" className="cb-Button cb-mod-main" onClick={actions.insertExample} data-action="example">
            {trans.__('Insert an example')}
          </button>
        </div>
      );
  }
}
