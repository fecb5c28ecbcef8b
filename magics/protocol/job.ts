// A job as both sides speak of it. Words: PSI/J's specification (spec, state, native id, attach).

import type { ContentId } from './chunks';
import type { JobPackages } from './environment';
import type { ContainerRequest } from './image';
import type { JobFiles } from './job-files';
import type { Machine, ProcessIdentity } from './run';
import type { TaskArray } from './tasks';

export type JobId = string & { readonly __jobId: never };
/** The scheduler's own id. */
export type NativeId = string & { readonly __nativeId: never };

export interface Resources {
  readonly cores: number;
  readonly memoryMiB?: number;
  readonly wallTimeSeconds?: number;
  readonly gpus?: number;
}

/** What only batch systems know of; other schedulers refuse it. */
export interface BatchRequest {
  /** The cell runs once, on the first of them; the others are for what it starts there. */
  readonly nodes?: number;
  /** For MPI programs that the cell starts; cores are per task. */
  readonly tasks?: number;
  /** Partition or queue. */
  readonly queue?: string;
  /** Account or project that is charged. */
  readonly account?: string;
  readonly qos?: string;
  readonly constraint?: string;
  readonly reservation?: string;
  /** No other job on its node. */
  readonly exclusive?: boolean;
  /** Arguments for the submit command, as they are. */
  readonly native?: readonly string[];
}

/** Where a job came from, so that a person finds the cell again. */
export interface JobOrigin {
  readonly client: 'kernel' | 'cli';
  /** Process id of the client, to tell a live one from a dead one. */
  readonly pid: number;
  readonly directory: string;
  readonly notebook?: string;
  readonly cellId?: string;
  readonly execution?: number;
  /** What the notebook runs on: a result may differ where it ran. */
  readonly machine?: Machine;
}

export interface JobInput {
  /** Sent there before (StoreVerbs.send). */
  readonly content: ContentId;
  /** Relative to the working directory, with `/`. */
  readonly path: string;
  /** Of a file; a tree has those of its entries. */
  readonly mode?: number;
}

/** What is asked. The bundle lies beside it, in the job's directory. */
export interface JobSpec {
  readonly name: string;
  /** The configured cluster: `local`, a name from the config, or a client's definition. */
  readonly cluster: string;
  readonly resources: Resources;
  readonly batch?: BatchRequest;
  readonly environment: Readonly<Record<string, string>>;
  readonly origin: JobOrigin;
  /** Files that go along and come back; known once the cell is captured. */
  readonly files?: JobFiles;
  /** Is what the cell did to be discarded if it throws? Whoever brings it home has to know. Absent: no. */
  readonly atomic?: boolean;
  /** First line of the cell's code, for lists. */
  readonly summary: string;
  /** Somebody waits for it: worth the quickest way. */
  readonly isAwaited?: boolean;
  /** No cell: nodes that are kept for cells to come, until none has run there for so long, or the wall time is over. */
  readonly allocation?: { readonly keepSeconds: number };
  /** Names the job for whoever creates it: the same job is given when it is created again, after a lost reply. */
  readonly token?: string;
  /** Contents of the cluster's store that lie in the cell's working directory when it starts. */
  readonly inputs?: readonly JobInput[];
  /** It runs in this image, not on its node as that is. */
  readonly container?: ContainerRequest;
  /** Absolute path of the Node program that shall run it, for clusters on this machine: the notebook's own, whichever started the agent. */
  readonly nodeProgram?: string;
}

/** The cluster as the user calls it: what a project's config calls `hpc` is known to agents as `hpc@` and a digest of what it means. */
export function clusterLabel(cluster: string): string {
  return cluster.split('@', 1)[0] ?? cluster;
}

/** Why a job ended without a result, told apart as far as the facts allow. */
export type FailureCause =
  | 'out-of-memory'
  | 'time-limit'
  | 'exit'
  | 'signal'
  | 'node-lost'
  | 'preempted'
  | 'start-failed'
  /** Its packages could not be made there. */
  | 'environment'
  | 'result-unreadable'
  /** Refused after all, when a first try to submit it was left without an answer. */
  | 'rejected'
  | 'runner-lost'
  | 'disk-full';

