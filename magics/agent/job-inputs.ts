// Inputs of jobs: put where their cells will look for them, and cleared away when nobody needs them there. The store has them still, by their digests, and
// so has whoever sent them; what a job makes of its copies reaches neither.
import { existsSync, rmSync } from 'node:fs';
import { join, posix } from 'node:path';
import { removeInputs } from '../files/place';
import { toEntry, walk } from '../files/walk';
import { UsageError, messageOf } from '../protocol/errors';
import { readIfThere, writeWhole } from '../protocol/files';
import { isFinal, type JobInput, type JobRecord } from '../protocol/job';
import { inputList, type InputList } from '../protocol/job-files';
import { INPUTS_FILE, WORK_FOLDER } from '../protocol/layout';
import { parseJson } from '../protocol/shape';
import { place, type Contents } from '../store';

/** Puts what came from another machine into the job's working directory, and notes what that is. Throws AgentError for what is not in the store. */
export async function placeInputs(
  job: JobRecord,
  inputs: readonly JobInput[],
  contents: Contents,
  signal: AbortSignal,
): Promise<void> {
  if (inputs.length === 0) return;
  const work = join(job.directory, WORK_FOLDER);
  for (const { content, path, mode } of inputs) {
    const relative = posix.normalize(path);
    if (path === '' || relative.startsWith('..') || posix.isAbsolute(relative))
      throw new UsageError(
        `An input cannot be at ${JSON.stringify(path)}: a path below the working directory was expected.`,
      );
    const there = join(work, relative);
    if (existsSync(there)) continue;
    await place(contents.get(content), there, { signal, ...(mode === undefined ? {} : { mode }) });
  }
  writeWhole(join(job.directory, INPUTS_FILE), JSON.stringify(listAll(work)));
}

function listAll(work: string): InputList {
  const failed = (_path: string, error: unknown): never => {
    throw error;
  };
  const all = walk(work, '.', { depth: Infinity, skips: () => false, failed });
  return { entries: [...all].flatMap((seen) => toEntry(work, seen) ?? []) };
}

/** A client that was told of a delivery may still look at the files for a moment. */
const LIGHTEN_MS = 60_000;

/** Of jobs whose results are at home. What a job has made besides stays as long as its record. */
export async function clearInputs(
  jobs: readonly JobRecord[],
  nowMs: number,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<void> {
  for (const { id, directory, status, deliveredAt } of jobs) {
    if (!isFinal(status) || deliveredAt === undefined || nowMs - deliveredAt < LIGHTEN_MS) continue;
    const list = join(directory, INPUTS_FILE);
    try {
      const source = readIfThere(list);
      if (source === undefined) continue;
      await removeInputs(join(directory, WORK_FOLDER), parseJson(source, inputList, list), signal);
      // They are not looked for again.
      rmSync(list, { force: true });
    } catch (error) {
      if (signal.aborted) return;
      log(`job ${id}: its inputs cannot be cleared away: ${messageOf(error)}`);
    }
  }
}
