// The line that a cluster cell shows of its job, drawn with what the panel knows: a bar, a clock that ticks, buttons. In a notebook that is opened
// elsewhere or later, from what is kept in it.
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';
import { JOB_MIME, MONITOR_PROTOCOL, type JobOutput, type JobRow } from '../../../magics/protocol/monitor';
import { Store } from '../model/store';
import { explanationOf, fractionOfTime, isOver, limitWords, lookOf, resourceWords, stateWord } from '../model/words';
import { useNow, useReadable, type App } from '../panel/app';
import { StateIcon } from '../panel/state-icon';

/** Before HTML, whose rank is 50. */
const RANK = 40;

export function drawJobOutputs(rendermime: IRenderMimeRegistry, app: App): void {
  rendermime.addFactory(
    {
      // Only ever text.
      safe: true,
      mimeTypes: [JOB_MIME],
      createRenderer: () => new JobOutputRenderer(app),
    },
    RANK,
  );
}

class JobOutputRenderer extends ReactWidget implements IRenderMime.IRenderer {
  readonly #app: App;
  readonly #kept = new Store<Kept>({ text: '' });

  constructor(app: App) {
    super();
    this.#app = app;
    this.addClass('cb-Output');
  }

  renderModel({ data }: IRenderMime.IMimeModel): Promise<void> {
    const row = toRow(data[JOB_MIME]);
    const text = data['text/plain'];
    this.#kept.set({ text: typeof text === 'string' ? text : '', ...(row === undefined ? {} : { row }) });
    return Promise.resolve();
  }

  protected override render(): React.ReactElement {
    return <JobLine app={this.#app} kept={this.#kept} />;
  }
}

interface Kept {
  /** Absent: it is of a version that we do not know. */
  readonly row?: JobRow;
  readonly text: string;
}

function JobLine({ app, kept: store }: { readonly app: App; readonly kept: Store<Kept> }): React.ReactElement {
  const kept = useReadable(store);
  const jobs = useReadable(app.client.jobs);
  const cancelling = useReadable(app.client.cancelling);
  const known = kept.row && jobs.rows.get(kept.row.id);
  const row = known ?? kept.row;
  const isMoving = known !== undefined && !isOver(known) && jobs.feed.state === 'live';
  const now = useNow(isMoving, jobs.clockOffset);
  if (row === undefined) return <small>{kept.text}</small>;
  // Nobody tells how it stands with a job of another time or place: what was written last is all there is.
  if (known === undefined && !isOver(row)) return <small>{kept.text}</small>;
  const look = lookOf(row, cancelling.has(row.id));
  const { trans } = app;
  const fraction = fractionOfTime(row, now);
  const why = look === 'queued' || look === 'preparing' ? explanationOf(row, look, trans) : undefined;
  const parts = [
    stateWord(row, look, trans),
    why,
    limitWords(row, now),
    resourceWords(row.resources, trans),
    row.cluster,
  ];
  return (
    <div className={`cb-Output-line cb-mod-${look}`} data-job={row.id} data-look={look}>
      <StateIcon look={look} />
      <span>{parts.filter(Boolean).join(' · ')}</span>
      {fraction !== undefined && (
        <span className="cb-Bar" aria-hidden="true">
          <span className="cb-Bar-fill" style={{ width: `${String(fraction * 100)}%` }} />
        </span>
      )}
      {known && (
        <button type="button" className="cb-Link" onClick={() => app.actions.showLog(row.id)}>
          {trans.__('Log')}
        </button>
      )}
      {known && !isOver(row) && look !== 'cancelling' && (
        <button type="button" className="cb-Link" onClick={() => app.actions.cancel(row)}>
          {trans.__('Cancel')}
        </button>
      )}
    </div>
  );
}

/** What lies in a notebook may be anything: its author's, a newer version's, or damaged. */
function toRow(data: unknown): JobRow | undefined {
  if (!isJobOutput(data)) return undefined;
  const { protocol, ...told } = data;
  if (protocol !== MONITOR_PROTOCOL) return undefined;
  return {
    ...told,
    summary: '',
    origin: { client: 'kernel', pid: 0, directory: '' },
    outputBytes: 0,
    droppedBytes: 0,
  };
}

function isJobOutput(data: unknown): data is JobOutput {
  if (!isObject(data)) return false;
  const { id, name, cluster, resources, status, createdAt } = data;
  return (
    [id, name, cluster].every((text) => typeof text === 'string') &&
    typeof createdAt === 'number' &&
    isObject(resources) &&
    typeof resources['cores'] === 'number' &&
    isObject(status) &&
    typeof status['state'] === 'string'
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
