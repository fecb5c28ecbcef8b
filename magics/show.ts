// How jobs are put into words, and words into mime bundles: the text alone reads well, HTML only adds quiet.
import { toJobOutput } from './monitor-rows';
import { JOB_MIME } from './protocol/monitor';
import type { MimeBundle } from './protocol/output';
import { clusterLabel, isFinal, type JobRecord, type JobStatus } from './protocol/job';
import { showDuration, showMemory } from './config/quantities';
import type { CellOutcome, ShownError } from './namespace';

export interface Shown {
  readonly data: MimeBundle;
  readonly metadata: MimeBundle;
  /** The same for programs, where a command line is asked for JSON. */
  readonly value?: unknown;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

export function showText(text: string): Shown {
  return { data: { 'text/plain': text }, metadata: {} };
}

export function succeed(shown?: Shown): CellOutcome {
  return shown ? { ok: true, display: { data: shown.data, metadata: shown.metadata } } : { ok: true };
}

export function fail(error: Error): CellOutcome {
  return { ok: false, error: showError(error.name, error.message) };
}

/** An error of ours needs no stack: its sentence says all. */
export function showError(name: string, message: string): ShownError {
  return { name, message, traceback: [`\u001b[31m${name}\u001b[39m: ${message}`] };
}

const MARKS: Readonly<Record<JobStatus['state'], string>> = {
  preparing: '◌',
  queued: '◷',
  running: '▶',
  completed: '✓',
  failed: '✗',
  cancelled: '⊘',
  unknown: '?',
};

/** The scheduler's plan, by the clock here: `expected to start at 14:05`, with the day where it is another one. */
export function startInWords(expectedStart: number, now: number): string {
  const [at, today] = [new Date(expectedStart), new Date(now)];
  const time = `${String(at.getHours()).padStart(2, '0')}:${String(at.getMinutes()).padStart(2, '0')}`;
  const isToday = at.toDateString() === today.toDateString();
  const month = String(at.getMonth() + 1).padStart(2, '0');
  const day = isToday ? '' : `${at.getFullYear()}-${month}-${String(at.getDate()).padStart(2, '0')} `;
  const left = expectedStart - now;
  return `expected to start at ${day}${time}${left > 0 ? `, in ${showDuration(Math.ceil(left / 60_000) * 60)}` : ''}`;
}

/** `running`, `queued: 2 of 2 cores are in use`, `failed: out of memory`. */
export function stateInWords(status: JobStatus, now = Date.now()): string {
  switch (status.state) {
    case 'preparing':
      return `preparing (${status.step})`;
    case 'queued':
      return queuedInWords(status, now);
    case 'completed':
      return status.outcome === 'value' ? 'completed' : 'completed with an error';
    case 'failed':
      return `failed: ${status.reason}`;
    case 'cancelled':
      return status.by === 'user' ? 'cancelled' : 'cancelled by somebody else';
    case 'unknown':
      return `unknown (the scheduler says ${JSON.stringify(status.raw)})`;
    case 'running':
      return status.silentSince === undefined
        ? 'running'
        : `running, but nothing was heard of it for ${showDuration((now - status.silentSince) / 1000)}; it is not given up before the scheduler tells its end`;
  }
}

function queuedInWords({ reason, expectedStart }: Extract<JobStatus, { state: 'queued' }>, now: number): string {
  const start = expectedStart === undefined ? undefined : startInWords(expectedStart, now);
  const words = [reason?.replace(/\.$/, ''), start].filter((part) => part !== undefined).join('; ');
  return words === '' ? 'queued' : `queued: ${words}`;
}

function elapsed(job: JobRecord, now: number): string {
  const from = job.startedAt ?? job.submittedAt ?? job.createdAt;
  return showDuration(Math.max(0, (job.endedAt ?? now) - from) / 1000);
}

/** `▶ job k3f9 · running · 12 s · 8 cores · local` */
export function statusLine(job: JobRecord, now: number): string {
  const { cores } = job.spec.resources;
  const where =
    job.status.state === 'running' && job.status.node
      ? `${clusterLabel(job.spec.cluster)} (${job.status.node})`
      : clusterLabel(job.spec.cluster);
  const parts = [
    `job ${job.id}`,
    stateInWords(job.status, now),
    elapsed(job, now),
    `${cores} core${cores === 1 ? '' : 's'}`,
    where,
  ];
  if (job.path !== undefined) parts.push(job.path);
  if (job.packages !== undefined && job.packages.mode !== 'none') parts.push(`packages: ${job.packages.mode}`);
  if (isFinal(job.status) && job.usage) parts.push(`peak ${showMemory(job.usage.peakMemoryMiB)}`);
  return `${MARKS[job.status.state]} ${parts.join(' · ')}`;
}

/** For what is good to know and nothing to look at. */
export function showQuietly(text: string): Shown {
  const html = `<small style="opacity:.65">${escapeHtml(text)}</small>`;
  return { data: { 'text/plain': text, 'text/html': html }, metadata: {} };
}

export function showStatus(job: JobRecord, now: number): Shown {
  const text = statusLine(job, now);
  const { data, metadata } = showQuietly(text);
  return { data: { ...data, [JOB_MIME]: toJobOutput(job) }, metadata };
}

/** A plain table: columns padded for the text form, real cells for HTML. */
export function showTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  before = '',
  after = '',
): Shown {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const text = [before, line(head), ...rows.map(line), after].filter((part) => part !== '').join('\n');
  const cells = (tag: string, row: readonly string[]) =>
    `<tr>${row.map((cell) => `<${tag} style="text-align:left">${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  const html =
    (before ? `<div style="white-space:pre-line">${escapeHtml(before)}</div>` : '') +
    `<table><thead>${cells('th', head)}</thead><tbody>${rows.map((row) => cells('td', row)).join('')}</tbody></table>` +
    (after ? `<div>${escapeHtml(after)}</div>` : '');
  return { data: { 'text/plain': text, 'text/html': html }, metadata: {} };
}

const SUMMARY_LENGTH = 60;

export function showJobs(jobs: readonly JobRecord[], now: number, after = ''): Shown {
  if (jobs.length === 0)
    return showText(['No jobs yet. A cell that begins with %%cluster makes one.', after].join('\n').trimEnd());
  const rows = [...jobs]
    .sort((a, b) => b.createdAt - a.createdAt)
    .map((job) => [
      job.id,
      `${MARKS[job.status.state]} ${stateInWords(job.status, now)}`,
      elapsed(job, now),
      String(job.spec.resources.cores),
      clusterLabel(job.spec.cluster),
      job.spec.name === job.spec.summary ? '' : job.spec.name,
      job.spec.summary.slice(0, SUMMARY_LENGTH),
      job.status.state === 'completed'
        ? job.deliveredAt === undefined
          ? `%cluster attach ${job.id}`
          : 'delivered'
        : '',
    ]);
  return showTable(['job', 'state', 'time', 'cores', 'cluster', 'name', 'cell', 'result'], rows, '', after);
}
