// Which contents are kept, and how long. Pure.
import type { ContentId, ContentKind } from '../protocol/chunks';

export interface Kept {
  readonly id: ContentId;
  readonly kind: ContentKind;
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly usedAt: number;
}

const DAY_MS = 86_400_000;
/** Whoever has sent a content names it in a job within this time. Jobs have links or copies of their own from then on. */
const SAFE_MS = 3_600_000;
/** What so much of a newer one repeats is of no more use for sending. */
const REPEATED = 0.5;

function isOfJob({ kind }: Kept): boolean {
  return kind === 'bundle' || kind === 'envelope';
}

/** The least recently used beyond the limits. Of files and trees none that somebody may be about to name. */
export function toDrop<T extends Kept>(
  contents: readonly T[],
  { bytes, days }: { readonly bytes: number; readonly days: number },
  nowMs: number,
): T[] {
  const dropped: T[] = [];
  let left = contents.reduce((sum, content) => sum + content.bytes, 0);
  for (const content of [...contents].sort((a, b) => a.usedAt - b.usedAt)) {
    if (!isOfJob(content) && nowMs - content.usedAt < SAFE_MS) continue;
    if (left <= bytes && nowMs - content.usedAt <= days * DAY_MS) continue;
    dropped.push(content);
    left -= content.bytes;
  }
  return dropped;
}

/** Earlier bundles that the newest one repeats for the most part: their jobs have links of their own. */
export function superseded<T extends Kept>(newest: T, contents: readonly T[], shared: (one: T) => number): T[] {
  if (!isOfJob(newest)) return [];
  return contents.filter(
    (one) => one !== newest && one.kind === newest.kind && shared(one) >= REPEATED * Math.max(one.bytes, 1),
  );
}
