// The allocations of one batch cluster: jobs whose only task is to keep nodes, with an agent of ours on them. Cells that fit go there and start at once;
// their files come home over the batch system's own way into a running job. When an allocation ends, what its jobs have left in its directory counts.
import { dirname, join } from 'node:path';
import { existsSync, rmSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../protocol/errors';
import { readIfThere, writeWhole } from '../protocol/files';
import type { JobId, JobSpec, NativeId } from '../protocol/job';
import { jobId } from '../protocol/records';
import { ALLOCATION_FILE, ALLOCATION_STATE, KEY_FILE, LISTEN_FILE, REMOTE_FILE } from '../protocol/layout';
import { parseJson, record } from '../protocol/shape';
import type { Contents } from '../store';
import { withEnvironment, type Argv } from '../transports/shell';
import { readKey, type Callers } from '../transports';
import { CallTransport } from './call-transport';
import type { BatchDialect } from './dialect';
import { RemoteScheduler } from './remote';
import { readRemoteId } from './remote-job';
import { salvage } from './salvage';
import { readHeartbeat } from './runner';
import type { Explanation, Report, ScheduledJob, Sighting } from './scheduler';
import { StepTransport } from './step-transport';

export interface AllocationsOptions {
  readonly dialect: BatchDialect;
  /** Node and our agent's program, on the nodes. */
  readonly agentCommand: (spec: JobSpec) => Argv;
  /** This machine's store, for what comes back. */
  readonly contents: Contents;
  readonly report: Report;
  readonly log: (line: string) => void;
  /** Who calls us from nodes that we cannot reach. */
  readonly callers: Callers;
  /** For a job that its allocation has never begun: it needs another place. */
  readonly again: (job: ScheduledJob) => void;
}

interface Allocation {
  readonly job: ScheduledJob;
  nativeId: NativeId | undefined;
  /** Once it runs. */
  scheduler: RemoteScheduler | undefined;
  transport: StepTransport | CallTransport | undefined;
  /** Its end was asked for: nothing goes there any more. */
  isStopping: boolean;
  /** Everything that was given to it and has not ended. */
  readonly jobs: Map<JobId, ScheduledJob>;
}

const journal = record({ allocation: jobId });

export class Allocations {
  readonly #options: AllocationsOptions;
  readonly #all = new Map<JobId, Allocation>();

  constructor(options: AllocationsOptions) {
    this.#options = options;
  }

  /** An allocation was submitted, or found again. */
  add(job: ScheduledJob): void {
    if (this.#all.has(job.id)) return;
    this.#all.set(job.id, {
      ...{ job, nativeId: undefined, isStopping: false, jobs: new Map() },
      scheduler: undefined,
      transport: undefined,
    });
    const key = readKey(join(job.directory, KEY_FILE));
    if (key !== undefined) void this.#options.callers.expect(job.id, key, join(job.directory, LISTEN_FILE));
  }

  /** Its agent is there: jobs that wait for it are brought to it. */
  open(id: JobId, nativeId: NativeId): void {
    const allocation = this.#all.get(id);
    if (allocation === undefined || allocation.scheduler !== undefined) return;
    allocation.nativeId = nativeId;
    allocation.scheduler = this.#reach(allocation, nativeId);
    void this.#adopt(allocation.scheduler, [...allocation.jobs.values()]);
  }

  /** The batch system or its own files say that it is over, and how. */
  close(id: JobId, end: Sighting): void {
    const allocation = this.#all.get(id);
    if (allocation === undefined) return;
    this.#all.delete(id);
    void allocation.scheduler?.[Symbol.asyncDispose]();
    for (const job of allocation.jobs.values()) this.#settle(job, allocation.job, end);
  }

  retire(id: JobId): void {
    const allocation = this.#all.get(id);
    if (allocation !== undefined) allocation.isStopping = true;
  }

  /** The one that a job would go to: the first with room for it in all, busy or not. */
  find(spec: JobSpec): JobId | undefined {
    return [...this.#all.values()].find(({ job, isStopping }) => !isStopping && fits(spec, job.spec))?.job.id;
  }

  /** Gives a job to an allocation; when that does not run yet, as soon as it does. */
  async submit(job: ScheduledJob, id: JobId, signal: AbortSignal): Promise<NativeId | undefined> {
    const allocation = this.#all.get(id);
    if (allocation === undefined) throw new TypeError(`Allocation ${id} is gone.`);
    writeWhole(join(job.directory, ALLOCATION_FILE), `${JSON.stringify({ allocation: id })}\n`);
    allocation.jobs.set(job.id, job);
    if (allocation.scheduler === undefined) {
      this.#options.report(job.id, { state: 'queued', reason: `waits for allocation ${id}` });
      return undefined;
    }
    try {
      await allocation.scheduler.submit(inside(job), signal);
    } catch (error) {
      allocation.jobs.delete(job.id);
      rmSync(join(job.directory, ALLOCATION_FILE), { force: true });
      throw error;
    }
    return allocation.nativeId;
  }

  /** Is it one of ours? Then it is looked after again: in its allocation, or by what it has left there. */
  adopt(job: ScheduledJob): boolean {
    const id = readAllocation(job.directory);
    if (id === undefined) return false;
    const allocation = this.#all.get(id);
    if (allocation === undefined) {
      const directory = join(dirname(job.directory), id);
      this.#settle(job, { directory }, { state: 'ended' });
      return true;
    }
    allocation.jobs.set(job.id, job);
    if (allocation.scheduler !== undefined) void this.#adopt(allocation.scheduler, [job]);
    return true;
  }

  /** Those of the ids that are in no allocation. */
  async change(change: 'hold' | 'release', ids: readonly JobId[], signal: AbortSignal): Promise<readonly JobId[]> {
    const others: JobId[] = [];
    for (const id of ids) {
      const allocation = [...this.#all.values()].find(({ jobs }) => jobs.has(id));
      if (allocation === undefined) others.push(id);
      else await allocation.scheduler?.change(change, [id], signal);
    }
    return others;
  }

  /** false: it is in no allocation. */
  async cancel(id: JobId, signal: AbortSignal): Promise<boolean> {
    const allocation = [...this.#all.values()].find(({ jobs }) => jobs.has(id));
    const job = allocation?.jobs.get(id);
    if (allocation === undefined || job === undefined) return false;
    if (allocation.scheduler !== undefined) await allocation.scheduler.cancel([id], signal);
    else {
      allocation.jobs.delete(id);
      this.#options.report(id, { state: 'cancelled', by: 'unknown' });
    }
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#all.values()];
    this.#all.clear();
    for (const { scheduler } of all) await scheduler?.[Symbol.asyncDispose]();
  }

  async #adopt(scheduler: RemoteScheduler, jobs: readonly ScheduledJob[]): Promise<void> {
    try {
      await scheduler.adopt(jobs.map(inside));
    } catch (error) {
      this.#options.log(`${scheduler.name}: ${messageOf(error)}`);
    }
  }

  #reach(allocation: Allocation, nativeId: NativeId): RemoteScheduler {
    const { contents, log } = this.#options;
    const { job } = allocation;
    const name = `allocation ${job.id}`;
    const transport = this.#wayTo(job, nativeId, name);
    allocation.transport = transport;
    return new RemoteScheduler({
      name,
      definition: THERE,
      transport,
      contents,
      log,
      report: (id, sighting) => {
        this.#report(allocation, id, sighting);
      },
      // Nobody is asked anything on the way there.
      untilPerson: () => Promise.resolve(),
    });
  }

  #wayTo(job: ScheduledJob, nativeId: NativeId, name: string): StepTransport | CallTransport {
    const { dialect, agentCommand, callers } = this.#options;
    const { stepCommand } = dialect;
    if (stepCommand === undefined) return new CallTransport(name, job.id, job.directory, callers);
    const state = { CELLBURST_STATE_DIR: join(job.directory, ALLOCATION_STATE) };
    const bridge = (marker: string): Argv => [...agentCommand(job.spec), '--bridge', marker, '--to-running'];
    return new StepTransport(name, (marker) => stepCommand(nativeId, withEnvironment(state, bridge(marker))));
  }

  #report(allocation: Allocation, id: JobId, sighting: Sighting): void {
    const { job, jobs, transport } = allocation;
    if (sighting.state === 'ended' || sighting.state === 'cancelled') jobs.delete(id);
    if (sighting.state === 'running') {
      const host = readHeartbeat(job.directory)?.host;
      const slowness = transport instanceof CallTransport ? transport.slowness : undefined;
      const parts = [host, `allocation ${job.id}`, slowness].filter((part) => part !== undefined);
      const node = parts.join(', ');
      this.#options.report(id, { ...sighting, node, path: 'kept nodes' });
    } else if (sighting.state === 'queued') {
      const reason = [sighting.reason, `in allocation ${job.id}`].filter((part) => part !== undefined).join(' ');
      this.#options.report(id, { ...sighting, reason });
    } else this.#options.report(id, sighting);
  }

  #settle(job: ScheduledJob, allocation: Pick<ScheduledJob, 'directory'>, end: Sighting): void {
    const { report, again, log } = this.#options;
    const there = readRemoteId(job.directory);
    const from = there === undefined ? undefined : join(allocation.directory, ALLOCATION_STATE, 'jobs', there);
    try {
      const found = salvage(from, job.directory);
      if (found === 'ended') report(job.id, { state: 'ended', ...toExplanation(end) });
      else if (job.cancelRequestedAt !== undefined) report(job.id, { state: 'cancelled', by: 'unknown' });
      else if (found === 'cut') report(job.id, { state: 'ended', ...toExplanation(end) });
      else {
        for (const file of [ALLOCATION_FILE, REMOTE_FILE]) rmSync(join(job.directory, file), { force: true });
        again(job);
      }
    } catch (error) {
      log(`${job.id}: what it left in its allocation cannot be read: ${messageOf(error)}`);
      report(job.id, { state: 'ended', ...toExplanation(end) });
    }
  }
}

