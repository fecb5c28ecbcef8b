// The jobs of this user: their records, what may be done with them, and who is told of changes. Every step that must survive is in the journal
// before anybody hears of it; what the files of a job tell anyway is written after.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AgentError, UsageError } from '../protocol/errors';
import { isFinal, type JobBrings, type JobId, type JobRecord, type JobSpec } from '../protocol/job';
import { readIfThere } from '../protocol/files';
import { archivePath, BUNDLE_FILE, HEARTBEAT_FILE } from '../protocol/layout';
import { isAlive } from '../protocol/platform';
import { heartbeat, type ProcessIdentity } from '../protocol/run';
import { parseJson } from '../protocol/shape';
import { toSegments } from '../protocol/spool';
import type { ScheduledJob, Scheduler, Sighting } from '../schedulers';
import { claim, deliver, release } from './delivery';
import { findId } from './ids';
import { Silence } from './silence';
import { toForget, toLighten, type Retention, type StoredJob } from './retention';
import { finish, sight, wantsExplanation, type Evidence } from './status';
import type { JobStore } from './store';

export interface JobsOptions {
  readonly store: JobStore;
  readonly retention: Retention;
  /** For what nobody waits for: a record that could not be written, a job that cannot be read. */
  readonly log: (line: string) => void;
}

export class Jobs {
  readonly #store: JobStore;
  readonly #options: JobsOptions;
  readonly #records = new Map<JobId, JobRecord>();
  readonly #unsaved = new Set<JobId>();
  readonly #silence = new Silence();
  readonly #listeners = new Set<(record: JobRecord) => void>();
  readonly #forgetListeners = new Set<(id: JobId) => void>();
  #schedulers: ReadonlyMap<string, Scheduler> = new Map();

  constructor(options: JobsOptions) {
    this.#options = options;
    this.#store = options.store;
  }

