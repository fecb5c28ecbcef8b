// Why a job left no result, and what to do: the error that a person reads in the notebook, of the class of its cause and with all that is known.
import { showDuration, showMemory } from './config/quantities';
import type { ErrorCode } from './protocol/errors';
import * as errors from './protocol/job-errors';
import type { JobFacts } from './protocol/job-errors';
import { clusterLabel, type Failure, type FailureCause, type JobRecord, type JobStatus } from './protocol/job';

interface Guide {
  readonly means: string;
  readonly remedy: string;
}

type FailedError = new (message: string, facts: JobFacts) => errors.JobFailedError;

/** For the documents: what each code of an error stands for. Those of jobs that left no result stand in CAUSES. */
export const ERRORS: Readonly<
  Record<
    'USAGE' | 'CAPTURE' | 'ENVIRONMENT' | 'TRANSPORT' | 'SCHEDULER' | 'AGENT' | 'PROTOCOL' | 'CONFLICT' | 'JOB_FAILED',
    Guide
  >
> = {
  USAGE: {
    means: 'A magic line or a config cannot be right. Nothing was sent.',
    remedy: 'The caret shows where; the nearest known word is named.',
  },
  CAPTURE: {
    means: 'A value or a piece of code that the cell uses cannot travel. Nothing was sent.',
    remedy: 'Each is named by its path with what to do in its stead; the README lists what travels.',
  },
  ENVIRONMENT: {
    means: 'The packages of the cell could not be made available where it was to run.',
    remedy: "The end of the installer's log is shown; `%cluster env diff NAME` tells what the cluster lacks.",
  },
  TRANSPORT: {
    means: 'A host could not be reached, or would not let us in.',
    remedy: '`%cluster doctor NAME` looks at each step of the way.',
  },
  SCHEDULER: {
    means: 'The batch system could not be asked, or gave an answer that cannot be trusted.',
    remedy: 'Its own words are shown; `%cluster doctor NAME` asks it again.',
  },
  AGENT: {
    means: 'The agent, the process that looks after jobs, could not be reached or refused.',
    remedy: 'The end of its log is shown; jobs go on without it, and `%cluster attach ID` finds them again.',
  },
  JOB_FAILED: {
    means: 'A job left no result. The class of all the errors below but those of cancelled and rejected jobs.',
    remedy: 'The cause is told; see below.',
  },
  PROTOCOL: {
    means: 'Bytes from the other side do not decode, or are of another version.',
    remedy: 'Restart the kernel; the same version has to be on both sides, which Cellburst takes care of.',
  },
  CONFLICT: {
    means: 'What came back would overwrite what was changed here meanwhile.',
    remedy: 'The variables are named and left as they are; the rest of the result is applied.',
  },
};

interface Cause extends Guide {
  readonly code: ErrorCode;
  readonly error: FailedError;
}

/** Why a job left no result. */
export const CAUSES: Readonly<Record<Exclude<FailureCause, 'rejected'>, Cause>> = {
  exit: {
    code: 'JOB_EXIT',
    error: errors.JobExitError,
    means: 'Its process ended with an exit code before the cell returned.',
    remedy: 'Does the cell, or a package, call `process.exit`?',
  },
  signal: {
    code: 'JOB_SIGNAL',
    error: errors.JobSignalError,
    means: 'Its process was ended by a signal.',
    remedy: 'Native code, or the system when its memory was used up.',
  },
  'out-of-memory': {
    code: 'OUT_OF_MEMORY',
    error: errors.OutOfMemoryError,
    means: 'It used more memory than it had.',
    remedy: 'Ask for more with `--memory`.',
  },
  'time-limit': {
    code: 'TIME_LIMIT',
    error: errors.TimeLimitError,
    means: 'Its wall time was over.',
    remedy: 'Ask for more with `--time`.',
  },
  'node-lost': {
    code: 'NODE_FAILURE',
    error: errors.NodeFailureError,
    means: 'The node that it ran on failed.',
    remedy: 'Run the cell again.',
  },
  preempted: {
    code: 'PREEMPTED',
    error: errors.PreemptedError,
    means: 'Another job took its place.',
    remedy: 'Run the cell again, or with another `--qos`.',
  },
  'start-failed': {
    code: 'START_FAILED',
    error: errors.JobStartError,
    means: 'It was given a place, and could not be started there.',
    remedy: '`%cluster doctor NAME` tells why.',
  },
  environment: {
    code: 'JOB_ENVIRONMENT',
    error: errors.JobEnvironmentError,
    means: 'Its packages could not be made where it was to run.',
    remedy: '`%cluster env diff NAME` tells what the cluster lacks.',
  },
  'result-unreadable': {
    code: 'RESULT_UNREADABLE',
    error: errors.ResultUnreadableError,
    means: 'It has ended, and its result cannot be read.',
    remedy: 'Run the cell again; its files stay until `%cluster forget ID`.',
  },
  'disk-full': {
    code: 'DISK_FULL',
    error: errors.DiskFullError,
    means: 'The disk where jobs are kept is full.',
    remedy: 'Free some space there, or set `store:` of the cluster.',
  },
  'runner-lost': {
    code: 'JOB_LOST',
    error: errors.JobLostError,
    means: 'It is over, and nobody can tell how it came about.',
    remedy: 'Run the cell again.',
  },
};

