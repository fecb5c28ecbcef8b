// Jobs as lines of text for a terminal. Pure.
import type { AgentStatus } from '../magics/protocol/messages';
import { clusterLabel, type JobRecord, type JobStatus } from '../magics/protocol/job';
import type { Colour, Terminal } from './terminal';

/** One word for the list. */
export function stateWord(status: JobStatus): string {
  if (status.state === 'completed') return status.outcome === 'error' ? 'threw' : 'done';
  if (status.state === 'failed') return status.cause;
  return status.state;
}

/** The whole story in one sentence. */
export function sentenceOf(job: JobRecord): string {
  const { status } = job;
  switch (status.state) {
    case 'preparing':
      return `Job ${job.id} is being prepared (${status.step}).`;
    case 'queued':
      return `Job ${job.id} is queued${status.reason === undefined ? '' : `: ${status.reason}`}.`;
    case 'running':
      return `Job ${job.id} is running${status.node === undefined ? '' : ` on ${status.node}`}.`;
    case 'completed':
      return status.outcome === 'value' ? `Job ${job.id} has ended with a result.` : `Job ${job.id} threw an error.`;
    case 'failed':
      return `Job ${job.id} failed. ${status.reason}`;
    case 'cancelled':
      return `Job ${job.id} was cancelled${status.by === 'unknown' ? '' : ` by the ${status.by}`}.`;
    case 'unknown':
      return `Job ${job.id} is in a state that Cellburst does not know: ${status.raw}.`;
  }
}

/** Seconds as `4.2 s`, `3:07` or `2:03:00`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const pad = (part: number): string => String(part).padStart(2, '0');
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(rest)}` : `${minutes}:${pad(rest)}`;
}

function elapsed(job: JobRecord, nowMs: number): string {
  return job.startedAt === undefined ? '' : duration(((job.endedAt ?? nowMs) - job.startedAt) / 1000);
}

const HEADINGS = ['ID', 'STATE', 'CLUSTER', 'NAME', 'CORES', 'ELAPSED', 'MEMORY', 'DELIVERED', 'CELL'];

const COLOURS: Readonly<Partial<Record<string, Colour>>> = {
  running: 'cyan',
  queued: 'yellow',
  done: 'green',
  threw: 'red',
};

function colourOf({ status }: JobRecord): Colour {
  return COLOURS[stateWord(status)] ?? (status.state === 'failed' ? 'red' : 'dim');
}

/** A table, cut to the width of the terminal; states have the colours that it wants. */
export function jobTable(
  jobs: readonly JobRecord[],
  nowMs: number,
  terminal: Pick<Terminal, 'columns' | 'paint'>,
): string {
  const rows = jobs.map((job) => [
    job.id,
    stateWord(job.status),
    clusterLabel(job.spec.cluster),
    job.spec.name,
    String(job.spec.resources.cores),
    elapsed(job, nowMs),
    job.usage === undefined ? '' : `${Math.round(job.usage.peakMemoryMiB)} MiB`,
    job.deliveredAt === undefined ? '' : 'yes',
    job.spec.summary,
  ]);
  return alignColumns([HEADINGS, ...rows])
    .split('\n')
    .map((line) => line.slice(0, terminal.columns))
    .map((line, row) => {
      const job = jobs[row - 1];
      if (job === undefined) return terminal.paint('bold', line);
      const word = stateWord(job.status);
      return line.replace(` ${word} `, () => ` ${terminal.paint(colourOf(job), word)} `);
    })
    .join('\n');
}

/** Rows of equal length, the first of them headings. */
export function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function agentLines(status: AgentStatus, nowMs: number): string {
  const { jobs, cores, memoryMiB } = status;
  return [
    `Cellburst ${status.version} agent, process ${status.pid}, Node ${status.node}, up ${duration((nowMs - status.startedAt) / 1000)}`,
    `state      ${status.stateDirectory}`,
    `clients    ${status.connections}`,
    `cores      ${cores.used} of ${cores.total} in use`,
    `memory     ${memoryMiB.promised} of ${memoryMiB.total} MiB promised`,
    `jobs       ${jobs.running} running, ${jobs.queued} queued, ${jobs.preparing} being prepared, ${jobs.ended} ended`,
    `warm       ${status.warm} runner${status.warm === 1 ? '' : 's'}`,
  ].join('\n');
}
