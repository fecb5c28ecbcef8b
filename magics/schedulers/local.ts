// The scheduler of this machine: jobs wait in line until the cores and the memory they ask for are free. Each gets a runner of its own; one
// runner with its cell process is kept warm, so that a small job need not wait for two starts of Node.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { forestall } from '../protocol/claim';
import { SchedulerError, UsageError } from '../protocol/errors';
import { languageOf } from '../protocol/locale';
import type { JobId, JobSpec, NativeId } from '../protocol/job';
import { OUTCOME_FILE } from '../protocol/layout';
import { ordersForContainer, ordersForFiles } from './request';
import {
  StartedRunner,
  awaitRunner,
  findRunner,
  readHeartbeat,
  type Runner,
  type RunnerPrograms,
  type WarmStart,
} from './runner';
import type { Report, ScheduledJob, Scheduler, SchedulerLoad } from './scheduler';
import { Slots, type Machine, type Slot } from './slots';

export interface LocalOptions {
  readonly machine: Machine;
  readonly programs: RunnerPrograms;
  readonly report: Report;
  /** How long a warm runner waits for a job. */
  readonly warmMs: number;
  /** Node for jobs that name none. */
  readonly nodeProgram: string;
  /** Runners end with this process: what they run on is no longer ours then. */
  readonly isBound?: boolean;
}

/** The runner itself kills after 5 s; one that has not managed by then is ended from here. */
const LAST_GRACE_MS = 8000;

/** A notebook has a small result home within this time. */
const SETTLE_MS = 50;

interface RunningJob {
  readonly job: ScheduledJob;
  readonly runner: Runner;
  readonly slot: Slot;
  since: number | undefined;
}

// The local scheduler's own id for a job is ours; a text becomes a NativeId here.
function toNative(id: JobId): NativeId {
  return String(id) as NativeId;
}