/** For the documents: how else there can be no result. */
export const OTHER_ENDS: readonly (Guide & { readonly code: ErrorCode; readonly error: { readonly name: string } })[] =
  [
    {
      code: 'CANNOT_START',
      error: errors.JobCannotStartError,
      means: 'It waits in the queue, and the scheduler says that it never can start as it is.',
      remedy: 'Cancel it and ask for what there is; or have the reason removed, and `%cluster attach ID`.',
    },
    {
      code: 'REJECTED',
      error: errors.JobRejectedError,
      means: 'The scheduler did not accept it; there is no job.',
      remedy: "Its own words are shown: correct the cell's line, or the cluster's config.",
    },
    {
      code: 'JOB_CANCELLED',
      error: errors.JobCancelledError,
      means: 'It was cancelled, by you or in your name. Nothing of it was applied.',
      remedy: 'Run the cell again.',
    },
    {
      code: 'CANCELLED_BY_OPERATOR',
      error: errors.CancelledByOperatorError,
      means: 'It was cancelled by an administrator, or by the scheduler itself.',
      remedy: 'Ask those who run the cluster before you send it again.',
    },
  ];

/** The error of a job that has no result. `lastLines`: the end of what it printed, as far as that is known. */
export function failureOf(job: JobRecord, lastLines: readonly string[] = []): Error {
  const { status } = job;
  switch (status.state) {
    case 'cancelled':
      return toCancellation(job, status, lastLines);
    case 'failed':
      return toFailure(job, status, lastLines);
    default:
      return new errors.JobFailedError(`Job ${job.id} has no result: it is ${status.state}.`, {
        jobId: job.id,
        cluster: clusterLabel(job.spec.cluster),
      });
  }
}

/** It waits, the scheduler has said for ever, and nobody here has asked it to. */
export function isStuck({ status, isHeld }: JobRecord): boolean {
  return status.state === 'queued' && status.isStuck === true && isHeld !== true;
}

/** The error of a cell whose job waits and will never start by itself. The job stays where it is. */
export function cannotStart(job: JobRecord): errors.JobCannotStartError {
  const { status, id } = job;
  const why = status.state === 'queued' ? status.reason : undefined;
  const reason = asSentence(why ?? 'The scheduler does not say why');
  const advice = `It is still in the queue: cancel it with %cluster cancel ${id}; or have the reason removed, and wait for it with %cluster attach ${id}.`;
  const message = `Job ${id} waits and cannot start. ${reason} ${advice}`;
  return new errors.JobCannotStartError(message, factsOf(job, { reason, advice }));
}

/** The error of a cell whose result is there, and cannot be read. */
export function unreadable(job: JobRecord, cause: Error): errors.ResultUnreadableError {
  const reason = asSentence(`Its result cannot be read: ${cause.message}`);
  const advice = adviceFor('result-unreadable', job);
  const message = `Job ${job.id} has ended. ${reason} Nothing of it was applied to the notebook. ${advice}`;
  return new errors.ResultUnreadableError(message, { ...factsOf(job, { reason, advice }), cause });
}

function toCancellation(
  job: JobRecord,
  { by, words }: Extract<JobStatus, { state: 'cancelled' }>,
  lastLines: readonly string[],
): errors.JobCancelledError {
  const [who, advice] = CANCELLERS[by];
  const reason = `It was cancelled ${who}.`;
  const facts = factsOf(job, { reason, advice, words, lastLines });
  const message = compose(job, `Job ${job.id} was cancelled ${who}.`, [NOT_APPLIED, advice], facts);
  return by === 'administrator'
    ? new errors.CancelledByOperatorError(message, facts)
    : new errors.JobCancelledError(message, facts);
}

