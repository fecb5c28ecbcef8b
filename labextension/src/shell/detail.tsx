// One job in a tab of its own: all that is known of it, what can be done, and its log at full size.
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';
import type { JobRow } from '../../../magics/protocol/monitor';
import { hintsOf } from '../model/hints';
import { formatBytes } from '../model/quantities';
import {
  explanationOf,
  isOver,
  limitWords,
  lookOf,
  resourceWords,
  stateWord,
  usageWords,
  type Look,
  type Translation,
} from '../model/words';
import { useNow, useReadable, type App } from '../panel/app';
import { JobButtons } from '../panel/buttons';
import { LogView } from '../panel/log-view';
import { StateIcon } from '../panel/state-icon';
import { TaskBar } from '../panel/task-bar';
import { TaskGrid } from '../panel/task-grid';
import { UsageLines } from '../panel/usage-line';
import { jobsIcon } from './icons';

/** Ten thousand tasks are a square each in any window that a person would use. */
const GRID_ROWS = 400;

export class JobDetail extends ReactWidget {
  readonly job: string;
  readonly #app: App;

  constructor(app: App, job: string) {
    super();
    this.#app = app;
    this.job = job;
    this.addClass('cb-Detail');
    this.title.icon = jobsIcon;
    this.title.closable = true;
    this.title.label = app.client.jobs.value.rows.get(job)?.name ?? job;
  }

  protected override render(): React.ReactElement {
    return <Detail app={this.#app} job={this.job} />;
  }
}

function Detail({ app, job }: { readonly app: App; readonly job: string }): React.ReactElement {
  const { trans } = app;
  const jobs = useReadable(app.client.jobs);
  const cancelling = useReadable(app.client.cancelling);
  const [isFollowing, setFollowing] = React.useState(true);
  const row = jobs.rows.get(job);
  if (row === undefined) {
    const text = jobs.isKnown ? trans.__('Job %1 is no longer kept.', job) : trans.__('Waiting for the job monitor…');
    return <p className="cb-Nothing">{text}</p>;
  }
  const look = lookOf(row, cancelling.has(job));
  return (
    <>
      <div className="cb-Detail-head" data-look={look}>
        <h2>
          <StateIcon look={look} />
          <span>{row.name}</span>
          <span className="cb-Detail-state">{stateWord(row, look, trans)}</span>
        </h2>
        <JobFacts app={app} row={row} look={look} clockOffset={jobs.clockOffset} />
        {row.array && <TaskBar array={row.array} trans={trans} />}
        {row.array && <TaskGrid array={row.array} trans={trans} rows={GRID_ROWS} />}
        {row.startedAt !== undefined && <UsageLines app={app} row={row} />}
        <JobButtons app={app} row={row} look={look} without={['open', 'log']} />
      </div>
      <div className="cb-Detail-logHead">
        <h3>{trans.__('Log')}</h3>
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
      </div>
      <LogView app={app} job={job} isFollowing={isFollowing} onFollowing={setFollowing} />
    </>
  );
}

function JobFacts({
  app,
  row,
  look,
  clockOffset,
}: {
  readonly app: App;
  readonly row: JobRow;
  readonly look: Look;
  readonly clockOffset: number;
}): React.ReactElement {
  const now = useNow(!isOver(row), clockOffset);
  return (
    <dl className="cb-Facts">
      {factsOf(row, look, now, app.trans).map(([name, value]) => (
        <React.Fragment key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </React.Fragment>
      ))}
    </dl>
  );
}

function factsOf(row: JobRow, look: Look, now: number, trans: Translation): [string, string][] {
  const { status, origin, resources } = row;
  const facts: [string, string | undefined][] = [
    [trans.__('Why'), explanationOf(row, look, trans)],
    [trans.__('Code'), row.summary === row.name ? undefined : row.summary],
    [trans.__('Time'), limitWords(row, now)],
    [
      trans.__('Where'),
      status.state === 'running' && status.node !== undefined ? `${row.cluster}, ${status.node}` : row.cluster,
    ],
    [trans.__('Asked for'), resourceWords(resources, trans)],
    [trans.__('Used'), usageWords(row, trans)],
    [trans.__('Hint'), hintsOf(row, trans).join(' ')],
    [trans.__('Notebook'), origin.notebook],
    [trans.__('Submitted'), timeWords(row.submittedAt)],
    [trans.__('Started'), timeWords(row.startedAt)],
    [trans.__('Ended'), timeWords(row.endedAt)],
    [trans.__('Result'), resultWords(row, trans)],
    [trans.__('Output'), outputWords(row, trans)],
    [trans.__('Job'), row.nativeId === undefined || row.nativeId === row.id ? row.id : `${row.id} (${row.nativeId})`],
  ];
  return facts.filter((fact): fact is [string, string] => fact[1] !== undefined && fact[1] !== '');
}

function timeWords(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toLocaleString();
}

function resultWords({ status, deliveredAt }: JobRow, trans: Translation): string | undefined {
  if (status.state !== 'completed') return undefined;
  return deliveredAt === undefined
    ? trans.__('in no notebook yet')
    : trans.__('in the notebook since %1', new Date(deliveredAt).toLocaleTimeString());
}

function outputWords({ outputBytes, droppedBytes }: JobRow, trans: Translation): string {
  const all = formatBytes(outputBytes);
  return droppedBytes === 0 ? all : trans.__('%1, of which %2 were too much to keep', all, formatBytes(droppedBytes));
}
