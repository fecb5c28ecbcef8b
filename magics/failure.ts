// Why a job left no result, and what to do: the sentence a person reads in the notebook.
import { JobCancelledError, JobFailedError } from './protocol/errors';
import type { FailureCause, JobRecord } from './protocol/job';
import { showDuration, showMemory } from './config/quantities';

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
