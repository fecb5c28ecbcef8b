// PBS knows the processes of a job by their session. A cell process leads one of its own, so it is handed to the job: else it goes on when its job is
// suspended (the cores are somebody else's then), its memory and processor time are not counted, and no limit of the site's reaches it.
import { execFile } from 'node:child_process';
import { findProgram } from './find-program';

const LIMIT_MS = 10_000;

/** pbs_attach(8B). Not waited for: it takes some milliseconds, and a node that does not take it runs the job as it ran. */
export function joinBatchSession(pid: number): void {
  const job = process.env['PBS_JOBID'];
  const attach = job === undefined ? undefined : findProgram('pbs_attach');
  if (job === undefined || attach === undefined) return;
  execFile(attach, ['-j', job, '-p', String(pid)], { timeout: LIMIT_MS }, (error, _, words) => {
    // Into the log of the job's launcher.
    if (error !== null) console.error(`PBS was not told of the cell process ${pid}: ${words.trim() || error.message}`);
  });
}
