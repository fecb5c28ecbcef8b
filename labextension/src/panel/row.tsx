// One job in the list: what it is and how it is at a glance; opened, the rest and what can be done.
import * as React from 'react';
import type { JobRow } from '../../../magics/protocol/monitor';
import { hintsOf } from '../model/hints';
import { notebookName } from '../model/places';
import { formatBytes } from '../model/quantities';
import {
  agoWords,
  explanationOf,
  fractionOfTime,
  isOver,
  limitWords,
  lookOf,
  resourceWords,
  stateWord,
  usageWords,
} from '../model/words';
import { useNow, type App } from './app';
import { JobButtons } from './buttons';
import { StateIcon } from './state-icon';
import { TaskBar } from './task-bar';
import { TaskGrid } from './task-grid';
import { UsageLines } from './usage-line';

/** More tasks than fit share squares; the job's own tab shows more. */
const GRID_ROWS = 16;

export interface RowProps {
  readonly app: App;
  readonly row: JobRow;
  readonly isExpanded: boolean;
  readonly isCancelling: boolean;
  /** The one row that the Tab key reaches. */
  readonly isCurrent: boolean;
  readonly clockOffset: number;
  readonly onToggle: (row: JobRow) => void;
}

function JobRowView(props: RowProps): React.ReactElement {
  const { app, row, isExpanded, isCancelling, isCurrent, onToggle } = props;
  const { trans } = app;
  const look = lookOf(row, isCancelling);
  const explanation = explanationOf(row, look, trans);
  return (
    <div
      className={`cb-Row cb-mod-${look}`}
      role="row"
      aria-level={1}
      aria-expanded={isExpanded}
      tabIndex={isCurrent ? 0 : -1}
      data-job={row.id}
      data-look={look}
    >
      <div
        role="gridcell"
        className="cb-Row-summary"
        onClick={() => {
          onToggle(row);
        }}
      >
        <div className="cb-Row-line">
          <StateIcon look={look} />
          <span className="cb-Row-name" title={row.summary}>
            {row.name || row.id}
          </span>
          <span className="cb-Row-state">{stateWord(row, look, trans)}</span>
        </div>
        <div className="cb-Row-line cb-Row-facts">
          <span className="cb-Row-where">
            {row.cluster} · {resourceWords(row.resources, trans)}
          </span>
          <Clock {...props} />
        </div>
        {row.array && <TaskBar array={row.array} trans={trans} />}
        {explanation !== undefined && <div className="cb-Row-why">{explanation}</div>}
      </div>
      {isExpanded && (
        <div role="gridcell" className="cb-Row-more">
          <Facts app={app} row={row} />
          {row.array && <TaskGrid array={row.array} trans={trans} rows={GRID_ROWS} />}
          {row.startedAt !== undefined && <UsageLines app={app} row={row} />}
          {hintsOf(row, trans).map((hint) => (
            <div key={hint} className="cb-Row-hint">
              {hint}
            </div>
          ))}
          <JobButtons app={app} row={row} look={look} />
        </div>
      )}
    </div>
  );
}

/** Only rows that changed are drawn again: a thousand jobs cost no more than the few that move. */
export const JobRowItem = React.memo(JobRowView);

function Clock({ app, row, clockOffset }: RowProps): React.ReactElement {
  const over = isOver(row);
  const now = useNow(!over, clockOffset);
  const fraction = fractionOfTime(row, now);
  const { trans } = app;
  return (
    <>
      <span
        className="cb-Row-time"
        title={over ? trans.__('how long it took') : trans.__('elapsed, of the time asked for')}
      >
        {limitWords(row, now)}
      </span>
      {fraction !== undefined && (
        <span
          className={`cb-Bar${fraction > 0.9 ? ' cb-mod-late' : ''}`}
          role="progressbar"
          aria-label={trans.__('time used')}
          aria-valuenow={Math.round(fraction * 100)}
        >
          <span className="cb-Bar-fill" style={{ width: `${String(fraction * 100)}%` }} />
        </span>
      )}
    </>
  );
}

function Facts({ app, row }: Pick<RowProps, 'app' | 'row'>): React.ReactElement {
  const { trans } = app;
  const { origin, status } = row;
  const now = useNow(true, 0);
  const parts = [row.id];
  if (status.state === 'running' && status.node !== undefined) parts.push(trans.__('on %1', status.node));
  if (origin.notebook !== undefined)
    parts.push(
      origin.execution === undefined
        ? notebookName(origin.notebook)
        : trans.__('%1, cell [%2]', notebookName(origin.notebook), origin.execution),
    );
  if (row.endedAt !== undefined) parts.push(trans.__('ended %1', agoWords((now - row.endedAt) / 1000, trans)));
  const usage = usageWords(row, trans);
  if (usage !== undefined) parts.push(usage);
  if (row.outputBytes > 0) parts.push(trans.__('%1 of output', formatBytes(row.outputBytes)));
  return <div className="cb-Row-details">{parts.join(' · ')}</div>;
}