  /** Reads the journal and finds out what became of every job meanwhile. */
  async recover(schedulers: ReadonlyMap<string, Scheduler>, signal: AbortSignal): Promise<void> {
    this.#schedulers = schedulers;
    const { records, unreadable } = this.#store.load();
    for (const { directory, problem } of unreadable) this.#options.log(`left alone: ${directory}: ${problem}`);
    for (const record of records) {
      this.#keep(record);
      if (isFinal(record.status) || record.submittedAt === undefined) continue;
      const evidence = this.#store.readEvidence(record);
      if (evidence.outcome !== undefined && !wantsExplanation(evidence.outcome)) this.#finish(record, evidence);
      else if (!this.#schedulers.has(record.spec.cluster))
        this.#options.log(`${record.id}: there is no cluster ${record.spec.cluster} at present`);
    }
    for (const scheduler of schedulers.values()) await this.adopt(scheduler, signal);
  }

  /** Gives a scheduler the jobs that were submitted to its cluster and have not ended. */
  async adopt(scheduler: Scheduler, signal: AbortSignal): Promise<void> {
    const all = this.list().filter(
      ({ spec, submittedAt }) => spec.cluster === scheduler.name && submittedAt !== undefined,
    );
    scheduler.clear?.(all.filter(({ status }) => isFinal(status)));
    const jobs = all.filter(({ status }) => !isFinal(status));
    if (jobs.length === 0) return;
    await scheduler.adopt(
      jobs.map((job) => this.#toScheduled(job)),
      signal,
    );
    const cancelled = jobs.filter(({ cancelRequestedAt }) => cancelRequestedAt !== undefined).map(({ id }) => id);
    if (cancelled.length > 0) await scheduler.cancel(cancelled, signal);
  }

  list(): JobRecord[] {
    return [...this.#records.values()];
  }

  get(typed: string): JobRecord {
    const record = this.#records.get(findId([...this.#records.keys()], typed));
    if (record === undefined) throw new UsageError(`There is no job ${JSON.stringify(typed)}.`);
    return record;
  }

  /** Tells every change, in order. Gives how to stop that. */
  subscribe(listener: (record: JobRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Tells of every job that is no longer kept. Gives how to stop that. */
  onForget(listener: (id: JobId) => void): () => void {
    this.#forgetListeners.add(listener);
    return () => {
      this.#forgetListeners.delete(listener);
    };
  }

  create(spec: JobSpec): JobRecord {
    const known = spec.token === undefined ? undefined : this.list().find((job) => job.spec.token === spec.token);
    if (known !== undefined) return known;
    const scheduler = this.#schedulerOf(spec);
    scheduler.check(spec);
    const record = this.#store.create(spec, Date.now());
    this.#change(record);
    scheduler.prepare?.(spec);
    return record;
  }

  async submit(typed: string, { packages, locale, ...along }: JobBrings, signal: AbortSignal): Promise<JobRecord> {
    const job = this.get(typed);
    const record: JobRecord = {
      ...job,
      spec: { ...job.spec, ...along, environment: { ...locale, ...job.spec.environment } },
    };
    // Asked again after a lost reply: it is submitted once.
    if (record.submittedAt !== undefined || isFinal(record.status)) return record;
    if (record.spec.allocation === undefined && !existsSync(join(record.directory, BUNDLE_FILE)))
      throw new AgentError(
        `Cannot submit job ${record.id}: there is no ${BUNDLE_FILE} in ${record.directory}. Run the cell again.`,
      );
    const submitted: JobRecord = {
      ...record,
      ...(packages === undefined ? {} : { packages }),
      status: { state: 'queued' },
      submittedAt: Date.now(),
    };
    this.#write(submitted);
    try {
      const scheduler = this.#schedulerOf(record.spec);
      const nativeId = await scheduler.submit(this.#toScheduled(submitted), signal);
      const now = this.get(record.id);
      const known = nativeId === undefined ? now : this.#write({ ...now, nativeId });
      // The user may have changed their mind while the scheduler took its time.
      if (known.cancelRequestedAt !== undefined) await scheduler.cancel([known.id], signal);
      return known;
    } catch (error) {
      this.#write(record);
      throw error;
    }
  }

  async cancel(typed: string, signal: AbortSignal): Promise<JobRecord> {
    const record = this.get(typed);
    if (isFinal(record.status)) return record;
    const asked = this.#write({ ...record, cancelRequestedAt: record.cancelRequestedAt ?? Date.now() });
    if (asked.submittedAt === undefined) return this.#finish(asked, {});
    await this.#schedulerOf(asked.spec).cancel([asked.id], signal);
    return this.get(asked.id);
  }

  /** Throws UsageError for a job that does not wait. */
  async change(typed: string, change: 'hold' | 'release', signal: AbortSignal): Promise<JobRecord> {
    const record = this.get(typed);
    if (record.status.state !== 'queued')
      throw new UsageError(`Cannot ${change} job ${record.id}: only a job that waits can be held or released.`);
    await this.#schedulerOf(record.spec).change(change, [record.id], signal);
    return this.#write({ ...this.get(record.id), isHeld: change === 'hold' });
  }

  /** Forgets a job that was never submitted, or that has ended. */
  discard(typed: string): void {
    const record = this.get(typed);
    if (record.status.state !== 'preparing' && !isFinal(record.status))
      throw new UsageError(`Cannot discard job ${record.id}: it has not ended. Cancel it first.`);
    this.#forget(record.id);
  }

  claim(typed: string, by: ProcessIdentity): JobRecord {
    return this.#writeAhead(claim(this.get(typed), by));
  }

  delivered(typed: string, by: ProcessIdentity): JobRecord {
    const record = this.get(typed);
    const delivered = deliver(record, by, Date.now());
    if (delivered === record) return record;
    const written = this.#writeAhead(delivered);
    // After the answer: nobody needs to wait for a disk.
    setImmediate(() => {
      this.#store.dropLarge(written, this.#options.log);
    });
    return written;
  }

  release(typed: string, by: ProcessIdentity): JobRecord {
    const record = this.get(typed);
    const free = release(record, by);
    return free === record ? record : this.#write(free);
  }

  /** A client is gone: what it has claimed and not delivered is free again. */
  releaseAll(by: ProcessIdentity): void {
    for (const record of this.list()) this.release(record.id, by);
  }

  /** For schedulers: what they see of a job. */
  readonly report = (id: JobId, sighting: Sighting): void => {
    const record = this.#records.get(id);
    if (record === undefined || isFinal(record.status)) return;
    if (sighting.state === 'ended') {
      const explanation = sighting.explanation === undefined ? {} : { explanation: sighting.explanation };
      this.#finish(record, { ...this.#store.readEvidence(record), ...explanation });
    } else if (sighting.state === 'cancelled') {
      const cancelWords = sighting.words === undefined ? {} : { cancelWords: sighting.words };
      this.#finish(record, { ...this.#store.readEvidence(record), cancelledBy: sighting.by, ...cancelWords });
    } else {
      const seen = sight(record, sighting);
      if (seen === record) return;
      if (seen.status.state !== record.status.state) this.#writeLater(seen);
      this.#change(seen);
    }
  };

  /** Usage and size of output of the jobs that run, from their heartbeats; not in the journal, since the files have it. */
  refresh(): void {
    for (const record of this.list()) {
      const { status } = record;
      if (status.state !== 'running') {
        this.#silence.forget(record.id);
        continue;
      }
      const path = join(record.directory, HEARTBEAT_FILE);
      const text = readIfThere(path);
      if (text === undefined) {
        // A job on another machine: its output is here, its runner's file is not.
        if (!existsSync(record.directory)) continue;
        const outputBytes = spooledBytes(record.directory);
        if (outputBytes !== record.outputBytes) this.#change({ ...record, outputBytes });
        continue;
      }
      const { usage, outputBytes, droppedBytes, beatAt } = parseJson(text, heartbeat, path);
      const now = this.#silence.note(record.id, status, beatAt, Date.now());
      this.#change({ ...record, status: now, usage, outputBytes, droppedBytes });
    }
  }

  /** Writes what could not be written before, and clears away what is no longer kept. */
  sweep(): void {
    for (const id of [...this.#unsaved]) {
      const record = this.#records.get(id);
      if (record !== undefined) this.#writeLater(record);
    }
    const stored = this.list().map(toStored);
    for (const id of toForget(stored, this.#options.retention, Date.now())) this.#forget(id);
    for (const id of toLighten(stored, Date.now())) {
      const record = this.#records.get(id);
      if (record !== undefined) this.#store.lighten(record);
    }
  }

  #toScheduled(record: JobRecord): ScheduledJob {
    const { archive, install } = record.packages ?? {};
    if (archive === undefined) return record;
    const { sha256 } = archive;
    const path = archivePath(this.#store.stateDirectory, sha256);
    return { ...record, packageOrders: { archive: path, sha256, ...(install === undefined ? {} : { install }) } };
  }

  #finish(record: JobRecord, evidence: Evidence): JobRecord {
    const ended = finish(record, evidence, Date.now());
    this.#change(ended);
    this.#writeLater(ended);
    return ended;
  }

  #schedulerOf(spec: JobSpec): Scheduler {
    const scheduler = this.#schedulers.get(spec.cluster);
    if (scheduler !== undefined) return scheduler;
    throw new UsageError(
      `There is no cluster ${JSON.stringify(spec.cluster)}. There are: ${[...this.#schedulers.keys()].join(', ')}.`,
    );
  }

  #keep(record: JobRecord): void {
    this.#records.set(record.id, record);
  }

  #change(record: JobRecord): void {
    this.#keep(record);
    for (const listener of this.#listeners) listener(record);
  }

  /** In the journal first. */
  #write(record: JobRecord): JobRecord {
    this.#store.save(record);
    this.#unsaved.delete(record.id);
    this.#change(record);
    return record;
  }

  /** What a notebook does with a result means nothing once the machine has stopped, and the notebook with it. */
  #writeAhead(record: JobRecord): JobRecord {
    this.#store.saveAhead(record, this.#options.log);
    this.#unsaved.delete(record.id);
    this.#change(record);
    return record;
  }

  /** A step that the job's files tell as well: when the disk is full or the directory gone, it is kept here and tried again. */
  #writeLater(record: JobRecord): void {
    try {
      this.#store.saveAhead(record, this.#options.log);
      this.#unsaved.delete(record.id);
    } catch (error) {
      if (existsSync(record.directory)) this.#unsaved.add(record.id);
      this.#options.log(`${record.id}: cannot write its record: ${String(error)}`);
    }
  }

  #forget(id: JobId): void {
    const record = this.#records.get(id);
    if (record === undefined) return;
    this.#store.remove(record);
    this.#records.delete(id);
    this.#unsaved.delete(id);
    this.#silence.forget(id);
    for (const listener of this.#forgetListeners) listener(id);
  }
}

function spooledBytes(directory: string): number {
  const last = toSegments(readdirSync(directory)).at(-1);
  return last === undefined ? 0 : last.start + statSync(join(directory, last.file)).size;
}

function toStored(record: JobRecord): StoredJob {
  return { record, bytes: sizeOf(record.directory), isOriginAlive: isAlive({ pid: record.spec.origin.pid }) };
}

function sizeOf(directory: string): number {
  if (!existsSync(directory)) return 0;
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce(
      (sum, entry) => sum + (statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
}
