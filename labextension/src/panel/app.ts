// What every part of the panel gets: what is known, what the person has chosen, what can be done. And the ways React reads it.
import * as React from 'react';
import type { JobRow, RetryResources } from '../../../magics/protocol/monitor';
import type { MonitorClient } from '../model/client';
import { NO_FILTER, type Filter } from '../model/selection';
import type { Readable, Store } from '../model/store';
import type { Translation } from '../model/words';
import type { LinkState } from '../shell/link';
import type { Settings } from '../shell/settings';

/** What the person has chosen to see. */
export interface View {
  readonly filter: Filter;
  readonly expanded: ReadonlySet<string>;
  /** Failed jobs the person has looked at. */
  readonly seen: ReadonlySet<string>;
  readonly logJob?: string;
  /** Finished jobs listed beyond what the settings say. */
  readonly more: number;
}

export const FIRST_VIEW: View = { filter: NO_FILTER, expanded: new Set(), seen: new Set(), more: 0 };

/** Everything a person can do. Each tells its failure itself, by a notification. */
export interface Actions {
  readonly connect: () => void;
  readonly cancel: (row: JobRow) => void;
  readonly retry: (row: JobRow, resources: RetryResources) => void;
  readonly remove: (row: JobRow) => void;
  /** Brings the result into the notebook in front. */
  readonly attach: (row: JobRow) => void;
  readonly goToCell: (row: JobRow) => void;
  readonly openJob: (row: JobRow) => void;
  readonly showLog: (id: string) => void;
  readonly insertExample: () => void;
  readonly clearFinished: () => void;
  readonly hold: (row: JobRow) => void;
  readonly release: (row: JobRow) => void;
  /** What the batch system was given, to the clipboard. */
  readonly copyScript: (row: JobRow) => void;
  readonly openClusters: () => void;
  /** For the notebook in front; undefined: as the config says. */
  readonly chooseCluster: (cluster: string | undefined) => void;
  readonly copy: (text: string) => void;
  readonly openSettings: () => void;
}

export interface App {
  readonly client: MonitorClient;
  readonly link: Readable<LinkState>;
  readonly settings: Readable<Settings>;
  readonly view: Store<View>;
  /** Path of the notebook in front. */
  readonly notebook: Readable<string | undefined>;
  /** It runs on our kernel. */
  readonly isNotebookOurs: Readable<boolean>;
  /** The cluster it names for cells that name none. */
  readonly notebookCluster: Readable<string | undefined>;
  readonly trans: Translation;
  readonly actions: Actions;
}

export function useReadable<T>(readable: Readable<T>): T {
  return React.useSyncExternalStore(readable.subscribe, () => readable.value);
}

export function useNow(isRunning: boolean, clockOffset: number): number {
  const [, redraw] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => (isRunning ? onTick(redraw) : undefined), [isRunning]);
  return Date.now() + clockOffset;
}

const ticking = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** One clock for all that counts seconds; none when nothing does. */
function onTick(listener: () => void): () => void {
  ticking.add(listener);
  timer ??= setInterval(() => {
    for (const tick of [...ticking]) tick();
  }, 1000);
  return () => {
    ticking.delete(listener);
    if (ticking.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The set with the item in it, or without. */
export function toggled<T>(set: ReadonlySet<T>, item: T, is = !set.has(item)): ReadonlySet<T> {
  const next = new Set(set);
  if (is) next.add(item);
  else next.delete(item);
  return next;
}
