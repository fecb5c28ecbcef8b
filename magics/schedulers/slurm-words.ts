// Slurm's states and reasons in words for people: "JOB STATE CODES" and "JOB REASON CODES" of squeue(1), 22.05, and sacct(1).
import type { Explanation, Sighting } from './scheduler';

/** States in full; what is not here is unknown. COMPLETED, FAILED and CANCELLED need more than their word. */
export const ALIVE: Readonly<Record<string, Sighting['state']>> = {
  PENDING: 'queued',
  CONFIGURING: 'queued',
  REQUEUED: 'queued',
  REQUEUE_HOLD: 'queued',
  REQUEUE_FED: 'queued',
  RESV_DEL_HOLD: 'queued',
  SPECIAL_EXIT: 'queued',
  SUSPENDED: 'queued',
  STOPPED: 'queued',
  RUNNING: 'running',
  SIGNALING: 'running',
  STAGE_OUT: 'running',
  RESIZING: 'running',
  // Ending, or about to be queued again.
  COMPLETING: 'running',
};

/** Said of states that wait for more than resources. */
const STATE_WORDS: Readonly<Record<string, string>> = {
  CONFIGURING: 'Its nodes are being started.',
  REQUEUED: 'It was put back into the queue.',
  REQUEUE_FED: 'It was put back into the queue of another cluster of the federation.',
  REQUEUE_HOLD: 'It was put back into the queue and is held.',
  RESV_DEL_HOLD: 'It is held, since its reservation was deleted.',
  SPECIAL_EXIT: 'It was put back into the queue and is held, for its exit code.',
  SUSPENDED: 'It is suspended.',
  STOPPED: 'It is stopped by a signal and keeps its cores.',
};
/** States that only a person ends. */
const STUCK_STATES = new Set(['REQUEUE_HOLD', 'RESV_DEL_HOLD', 'SPECIAL_EXIT']);

export const ENDED: Readonly<Record<string, Explanation>> = {
  TIMEOUT: { cause: 'time-limit', reason: 'The job reached its time limit.' },
  DEADLINE: { cause: 'time-limit', reason: 'The job could not end before its deadline.' },
  OUT_OF_MEMORY: { cause: 'out-of-memory', reason: 'The job used more memory than it had asked for.' },
  NODE_FAIL: { cause: 'node-lost', reason: 'A node of the job failed.' },
  PREEMPTED: { cause: 'preempted', reason: 'The job had to give way to one of higher priority.' },
  BOOT_FAIL: { cause: 'start-failed', reason: 'The nodes of the job could not be started.' },
  LAUNCH_FAILED: { cause: 'start-failed', reason: 'The job could not be started on its nodes.' },
  RECONFIG_FAIL: { cause: 'start-failed', reason: 'The nodes of the job could not be configured as it needs them.' },
  REVOKED: {
    cause: 'start-failed',
    reason: 'The job was withdrawn here, since another cluster of the federation took it.',
  },
};

/** "JOB REASON CODES" of squeue(1), in words. */
const REASONS: Readonly<Record<string, string>> = {
  Priority: 'Other jobs of this queue come first.',
  Resources: 'It waits for cores, memory or nodes to become free.',
  Dependency: 'It waits for another job to end.',
  BeginTime: 'It waits for its start time.',
  JobHeldUser: 'It is held by its user.',
  JobHeldAdmin: 'It is held by an administrator.',
  JobArrayTaskLimit: 'Its array runs as many tasks at once as it may.',
  Licenses: 'It waits for a licence.',
  Reservation: 'It waits for its reservation to begin.',
  Cleaning: 'It is being put back into the queue.',
  Prolog: 'Its node is being prepared.',
  NodeDown: 'A node it needs is down.',
  ReqNodeNotAvail: 'A node it needs is not available.',
  PartitionDown: 'Its partition is down.',
  PartitionInactive: 'Its partition takes no jobs to run at present.',
  JobHoldMaxRequeue: 'It was put back into the queue too often and is held.',
  launch_failed_requeued_held: 'It could not be started, went back into the queue and is held.',
  DependencyNeverSatisfied: 'The job it waits for ended in a way that it never can start after.',
  PartitionTimeLimit: 'It asks for more time than its partition ever gives.',
  PartitionNodeLimit: 'It asks for more or fewer nodes than its partition gives, or than are up there.',
  PartitionConfig: 'Its partition can never give what it asks for.',
  BadConstraints: 'No node can ever give what it asks for.',
  AccountNotAllowed: 'Its account may not use this partition.',
  QOSNotAllowed: 'Its QOS may not be used here.',
  InvalidAccount: 'Its account is not valid.',
  InvalidQOS: 'Its QOS is not valid.',
  AssociationTimeLimit: 'It asks for more time than its account ever gives.',
  QOSTimeLimit: 'It asks for more time than its QOS ever gives.',
  MaxMemPerLimit: 'It asks for more memory than one job may have.',
  QOSMinCpuNotSatisfied: 'It asks for fewer cores than its QOS wants.',
  QOSMinGRES: 'It asks for fewer GPUs, or the like, than its QOS wants.',
  BurstBufferResources: 'It waits for room in a burst buffer.',
  BurstBufferStageIn: 'Its files are being staged in.',
  QOSUsageThreshold: 'Its QOS has used more than its share, and waits.',
  FedJobLock: 'It waits for the other clusters of the federation.',
  TimeLimit: 'It reached its time limit.',
  SystemFailure: 'Slurm, a file system or the network failed.',
};
const STUCK_REASONS = new Set(
  (
    'JobHoldMaxRequeue launch_failed_requeued_held DependencyNeverSatisfied PartitionTimeLimit PartitionNodeLimit PartitionConfig BadConstraints AccountNotAllowed ' +
    'QOSNotAllowed InvalidAccount InvalidQOS AssociationTimeLimit QOSTimeLimit MaxMemPerLimit QOSMinCpuNotSatisfied QOSMinGRES'
  ).split(' '),
);

/** The reason of a waiting job in words. A reason can hold more than its word: "ReqNodeNotAvail, UnavailableNodes:n4". */
export function waiting(state: string, raw: string): { readonly reason?: string; readonly stuck: boolean } {
  const [key = '', ...rest] = raw.split(',');
  const words = [STATE_WORDS[state], reasonWords(key, raw, rest.join(',').replaceAll('_', ' ').trim())]
    .filter(Boolean)
    .join(' ');
  // A limit per job, or per node of one, is one that this job alone is over.
  const stuck = STUCK_STATES.has(state) || STUCK_REASONS.has(key) || /^(Assoc|QOS)\w*Per(Job|Node)/.test(key);
  return words === '' ? { stuck } : { reason: words, stuck };
}

/** "None" is what a job says that Slurm has not looked at yet, and all that sacct knows. */
function reasonWords(key: string, raw: string, more: string): string {
  if (key === '' || key === 'None') return '';
  const limit = /^(Assoc|QOS|Max|Grp)\w*?(Limit|PerJob|PerUser|PerAccount|PerNode|Minutes)$/.test(key);
  const words =
    REASONS[key] ??
    (limit ? `A limit of its account or QOS is reached (${key}).` : `Slurm says: ${raw.replaceAll('_', ' ')}.`);
  return more === '' || REASONS[key] === undefined ? words : words.replace(/\.$/, ` (${more}).`);
}
