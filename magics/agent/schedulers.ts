// The schedulers of this agent: this machine, the clusters of the config as it is now, and those that an agent on another machine has defined here.
// A config that changes takes effect with the next job.
import { join } from 'node:path';
import type { AgentConnection } from '../client';
import { Clusters, fromDefinition, toDefinition, type ClusterConfig } from '../config';
import type { Jobs } from '../jobs';
import { ClusterError, messageOf, UsageError } from '../protocol/errors';
import { ownFacts, type HostFacts } from '../protocol/host-facts';
import { readIfThere, writeWhole } from '../protocol/files';
import type { JobSpec } from '../protocol/job';
import { clusterDefinition, type ClusterDefinition, type ClusterStates } from '../protocol/messages';
import { listOf, parseJson } from '../protocol/shape';
import { LocalScheduler, RemoteScheduler, openBatch, type Scheduler } from '../schedulers';
import type { Contents } from '../store';
import { Hosts, openTransport } from '../transports';
import type { Questions } from './questions';
import type { Settings } from './settings';

interface Opened {
  readonly stamp: string;
  readonly scheduler: Scheduler;
}

const DEFINED_FILE = 'clusters.json';

export class Schedulers {
  readonly #settings: Settings;
  readonly #jobs: Jobs;
  readonly #contents: Contents;
  readonly #log: (line: string) => void;
  readonly #questions: Questions;
  readonly #hosts: Hosts;
  readonly #clusters = new Clusters();
  readonly #defined = new Map<string, ClusterDefinition>();
  readonly #opened = new Map<string, Opened>();
  readonly #all = new Map<string, Scheduler>();
  readonly #listeners = new Set<() => void>();

