// Each cause of a missing result is an error of its own class, with what is known in fields and in words.
import { cannotStart, CAUSES, failureOf, isStuck, OTHER_ENDS, unreadable } from '../../magics/failure';
import { ERROR_CODES, ProtocolError, SchedulerError } from '../../magics/protocol/errors';
import { errorClasses } from '../../magics/protocol/error-classes';
import type { FailureCause, JobRecord, JobStatus } from '../../magics/protocol/job';
import { jobRecord } from '../../magics/protocol/records';
import { LastLines } from '../../magics/last-lines';
import { toError } from '../../magics/client/failures';
import { specOf } from '../agent/setting';

function jobIn(status: JobStatus, more: Partial<JobRecord> = {}): JobRecord {
  const asked = { memoryMiB: 512, wallTimeSeconds: 90 };
  const spec = { ...specOf(asked), cluster: 'hpc@0123' };
  const usage = { peakMemoryMiB: 500, cpuSeconds: 3, elapsedSeconds: 80 };
  const base = { id: '000001', spec, status, directory: '/jobs', createdAt: 0, outputBytes: 0, droppedBytes: 0, usage };
  return { ...jobRecord(base, 'a record'), node: 'n1', ...more };
}

const NAMES: Readonly<Record<FailureCause, string>> = {
  exit: 'JobExitError',
  signal: 'JobSignalError',
  'out-of-memory': 'OutOfMemoryError',
  'time-limit': 'TimeLimitError',
  'node-lost': 'NodeFailureError',
  preempted: 'PreemptedError',
  'start-failed': 'JobStartError',
  environment: 'JobEnvironmentError',
  'result-unreadable': 'ResultUnreadableError',
  'disk-full': 'DiskFullError',
  'runner-lost': 'JobLostError',
  rejected: 'JobRejectedError',
};

test.each(Object.entries(NAMES))('%s is told as %s', (cause, name) => {
  const error = failureOf(jobIn({ state: 'failed', cause: cause as FailureCause, reason: 'It ended' }));
  expect(error.name).toBe(name);
  expect(Object.keys(errorClasses)).toContain(name);
  if (cause === 'rejected') expect(error).toBeInstanceOf(SchedulerError);
  else expect(error).toBeInstanceOf(errorClasses.JobFailedError);
});

test('an error has what is known in fields, and says it in sentences: what, why, what to do', () => {
  const status: JobStatus = {
    state: 'failed',
    cause: 'out-of-memory',
    reason: 'The job used more memory than it had asked for.',
    exitCode: 137,
    signal: 'SIGKILL',
    words: 'OUT_OF_MEMORY OutOfMemory 0:125',
    log: 'from the launcher',
  };
  const error = failureOf(jobIn(status), ['step 7', 'step 8']);
  expect(error).toMatchObject({
    code: 'OUT_OF_MEMORY',
    jobId: '000001',
    cluster: 'hpc',
    exitCode: 137,
    signal: 'SIGKILL',
    node: 'n1',
    memoryAskedMiB: 512,
    memoryUsedMiB: 500,
    timeAskedSeconds: 90,
    timeUsedSeconds: 80,
    schedulerWords: 'OUT_OF_MEMORY OutOfMemory 0:125',
    lastLines: ['step 7', 'step 8'],
  });
  expect(error.message.split('\n')).toEqual([
    'Job 000001 failed. The job used more memory than it had asked for. Nothing of it was applied to the notebook. Ask for more than 512 MB with --memory. Its output: %cluster logs 000001',
    'The scheduler says: OUT_OF_MEMORY OutOfMemory 0:125',
    'The end of its output:',
    '  step 7',
    '  step 8',
  ]);
});

test('where a job printed nothing, the end of its launcher’s log stands in', () => {
  const status: JobStatus = { state: 'failed', cause: 'start-failed', reason: 'No', log: 'sh: node: not found\n\n' };
  expect(failureOf(jobIn(status))).toMatchObject({ lastLines: ['sh: node: not found'] });
});

test.each<['user' | 'administrator' | 'unknown', string, RegExp]>([
  ['user', 'JobCancelledError', /was cancelled at your request\./],
  [
    'administrator',
    'CancelledByOperatorError',
    /by somebody else \(an administrator, or the scheduler\)\..* Ask those who run/,
  ],
  ['unknown', 'JobCancelledError', /outside of this notebook/],
])('cancelled by %s is told as %s', (by, name, words) => {
  const error = failureOf(jobIn({ state: 'cancelled', by, words: 'CANCELLED by 0' }));
  expect(error.name).toBe(name);
  expect(error).toBeInstanceOf(errorClasses.JobCancelledError);
  expect(error.message).toMatch(words);
  expect(error).toMatchObject({ schedulerWords: 'CANCELLED by 0' });
});

test('a job that can never start is an error of its own; one that its user holds is not', () => {
  const status: JobStatus = {
    state: 'queued',
    reason: 'Its QOS is not valid. It will not start by itself.',
    isStuck: true,
  };
  expect(isStuck(jobIn(status))).toBe(true);
  expect(isStuck(jobIn(status, { isHeld: true }))).toBe(false);
  expect(isStuck(jobIn({ state: 'queued', reason: 'Other jobs come first.' }))).toBe(false);
  const error = cannotStart(jobIn(status));
  expect(error).toBeInstanceOf(errorClasses.JobFailedError);
  expect(error).toMatchObject({ name: 'JobCannotStartError', code: 'CANNOT_START' });
  expect(error.message).toMatch(
    /cannot start\. Its QOS is not valid\. .*%cluster cancel 000001.*%cluster attach 000001/,
  );
});

test('a result that does not decode keeps the reason as its cause', () => {
  const cause = new ProtocolError('Cannot read the envelope: it was cut.');
  const error = unreadable(jobIn({ state: 'completed', outcome: 'value' }), cause);
  expect(error).toMatchObject({ name: 'ResultUnreadableError', code: 'RESULT_UNREADABLE', cause });
});

test('every code has one class, which crosses the socket and is documented', () => {
  const documented = new Set([...Object.values(CAUSES), ...OTHER_ENDS].map(({ code }) => code));
  for (const code of ERROR_CODES) {
    const error = toError(code, 'A sentence.', 'its words');
    expect(error.message).toBe('A sentence.');
    if (code !== 'CAPTURE') expect(error.code).toBe(code);
    if (documented.has(code)) expect(Object.keys(errorClasses)).toContain(error.name);
  }
  expect(toError('REJECTED', 'No.', 'invalid partition')).toMatchObject({ schedulerWords: 'invalid partition' });
});

test('the last lines are those of both streams, without colours and blank ones', () => {
  const printed = new LastLines();
  printed.push({ type: 'stdout', text: 'one\n\n\u001b[31mtw' });
  printed.push({ type: 'stderr', text: 'o\u001b[0m  \n' });
  printed.push({ type: 'stdout', text: Array.from({ length: 9 }, (_, i) => `line ${i}\n`).join('') });
  expect(printed.lines).toEqual(['two', ...Array.from({ length: 9 }, (_, i) => `line ${i}`)]);
});
