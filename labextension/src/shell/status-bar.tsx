// How many jobs run, wait and have failed, at the bottom of the window. Pressing it shows them.
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';
import { NO_FILTER, selectJobs, wantsAttention } from '../model/selection';
import { useReadable, type App } from '../panel/app';
import { StateIcon } from '../panel/state-icon';
import { isOver, type Look } from '../model/words';

export class JobCounts extends ReactWidget {
  readonly #app: App;
  readonly #onPress: () => void;

  constructor(app: App, onPress: () => void) {
    super();
    this.#app = app;
    this.#onPress = onPress;
    this.addClass('cb-StatusItem');
    this.title.caption = app.trans.__('Cluster jobs');
  }

  protected override render(): React.ReactElement {
    return <Counts app={this.#app} onPress={this.#onPress} />;
  }
}

function Counts({ app, onPress }: { readonly app: App; readonly onPress: () => void }): React.ReactElement | null {
  const { trans, client, view, settings } = app;
  const { rows } = useReadable(client.jobs);
  const { seen } = useReadable(view);
  const { statusBar } = useReadable(settings);
  const { counts } = React.useMemo(() => {
    const wanted = [...rows.values()].filter((row) => !isOver(row) || wantsAttention(row, seen));
    return selectJobs(wanted, { filter: NO_FILTER, notebook: undefined, seen, finishedShown: 0 });
  }, [rows, seen]);
  const shown: [Look, number, string][] = [
    ['running', counts.running, trans.__('%1 running', counts.running)],
    ['queued', counts.waiting, trans.__('%1 waiting', counts.waiting)],
    ['failed', counts.failed, trans.__('%1 failed', counts.failed)],
  ];
  const some = shown.filter(([, count]) => count > 0);
  if (!statusBar || some.length === 0) return null;
  const words = trans.__('Cluster jobs: %1', some.map(([, , text]) => text).join(', '));
  return (
    <button type="button" className="cb-StatusItem-button" aria-label={words} title={words} onClick={onPress}>
      {some.map(([look, count]) => (
        <span key={look} data-look={look}>
          <StateIcon look={look} />
          {count}
        </span>
      ))}
    </button>
  );
}