const CANCELLERS: Readonly<Record<'user' | 'administrator' | 'unknown', readonly [who: string, advice: string]>> = {
  user: ['at your request', ''],
  administrator: [
    'by somebody else (an administrator, or the scheduler)',
    'Ask those who run the cluster before you send it again.',
  ],
  // By the user's own commands, as scancel, or the scheduler does not tell by whom.
  unknown: [
    'outside of this notebook: by your own commands there, or by somebody else',
    'If it was not you, ask those who run the cluster.',
  ],
};

function toFailure(job: JobRecord, failure: Failure, lastLines: readonly string[]): Error {
  const { words, log } = failure;
  const reason = asSentence(failure.reason);
  const advice = adviceFor(failure.cause, job);
  if (failure.cause === 'rejected')
    return new errors.JobRejectedError(reason, words === undefined ? {} : { schedulerWords: words });
  const shown = lastLines.length > 0 ? lastLines : linesOf(log);
  const facts = factsOf(job, { reason, advice, words, lastLines: shown, failure });
  const message = compose(job, `Job ${job.id} failed. ${reason}`, [NOT_APPLIED, advice], facts);
  return new CAUSES[failure.cause].error(message, facts);
}

const NOT_APPLIED = 'Nothing of it was applied to the notebook.';

/** Sentences in one line; below them what the scheduler and the job said themselves. */
function compose(
  job: JobRecord,
  first: string,
  more: readonly string[],
  { schedulerWords, lastLines }: JobFacts,
): string {
  const sentences = [first, ...more.filter((sentence) => sentence !== ''), `Its output: %cluster logs ${job.id}`];
  const lines = [sentences.join(' ')];
  if (schedulerWords !== undefined) lines.push(`The scheduler says: ${schedulerWords}`);
  if (lastLines !== undefined) lines.push('The end of its output:', ...lastLines.map((line) => `  ${line}`));
  return lines.join('\n');
}

interface Known {
  readonly reason: string;
  readonly advice: string;
  readonly words?: string | undefined;
  readonly lastLines?: readonly string[];
  readonly failure?: Failure;
}

function factsOf(job: JobRecord, { reason, advice, words, lastLines = [], failure }: Known): JobFacts {
  const { resources } = job.spec;
  return {
    jobId: job.id,
    cluster: clusterLabel(job.spec.cluster),
    reason,
    advice,
    ...only({
      nativeId: job.nativeId,
      exitCode: failure?.exitCode,
      signal: failure?.signal,
      node: job.node,
      memoryAskedMiB: resources.memoryMiB,
      memoryUsedMiB: job.usage?.peakMemoryMiB,
      timeAskedSeconds: resources.wallTimeSeconds,
      timeUsedSeconds: job.usage?.elapsedSeconds,
      schedulerWords: words,
      lastLines: lastLines.length === 0 ? undefined : lastLines,
    }),
  };
}

type Only<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

function only<T extends object>(given: T): Only<T> {
  // Exactly the fields that are there; TypeScript cannot follow the filter.
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Only<T>;
}

const MOST_LINES = 20;

/** The last lines of a text that say something. */
export function linesOf(text: string | undefined): readonly string[] {
  const lines = (text ?? '').split('\n').map((line) => line.trimEnd());
  return lines.filter((line) => line !== '').slice(-MOST_LINES);
}

/** Reasons come from many places, with a full stop or without. */
function asSentence(reason: string): string {
  return /[.?!]$/.test(reason) ? reason : `${reason}.`;
}

function adviceFor(cause: FailureCause, job: JobRecord): string {
  const { memoryMiB, wallTimeSeconds } = job.spec.resources;
  const cluster = clusterLabel(job.spec.cluster);
  switch (cause) {
    case 'out-of-memory':
      return memoryMiB === undefined
        ? 'Ask for memory with --memory, as --memory 8GB.'
        : `Ask for more than ${showMemory(memoryMiB)} with --memory.`;
    case 'time-limit':
      return wallTimeSeconds === undefined
        ? 'Ask for more time with --time.'
        : `Ask for more than ${showDuration(wallTimeSeconds)} with --time.`;
    case 'disk-full':
      return 'Free some disk space where the jobs are kept, then run the cell again.';
    case 'environment':
      return `Look at %cluster env diff ${cluster}, then run the cell again.`;
    case 'start-failed':
      return `Look at %cluster doctor ${cluster}, then run the cell again.`;
    case 'preempted':
      return 'Run the cell again, or ask for a --qos that is not preempted.';
    case 'exit':
      return 'End cells by throw or by their last line, never by process.exit.';
    case 'signal':
      return 'Run the cell again with --memory, or without the package that crashes.';
    case 'rejected':
      return 'Correct the line of the cell and run it again.';
    case 'result-unreadable':
    case 'node-lost':
    case 'runner-lost':
      return 'Run the cell again.';
  }
}
