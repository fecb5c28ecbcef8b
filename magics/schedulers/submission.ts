// One submission to a batch system, as a transaction: a token is written down before the first try, and a second try is made only after the batch
// system has said, wherever it keeps jobs, that it knows none of that name.
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SchedulerError, messageOf, systemCode } from '../protocol/errors';
import { JobRejectedError } from '../protocol/job-errors';
import { readIfThere, writeWhole } from '../protocol/files';
import type { NativeId } from '../protocol/job';
import { HEARTBEAT_FILE, OUTCOME_FILE, SUBMISSION_FILE } from '../protocol/layout';
import { processIdentity, type ProcessIdentity } from '../protocol/run';
import { count, literal, parseJson, record, text } from '../protocol/shape';
import { toNativeId } from './answer';
import type { RunCommand } from './commands';
import type { BatchDialect, BatchJob } from './dialect';
import { nativeName } from './request';

/** submission.json */
const journal = record(
  { token: text, tries: count },
  { nativeId: text, way: literal('nodes'), client: processIdentity },
);

export interface Submission {
  readonly token: string;
  /** How often the submit command was begun. */
  readonly tries: number;
  readonly nativeId: NativeId | undefined;
  /** Nodes are asked for, and a step is started on them (on-nodes.ts); absent for a batch job. */
  readonly way?: 'nodes';
  /** Of the step: the process here that it still would end with. */
  readonly client?: ProcessIdentity;
}

export function readSubmission(directory: string): Submission | undefined {
  const path = join(directory, SUBMISSION_FILE);
  const source = readIfThere(path);
  if (source === undefined) return undefined;
  const { token, tries, nativeId, ...more } = parseJson(source, journal, path);
  const id = nativeId === undefined ? undefined : toNativeId(nativeId);
  return { token, tries, nativeId: id, ...more };
}

export function newSubmission(): Submission {
  return { token: `cb${randomBytes(6).toString('hex')}`, tries: 0, nativeId: undefined };
}

export function keepSubmission(directory: string, submission: Submission): void {
  writeWhole(join(directory, SUBMISSION_FILE), `${JSON.stringify(submission)}\n`);
}

/** On a disk that is full now: the job is there all the same, and is found again by its token. */
function keepId(directory: string, submission: Submission): void {
  try {
    keepSubmission(directory, submission);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}

export type Try =
  | { readonly outcome: 'accepted'; readonly id: NativeId }
  /** There is no job, and why. */
  | { readonly outcome: 'none'; readonly error: SchedulerError }
  /** There may be one: `findOrRepeat` is next. */
  | { readonly outcome: 'uncertain'; readonly words: string };

export interface Desk {
  readonly dialect: BatchDialect;
  readonly run: RunCommand;
}

/** Runs the submit command once. */
export async function trySubmit(
  desk: Desk,
  job: BatchJob,
  scriptPath: string,
  before: Submission,
  signal: AbortSignal,
): Promise<Try> {
  const { dialect, run } = desk;
  const argv = dialect.submitCommand(job, scriptPath);
  keepSubmission(job.directory, { ...before, tries: before.tries + 1 });
  const answer = dialect.parseSubmit(await run(argv, signal));
  if (answer.outcome === 'accepted') {
    keepId(job.directory, { ...before, tries: before.tries + 1, nativeId: answer.id });
    return { outcome: 'accepted', id: answer.id };
  }
  if (answer.outcome === 'uncertain') return { outcome: 'uncertain', words: answer.words };
  rmSync(join(job.directory, SUBMISSION_FILE), { force: true });
  const isLate = answer.outcome === 'unreachable';
  return { outcome: 'none', error: isLate ? unreached(dialect, answer.words) : refusedBy(dialect, answer.words) };
}

function unreached({ title }: BatchDialect, words: string): SchedulerError {
  return new SchedulerError(`${title} cannot be reached: ${words}\nNothing was submitted; run the cell again later.`, {
    transient: true,
  });
}

function refusedBy({ title }: BatchDialect, words: string): JobRejectedError {
  return new JobRejectedError(
    `${title} refuses the job: ${words}\nThere is no job: correct the cell's line, or what the config says of this cluster.`,
    { schedulerWords: words },
  );
}

/** History may be 2 s late about a job that the queue has let go, so nothing is believed before it was asked twice with a pause. */
const PAUSES_MS = [1000, 3000];
const LONGEST_PAUSE_MS = 30_000;

/** Looks for a job that a try may have made, until all places have answered; then submits it again if it is in none, and its files say nothing either. */
export async function findOrRepeat(
  desk: Desk,
  job: BatchJob,
  scriptPath: string,
  before: Submission,
  signal: AbortSignal,
): Promise<Exclude<Try, { outcome: 'uncertain' }>> {
  let submission = before;
  for (;;) {
    const id = await search(desk, job, signal);
    if (id !== undefined) {
      keepId(job.directory, { ...submission, nativeId: id });
      return { outcome: 'accepted', id };
    }
    // A runner was there: the job exists, whatever the answers say.
    if ([HEARTBEAT_FILE, OUTCOME_FILE].some((file) => existsSync(join(job.directory, file)))) continue;
    const next = await trySubmit(desk, job, scriptPath, submission, signal);
    if (next.outcome !== 'uncertain') return next;
    submission = { ...submission, tries: submission.tries + 1 };
  }
}

/** undefined: there is certainly none. */
async function search(desk: Desk, job: BatchJob, signal: AbortSignal): Promise<NativeId | undefined> {
  let clear = 0;
  let pause = PAUSES_MS[0] ?? 0;
  for (;;) {
    await sleep(pause, undefined, { signal });
    const found = await searchOnce(desk, nativeName(job), signal);
    if (found === 'unheard') {
      pause = Math.min(LONGEST_PAUSE_MS, pause * 2);
      continue;
    }
    if (found !== undefined) return found;
    clear += 1;
    const next = PAUSES_MS[clear];
    if (next === undefined) return undefined;
    pause = next;
  }
}

async function searchOnce(desk: Desk, name: string, signal: AbortSignal): Promise<NativeId | 'unheard' | undefined> {
  for (const { command, parse } of desk.dialect.searches(name)) {
    try {
      const [found] = parse(await desk.run(command, signal));
      if (found !== undefined) return found;
    } catch (error) {
      signal.throwIfAborted();
      // No answer is no "no": nothing may be submitted on it.
      if (error instanceof SchedulerError) return 'unheard';
      throw new Error(`A search for ${name} failed: ${messageOf(error)}`, { cause: error });
    }
  }
  return undefined;
}
