// The schedulers there are, by the word a job's spec uses. Their names appear here only.
import { LocalScheduler, type LocalOptions } from './local';
import type { Scheduler } from './scheduler';

export type { ScheduledJob, Scheduler, SchedulerLoad, Sighting, Explanation, Report } from './scheduler';

export function openSchedulers(options: LocalOptions): ReadonlyMap<string, Scheduler> {
  const local = new LocalScheduler(options);
  return new Map([[local.name, local]]);
}