/** Why a job ended without a result. */
export interface Failure {
  readonly cause: FailureCause;
  /** In a sentence. */
  readonly reason: string;
  readonly exitCode?: number;
  readonly signal?: string;
  /** The scheduler's own words. */
  readonly words?: string;
  /** The end of what its launcher printed, where the runner could not tell. */
  readonly log?: string;
}

export type JobStatus =
  | { readonly state: 'preparing'; readonly step: 'capture' | 'environment' | 'staging' }
  | {
      readonly state: 'queued';
      readonly reason?: string;
      /** By the scheduler's present plan; milliseconds since the epoch. */
      readonly expectedStart?: number;
      /** The scheduler says, and has said again, that it will not start unless somebody acts. */
      readonly isStuck?: boolean;
    }
  | {
      readonly state: 'running';
      readonly node?: string;
      readonly since: number;
      /** Its runner, who else tells every second that it is there, was heard last at this time. Nothing has ended for that. */
      readonly silentSince?: number;
    }
  /** There is a readable envelope: the cell returned, or threw. */
  | { readonly state: 'completed'; readonly outcome: 'value' | 'error' }
  | ({ readonly state: 'failed' } & Failure)
  | {
      readonly state: 'cancelled';
      readonly by: 'user' | 'administrator' | 'unknown';
      /** The scheduler's own words. */
      readonly words?: string;
    }
  /** A word we do not know. Never final. */
  | { readonly state: 'unknown'; readonly raw: string };

/** Which way it took to where it runs. */
export type JobPath =
  | 'batch job'
  /** Of nodes that were granted at once: independent of whatever started it. */
  | 'step'
  | 'kept nodes';

export type JobState = JobStatus['state'];

export function isFinal(status: JobStatus): boolean {
  return status.state === 'completed' || status.state === 'failed' || status.state === 'cancelled';
}

/** Measured by the runner. */
export interface JobUsage {
  readonly peakMemoryMiB: number;
  readonly cpuSeconds: number;
  readonly elapsedSeconds: number;
}

/** What goes along with a job, told when it is submitted. */
export interface JobBrings {
  readonly files?: JobFiles;
  readonly packages?: JobPackages;
  /** Contents of the cluster's store, for the cell's working directory. */
  readonly inputs?: readonly JobInput[];
  /** Added to the environment that was asked for, where that says nothing else. */
  readonly locale?: Readonly<Record<string, string>>;
}

/** A job as the store keeps it. Times are milliseconds since the epoch. */
export interface JobRecord {
  readonly id: JobId;
  readonly spec: JobSpec;
  readonly status: JobStatus;
  /** Absolute path on the machine of the home agent. */
  readonly directory: string;
  readonly nativeId?: NativeId;
  /** Of a batch system's job, once it runs. */
  readonly path?: JobPath;
  /** How the packages of its code come to where it runs. */
  readonly packages?: JobPackages;
  readonly createdAt: number;
  readonly submittedAt?: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly usage?: JobUsage;
  /** Of an array: how its tasks stand. */
  readonly tasks?: TaskArray;
  /** The name of the machine that it ran on, the first of several. */
  readonly node?: string;
  /** What a result may depend on: the machine that it ran on. */
  readonly ranOn?: Machine;
  /** Bytes of output spooled so far, and bytes dropped by the spool's cap. */
  readonly outputBytes: number;
  readonly droppedBytes: number;
  /** When the result was put into a notebook. Only once. */
  readonly deliveredAt?: number;
  /** The process that is putting the result into a notebook right now. */
  readonly claimedBy?: ProcessIdentity;
  /** When the user asked for the end; the scheduler may still be at it. */
  readonly cancelRequestedAt?: number;
  /** It was asked to wait, whatever comes free. */
  readonly isHeld?: boolean;
}

/** There is a result, and it is in no notebook. */
export function isUnfetched({ status, deliveredAt, spec }: JobRecord): boolean {
  return status.state === 'completed' && deliveredAt === undefined && spec.allocation === undefined;
}
