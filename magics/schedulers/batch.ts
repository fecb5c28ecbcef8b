// A batch system as a scheduler of ours: a dialect (pure words) and a way to run commands make jobs of it. The worker's files push, in a directory
// that login and compute nodes share; the batch system is asked for what they cannot tell, all jobs in one question, ever more rarely.
import { existsSync, watch, type FSWatcher } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, type SchedulerError } from '../protocol/errors';
import { JobRejectedError } from '../protocol/job-errors';
import type { Finding } from '../protocol/finding';
import type { BatchRequest, JobId, JobPath, JobSpec, NativeId } from '../protocol/job';
import { Allocations } from './allocations';
import { BatchPapers, scriptOf, type BatchPlace } from './batch-papers';
import { BatchQuestions } from './batch-questions';
import { BatchJobView, type View } from './batch-view';
import { examineBatch } from './examine-batch';
import type { RunCommand } from './commands';
import type { BatchJob, Change } from './dialect';
import {
  explainWorker,
  freeOther,
  giveBack,
  hasBegun,
  nodesDesk,
  PATIENCE_SECONDS,
  startOnNodes,
  suitsNodes,
  type NodesDesk,
  type StartedWorker,
} from './on-nodes';
import { Pace, type PaceOptions } from './pace';
import { Proofs } from './proofs';
import { Pulse } from './pulse';
import { readHeartbeat } from './runner';
import type { Explanation, Health, Report, ScheduledJob, Scheduler } from './scheduler';
import type { Contents } from '../store';
import { Callers } from '../transports';
import { findOrRepeat, newSubmission, readSubmission, trySubmit, type Submission, type Try } from './submission';

export interface BatchOptions extends BatchPlace {
  /** The cluster's name. */
  readonly name: string;
  readonly run: RunCommand;
  readonly pace: PaceOptions;
  /** What its jobs ask for where nothing else is said. */
  readonly asked?: BatchRequest;
  /** HOST or HOST:PORT at which nodes reach this agent. */
  readonly listen?: string;
  /** Of this agent; seen by the compute nodes, too. */
  readonly stateDirectory: string;
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
  /** On nodes of its own, until it has begun. */
  worker: StartedWorker | undefined;
  /** It runs as a step of its own, and not as a batch job. */
  isStep: boolean;
}

/** Before that a scheduler has no reason yet why a new job waits. */
const PLANNED_MS = 3000;
/** The agent of kept nodes has its jobs end within 8 s. */
const FINISH_MS = 12_000;
/** Where a file system does not tell of changes (NFS), we look. */
const LOOK_MS = 500;
/** In turns: a thousand jobs on a shared file system would keep us busy with nothing else. */
const LOOKS_AT_ONCE = 50;

export class BatchScheduler implements Scheduler {
  readonly name: string;
  readonly #options: BatchOptions;
  readonly #tracked = new Map<JobId, Tracked>();
  readonly #papers: BatchPapers;
  readonly #proofs: Proofs;
  readonly #callers: Callers;
  readonly #allocations: Allocations;
  readonly #closing = new AbortController();
  readonly #pace: Pace;
  readonly #questions: BatchQuestions<Tracked>;
  readonly #pulse: Pulse;
  readonly #looking: NodeJS.Timeout;
  #turn: Tracked[] = [];

