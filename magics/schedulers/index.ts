// The schedulers there are, by the word in a cluster's config. Their names appear here only.
import type { ClusterConfig } from '../config';
import { BatchScheduler, type BatchOptions } from './batch';
import { runHere } from './commands';
import type { BatchDialect } from './dialect';
import { gridEngine } from './gridengine';
import { pbs } from './pbs';
import type { Scheduler } from './scheduler';
import { slurm } from './slurm';

export { LocalScheduler, type LocalOptions } from './local';
export { RemoteScheduler, type RemoteOptions } from './remote';
export { readRemoteId } from './remote-job';
export type { BatchDialect, BatchJob, BatchResources, Observation, SiteWords, Submission } from './dialect';
export type { ScheduledJob, Scheduler, SchedulerLoad, Sighting, Explanation, Health, Report } from './scheduler';

/** The batch systems there are, by the word in the config. */
export const DIALECTS: ReadonlyMap<string, BatchDialect> = new Map(
  [slurm, gridEngine, pbs].map((dialect) => [dialect.name, dialect]),
);

/** A batch system whose commands are on this machine. */
export function openBatch(
  config: ClusterConfig,
  common: Pick<BatchOptions, 'stateDirectory' | 'programs' | 'contents' | 'report' | 'log' | 'healthChanged'>,
): Scheduler {
  const dialect = DIALECTS.get(config.scheduler);
  if (dialect === undefined) throw new TypeError(`There is no batch system ${JSON.stringify(config.scheduler)}.`);
  return new BatchScheduler({
    ...common,
    name: config.name,
    dialect,
    run: runHere,
    ...(config.node === undefined ? {} : { node: config.node }),
    prologue: config.prologue,
    asked: config.batch,
    ...(config.listen === undefined ? {} : { listen: config.listen }),
    site: config.site,
    pace: { firstMs: config.poll.firstSeconds * 1000, longestMs: config.poll.longestSeconds * 1000 },
  });
}
