// Why a job left no result, and what to do: the sentence a person reads in the notebook.
import { JobCancelledError, JobFailedError, type ErrorCode } from './protocol/errors';
import type { FailureCause, JobRecord } from './protocol/job';
import { showDuration, showMemory } from './config/quantities';

interface Guide {
  readonly means: string;
  readonly remedy: string;
}

/** For the documents: what each code of an error stands for. */
export const ERRORS: Readonly<Record<ErrorCode, Guide>> = {
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
    means: 'The batch system refused the job, or gave an answer that cannot be trusted.',
    remedy: 'Its own words are shown. A refused job is no job: correct the line and run the cell again.',
  },
  AGENT: {
    means: 'The agent, the process that looks after jobs, could not be reached or refused.',
    remedy: 'The end of its log is shown; jobs go on without it, and `%cluster attach ID` finds them again.',
  },
  JOB_FAILED: { means: 'The job ended and left no result.', remedy: 'The cause is told; see below.' },
  JOB_CANCELLED: {
    means: 'The job was cancelled, by you or by somebody else. Nothing of it was applied.',
    remedy: 'Run the cell again if it was not you.',
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

/** For the documents: why a job left no result. */
export const CAUSES: Readonly<Record<FailureCause, Guide>> = {
  'out-of-memory': { means: 'It used more memory than it had.', remedy: 'Ask for more with `--memory`.' },
  'time-limit': { means: 'Its wall time was over.', remedy: 'Ask for more with `--time`.' },
  exit: {
    means: 'Its process ended before the cell returned.',
    remedy: 'Does the cell, or a package, call `process.exit`?',
  },
  signal: {
    means: 'Its process was ended by a signal.',
    remedy: 'Native code, or the system when its memory was used up.',
  },
  'node-lost': { means: 'The node that it ran on failed.', remedy: 'Run the cell again.' },
  preempted: { means: 'Another job took its place.', remedy: 'Run the cell again, or with another `--qos`.' },
  'start-failed': { means: 'It could not be started there.', remedy: '`%cluster doctor NAME` tells why.' },
  'runner-lost': { means: 'Nobody watched over it any more, so it was ended.', remedy: 'Run the cell again.' },
  'disk-full': {
    means: 'The disk where jobs are kept is full.',
    remedy: 'Free some space there, or set `store:` of the cluster.',
  },
};

export function failureOf(job: JobRecord): Error {
  const { status } = job;
  if (status.state === 'cancelled') {
    const by = status.by === 'user' ? 'at your request' : 'by somebody else (an administrator, or the scheduler)';
    return new JobCancelledError(`Job ${job.id} was cancelled ${by}. Nothing of it was applied to the notebook.`);
  }
  if (status.state !== 'failed') return new JobFailedError(`Job ${job.id} has no result: it is ${status.state}.`);
  const sentences = [
    `Job ${job.id} failed.`,
    asSentence(status.reason),
    'Nothing of it was applied to the notebook.',
    adviceFor(status.cause, job),
    `Its output: %cluster logs ${job.id}`,
  ];
  return new JobFailedError(sentences.filter((sentence) => sentence !== '').join(' '));
}

/** Reasons come from many places, with a full stop or without. */
function asSentence(reason: string): string {
  return /[.?!]$/.test(reason) ? reason : `${reason}.`;
}

function adviceFor(cause: FailureCause, job: JobRecord): string {
  const { memoryMiB, wallTimeSeconds } = job.spec.resources;
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
    case 'node-lost':
    case 'preempted':
    case 'runner-lost':
    case 'start-failed':
      return 'Run the cell again.';
    case 'exit':
    case 'signal':
      return '';
  }
}
