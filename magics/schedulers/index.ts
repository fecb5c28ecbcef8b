// The schedulers there are, by the word a job's spec uses. Their names appear here only.
import type { BatchDialect } from './dialect';
import { gridEngine } from './gridengine';
import { LocalScheduler, type LocalOptions } from './local';
import { pbs } from './pbs';
import type { Scheduler } from './scheduler';
import { slurm } from './slurm';

export type { BatchDialect, BatchJob, BatchResources, Observation, SiteWords, Submission } from './dialect';
export type { ScheduledJob, Scheduler, SchedulerLoad, Sighting, Explanation, Report } from './scheduler';

export function openSchedulers(options: LocalOptions): ReadonlyMap<string, Scheduler> {
  const local = new LocalScheduler(options);
  return new Map([[local.name, local]]);
}

/** The batch systems there are, by the word in the config. */
export const DIALECTS: ReadonlyMap<string, BatchDialect> = new Map(
  [slurm, gridEngine, pbs].map((dialect) => [dialect.name, dialect]),
);
