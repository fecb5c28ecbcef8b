// Slurm's words for nodes that are granted at once: salloc(1) and srun(1) of 22.05, recorded there. A step whose client is killed dies with it, and goes on
// when the client's watcher is killed first: so it is let go on purpose, where the doctor has seen that this works (prove-step.ts).
import { toNativeId, wordsOf } from './answer';
import type { BatchJob, CommandResult, NodesAnswer, NodesDialect } from './dialect';
import { hoursMinutesSeconds, nativeName, wholeNumber } from './request';

/** By which sacct tells our step from those that a cell starts. */
export const STEP_NAME = 'cellburst-worker';

/** Granted, and not by a controller that is about to go away. */
const GRANTED = /^salloc: Granted job allocation (\d+)$/m;
/** What salloc says of a request that it has withdrawn after its patience, or that was withdrawn by an end of ours. */
const BUSY =
  /Pending job allocation|queued and waiting|Unable to allocate resources: (?:Connection timed out|Requested nodes are busy)|revoked/i;
const UNREACHABLE = /Unable to contact slurm controller|authentication error|SlurmCtld is in standby/i;

/** `options`: those that sbatch and salloc share. */
export function slurmNodes(
  options: (job: BatchJob) => readonly string[],
  logPath: (job: BatchJob) => string,
): NodesDialect {
  return {
    logPath,
    askCommand: (job, patienceSeconds) => [
      'salloc',
      '--no-shell',
      `--immediate=${patienceSeconds}`,
      // A request of salloc's is never requeued.
      ...options(job).filter((option) => option !== '--no-requeue'),
      `--job-name=${nativeName(job)}`,
      `--comment=${job.token}`,
    ],
    parseAnswer,
    workerCommand: (id, { resources, directory }, command) => [
      'srun',
      `--jobid=${id}`,
      `--job-name=${STEP_NAME}`,
      // A cell may start steps beside.
      '--overlap',
      '--nodes=1',
      '--ntasks=1',
      `--cpus-per-task=${wholeNumber('--cores', resources.cores)}`,
      ...(resources.memoryMiB === undefined ? [] : [`--mem=${wholeNumber('--memory', resources.memoryMiB)}M`]),
      ...(resources.gpus === undefined || resources.gpus === 0 ? [] : [`--gres=gpu:${resources.gpus}`]),
      ...(resources.wallTimeSeconds === undefined ? [] : [`--time=${hoursMinutesSeconds(resources.wallTimeSeconds)}`]),
      '--mpi=none',
      '--quiet',
      `--chdir=${directory}`,
      '--input=none',
      '--output=none',
      '--error=none',
      ...command,
    ],
    giveBackScript: 'scancel "$SLURM_JOB_ID"',
  };
}

function parseAnswer(result: CommandResult): NodesAnswer {
  const words = wordsOf(result);
  const id = GRANTED.exec(result.stderr)?.[1];
  if (result.exitCode === 0 && id !== undefined) return { outcome: 'granted', id: toNativeId(id) };
  // What nobody understands may be a request as well.
  if (result.exitCode === null || result.exitCode === 0 || id !== undefined || BUSY.test(result.stderr))
    return { outcome: 'busy', words };
  return UNREACHABLE.test(words) ? { outcome: 'unreachable', words } : { outcome: 'refused', words };
}
