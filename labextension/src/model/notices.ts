// Which jobs a person wants to be told of: those that have ended since we last looked, and that took long enough to look away. Pure.
import type { JobRow } from '../../../magics/protocol/monitor';
import { isOver, lookOf } from './words';

export interface NoticeSettings {
  readonly success: boolean;
  readonly failure: boolean;
  /** A job that took less is not worth a word. */
  readonly minSeconds: number;
}

export interface Notice {
  readonly kind: 'success' | 'failure';
  readonly row: JobRow;
}

export function noticesOf(
  before: ReadonlyMap<string, JobRow>,
  after: ReadonlyMap<string, JobRow>,
  settings: NoticeSettings,
): Notice[] {
  const notices: Notice[] = [];
  for (const [id, row] of after) {
    const was = before.get(id);
    // What had ended before we came is history.
    if (was === undefined || was === row || isOver(was) || !isOver(row)) continue;
    const look = lookOf(row);
    const began = row.submittedAt ?? row.createdAt;
    if (look === 'cancelled' || ((row.endedAt ?? began) - began) / 1000 < settings.minSeconds) continue;
    if (look === 'succeeded' ? settings.success : settings.failure)
      notices.push({ kind: look === 'succeeded' ? 'success' : 'failure', row });
  }
  return notices;
}
