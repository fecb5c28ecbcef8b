// A batch system as a scheduler of ours: a dialect (pure words) and a way to run commands make jobs of it. The worker's files push, in a directory
// that login and compute nodes share; the batch system is asked for what they cannot tell, all jobs in one question, ever more rarely.
import { existsSync, watch, type FSWatcher } from 'node:fs';
import { dirname, join } from 'node:path';
import { SchedulerError, UsageError, messageOf } from '../protocol/errors';
import { writeWhole } from '../protocol/files';
import { JobRejectedError } from '../protocol/job-errors';
import { fine, trouble, type Finding } from '../protocol/finding';
import type { JobId, JobSpec, NativeId } from '../protocol/job';
import { ORDERS_FILE, SCRIPT_FILE } from '../protocol/layout';
import { Allocations, OVERHEAD_MIB } from './allocations';
import { BatchJobView, type View } from './batch-view';
import type { RunCommand } from './commands';
import type { BatchDialect, BatchJob, Change, Observation, SiteWords } from './dialect';
import { Pace, type PaceOptions } from './pace';
import { Pulse } from './pulse';
import { ordersForContainer, ordersForFiles } from './request';
import { readHeartbeat, type RunnerPrograms } from './runner';
import type { Explanation, Health, Report, ScheduledJob, Scheduler } from './scheduler';
import type { Contents } from '../store';
import { batchScript, type Argv } from '../transports/shell';
import { Waits } from './waits';
import { findOrRepeat, newSubmission, readSubmission, trySubmit, type Submission } from './submission';

export interface BatchOptions {
  /** The cluster's name. */
  readonly name: string;
  readonly dialect: BatchDialect;
  readonly run: RunCommand;
  /** Absolute paths that the compute nodes see, too. */
  readonly programs: RunnerPrograms;
  /** Node on the compute nodes; without it that of the notebook, then ours. */
  readonly node?: string;
  /** Shell lines that each job begins with. */
  readonly prologue: readonly string[];
  readonly site: SiteWords;
  readonly pace: PaceOptions;
  /** This machine's store, for what comes back from allocations. */
  readonly contents: Contents;
  readonly report: Report;
  readonly log: (line: string) => void;
  /** Told when the batch system stops answering, or answers again. */
  readonly healthChanged?: () => void;
}

interface Tracked {
  readonly job: ScheduledJob;
  readonly view: BatchJobView;
  readonly watcher: FSWatcher | undefined;
  /** Aborted when its end is told: nothing is submitted for it any more. */
  readonly over: AbortController;
  nativeId: NativeId | undefined;
}

/** Before that a scheduler has no reason yet why a new job waits. */
const PLANNED_MS = 3000;
/** Where a file system does not tell of changes (NFS), we look. */
const LOOK_MS = 500;
/** In turns: a thousand jobs on a shared file system would keep us busy with nothing else. */
const LOOKS_AT_ONCE = 50;

export class BatchScheduler implements Scheduler {
  readonly name: string;
  readonly #options: BatchOptions;
  readonly #tracked = new Map<JobId, Tracked>();
  readonly #allocations: Allocations;
  readonly #closing = new AbortController();
  readonly #pace: Pace;
  readonly #waits: Waits;
  readonly #pulse: Pulse;
  readonly #looking: NodeJS.Timeout;
  #turn: Tracked[] = [];