  constructor(options: BatchOptions) {
    this.name = options.name;
    this.#options = options;
    this.#papers = new BatchPapers(options);
    this.#proofs = new Proofs(options.stateDirectory, options.log);
    this.#callers = new Callers(options.listen, options.log);
    this.#allocations = new Allocations({
      dialect: options.dialect,
      agentCommand: (spec) => this.#papers.agentCommand(spec),
      contents: options.contents,
      report: options.report,
      log: options.log,
      callers: this.#callers,
      again: (job) => {
        this.#resume(this.#track(job, undefined), undefined);
      },
    });
    this.#pulse = new Pulse(() => options.healthChanged?.());
    this.#questions = new BatchQuestions({
      ...options,
      pulse: this.#pulse,
      answered: (tracked, observation) => {
        if (observation !== 'unheard') tracked.view.observe(observation, Date.now());
        this.#look(tracked);
      },
    });
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
    // A dialect refuses what it cannot express when it spells it.
    const job = this.#papers.toBatchJob({ spec, directory: '/' }, newSubmission().token);
    this.#options.dialect.directives(job);
    this.#options.dialect.submitCommand(job, '/');
  }

  async submit(job: ScheduledJob, signal: AbortSignal): Promise<NativeId | undefined> {
    const both = AbortSignal.any([signal, this.#closing.signal]);
    const allocation = this.#allocations.find(job.spec);
    if (allocation !== undefined) return await this.#allocations.submit(job, allocation, both);
    const desk = nodesDesk(this.#options.dialect, this.#options.run);
    if (desk !== undefined && suitsNodes(job.spec) && this.#proofs.of(this.name)?.stepSurvives === true) {
      const started = await this.#startOnNodes(desk, job, both);
      if (started !== 'refused') return started;
    }
    const submission = newSubmission();
    const batchJob = this.#papers.write(job, submission.token);
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
      const desk = nodesDesk(this.#options.dialect, this.#options.run);
      tracked.isStep = submission?.way === 'nodes';
      if (submission?.way === 'nodes' && desk !== undefined) {
        if (hasBegun(job.directory)) {
          freeOther(submission.client);
          if (tracked.nativeId === undefined) this.#resume(tracked, submission);
        } else this.#resumeOnNodes(desk, tracked, submission);
      } else if (tracked.nativeId === undefined) this.#resume(tracked, submission);
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
    const kept = wanted.filter(({ job }) => job.spec.allocation !== undefined && hasBegun(job.directory));
    await this.#finish(kept, signal);
    await this.#change(
      'cancel',
      wanted.filter((each) => !kept.includes(each)),
      signal,
    );
    if (wanted.length > 0) this.#pace.soon();
  }

  /** Holds jobs that wait, or releases them. */
  async change(change: Exclude<Change, 'cancel'>, ids: readonly JobId[], signal: AbortSignal): Promise<void> {
    const others = await this.#allocations.change(change, ids, signal);
    const wanted = others.flatMap((id) => this.#tracked.get(id) ?? []);
    await this.#change(change, wanted, signal);
    this.#pace.soon();
  }

  examine(signal: AbortSignal): AsyncIterable<Finding> {
    return examineBatch({ ...this.#options, proofs: this.#proofs }, signal);
  }

  /** In the background from the moment that it is no quick start any more. `refused`: there is nothing, and the submit command shall say why. */
  async #startOnNodes(
    desk: NodesDesk,
    job: ScheduledJob,
    signal: AbortSignal,
  ): Promise<NativeId | 'refused' | undefined> {
    const submission = newSubmission();
    const batchJob = this.#papers.write(job, submission.token);
    const tracked = this.#track(job, undefined);
    const paths = { script: scriptOf(job), log: desk.nodes.logPath(batchJob) };
    let worker: StartedWorker | 'busy' | 'refused' = 'refused';
    try {
      worker = await startOnNodes(desk, batchJob, paths, submission, signal);
    } finally {
      if (worker === 'refused') this.#forget(tracked);
    }
    if (worker === 'refused') return worker;
    if (worker === 'busy') {
      this.#instead(desk, tracked, batchJob);
      return undefined;
    }
    this.#pulse.heard();
    tracked.nativeId = worker.id;
    tracked.worker = worker;
    tracked.isStep = true;
    if (tracked.view.isCancelled) await this.#change('cancel', [tracked], signal);
    void worker.lost.then(() => {
      if (!hasBegun(job.directory) && this.#tracked.get(job.id) === tracked) this.#instead(desk, tracked, batchJob);
    });
    this.#pace.soon(PLANNED_MS);
    return worker.id;
  }

  /** The nodes are given back, and the queue is where the job belongs. */
  #instead(desk: NodesDesk, tracked: Tracked, batchJob: Pick<BatchJob, 'name' | 'token'>): void {
    const { job } = tracked;
    const known = tracked.nativeId;
    tracked.nativeId = undefined;
    this.#finishSubmission(tracked, async (signal) => {
      await giveBack(desk, batchJob, signal);
      // A worker that was there after all has told, or its end will be.
      if (known !== undefined && hasBegun(job.directory)) return { outcome: 'accepted', id: known };
      tracked.isStep = false;
      return await this.#submitAnew(job, signal);
    });
  }

  /** An earlier agent asked for nodes, and no worker has told of itself. Its step may be about to start, its request about to be granted. */
  #resumeOnNodes(desk: NodesDesk, tracked: Tracked, { token, nativeId }: Submission): void {
    const { job } = tracked;
    const wait = async (): Promise<void> => {
      const signal = AbortSignal.any([this.#closing.signal, tracked.over.signal]);
      // A request withdraws itself after its patience; a step that was started has told of itself by twice that.
      const patience = PATIENCE_SECONDS * 1000 * (nativeId === undefined ? 1.2 : 2);
      for (const deadline = Date.now() + patience; Date.now() < deadline;) {
        if (hasBegun(job.directory)) break;
        await sleep(LOOK_MS, undefined, { signal });
      }
      if (hasBegun(job.directory) && nativeId !== undefined) return;
      this.#instead(desk, tracked, { name: job.spec.name, token });
    };
    wait().catch((error: unknown) => {
      if (!this.#closing.signal.aborted && !tracked.over.signal.aborted)
        this.#options.log(`${job.id}: ${messageOf(error)}`);
    });
  }

  /** Lets go: the jobs belong to the batch system, and the next agent finds them by the journal. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    clearInterval(this.#looking);
    this.#pace.stop();
    for (const { watcher, worker, job } of this.#tracked.values()) {
      watcher?.close();
      if (hasBegun(job.directory)) worker?.letGo('now');
    }
    this.#tracked.clear();
    await this.#allocations[Symbol.asyncDispose]();
    await this.#callers[Symbol.asyncDispose]();
  }

  async #change(change: Change, wanted: readonly Tracked[], signal: AbortSignal): Promise<void> {
    const { dialect, run } = this.#options;
    // A job whose submission is not settled is changed once its id is known.
    const ids = wanted.flatMap(({ nativeId }) => nativeId ?? []);
    if (ids.length > 0) dialect.confirmChange(change, await run(dialect.changeCommand(change, ids), signal));
  }

  /** Kept nodes that somebody gives back: their agent ends itself, and the job is one that has done its work. Should it not, the batch system ends it. */
  async #finish(kept: readonly Tracked[], signal: AbortSignal): Promise<void> {
    const { dialect, run } = this.#options;
    const ids = kept.flatMap(({ nativeId }) => nativeId ?? []);
    if (dialect.finishCommand === undefined || ids.length === 0) {
      await this.#change('cancel', kept, signal);
      return;
    }
    dialect.confirmChange('cancel', await run(dialect.finishCommand(ids), signal));
    setTimeout(() => {
      for (const each of kept) if (this.#tracked.get(each.job.id) === each) this.#takeOut(each);
    }, FINISH_MS).unref();
  }

  #track(job: ScheduledJob, nativeId: NativeId | undefined): Tracked {
    const { dialect, report } = this.#options;
    const view = new BatchJobView({
      directory: job.directory,
      title: dialect.title,
      floorMs: this.#options.pace.firstMs,
      explainLog: (log) => dialect.explainLog(log) ?? explainWorker(log),
      logPath: () => (tracked.nativeId === undefined ? undefined : this.#papers.logPath(job, tracked.nativeId)),
    });
    if (job.cancelRequestedAt !== undefined) view.cancel();
    const watcher = this.#watch(job, () => this.#look(tracked));
    const tracked: Tracked = {
      ...{ job, view, watcher, nativeId },
      over: new AbortController(),
      worker: undefined,
      isStep: false,
    };
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
      this.#finishSubmission(tracked, (signal) => this.#submitAnew(job, signal));
    } else
      this.#settleLater(
        tracked,
        this.#papers.write(job, submission.token),
        submission,
        'the submission was interrupted',
      );
  }

  async #submitAnew(job: ScheduledJob, signal: AbortSignal): Promise<Exclude<Try, { outcome: 'uncertain' }>> {
    const fresh = newSubmission();
    const batchJob = this.#papers.write(job, fresh.token);
    const made = await trySubmit(this.#options, batchJob, scriptOf(job), fresh, signal);
    if (made.outcome !== 'uncertain') return made;
    return await findOrRepeat(this.#options, batchJob, scriptOf(job), { ...fresh, tries: 1 }, signal);
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
    if (view.isLeft === true) this.#takeOut(tracked);
    if (state === 'running') tracked.worker?.letGo('later');
    const news = view.news.state === 'running' ? { ...view.news, path: pathOf(tracked) } : view.news;
    this.#options.report(job.id, news);
    if (isOver) this.#allocations.close(job.id, view.news);
    else if (state === 'running' && nativeId !== undefined) this.#allocations.open(job.id, nativeId);
  }

  /** Nobody waits for it any more. Should it start all the same, its runner finds that it has run. */
  #takeOut(tracked: Tracked): void {
    this.#change('cancel', [tracked], this.#closing.signal).catch((error: unknown) => {
      this.#options.log(`${tracked.job.id}: it could not be taken out of the batch system: ${messageOf(error)}`);
    });
  }

  #forget(tracked: Tracked): void {
    tracked.watcher?.close();
    tracked.over.abort();
    this.#tracked.delete(tracked.job.id);
    if (this.#tracked.size === 0) this.#pace.rest();
  }

  #ask(): Promise<void> {
    return this.#questions.ask([...this.#tracked.values()], this.#closing.signal);
  }
}

function pathOf({ isStep }: Tracked): JobPath {
  return isStep ? 'step' : 'batch job';
}

/** A submission that came to nothing after the job was told of. */
function toExplanation(error: SchedulerError): Explanation {
  const reason = error.message;
  if (!(error instanceof JobRejectedError)) return { cause: 'start-failed', reason };
  const words = error.schedulerWords === undefined ? {} : { words: error.schedulerWords };
  return { cause: 'rejected', reason, ...words };
}
