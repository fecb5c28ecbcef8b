// Clusters in a tab of their own: which there are, what the config file says of each, and whether they work. The form is made of the file's own schema; what is
// wrong with a value, the kernel says, and it stands beside the field.
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { ConfigFileState } from '../../../magics/protocol/monitor';
import { useReadable, type App } from '../panel/app';
import { jobsIcon } from '../shell/icons';
import { CheckUp } from './check-up';
import { EntryForm } from './entry-form';

export class ClustersTab extends ReactWidget {
  readonly #app: App;

  constructor(app: App) {
    super();
    this.#app = app;
    this.addClass('cb-Clusters');
    this.title.icon = jobsIcon;
    this.title.closable = true;
    this.title.label = app.trans.__('Clusters');
  }

  protected override render(): React.ReactElement {
    return <Clusters app={this.#app} />;
  }
}

/** Of the one that is about to be added. */
const NEW = '';

function Clusters({ app }: { readonly app: App }): React.ReactElement {
  const { trans } = app;
  const { clusters, defaultCluster = 'local' } = useReadable(app.client.jobs);
  const { config, setConfig, problem } = useConfig(app);
  const [chosen, setChosen] = React.useState<string>();
  if (config === undefined) return <p className="cb-Nothing">{problem ?? trans.__('Reading the config…')}</p>;
  const names = [...new Set([...clusters.map(({ name }) => name), ...Object.keys(config.clusters)])];
  const name = chosen !== undefined && (chosen === NEW || names.includes(chosen)) ? chosen : (names[0] ?? 'local');
  return (
    <>
      <nav className="cb-Clusters-list" aria-label={trans.__('Clusters')}>
        {names.map((each) => (
          <Choice key={each} isChosen={each === name} onChoose={() => setChosen(each)} name={each}>
            <span className={`cb-Dot cb-mod-${clusters.find((known) => known.name === each)?.state ?? 'unknown'}`} />
            {each}
            {each === defaultCluster && <small>{trans.__('default')}</small>}
          </Choice>
        ))}
        <Choice isChosen={name === NEW} onChoose={() => setChosen(NEW)} name={NEW}>
          {trans.__('+ Add a cluster')}
        </Choice>
      </nav>
      <section className="cb-Clusters-one" aria-label={name === NEW ? trans.__('A new cluster') : name}>
        {config.problem !== undefined && (
          <div className="cb-Banner" role="alert">
            <span className="cb-Pre">{config.problem}</span>
          </div>
        )}
        {name === 'local' ? (
          <Local app={app} />
        ) : (
          <EntryForm
            key={name}
            app={app}
            config={config}
            name={name}
            isDefault={name === defaultCluster}
            onChange={(next, nowNamed) => {
              setConfig(next);
              setChosen(nowNamed);
            }}
          />
        )}
        {name !== NEW && <CheckUp key={`check-${name}`} app={app} cluster={name} />}
      </section>
    </>
  );
}

function Choice({
  name,
  isChosen,
  onChoose,
  children,
}: {
  readonly name: string;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
  readonly children: React.ReactNode;
}): React.ReactElement {
  return (
    <button
      type="button"
      className="cb-Clusters-choice"
      aria-current={isChosen ? 'true' : undefined}
      data-cluster={name}
      onClick={onChoose}
    >
      {children}
    </button>
  );
}

function Local({ app: { trans } }: { readonly app: App }): React.ReactElement {
  return (
    <>
      <h2>local</h2>
      <p>{trans.__('This machine. It needs no configuration, and is there even when no cluster is.')}</p>
    </>
  );
}

/** As it is in the file whenever the connection is there anew. */
function useConfig({ client, link, trans }: App): {
  readonly config: ConfigFileState | undefined;
  readonly setConfig: (config: ConfigFileState) => void;
  readonly problem: string | undefined;
} {
  const [config, setConfig] = React.useState<ConfigFileState>();
  const [problem, setProblem] = React.useState<string>();
  const { state } = useReadable(link);
  React.useEffect(() => {
    if (state !== 'live') return;
    client.refreshClusters();
    client.configure({ ask: 'read' }).then(
      (answer) => {
        if ('path' in answer) setConfig(answer);
      },
      (error: unknown) => {
        setProblem(error instanceof Error ? error.message : String(error));
      },
    );
  }, [client, state]);
  return { config, setConfig, problem: state === 'live' ? problem : trans.__('Waiting for the job monitor…') };
}
