// Names of jobs: six characters that sort by time of creation, without vowels, so that they spell no words, and without l, which looks like 1.
import { UsageError } from '../protocol/errors';
import type { JobId } from '../protocol/job';

const DIGITS = '0123456789bcdfghjkmnpqrstvwxyz';
const LENGTH = 6;
/** Seconds are counted from here; six digits last until 2049. */
const EPOCH_SECONDS = Date.UTC(2026, 0, 1) / 1000;

/** The id for a moment (ms since the epoch), or the one after `last` when that is later: ids of one store never repeat. */
export function nextId(nowMs: number, last: JobId | undefined): JobId {
  const moment = Math.max(0, Math.floor(nowMs / 1000) - EPOCH_SECONDS);
  let number = last === undefined ? moment : Math.max(moment, toNumber(last) + 1);
  let text = '';
  for (let place = 0; place < LENGTH; place++) {
    text = (DIGITS[number % DIGITS.length] ?? '') + text;
    number = Math.floor(number / DIGITS.length);
  }
  // A text becomes a new JobId here.
  return text as JobId;
}

function toNumber(id: JobId): number {
  return id.split('').reduce((sum, digit) => sum * DIGITS.length + DIGITS.indexOf(digit), 0);
}

export function isId(text: string): text is JobId {
  return text.length === LENGTH && text.split('').every((digit) => DIGITS.includes(digit));
}

/** The job that a person means: its id, or a beginning or an end of it that fits no other. */
export function findId(ids: readonly JobId[], typed: string): JobId {
  const wanted = typed.toLowerCase();
  const exact = ids.find((id) => id === wanted);
  if (exact !== undefined) return exact;
  const fitting = wanted === '' ? [] : ids.filter((id) => id.startsWith(wanted) || id.endsWith(wanted));
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  if (fitting.length === 0)
    throw new UsageError(
      `There is no job ${JSON.stringify(typed)}. \`%cluster jobs --all\`, or \`cellburst jobs\` in a terminal, lists what there is.`,
    );
  const shown = fitting.slice(0, 5).join(', ');
  throw new UsageError(
    `${JSON.stringify(typed)} fits ${fitting.length} jobs (${shown}${fitting.length > 5 ? ', …' : ''}). Type more of the id.`,
  );
}
