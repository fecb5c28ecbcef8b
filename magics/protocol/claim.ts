// Who has a job's directory: of all runners that were started for one job, and of those who want to be certain that none will begin it, the first to make a file.
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from './errors';
import { OUTCOME_FILE } from './layout';

/** The outcome in the making. */
export function claimPath(directory: string): string {
  return join(directory, `${OUTCOME_FILE}.part`);
}

/** The descriptor of its file, to write the outcome to. Throws EEXIST when somebody was first. */
export function claimJob(directory: string): number {
  // It has run already: whoever started us did not know.
  if (existsSync(join(directory, OUTCOME_FILE))) throw Object.assign(new Error('The job has run.'), { code: 'EEXIST' });
  return openSync(claimPath(directory), 'wx', 0o600);
}

/** true: no runner has begun this job, and none will. false: one has it. */
export function forestall(directory: string): boolean {
  try {
    closeSync(claimJob(directory));
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}
