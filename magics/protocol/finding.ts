// What a look at a cluster has found: one line of `%cluster doctor NAME`.
import { oneOf, record, text, type Shaped } from './shape';

export const finding = record({
  /** What was looked at: `clock`. */
  check: text,
  verdict: oneOf(['fine', 'trouble']),
  /** What was found; of a trouble also what to do. */
  says: text,
});
export type Finding = Shaped<typeof finding>;

export function fine(check: string, says: string): Finding {
  return { check, verdict: 'fine', says };
}

export function trouble(check: string, says: string): Finding {
  return { check, verdict: 'trouble', says };
}

/** Beside the text of `%cluster doctor`, for programs: `{ cluster, findings }`. */
export const FINDINGS_MIME = 'application/vnd.cellburst.findings+json';