  constructor(settings: Settings, jobs: Jobs, contents: Contents, questions: Questions, log: (line: string) => void) {
    this.#settings = settings;
    this.#contents = contents;
    this.#jobs = jobs;
    this.#log = log;
    this.#questions = questions;
    this.#hosts = new Hosts(questions.ask);
    const local = new LocalScheduler({ ...settings.local, report: jobs.report });
    this.#all.set(local.name, local);
    try {
      for (const definition of this.#readDefined()) this.#defined.set(definition.name, definition);
      this.#open([...this.#defined.values()].map(fromDefinition));
      this.#open([...this.#clusters.current().clusters.values()]);
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

  /** Do its jobs run from this machine's store? */
  isHere(cluster: string): boolean {
    return this.#all.get(cluster)?.agent === undefined;
  }

  /** The agent whose store a cluster's jobs use; undefined: this one. Throws UsageError when there is no such cluster. */
  async agentOf(cluster: string, signal: AbortSignal): Promise<AgentConnection | undefined> {
    await this.refresh({ cluster }, signal);
    const scheduler = this.#all.get(cluster);
    if (scheduler === undefined)
      throw new UsageError(
        `There is no cluster ${JSON.stringify(cluster)}. There are: ${[...this.#all.keys()].join(', ')}.`,
      );
    return await scheduler.agent?.(signal);
  }

  /** The agent of a cluster behind a host whose connection works; undefined otherwise. */
  async farAgent(cluster: string, signal: AbortSignal): Promise<AgentConnection | undefined> {
    const scheduler = this.#all.get(cluster);
    return scheduler?.health?.().state === 'ok' ? await scheduler.agent?.(signal) : undefined;
  }

  /** Tells when a cluster comes, goes, is lost or is back. Gives how to stop that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** This machine, and what the config says now, with what was heard from there. Asks nobody. */
  states(): ClusterStates {
    const load = this.local?.load?.();
    const here = {
      ...{ name: 'local', scheduler: 'none', state: 'ok' as const },
      ...(load === undefined ? {} : { cores: load.cores }),
    };
    try {
      const { clusters, defaultCluster } = this.#clusters.current();
      const others = [...clusters.values()].map(({ name, scheduler, host }) => ({
        ...{ name, scheduler, ...(this.#all.get(name)?.health?.() ?? { state: 'unknown' as const }) },
        ...(host === undefined ? {} : { host }),
      }));
      return { clusters: [here, ...others], defaultCluster };
    } catch (error) {
      if (!ClusterError.is(error)) throw error;
      return { clusters: [here], defaultCluster: 'local', problem: error.message };
    }
  }

  /** Before a job is made: is its cluster as the config says now? Throws UsageError for a mistake in there. */
  async refresh(spec: Pick<JobSpec, 'cluster'>, signal: AbortSignal): Promise<void> {
    if (spec.cluster === 'local' || this.#defined.has(spec.cluster)) return;
    await this.#replace([...this.#clusters.current().clusters.values()], signal);
  }

  /** Is it another machine's agent that looks after this cluster? */
  isElsewhere(cluster: string): boolean {
    return this.#all.get(cluster) instanceof RemoteScheduler;
  }

  async facts(cluster: string, signal: AbortSignal): Promise<HostFacts> {
    await this.refresh({ cluster }, signal);
    const scheduler = this.#all.get(cluster);
    if (scheduler === undefined) throw new UsageError(`There is no cluster ${JSON.stringify(cluster)}.`);
    return scheduler.agent === undefined ? ownFacts() : await (await scheduler.agent(signal)).facts('local');
  }

  /** Kept on disk: jobs there have to be found after a restart. */
  async define(cluster: ClusterDefinition, signal: AbortSignal): Promise<void> {
    this.#defined.set(cluster.name, cluster);
    writeWhole(this.#definedPath, `${JSON.stringify([...this.#defined.values()])}\n`);
    await this.#replace([fromDefinition(cluster)], signal);
  }

  async close(): Promise<void> {
    for (const scheduler of this.#all.values()) await scheduler[Symbol.asyncDispose]();
  }

  readonly #tell = (): void => {
    for (const listener of this.#listeners) listener();
  };

  get #definedPath(): string {
    return join(this.#settings.stateDirectory, DEFINED_FILE);
  }

  #readDefined(): readonly ClusterDefinition[] {
    const source = readIfThere(this.#definedPath);
    return source === undefined ? [] : parseJson(source, listOf(clusterDefinition), this.#definedPath);
  }

  /** Lets go of what has changed, and opens it anew. A cluster that is gone from the config keeps its scheduler: it may have jobs. */
  async #replace(wanted: readonly ClusterConfig[], signal: AbortSignal): Promise<void> {
    const changed = wanted.filter((config) => this.#opened.get(config.name)?.stamp !== stampOf(config));
    for (const { name } of changed) await this.#opened.get(name)?.scheduler[Symbol.asyncDispose]();
    for (const scheduler of this.#open(changed)) await this.#jobs.adopt(scheduler, signal);
    if (changed.length > 0) this.#tell();
  }

  #open(configs: readonly ClusterConfig[]): Scheduler[] {
    return configs.map((config) => {
      const scheduler = config.host === undefined ? this.#openHere(config) : this.#openRemote(config, config.host);
      this.#opened.set(config.name, { stamp: stampOf(config), scheduler });
      this.#all.set(config.name, scheduler);
      return scheduler;
    });
  }

  #openHere(config: ClusterConfig): Scheduler {
    const { stateDirectory, local } = this.#settings;
    return openBatch(config, {
      stateDirectory,
      programs: local.programs,
      contents: this.#contents,
      report: this.#jobs.report,
      log: this.#log,
      healthChanged: this.#tell,
    });
  }

  #openRemote(config: ClusterConfig, host: string): Scheduler {
    const { untilPerson } = this.#questions;
    const transport = openTransport({ ...config, host }, this.#settings.programDirectory, this.#hosts);
    return new RemoteScheduler({
      name: config.name,
      definition: toDefinition(config),
      transport,
      contents: this.#contents,
      report: this.#jobs.report,
      log: this.#log,
      healthChanged: this.#tell,
      untilPerson,
    });
  }
}

function stampOf(config: ClusterConfig): string {
  return JSON.stringify(config);
}
