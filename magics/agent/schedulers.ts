// The schedulers of this agent: this machine, and the clusters of the config as it is now. A config that changes takes effect with the next job.
import { Clusters, type ClusterConfig } from '../config';
import type { Jobs } from '../jobs';
import { messageOf } from '../protocol/errors';
import type { JobSpec } from '../protocol/job';
import { LocalScheduler, openBatch, type LocalOptions, type Scheduler } from '../schedulers';

interface Opened {
  readonly stamp: string;
  readonly scheduler: Scheduler;
}

export class Schedulers {
  readonly #options: Omit<LocalOptions, 'report'>;
  readonly #jobs: Jobs;
  readonly #log: (line: string) => void;
  readonly #clusters = new Clusters();
  readonly #opened = new Map<string, Opened>();
  readonly #all = new Map<string, Scheduler>();

  constructor(options: Omit<LocalOptions, 'report'>, jobs: Jobs, log: (line: string) => void) {
    this.#options = options;
    this.#jobs = jobs;
    this.#log = log;
    const local = new LocalScheduler({ ...options, report: jobs.report });
    this.#all.set(local.name, local);
    try {
      this.#open(this.#clusters.current());
    } catch (error) {
      // Jobs of this machine need no config; whoever names a cluster is told.
      log(messageOf(error));
    }
  }

  /** By the word in a job's spec. */
  get all(): ReadonlyMap<string, Scheduler> {
    return this.#all;
  }

  get local(): Scheduler | undefined {
    return this.#all.get('local');
  }

  /** Before a job is made: is its cluster as the config says now? Throws UsageError for a mistake in there. */
  async refresh(spec: Pick<JobSpec, 'cluster'>, signal: AbortSignal): Promise<void> {
    if (spec.cluster === 'local') return;
    for (const scheduler of await this.#replace(this.#clusters.current())) await this.#jobs.adopt(scheduler, signal);
  }

  async close(): Promise<void> {
    for (const scheduler of this.#all.values()) await scheduler[Symbol.asyncDispose]();
  }

  /** Lets go of what has changed, and opens it anew. A cluster that is gone from the config keeps its scheduler: it may have jobs. */
  async #replace(wanted: ReadonlyMap<string, ClusterConfig>): Promise<Scheduler[]> {
    const changed = [...wanted.values()].filter((config) => this.#opened.get(config.name)?.stamp !== stampOf(config));
    for (const { name } of changed) await this.#opened.get(name)?.scheduler[Symbol.asyncDispose]();
    return this.#open(new Map(changed.map((config) => [config.name, config])));
  }

  #open(configs: ReadonlyMap<string, ClusterConfig>): Scheduler[] {
    const opened: Scheduler[] = [];
    for (const config of configs.values()) {
      if (config.host !== undefined) continue;
      const { programs } = this.#options;
      const scheduler = openBatch(config, { programs, report: this.#jobs.report, log: this.#log });
      this.#opened.set(config.name, { stamp: stampOf(config), scheduler });
      this.#all.set(config.name, scheduler);
      opened.push(scheduler);
    }
    return opened;
  }
}

function stampOf(config: ClusterConfig): string {
  return JSON.stringify(config);
}
