// What a batch system and a runner need of a job, written into its directory: the orders, and the script that the batch system runs.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cellFlags, startVariables } from '../protocol/cell-start';
import { writeWhole } from '../protocol/files';
import type { JobSpec, NativeId } from '../protocol/job';
import { KEY_FILE, ORDERS_FILE, SCRIPT_FILE } from '../protocol/layout';
import { OVERHEAD_MIB } from './allocations';
import { pairCommand, type Pair } from './beside';
import type { BatchDialect, BatchJob, SiteWords } from './dialect';
import { ordersForContainer, ordersForFiles } from './request';
import type { RunnerPrograms } from './runner';
import type { ScheduledJob } from './scheduler';
import { writeKey } from '../transports';
import { batchScript, type Argv } from '../transports/shell';

export interface BatchPlace {
  readonly dialect: BatchDialect;
  /** Absolute paths that the compute nodes see, too. */
  readonly programs: RunnerPrograms;
  /** Node on the compute nodes; without it that of the notebook, then ours. */
  readonly node?: string;
  /** Shell lines that each job begins with. */
  readonly prologue: readonly string[];
  readonly site: SiteWords;
}

export class BatchPapers {
  readonly #place: BatchPlace;

  constructor(place: BatchPlace) {
    this.#place = place;
  }

  write(job: ScheduledJob, token: string): BatchJob {
    writeWhole(join(job.directory, ORDERS_FILE), `${JSON.stringify(ordersOf(job))}\n`);
    const keyFile = join(job.directory, KEY_FILE);
    const isUnreachable = job.spec.allocation !== undefined && this.#place.dialect.stepCommand === undefined;
    if (isUnreachable && !existsSync(keyFile)) writeKey(keyFile);
    const batchJob = this.toBatchJob(job, token);
    const script = batchScript({
      directives: this.#place.dialect.directives(batchJob),
      title: `Cellburst job ${job.id}`,
      environment: {},
      prologue: this.#place.prologue,
      directory: job.directory,
      command: batchJob.command,
    });
    writeWhole(scriptOf(job), script);
    return batchJob;
  }

  toBatchJob({ spec, directory }: Pick<ScheduledJob, 'spec' | 'directory'>, token: string): BatchJob {
    const { programs, site } = this.#place;
    const { native = [], ...request } = spec.batch ?? {};
    const orders = join(directory, ORDERS_FILE);
    const cell = programs.cell === undefined ? [] : ['--cell', programs.cell];
    const { memoryMiB } = spec.resources;
    const node = this.#nodeFor(spec);
    const isAllocation = spec.allocation !== undefined;
    const command: Argv = isAllocation
      ? [...this.agentCommand(spec), '--runner', programs.runner, ...cell, '--allocation', orders]
      : withCell(spec, {
          runner: [node, programs.runner, ...cell, '--orders', orders],
          cell: [node, ...cellFlags(memoryMiB), programs.cell ?? join(dirname(programs.runner), 'cell.js')],
          environment: startVariables(spec.environment),
        });
    return {
      token,
      name: spec.name,
      directory,
      command,
      environment: {},
      resources: {
        ...spec.resources,
        ...request,
        ...(isAllocation && memoryMiB !== undefined ? { memoryMiB: memoryMiB + OVERHEAD_MIB } : {}),
      },
      native,
      site,
    };
  }

  logPath(job: ScheduledJob, id: NativeId): string {
    return this.#place.dialect.logPath(this.toBatchJob(job, TOKEN_OF_NONE), id);
  }

  /** Our programs lie together. */
  agentCommand(spec: JobSpec): Argv {
    return [this.#nodeFor(spec), join(dirname(this.#place.programs.runner), 'agent.js')];
  }

  #nodeFor(spec: JobSpec): string {
    return this.#place.node ?? spec.nodeProgram ?? process.execPath;
  }
}

function ordersOf({ spec, id, directory, packageOrders }: ScheduledJob): object {
  const { cores, memoryMiB, wallTimeSeconds, gpus } = spec.resources;
  const common = { directory, jobId: id, cores, ...(memoryMiB === undefined ? {} : { memoryMiB }) };
  if (spec.allocation !== undefined) return { ...common, ...spec.allocation, ...(gpus === undefined ? {} : { gpus }) };
  return {
    ...common,
    environment: spec.environment,
    ...(packageOrders === undefined ? {} : { packages: packageOrders }),
    ...ordersForFiles(spec),
    ...ordersForContainer(spec),
    ...(wallTimeSeconds === undefined ? {} : { wallTimeSeconds }),
  };
}

/** In an image the cell process has another parent. */
function withCell({ container }: JobSpec, pair: Pair): Argv {
  return container === undefined ? pairCommand(pair) : pair.runner;
}

/** Where a log lies does not depend on the token. */
const TOKEN_OF_NONE = 'cb0000000000';

export function scriptOf(job: Pick<ScheduledJob, 'directory'>): string {
  return join(job.directory, SCRIPT_FILE);
}