/** On the nodes of an allocation there is no batch system any more. */
const THERE = { name: 'local', scheduler: 'none', prologue: [], firstSeconds: 0, longestSeconds: 0 };

/** Memory that our own processes in an allocation need: asked for on top, so that cells get what was said. */
export const OVERHEAD_MIB = 256;

/** What was asked of the batch system is granted: its nodes know nothing of queues and accounts. */
function inside(job: ScheduledJob): ScheduledJob {
  const { batch, ...spec } = job.spec;
  return batch === undefined ? job : { ...job, spec };
}

/** Wall time is not compared: a cell may run to the end of its allocation. */
function fits(spec: JobSpec, allocation: JobSpec): boolean {
  const { resources: wanted } = spec;
  const { resources: kept } = allocation;
  const granted: Readonly<Record<string, unknown>> = { ...allocation.batch };
  return (
    spec.allocation === undefined &&
    wanted.cores <= kept.cores &&
    (wanted.memoryMiB ?? 0) <= (kept.memoryMiB ?? Infinity) &&
    (wanted.gpus ?? 0) <= (kept.gpus ?? 0) &&
    // What a cell does not ask for, any nodes give.
    Object.entries(spec.batch ?? {}).every(([name, asked]) => isDeepStrictEqual(asked, granted[name]))
  );
}

function toExplanation(end: Sighting): { explanation: Explanation } {
  const explained = end.state === 'ended' ? end.explanation : undefined;
  const why = end.state === 'cancelled' ? 'it was stopped' : (explained?.reason ?? 'it is over');
  return {
    explanation: {
      cause: explained?.cause ?? 'runner-lost',
      reason: `The allocation that the job ran in has ended: ${why}`,
    },
  };
}

export function readAllocation(directory: string): JobId | undefined {
  const path = join(directory, ALLOCATION_FILE);
  const source = existsSync(path) ? readIfThere(path) : undefined;
  return source === undefined ? undefined : parseJson(source, journal, path).allocation;
}
