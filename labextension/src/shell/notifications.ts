// Tells of jobs that have ended while the person did something else; many at once in one note.
import { Notification } from '@jupyterlab/apputils';
import type { MonitorClient } from '../model/client';
import { noticesOf, type Notice } from '../model/notices';
import type { Readable } from '../model/store';
import { explanationOf, lookOf, stateWord, type Translation } from '../model/words';
import type { Actions } from '../panel/app';
import type { Settings } from './settings';

/** What ends within this time is one note. */
const GATHER_MS = 1500;
const NAMED = 3;
const SHOWN_MS = 10_000;

export interface NotifyContext {
  readonly client: MonitorClient;
  readonly settings: Readable<Settings>;
  readonly actions: Actions;
  readonly trans: Translation;
}

export function notifyOfEnds(context: NotifyContext): void {
  const { client, settings } = context;
  let before = client.jobs.value;
  let gathered: Notice[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tell = (): void => {
    timer = undefined;
    const notices = gathered;
    gathered = [];
    show(notices, context);
  };
  client.jobs.subscribe(() => {
    const after = client.jobs.value;
    const { notifySuccess: success, notifyFailure: failure, notifyMinSeconds: minSeconds } = settings.value;
    // The first snapshot is no news.
    const news = before.isKnown ? noticesOf(before.rows, after.rows, { success, failure, minSeconds }) : [];
    before = after;
    if (news.length === 0) return;
    gathered.push(...news);
    timer ??= setTimeout(tell, GATHER_MS);
  });
}

function show(notices: readonly Notice[], context: NotifyContext): void {
  const { actions, trans, settings } = context;
  const failed = notices.some(({ kind }) => kind === 'failure');
  const message = notices.length === 1 && notices[0] ? sentence(notices[0], trans) : summary(notices, trans);
  const [first] = notices;
  const options = {
    autoClose: failed ? (false as const) : SHOWN_MS,
    actions: first
      ? [
          {
            label: trans.__('Show log'),
            callback: () => {
              actions.showLog(first.row.id);
            },
          },
          ...(first.row.origin.cellId === undefined
            ? []
            : [
                {
                  label: trans.__('Go to cell'),
                  callback: () => {
                    actions.goToCell(first.row);
                  },
                },
              ]),
        ]
      : [],
  };
  if (failed) Notification.error(message, options);
  else Notification.success(message, options);
  if (settings.value.notifyDesktop) showOnDesktop(message);
}

function sentence({ row }: Notice, trans: Translation): string {
  const look = lookOf(row);
  const why = explanationOf(row, look, trans);
  const word = stateWord(row, look, trans);
  return why === undefined ? `${row.name}: ${word}` : `${row.name}: ${word}. ${why}`;
}

function summary(notices: readonly Notice[], trans: Translation): string {
  const failed = notices.filter(({ kind }) => kind === 'failure').length;
  const names = notices.slice(0, NAMED).map(({ row }) => row.name);
  const more = notices.length > NAMED ? '…' : '';
  return `${trans.__('%1 jobs have ended, %2 of them failed', notices.length, failed)}: ${names.join(', ')}${more}`;
}

function showOnDesktop(message: string): void {
  const Desktop = window.Notification;
  if (Desktop.permission === 'granted') new Desktop('Cellburst', { body: message });
  else if (Desktop.permission === 'default')
    void Desktop.requestPermission().then((answer) => {
      if (answer === 'granted') new Desktop('Cellburst', { body: message });
    });
}
