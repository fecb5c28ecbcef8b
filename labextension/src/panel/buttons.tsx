// What can be done with a job just now, the most likely first. The same buttons in the list and in the job's own tab.
import * as React from 'react';
import type { JobRow } from '../../../magics/protocol/monitor';
import { formatDuration, formatMemory } from '../model/quantities';
import { retryOf } from '../model/retry';
import { isOver, type Look, type Translation } from '../model/words';
import type { App } from './app';

interface Choice {
  readonly key: string;
  readonly label: string;
  readonly title?: string;
  readonly isMain?: boolean;
  readonly isDisabled?: boolean;
  readonly run: () => void;
}

export function JobButtons({
  app,
  row,
  look,
  without = [],
}: {
  readonly app: App;
  readonly row: JobRow;
  readonly look: Look;
  readonly without?: readonly string[];
}): React.ReactElement {
  const choices = choicesFor(app, row, look).filter(({ key }) => !without.includes(key));
  return (
    <div className="cb-Buttons">
      {choices.map(({ key, label, title, isMain, isDisabled, run }) => (
        <button
          key={key}
          type="button"
          className={`cb-Button${isMain === true ? ' cb-mod-main' : ''}`}
          title={title}
          disabled={isDisabled}
          data-action={key}
          onClick={run}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

function choicesFor(app: App, row: JobRow, look: Look): Choice[] {
  const { actions, trans } = app;
  const over = isOver(row);
  // This machine runs jobs without one.
  const hasScript = row.cluster !== 'local' && row.submittedAt !== undefined;
  const choices: Choice[] = [];
  const retry = retryOf(row);
  if (retry !== undefined)
    choices.push({
      key: 'retry',
      label: retryLabel(retry, trans),
      title: trans.__('Sends the same cell again, with what it was sent with then.'),
      isMain: look === 'failed',
      run: () => {
        actions.retry(row, retry);
      },
    });
  if (row.status.state === 'completed' && row.deliveredAt === undefined)
    choices.push({
      key: 'attach',
      label: trans.__('Bring home'),
      title: trans.__('Puts the result into the notebook in front, once.'),
      isMain: true,
      run: () => {
        actions.attach(row);
      },
    });
  choices.push({
    key: 'log',
    label: trans.__('Log'),
    title: trans.__('What the job has printed'),
    run: () => {
      actions.showLog(row.id);
    },
  });
  if (row.status.state === 'queued')
    choices.push(
      row.isHeld === true
        ? {
            key: 'release',
            label: trans.__('Release'),
            title: trans.__('Lets the job start when it is its turn.'),
            run: () => {
              actions.release(row);
            },
          }
        : {
            key: 'hold',
            label: trans.__('Hold'),
            title: trans.__('Keeps the job waiting, whatever comes free.'),
            run: () => {
              actions.hold(row);
            },
          },
    );
  if (row.origin.cellId !== undefined)
    choices.push({
      key: 'cell',
      label: trans.__('Cell'),
      title: trans.__('Goes to the cell that sent the job'),
      run: () => {
        actions.goToCell(row);
      },
    });
  choices.push({
    key: 'open',
    label: trans.__('Details'),
    title: trans.__('Opens the job in a tab of its own'),
    run: () => {
      actions.openJob(row);
    },
  });
  if (hasScript)
    choices.push({
      key: 'script',
      label: trans.__('Copy script'),
      title: trans.__('What the batch system was given, to the clipboard'),
      run: () => {
        actions.copyScript(row);
      },
    });
  if (over)
    choices.push({
      key: 'remove',
      label: trans.__('Remove'),
      title: trans.__('Deletes the job, its log and its result for good.'),
      run: () => {
        actions.remove(row);
      },
    });
  else
    choices.push({
      key: 'cancel',
      label: look === 'cancelling' ? trans.__('Cancelling…') : trans.__('Cancel'),
      title: trans.__('Ends the job. There is no undo.'),
      isDisabled: look === 'cancelling',
      run: () => {
        actions.cancel(row);
      },
    });
  return choices;
}

function retryLabel(retry: NonNullable<ReturnType<typeof retryOf>>, trans: Translation): string {
  if (retry.memoryMiB !== undefined) return trans.__('Retry with %1', formatMemory(retry.memoryMiB));
  if (retry.wallTimeSeconds !== undefined) return trans.__('Retry with %1', formatDuration(retry.wallTimeSeconds));
  return trans.__('Retry');
}