  constructor(options: BatchOptions) {
    this.name = options.name;
    this.#options = options;
    this.#allocations = new Allocations({
      dialect: options.dialect,
      agentCommand: (spec) => this.#agentCommand(spec),
      contents: options.contents,
      report: options.report,
      log: options.log,
      again: (job) => {
        this.#resume(this.#track(job, undefined), undefined);
      },
    });
    this.#pulse = new Pulse(() => options.healthChanged?.());
    this.#waits = new Waits(options.dialect, options.run);
    this.#pace = new Pace(options.pace, () => this.#ask());
    this.#looking = setInterval(() => {
      for (const tracked of this.#nextToLook()) this.#look(tracked);
    }, LOOK_MS);
    this.#looking.unref();
  }

  health(): Health {
    return this.#pulse.health;
  }

  check(spec: JobSpec): void {
    if (spec.allocation !== undefined && this.#options.dialect.stepCommand === undefined)
      throw new UsageError(
        `${this.#options.dialect.title} gives no way into a running job, so ${this.name} can keep no nodes. Run cells without --keep.`,
      );
    // A dialect refuses what it cannot express when it spells it.
    const job = this.#toBatchJob({ spec, directory: '/' }, newSubmission().token);
    this.#options.dialect.directives(job);
    this.#options.dialect.submitCommand(job, '/');
  }

  async submit(job: ScheduledJob, signal: AbortSignal): Promise<NativeId | undefined> {
    const both = AbortSignal.any([signal, this.#closing.signal]);
    const allocation = this.#allocations.find(job.spec);
    if (allocation !== undefined) return await this.#allocations.submit(job, allocation, both);
    const submission = newSubmission();
    const batchJob = this.#write(job, submission.token);
    const made = await trySubmit(this.#options, batchJob, scriptOf(job), submission, both);
    if (made.outcome === 'accepted') this.#pulse.heard();
    if (made.outcome === 'none') {
      if (made.error.transient) this.#pulse.failed(made.error);
      else this.#pulse.heard();
      throw made.error;
    }
    const tracked = this.#track(job, made.outcome === 'accepted' ? made.id : undefined);
    if (made.outcome === 'uncertain') this.#settleLater(tracked, batchJob, { ...submission, tries: 1 }, made.words);
    this.#pace.soon(PLANNED_MS);
    return tracked.nativeId;
  }

  adopt(jobs: readonly ScheduledJob[]): Promise<void> {
    // Allocations first: other jobs may be in one of them.
    for (const job of jobs.filter(({ spec }) => spec.allocation !== undefined)) this.#allocations.add(job);
    for (const job of jobs) {
      if (this.#allocations.adopt(job)) continue;
      const submission = readSubmission(job.directory);
      const tracked = this.#track(job, submission?.nativeId);
      if (tracked.nativeId === undefined) this.#resume(tracked, submission);
      this.#look(tracked);
    }
    if (jobs.length > 0) this.#pace.soon();
    return Promise.resolve();
  }

  async cancel(ids: readonly JobId[], signal: AbortSignal): Promise<void> {
    for (const id of ids) await this.#allocations.cancel(id, signal);
    const wanted = ids.flatMap((id) => this.#tracked.get(id) ?? []);
    for (const { view, job } of wanted) {
      view.cancel();
      this.#allocations.retire(job.id);
    }
    await this.#change('cancel', wanted, signal);
    if (wanted.length > 0) this.#pace.soon();
  }

  /** Holds jobs that wait, or releases them. */
  async change(change: Exclude<Change, 'cancel'>, ids: readonly JobId[], signal: AbortSignal): Promise<void> {
    const others = await this.#allocations.change(change, ids, signal);
    const wanted = others.flatMap((id) => this.#tracked.get(id) ?? []);
    await this.#change(change, wanted, signal);
    this.#pace.soon();
  }

  async *examine(signal: AbortSignal): AsyncGenerator<Finding> {
    const { dialect, run } = this.#options;
    for (const probe of dialect.probes) {
      const { check, command, remedy } = probe;
      const answer = await run(command, signal);
      const says = probe.read(answer);
      if (says !== undefined) yield fine(check, says);
      else {
        const words = (answer.stderr.trim() || answer.stdout.trim()).split('\n').slice(-2).join(' ');
        yield trouble(check, [words, remedy].filter((part) => part !== '').join('. '));
      }
    }
  }

  /** Lets go: the jobs belong to the batch system, and the next agent finds them by the journal. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    clearInterval(this.#looking);
    this.#pace.stop();
    for (const { watcher } of this.#tracked.values()) watcher?.close();
    this.#tracked.clear();
    return this.#allocations[Symbol.asyncDispose]();
  }

  async #change(change: Change, wanted: readonly Tracked[], signal: AbortSignal): Promise<void> {
    const { dialect, run } = this.#options;
    // A job whose submission is not settled is changed once its id is known.
    const ids = wanted.flatMap(({ nativeId }) => nativeId ?? []);
    if (ids.length > 0) dialect.confirmChange(change, await run(dialect.changeCommand(change, ids), signal));
  }

  #track(job: ScheduledJob, nativeId: NativeId | undefined): Tracked {
    const { dialect, report } = this.#options;
    const view = new BatchJobView({
      directory: job.directory,
      title: dialect.title,
      floorMs: this.#options.pace.firstMs,
      explainLog: (log) => dialect.explainLog(log),
      logPath: () =>
        tracked.nativeId === undefined
          ? undefined
          : dialect.logPath(this.#toBatchJob(job, TOKEN_OF_NONE), tracked.nativeId),
    });
    if (job.cancelRequestedAt !== undefined) view.cancel();
    const watcher = this.#watch(job, () => this.#look(tracked));
    const tracked: Tracked = { job, view, watcher, over: new AbortController(), nativeId };
    // A deleted directory: the batch system still tells of the job.
    watcher?.on('error', () => this.#look(tracked));
    this.#tracked.set(job.id, tracked);
    if (job.spec.allocation !== undefined) this.#allocations.add(job);
    if (nativeId === undefined) report(job.id, { state: 'queued', reason: `${dialect.title} is being asked for it.` });
    return tracked;
  }

  /** A submission that an earlier agent began. */
  #resume(tracked: Tracked, submission: Submission | undefined): void {
    const { job } = tracked;
    if (submission === undefined) {
      const fresh = newSubmission();
      const batchJob = this.#write(job, fresh.token);
      this.#finishSubmission(tracked, async (signal) => {
        const made = await trySubmit(this.#options, batchJob, scriptOf(job), fresh, signal);
        if (made.outcome !== 'uncertain') return made;
        return await findOrRepeat(this.#options, batchJob, scriptOf(job), { ...fresh, tries: 1 }, signal);
      });
    } else this.#settleLater(tracked, this.#write(job, submission.token), submission, 'the submission was interrupted');
  }

  #settleLater(tracked: Tracked, batchJob: BatchJob, submission: Submission, words: string): void {
    const { job } = tracked;
    this.#options.log(`${job.id}: it is not certain that it was submitted (${words}); looking for it by its name`);
    this.#finishSubmission(tracked, (signal) =>
      findOrRepeat(this.#options, batchJob, scriptOf(job), submission, signal),
    );
  }

  #finishSubmission(tracked: Tracked, attempt: (signal: AbortSignal) => ReturnType<typeof findOrRepeat>): void {
    const { report, log, dialect } = this.#options;
    const { job, view } = tracked;
    const signal = AbortSignal.any([this.#closing.signal, tracked.over.signal]);
    const settle = async (): Promise<void> => {
      const made = await attempt(signal);
      if (made.outcome === 'none') {
        this.#forget(tracked);
        report(job.id, { state: 'ended', explanation: toExplanation(made.error) });
        return;
      }
      tracked.nativeId = made.id;
      report(job.id, { state: 'queued' });
      if (readHeartbeat(job.directory) !== undefined) this.#allocations.open(job.id, made.id);
      if (view.isCancelled) await this.#change('cancel', [tracked], signal);
      this.#pace.soon();
    };
    settle().catch((error: unknown) => {
      if (!signal.aborted) log(`${job.id}: its submission to ${dialect.title} cannot be settled: ${messageOf(error)}`);
    });
  }

  /** Everything that the batch system needs, in the job's directory. */
  #write(job: ScheduledJob, token: string): BatchJob {
    const { cores, memoryMiB, wallTimeSeconds, gpus } = job.spec.resources;
    const common = {
      directory: job.directory,
      jobId: job.id,
      cores,
      ...(memoryMiB === undefined ? {} : { memoryMiB }),
    };
    const orders =
      job.spec.allocation === undefined
        ? {
            ...common,
            environment: job.spec.environment,
            ...(job.packageOrders === undefined ? {} : { packages: job.packageOrders }),
            ...ordersForFiles(job.spec),
            ...ordersForContainer(job.spec),
            ...(wallTimeSeconds === undefined ? {} : { wallTimeSeconds }),
          }
        : { ...common, ...job.spec.allocation, ...(gpus === undefined ? {} : { gpus }) };
    writeWhole(join(job.directory, ORDERS_FILE), `${JSON.stringify(orders)}\n`);
    const batchJob = this.#toBatchJob(job, token);
    const script = batchScript({
      directives: this.#options.dialect.directives(batchJob),
      title: `Cellburst job ${job.id}`,
      environment: {},
      prologue: this.#options.prologue,
      directory: job.directory,
      command: batchJob.command,
    });
    writeWhole(scriptOf(job), script);
    return batchJob;
  }

  #toBatchJob({ spec, directory }: Pick<ScheduledJob, 'spec' | 'directory'>, token: string): BatchJob {
    const { programs, site } = this.#options;
    const { native = [], ...request } = spec.batch ?? {};
    const orders = join(directory, ORDERS_FILE);
    const cell = programs.cell === undefined ? [] : ['--cell', programs.cell];
    const { memoryMiB } = spec.resources;
    const isAllocation = spec.allocation !== undefined;
    const command: Argv = isAllocation
      ? [...this.#agentCommand(spec), '--runner', programs.runner, ...cell, '--allocation', orders]
      : [this.#nodeFor(spec), programs.runner, ...cell, '--orders', orders];
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

  #nodeFor(spec: JobSpec): string {
    return this.#options.node ?? spec.nodeProgram ?? process.execPath;
  }

  /** Our programs lie together. */
  #agentCommand(spec: JobSpec): Argv {
    return [this.#nodeFor(spec), join(dirname(this.#options.programs.runner), 'agent.js')];
  }

  /** Where the system takes no more watches, looking has to do. */
  #watch({ directory, id }: ScheduledJob, look: () => void): FSWatcher | undefined {
    try {
      return existsSync(directory) ? watch(directory, look) : undefined;
    } catch (error) {
      this.#options.log(`${id}: its directory cannot be watched: ${messageOf(error)}`);
      return undefined;
    }
  }

  #nextToLook(): Tracked[] {
    if (this.#turn.length === 0) this.#turn = [...this.#tracked.values()];
    return this.#turn.splice(0, LOOKS_AT_ONCE);
  }

  /** What the files tell. */
  #look(tracked: Tracked): void {
    if (this.#tracked.get(tracked.job.id) !== tracked) return;
    try {
      this.#tell(tracked, tracked.view.look(Date.now()));
    } catch (error) {
      this.#options.log(`${tracked.job.id}: its files cannot be read: ${messageOf(error)}`);
    }
  }

  #tell(tracked: Tracked, view: View): void {
    if (view.wantsAnswer) this.#pace.soon();
    if (view.news === undefined) return;
    const { job, nativeId } = tracked;
    const { state } = view.news;
    const isOver = state === 'ended' || state === 'cancelled';
    if (isOver) this.#forget(tracked);
    this.#options.report(job.id, view.news);
    if (isOver) this.#allocations.close(job.id, view.news);
    else if (state === 'running' && nativeId !== undefined) this.#allocations.open(job.id, nativeId);
  }

  #forget(tracked: Tracked): void {
    tracked.watcher?.close();
    tracked.over.abort();
    this.#tracked.delete(tracked.job.id);
    if (this.#tracked.size === 0) this.#pace.rest();
  }

  /** One question about all jobs, and one more about those that the first answer does not settle. */
  async #ask(): Promise<void> {
    const { dialect, run } = this.#options;
    const { signal } = this.#closing;
    const asked = new Map(
      [...this.#tracked.values()].flatMap((tracked) =>
        tracked.nativeId === undefined ? [] : [[tracked.nativeId, tracked]],
      ),
    );
    const ids = [...asked.keys()];
    if (ids.length === 0) return;
    try {
      const seen = new Map(dialect.parseStatus(await run(dialect.statusCommand(ids), signal)));
      this.#pulse.heard();
      const open = ids.filter((id) => isOpen(seen.get(id)));
      this.#waits.begin(seen);
      const told = open.length === 0 ? new Map<NativeId, Observation>() : await this.#history(open);
      for (const [id, tracked] of asked) {
        const found = told?.get(id) ?? seen.get(id);
        const observation = found && (await this.#waits.complete(id, found, Date.now(), signal));
        // Without an answer from the history, a job that the queue lacks is no job that is gone.
        if (observation !== undefined || told !== undefined) tracked.view.observe(observation, Date.now());
        this.#look(tracked);
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#pulse.failed(error);
      this.#options.log(`${this.name}: ${messageOf(error)}`);
      if (!(error instanceof SchedulerError)) throw error;
    }
  }

  async #history(ids: readonly NativeId[]): Promise<ReadonlyMap<NativeId, Observation> | undefined> {
    const { dialect, run, log } = this.#options;
    try {
      return dialect.parseHistory(await run(dialect.historyCommand(ids), this.#closing.signal));
    } catch (error) {
      log(`${this.name}: ${messageOf(error)}`);
      if (error instanceof SchedulerError) return undefined;
      throw error;
    }
  }
}

/** The queue lacks it, or knows no more than that it has ended. */
function isOpen(observation: Observation | undefined): boolean {
  return observation === undefined || observation.provisional === true || observation.sighting.state === 'unknown';
}

/** A submission that came to nothing after the job was told of. */
function toExplanation(error: SchedulerError): Explanation {
  const reason = error.message;
  if (!(error instanceof JobRejectedError)) return { cause: 'start-failed', reason };
  const words = error.schedulerWords === undefined ? {} : { words: error.schedulerWords };
  return { cause: 'rejected', reason, ...words };
}

/** Where a log lies does not depend on the token. */
const TOKEN_OF_NONE = 'cb0000000000';

function scriptOf(job: Pick<ScheduledJob, 'directory'>): string {
  return join(job.directory, SCRIPT_FILE);
}
