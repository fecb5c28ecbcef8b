// Readers for job.ts: a job as it lies in record.json and crosses the agent's socket.
import type {
  BatchRequest,
  FailureCause,
  JobId,
  JobInput,
  JobRecord,
  JobSpec,
  JobStatus,
  JobUsage,
  NativeId,
  Resources,
} from './job';
import { contentId } from './chunks';
import { jobPackages } from './environment';
import { containerRequest } from './image';
import { jobFiles } from './job-files';
import { machine, processIdentity } from './run';
import type { TaskArray } from './tasks';
import { count, flag, listOf, mapOf, number, oneOf, record, tagged, text, type Shape } from './shape';

// A text becomes an id here and nowhere else.
export const jobId: Shape<JobId> = (value, path) => text(value, path) as JobId;
const nativeId: Shape<NativeId> = (value, path) => text(value, path) as NativeId;

export const resources: Shape<Resources> = record(
  { cores: count },
  { memoryMiB: number, wallTimeSeconds: number, gpus: count },
);

export const batchRequest: Shape<BatchRequest> = record(
  {},
  {
    nodes: count,
    tasks: count,
    queue: text,
    account: text,
    qos: text,
    constraint: text,
    reservation: text,
    exclusive: flag,
    native: listOf(text),
  },
);

const CAUSES = [
  'out-of-memory',
  'time-limit',
  'exit',
  'signal',
  'node-lost',
  'preempted',
  'start-failed',
  'environment',
  'result-unreadable',
  'rejected',
  'runner-lost',
  'disk-full',
] as const satisfies readonly FailureCause[];

export const jobStatus: Shape<JobStatus> = tagged('state', {
  preparing: record({ state: oneOf(['preparing']), step: oneOf(['capture', 'environment', 'staging']) }),
  queued: record({ state: oneOf(['queued']) }, { reason: text, expectedStart: number, isStuck: flag }),
  running: record({ state: oneOf(['running']), since: number }, { node: text, silentSince: number }),
  completed: record({ state: oneOf(['completed']), outcome: oneOf(['value', 'error']) }),
  failed: record(
    { state: oneOf(['failed']), cause: oneOf(CAUSES), reason: text },
    { exitCode: count, signal: text, words: text, log: text },
  ),
  cancelled: record({ state: oneOf(['cancelled']), by: oneOf(['user', 'administrator', 'unknown']) }, { words: text }),
  unknown: record({ state: oneOf(['unknown']), raw: text }),
});

export const jobUsage: Shape<JobUsage> = record({ peakMemoryMiB: number, cpuSeconds: number, elapsedSeconds: number });

export const taskArray: Shape<TaskArray> = record({ total: count, runs: text });

export const jobInput: Shape<JobInput> = record({ content: contentId, path: text }, { mode: count });

export const jobSpec: Shape<JobSpec> = record(
  {
    name: text,
    cluster: text,
    resources,
    environment: mapOf(text),
    origin: record(
      { client: oneOf(['kernel', 'cli']), pid: count, directory: text },
      { notebook: text, cellId: text, execution: count, machine },
    ),
    summary: text,
  },
  {
    nodeProgram: text,
    atomic: flag,
    container: containerRequest,
    batch: batchRequest,
    token: text,
    files: jobFiles,
    inputs: listOf(jobInput),
    allocation: record({ keepSeconds: number }),
    isAwaited: flag,
  },
);

export const jobRecord: Shape<JobRecord> = record(
  {
    id: jobId,
    spec: jobSpec,
    status: jobStatus,
    directory: text,
    createdAt: number,
    outputBytes: count,
    droppedBytes: count,
  },
  {
    nativeId,
    path: oneOf(['batch job', 'step', 'kept nodes']),
    packages: jobPackages,
    submittedAt: number,
    startedAt: number,
    endedAt: number,
    usage: jobUsage,
    tasks: taskArray,
    node: text,
    ranOn: machine,
    deliveredAt: number,
    claimedBy: processIdentity,
    cancelRequestedAt: number,
    isHeld: flag,
  },
);
