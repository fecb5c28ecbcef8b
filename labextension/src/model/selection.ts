// Which jobs the panel lists, in which order: first what wants attention, then what runs, then what waits, then what is over. Pure.
import type { JobRow } from '../../../magics/protocol/monitor';
import { isSameNotebook } from './places';
import { GROUPS, groupOf, isOver, type Group } from './words';

export interface Filter {
  readonly scope: 'all' | 'notebook';
  /** Empty: every group. */
  readonly groups: ReadonlySet<Group>;
  readonly text: string;
}

export const NO_FILTER: Filter = { scope: 'all', groups: new Set(), text: '' };

export interface Selection {
  readonly rows: readonly JobRow[];
  /** Of the scope and the text, whatever the chips say: they are the counts on the chips. */
  readonly counts: Readonly<Record<Group, number>>;
  /** Jobs that are over and not listed, see `finishedShown`. */
  readonly hidden: number;
}

export interface SelectionContext {
  readonly filter: Filter;
  /** Path of the notebook in front, as JupyterLab calls it. */
  readonly notebook: string | undefined;
  /** Failed jobs a person has looked at. */
  readonly seen: ReadonlySet<string>;
  /** How many jobs that are over are listed at most. */
  readonly finishedShown: number;
}

export function selectJobs(all: Iterable<JobRow>, context: SelectionContext): Selection {
  const { filter, notebook, seen } = context;
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  const counts: Record<Group, number> = { running: 0, waiting: 0, failed: 0, done: 0 };
  const matching: JobRow[] = [];
  for (const row of all) {
    if (filter.scope === 'notebook' && !isSameNotebook(row.origin.notebook, notebook)) continue;
    if (!words.every((word) => searchedText(row).includes(word))) continue;
    const group = groupOf(row);
    counts[group] += 1;
    if (filter.groups.size === 0 || filter.groups.has(group)) matching.push(row);
  }
  const ordered = matching
    .map((row) => ({ row, rank: rankOf(row, seen) }))
    .sort((a, b) => a.rank - b.rank || compareTimes(a.row, b.row))
    .map(({ row }) => row);
  return { counts, ...limitFinished(ordered, context.finishedShown) };
}

export function countGroups(all: Iterable<JobRow>): Readonly<Record<Group, number>> {
  return selectJobs(all, { filter: NO_FILTER, notebook: undefined, seen: new Set(), finishedShown: 0 }).counts;
}

export function wantsAttention(row: JobRow, seen: ReadonlySet<string>): boolean {
  // An error that is in the notebook has been seen there.
  return groupOf(row) === 'failed' && row.deliveredAt === undefined && !seen.has(row.id);
}

function rankOf(row: JobRow, seen: ReadonlySet<string>): number {
  if (wantsAttention(row, seen)) return 0;
  const group = groupOf(row);
  return isOver(row) ? GROUPS.length : 1 + GROUPS.indexOf(group);
}

/** Newest first; of those that wait, the one whose turn comes first. */
function compareTimes(a: JobRow, b: JobRow): number {
  if (groupOf(a) === 'waiting' && groupOf(b) === 'waiting') return a.createdAt - b.createdAt;
  return timeOf(b) - timeOf(a);
}

/** Its end for a job that is over, else its start or its making. */
function timeOf(row: JobRow): number {
  return row.endedAt ?? row.startedAt ?? row.createdAt;
}

function limitFinished(ordered: readonly JobRow[], most: number): { rows: readonly JobRow[]; hidden: number } {
  let over = 0;
  const rows = ordered.filter((row) => !isOver(row) || (over += 1) <= most);
  return { rows, hidden: ordered.length - rows.length };
}

function searchedText(row: JobRow): string {
  return [row.id, row.name, row.summary, row.cluster, row.origin.notebook ?? '', row.nativeId ?? '']
    .join('\n')
    .toLowerCase();
}
