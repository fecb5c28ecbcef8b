// Which cells carry a badge: the newest job of each, as long as it says something that the cell's own output does not. Pure.
import type { JobRow } from '../../../magics/protocol/monitor';
import { isOver, lookOf } from './words';

/** By cell id. */
export function badgesOf(rows: Iterable<JobRow>): Map<string, JobRow> {
  const newest = new Map<string, JobRow>();
  for (const row of rows) {
    const { cellId } = row.origin;
    if (cellId === undefined) continue;
    const known = newest.get(cellId);
    if (known === undefined || known.createdAt <= row.createdAt) newest.set(cellId, row);
  }
  return new Map([...newest].filter(([, row]) => saysSomething(row)));
}

/** A result that is in the notebook speaks for itself. */
function saysSomething(row: JobRow): boolean {
  return !isOver(row) || (row.deliveredAt === undefined && lookOf(row) !== 'cancelled');
}
