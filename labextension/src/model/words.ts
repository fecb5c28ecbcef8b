// A job in words: its state, its times, what it asked for. Every state has a word of its own beside its colour and its icon.
import type { FailureCause, JobRow, Resources } from '../../../magics/protocol/monitor';
import { formatDuration, formatMemory } from './quantities';

/** The part of JupyterLab's translation bundle that is used here. */
export interface Translation {
  __(text: string, ...values: (string | number)[]): string;
  _n(one: string, many: string, count: number, ...values: (string | number)[]): string;
}

/** How a job looks. Finer than the states of the protocol where a person sees a difference. */
export type Look =
  'preparing' | 'queued' | 'running' | 'cancelling' | 'succeeded' | 'threw' | 'failed' | 'cancelled' | 'unknown';

/** What the chips filter by. */
export type Group = 'running' | 'waiting' | 'failed' | 'done';
export const GROUPS: readonly Group[] = ['running', 'waiting', 'failed', 'done'];

export function lookOf(row: JobRow, isCancelling = false): Look {
  const { status } = row;
  switch (status.state) {
    case 'completed':
      return status.outcome === 'value' ? 'succeeded' : 'threw';
    case 'failed':
    case 'cancelled':
      return status.state;
    case 'preparing':
    case 'queued':
    case 'running':
      return isCancelling || row.cancelRequestedAt !== undefined ? 'cancelling' : status.state;
    default:
      return 'unknown';
  }
}

export function groupOf(row: JobRow): Group {
  switch (lookOf(row)) {
    case 'running':
      return 'running';
    case 'preparing':
    case 'queued':
      return 'waiting';
    case 'cancelling':
    case 'unknown':
      return row.startedAt === undefined ? 'waiting' : 'running';
    case 'threw':
    case 'failed':
      return 'failed';
    case 'succeeded':
    case 'cancelled':
      return 'done';
  }
}

export function isOver(row: JobRow): boolean {
  return ['completed', 'failed', 'cancelled'].includes(row.status.state);
}

export function groupWord(group: Group, trans: Translation): string {
  switch (group) {
    case 'running':
      return trans.__('Running');
    case 'waiting':
      return trans.__('Waiting');
    case 'failed':
      return trans.__('Failed');
    case 'done':
      return trans.__('Done');
  }
}

export function stateWord(row: JobRow, look: Look, trans: Translation): string {
  switch (look) {
    case 'preparing':
      return trans.__('Preparing');
    case 'queued':
      return row.isHeld === true ? trans.__('Held') : trans.__('Queued');
    case 'running':
      return trans.__('Running');
    case 'cancelling':
      return trans.__('Cancelling…');
    case 'succeeded':
      return trans.__('Done');
    case 'threw':
      return trans.__('Error');
    case 'cancelled':
      return trans.__('Cancelled');
    case 'failed':
      return row.status.state === 'failed' ? failureWord(row.status.cause, trans) : trans.__('Failed');
    case 'unknown':
      return trans.__('Unknown');
  }
}

function failureWord(cause: FailureCause, trans: Translation): string {
  switch (cause) {
    case 'out-of-memory':
      return trans.__('Out of memory');
    case 'time-limit':
      return trans.__('Out of time');
    case 'node-lost':
      return trans.__('Machine lost');
    case 'disk-full':
      return trans.__('Disk full');
    case 'start-failed':
      return trans.__('Not started');
    case 'environment':
      return trans.__('No packages');
    case 'preempted':
      return trans.__('Preempted');
    default:
      return trans.__('Failed');
  }
}

/** Why it waits, and until when by the scheduler's plan: by the clock of whoever looks. */
function queuedWords(
  { reason, expectedStart }: { readonly reason?: string; readonly expectedStart?: number },
  trans: Translation,
): string | undefined {
  const start =
    expectedStart === undefined
      ? undefined
      : trans.__(
          'Expected to start: %1.',
          new Date(expectedStart).toLocaleString([], { dateStyle: 'short', timeStyle: 'short' }),
        );
  const words = [reason, start].filter((part) => part !== undefined).join(' ');
  return words === '' ? undefined : words;
}

