// What a runner is told, and what it writes down: the orders for one job, its heartbeat, its outcome.
// Plain JSON, since a person may read along in the job's directory.
import { packageOrders, type PackageOrders } from './environment';
import { containerOrders, type ContainerOrders } from './image';
import { linkEntry, namedPath, treePath, type JobFiles } from './job-files';
import { literal, listOf, mapOf, number, count, record, tagged, text, type Shape, type Shaped } from './shape';

export const RUN_PROTOCOL = 1;

/** Exit codes of the cell process that mean something to its runner (sysexits.h: EX_DATAERR is 65, EX_SOFTWARE 70, EX_IOERR 74). */
export const CELL_EXIT = { done: 0, bundleUnreadable: 70, diskError: 74 } as const;

/** In the environment of a cell: the seed of its Math.random. */
export const SEED_VARIABLE = 'CELLBURST_SEED';

/** In the environment of a cell: how many GB its result may have, all names together. What comes home has to find room in the notebook's memory. */
export const RESULT_VARIABLE = 'CELLBURST_RESULT_GB';
export const USUAL_RESULT_GB = 32;

/** Exit codes of the runner. */
export const RUNNER_EXIT = { done: 0, directoryGone: 66, defect: 70, taken: 73, disk: 74 } as const;

/** One line of JSON on the runner's standard input. */
export interface RunOrders {
  readonly directory: string;
  readonly jobId: string;
  readonly cores: number;
  /** Processor numbers that the cell process and its children may use. Absent: all. */
  readonly cpus?: readonly number[];
  readonly memoryMiB?: number;
  readonly wallTimeSeconds?: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly packages?: PackageOrders;
  readonly files?: FileOrders;
  /** The runner that reads this starts another one in the image, which has the job. */
  readonly container?: ContainerOrders;
  /** In an image process numbers may be others: who the node knows as the job's runner. */
  readonly seenAs?: ProcessIdentity;
}

/** What a cell process has to know of the files of its job (job-files.ts). */
export type FileOrders = Pick<JobFiles, 'root' | 'folder' | 'outputs' | 'links'>;
export const fileOrders: Shape<FileOrders> = record({
  root: text,
  folder: treePath,
  outputs: listOf(namedPath),
  links: listOf(linkEntry),
});

/** A process that a later reader recognises even when its number was used again. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the words of the platform (platform.ts). Absent where the platform does not tell. */
  readonly started?: string;
}
export const processIdentity: Shape<ProcessIdentity> = record({ pid: count }, { started: text });

export const runOrders: Shape<RunOrders> = record(
  { directory: text, jobId: text, cores: count, environment: mapOf(text) },
  {
    cpus: listOf(count),
    memoryMiB: number,
    wallTimeSeconds: number,
    packages: packageOrders,
    files: fileOrders,
    container: containerOrders,
    seenAs: processIdentity,
  },
);

/** What the agent of an allocation is told (ORDERS_FILE of the allocation's job). */
export const allocationOrders = record(
  { directory: text, jobId: text, cores: count, keepSeconds: number },
  { memoryMiB: number, gpus: count },
);
export type AllocationOrders = Shaped<typeof allocationOrders>;

/** The line on file descriptor 4 of the cell process: its job. It changes to the directory and adds to its environment. */
export interface CellOrders {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Where the packages were unpacked: a folder that stands for the root of the notebook's machine. */
  readonly packages?: string;
  readonly files?: FileOrders;
}

const usage = record({ peakMemoryMiB: number, cpuSeconds: number, elapsedSeconds: number });

/** heartbeat.json */
const heartbeatShape = record(
  {
    protocol: literal(RUN_PROTOCOL),
    host: text,
    runner: processIdentity,
    cell: processIdentity,
    startedAt: number,
    beatAt: number,
    usage,
    outputBytes: count,
    droppedBytes: count,
  },
  { cpus: listOf(count) },
);
export type Heartbeat = Shaped<typeof heartbeatShape>;
export const heartbeat: Shape<Heartbeat> = heartbeatShape;

/** How the cell process ended, as its runner saw it. */
const endingShape = tagged('kind', {
  exit: record({ kind: literal('exit'), code: count }, { detail: text }),
  signal: record({ kind: literal('signal'), signal: text }, { detail: text }),
  'out-of-memory': record({ kind: literal('out-of-memory'), detail: text }),
  'time-limit': record({ kind: literal('time-limit'), detail: text }),
  /** The runner was asked to end (SIGTERM): by whom, the journal knows. */
  terminated: record({ kind: literal('terminated') }),
  'start-failed': record({ kind: literal('start-failed'), detail: text }),
  'environment-failed': record({ kind: literal('environment-failed'), detail: text }),
  'disk-full': record({ kind: literal('disk-full'), detail: text }),
});
export type Ending = Shaped<typeof endingShape>;

/** What a result may depend on. */
export const machine = record({ node: text, platform: text, libc: text, cpu: text });
export type Machine = Shaped<typeof machine>;

/** outcome.json */
const outcomeShape = record(
  {
    protocol: literal(RUN_PROTOCOL),
    host: text,
    ending: endingShape,
    startedAt: number,
    endedAt: number,
    usage,
    outputBytes: count,
    droppedBytes: count,
  },
  { machine },
);
export type Outcome = Shaped<typeof outcomeShape>;
export const outcome: Shape<Outcome> = outcomeShape;

/** Lines on the runner's standard output, for the agent that started it. Files say the same, for agents to come. */
const runnerEventShape = tagged('event', {
  /** The cell process of a warm pair has started. */
  ready: record({ event: literal('ready') }),
  started: record({ event: literal('started'), startedAt: number }),
  ended: record({ event: literal('ended') }),
});
export type RunnerEvent = Shaped<typeof runnerEventShape>;
export const runnerEvent: Shape<RunnerEvent> = runnerEventShape;