export class LocalScheduler implements Scheduler {
  readonly name = 'local';
  readonly #options: LocalOptions;
  readonly #slots: Slots;
  readonly #queue: ScheduledJob[] = [];
  readonly #held = new Set<JobId>();
  readonly #running = new Map<JobId, RunningJob>();
  #warm: StartedRunner | undefined;
  #warmTimer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: LocalOptions) {
    this.#options = options;
    this.#slots = new Slots(options.machine);
  }

  check(spec: JobSpec): void {
    if (spec.allocation !== undefined)
      throw new UsageError(
        'Without a batch system there are no nodes to keep: cells start at once. Leave --keep away.',
      );
    const [option] = Object.keys(spec.batch ?? {});
    if (option !== undefined)
      throw new UsageError(
        `This machine (the cluster \`local\`) has no --${option}. Leave it away, or name another cluster.`,
      );
    this.#slots.check(spec.resources);
  }

  submit(job: ScheduledJob): Promise<NativeId> {
    this.check(job.spec);
    if (this.#running.has(job.id) || this.#queue.some((waiting) => waiting.id === job.id))
      throw new SchedulerError(`Cannot submit job ${job.id} again: it is in the queue already.`);
    this.#queue.push(job);
    // After the caller knows the id.
    queueMicrotask(() => {
      this.#advance();
    });
    return Promise.resolve(toNative(job.id));
  }

  adopt(jobs: readonly ScheduledJob[]): Promise<void> {
    for (const job of jobs) {
      const beat = readHeartbeat(job.directory);
      const runner = findRunner(job.directory);
      if (existsSync(join(job.directory, OUTCOME_FILE))) this.#options.report(job.id, { state: 'ended' });
      else if (beat === undefined && job.cancelRequestedAt !== undefined) {
        if (forestall(job.directory)) this.#options.report(job.id, { state: 'cancelled', by: 'unknown' });
        else
          this.#follow(job, awaitRunner(job.directory), this.#slots.retake(job.spec.resources, undefined), undefined);
      } else if (runner === undefined || beat === undefined) {
        // A runner may have been started that has not told of itself yet. One more does no harm: the first of them has the job.
        this.#queue.push(job);
        if (job.isHeld === true) this.#held.add(job.id);
      } else this.#follow(job, runner, this.#slots.retake(job.spec.resources, beat.cpus), beat.startedAt);
    }
    queueMicrotask(() => {
      this.#advance();
    });
    return Promise.resolve();
  }

  cancel(ids: readonly JobId[]): Promise<void> {
    for (const id of ids) {
      const place = this.#queue.findIndex((job) => job.id === id);
      this.#held.delete(id);
      if (place >= 0) {
        this.#queue.splice(place, 1);
        this.#options.report(id, { state: 'cancelled', by: 'unknown' });
      }
      const running = this.#running.get(id);
      if (running !== undefined) void this.#end(running);
    }
    this.#advance();
    return Promise.resolve();
  }

  /** Others pass by a job that is held. */
  change(change: 'hold' | 'release', ids: readonly JobId[]): Promise<void> {
    for (const id of ids) {
      if (change === 'hold') this.#held.add(id);
      else this.#held.delete(id);
    }
    this.#advance();
    return Promise.resolve();
  }

  prepare(spec: { readonly nodeProgram?: string }): void {
    if (this.#isClosed) return;
    // What somebody asks for now counts, not what an earlier job would have liked.
    clearTimeout(this.#soon);
    clearTimeout(this.#warmTimer);
    this.#warmTimer = setTimeout(() => {
      this.#dismissWarm();
    }, this.#options.warmMs);
    const node = spec.nodeProgram ?? this.#options.nodeProgram;
    if (this.#warm?.isWaiting === true && this.#warm.nodeProgram === node) return;
    this.#dismissWarm();
    // Most jobs ask for one core: the one that would be free next.
    const slot = this.#slots.take({ cores: 1 });
    if (slot !== undefined) this.#slots.free(slot);
    const warm = this.#newRunner(node, slot?.cpus === undefined ? {} : { cpus: slot.cpus });
    this.#warm = warm;
    void warm.ended.then(() => {
      if (this.#warm === warm) this.#warm = undefined;
    });
  }

  /** Not at once: two starts of Node would slow down the notebook that takes the result home now. A next job comes with a call of `prepare`. */
  #prepareSoon(spec: JobSpec): void {
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => {
      this.prepare(spec);
    }, SETTLE_MS).unref();
  }

  load(): SchedulerLoad {
    const { machine } = this.#slots;
    return {
      cores: { total: machine.cores, used: this.#slots.usedCores },
      memoryMiB: { total: machine.memoryMiB, promised: this.#slots.promisedMiB },
      warm: this.#warm?.isWaiting === true ? 1 : 0,
    };
  }

  /** Lets go: jobs that run go on, jobs that wait are found in the store by the next agent. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#soon);
    clearTimeout(this.#warmTimer);
    this.#dismissWarm();
    this.#queue.length = 0;
    return Promise.resolve();
  }

  #dismissWarm(): void {
    this.#warm?.dismiss();
    this.#warm = undefined;
  }

  /** Starts from the front of the line whatever fits; nobody overtakes. */
  #advance(): void {
    const free = () => this.#queue.find(({ id }) => !this.#held.has(id));
    for (let job = free(); job !== undefined && !this.#isClosed; job = free()) {
      const slot = this.#slots.take(job.spec.resources, this.#warm?.cpus);
      if (slot === undefined) break;
      this.#queue.splice(this.#queue.indexOf(job), 1);
      this.#start(job, slot);
    }
    let place = 0;
    for (const job of this.#queue) {
      const reason = this.#held.has(job.id) ? 'held at your request' : this.#reason(job, place++);
      this.#options.report(job.id, { state: 'queued', reason });
    }
  }

  /** `place`: among those that are not held. */
  #reason(job: ScheduledJob, place: number): string {
    if (place > 0) return place === 1 ? 'behind 1 other job' : `behind ${place} other jobs`;
    return this.#slots.shortage(job.spec.resources) ?? 'starting';
  }

  #start(job: ScheduledJob, slot: Slot): void {
    const { spec, directory, packageOrders } = job;
    const { cores, memoryMiB, wallTimeSeconds } = spec.resources;
    const node = spec.nodeProgram ?? this.#options.nodeProgram;
    const runner = this.#takeWarm(spec, node) ?? this.#newRunner(node);
    runner.give({
      directory,
      jobId: job.id,
      cores,
      environment: { ...gpuVariable(slot), ...spec.environment },
      ...(packageOrders === undefined ? {} : { packages: packageOrders }),
      ...ordersForFiles(spec),
      ...ordersForContainer(spec),
      ...(slot.cpus === undefined ? {} : { cpus: slot.cpus }),
      ...(memoryMiB === undefined ? {} : { memoryMiB }),
      ...(wallTimeSeconds === undefined ? {} : { wallTimeSeconds }),
    });
    const running = this.#follow(job, runner, slot, undefined);
    void runner.started.then((since) => {
      running.since = since;
      if (this.#running.get(job.id) === running) this.#options.report(job.id, { state: 'running', since });
    });
  }

  #newRunner(node: string, warm?: WarmStart): StartedRunner {
    const { programs, isBound = false } = this.#options;
    return new StartedRunner({ programs, nodeProgram: node, isBound, ...(warm === undefined ? {} : { warm }) });
  }

  /** The warm runner, if it can do this job: V8's heap and Node's language are fixed when a process starts. */
  #takeWarm(spec: JobSpec, node: string): StartedRunner | undefined {
    const warm = this.#warm;
    // A runner in an image is another process.
    if (spec.container !== undefined) return undefined;
    const isOther = languageOf({ ...process.env, ...spec.environment }) !== languageOf(process.env);
    if (warm?.isWaiting !== true || warm.nodeProgram !== node || spec.resources.memoryMiB !== undefined || isOther)
      return undefined;
    this.#warm = undefined;
    return warm;
  }

  #follow(job: ScheduledJob, runner: Runner, slot: Slot, since: number | undefined): RunningJob {
    const { id } = job;
    const running: RunningJob = { job, runner, slot, since };
    this.#running.set(id, running);
    if (since !== undefined) this.#options.report(id, { state: 'running', since });
    void runner.ended.then((explanation) => {
      this.#running.delete(id);
      this.#slots.free(slot);
      this.#options.report(id, { state: 'ended', ...(explanation === undefined ? {} : { explanation }) });
      if (this.#isClosed) return;
      this.#advance();
      if (this.#queue.length === 0) this.#prepareSoon(job.spec);
    });
    return running;
  }

  async #end(running: RunningJob): Promise<void> {
    running.runner.terminate();
    await Promise.race([running.runner.ended, sleep(LAST_GRACE_MS, undefined, { ref: false })]);
    if (this.#running.get(running.job.id) === running) running.runner.kill();
  }
}

/** A cell on kept nodes sees the GPUs that it asked for, as a job of its own would. */
function gpuVariable({ gpus }: Slot): Readonly<Record<string, string>> {
  return gpus === undefined ? {} : { CUDA_VISIBLE_DEVICES: gpus.join(',') };
}