/** One sentence of why, where there is more to say than the word. */
export function explanationOf(row: JobRow, look: Look, trans: Translation): string | undefined {
  const { status } = row;
  switch (look) {
    case 'preparing':
      return status.state === 'preparing' ? preparingWords(status.step, trans) : undefined;
    case 'queued':
      return status.state === 'queued' ? queuedWords(status, trans) : undefined;
    case 'succeeded':
      return row.deliveredAt === undefined ? trans.__('Its result is in no notebook yet.') : undefined;
    case 'threw':
      return row.deliveredAt === undefined
        ? trans.__('The cell ended with an error. Bring it into a notebook to see it.')
        : trans.__('The cell ended with an error, which is shown below its code.');
    case 'running':
      return status.state === 'running' && status.silentSince !== undefined
        ? trans.__('Nothing was heard of it since %1.', new Date(status.silentSince).toLocaleTimeString())
        : undefined;
    case 'failed':
      return status.state === 'failed' ? status.reason : undefined;
    case 'cancelled':
      return status.state === 'cancelled' && status.by !== 'user'
        ? trans.__('Cancelled by somebody else: an administrator, or the scheduler.')
        : undefined;
    case 'unknown':
      return status.state === 'unknown' ? trans.__('The scheduler says: %1', status.raw) : undefined;
    default:
      return undefined;
  }
}

function preparingWords(step: 'capture' | 'environment' | 'staging', trans: Translation): string {
  switch (step) {
    case 'capture':
      return trans.__('collecting what the cell uses');
    case 'environment':
      return trans.__('making its packages ready');
    case 'staging':
      return trans.__('copying files');
  }
}

/** `4 cores · 8 GB · 1 GPU` */
export function resourceWords({ cores, memoryMiB, gpus }: Resources, trans: Translation): string {
  const parts = [trans._n('%1 core', '%1 cores', cores, cores)];
  if (memoryMiB !== undefined) parts.push(formatMemory(memoryMiB));
  if (gpus !== undefined && gpus > 0) parts.push(trans._n('%1 GPU', '%1 GPUs', gpus, gpus));
  return parts.join(' · ');
}

/** `now` by the kernel's clock. */
export function elapsedSeconds(row: JobRow, now: number): number {
  const from = row.startedAt ?? row.submittedAt ?? row.createdAt;
  return Math.max(0, ((row.endedAt ?? now) - from) / 1000);
}

/** 0 to 1, of the time asked for. Undefined: it asked for none, or does not run. */
export function fractionOfTime(row: JobRow, now: number): number | undefined {
  const { wallTimeSeconds } = row.resources;
  if (wallTimeSeconds === undefined || row.status.state !== 'running') return undefined;
  return Math.min(1, elapsedSeconds(row, now) / wallTimeSeconds);
}

/** `3 min ago` */
export function agoWords(seconds: number, trans: Translation): string {
  if (seconds < 5) return trans.__('just now');
  if (seconds < 60) return trans.__('%1 s ago', Math.floor(seconds));
  if (seconds < 3600) return trans.__('%1 min ago', Math.floor(seconds / 60));
  if (seconds < 48 * 3600) return trans.__('%1 h ago', Math.floor(seconds / 3600));
  return trans.__('%1 days ago', Math.floor(seconds / 86_400));
}

/** What was asked for and not used, or used up: worth a hint once a job is over. */
export function usageWords(row: JobRow, trans: Translation): string | undefined {
  const { usage, resources } = row;
  if (!usage) return undefined;
  const parts: string[] = [];
  if (usage.peakMemoryMiB > 0)
    parts.push(
      resources.memoryMiB === undefined
        ? trans.__('peak %1', formatMemory(usage.peakMemoryMiB))
        : trans.__('peak %1 of %2', formatMemory(usage.peakMemoryMiB), formatMemory(resources.memoryMiB)),
    );
  if (usage.elapsedSeconds >= 1) {
    const share = usage.cpuSeconds / (usage.elapsedSeconds * Math.max(1, resources.cores));
    parts.push(trans.__('CPU %1%', Math.round(Math.min(1, share) * 100)));
  }
  return parts.length > 0 ? parts.join(' · ') : undefined;
}

/** `12:03`, and of how much where that matters: while it runs, and when that was too little. */
export function limitWords(row: JobRow, now: number): string {
  const elapsed = formatDuration(elapsedSeconds(row, now));
  const { status } = row;
  const { wallTimeSeconds } = row.resources;
  const matters = status.state === 'running' || (status.state === 'failed' && status.cause === 'time-limit');
  return wallTimeSeconds === undefined || !matters ? elapsed : `${elapsed} / ${formatDuration(wallTimeSeconds)}`;
}
