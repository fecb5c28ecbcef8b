// A cluster that another machine's agent looks after: this one brings it the job and brings home what comes of it. One connection for all jobs of the
// cluster; when it is lost it is made again, ever more patiently, and everything goes on where it was.
import type { ClusterDefinition } from '../protocol/messages';
import { AgentConnection, LinkClosed } from '../client';
import { ClusterError, ProtocolError, TransportError, UsageError, messageOf, systemCode } from '../protocol/errors';
import { fine, trouble, type Finding } from '../protocol/finding';
import type { JobId, NativeId } from '../protocol/job';
import { DiskFullError, JobRejectedError } from '../protocol/job-errors';
import type { Contents } from '../store';
import type { Transport } from '../transports';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pulse } from './pulse';
import { RemoteJob, clearThere, isLeftThere, readRemoteId } from './remote-job';
import type { Explanation, Health, Report, ScheduledJob, Scheduler } from './scheduler';

export interface RemoteOptions {
  /** The cluster's name here. */
  readonly name: string;
  /** What it is there. */
  readonly definition: ClusterDefinition;
  readonly transport: Transport;
  /** This machine's store, for what comes back. */
  readonly contents: Contents;
  readonly report: Report;
  readonly log: (line: string) => void;
  /** Told when the way there is lost, or found again. */
  readonly healthChanged?: () => void;
  /** Until somebody waits for a cluster who could answer questions. */
  readonly untilPerson: (signal: AbortSignal) => Promise<void>;
}

const REQUEST_MS = 60_000;
/** A client waits no longer for a submission: what takes longer goes on by itself. */
const PATIENCE_MS = 20_000;
const PAUSES_MS = { first: 500, longest: 60_000 };
const DISK_PAUSE_MS = 5000;
/** A disk of this machine that takes nothing more. */
const DISK_CODES: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO']);

interface Carried {
  readonly remote: RemoteJob;
  /** Settles when the other machine's agent has accepted the job; rejects when there is none. */
  readonly accepted: Promise<NativeId | undefined>;
}

export class RemoteScheduler implements Scheduler {
  readonly name: string;
  readonly #options: RemoteOptions;
  readonly #carried = new Map<JobId, Carried>();
  /** Directories of jobs that have ended, and of which there is something on the other machine. */
  readonly #left = new Map<JobId, string>();
  readonly #closing = new AbortController();
  readonly #pulse: Pulse;
  #agent: AgentConnection | undefined;

  constructor(options: RemoteOptions) {
    this.name = options.name;
    this.#options = options;
    this.#pulse = new Pulse(() => options.healthChanged?.());
  }

  health(): Health {
    return this.#pulse.health;
  }

  /** Only the other machine knows what it refuses, and says so at submission. */
  check(): void {
    return;
  }

  async submit(job: ScheduledJob, signal: AbortSignal): Promise<NativeId | undefined> {
    const { accepted } = this.#carry(job, true);
    // When this agent ends meanwhile, the next one goes on with it: that is no failure.
    const late = sleep(PATIENCE_MS, undefined, { signal, ref: false }).catch(() => undefined);
    return await Promise.race([accepted, late]);
  }

  adopt(jobs: readonly ScheduledJob[]): Promise<void> {
    for (const job of jobs) this.#carry(job, false).accepted.catch(() => undefined);
    return Promise.resolve();
  }

  clear(jobs: readonly ScheduledJob[]): void {
    for (const { id, directory } of jobs) if (isLeftThere(directory)) this.#left.set(id, directory);
  }

  async cancel(ids: readonly JobId[], signal: AbortSignal): Promise<void> {
    for (const id of ids) {
      const carried = this.#carried.get(id);
      if (carried === undefined) continue;
      await Promise.race([carried.remote.cancel(), aborted(signal)]);
    }
  }

  async agent(signal: AbortSignal): Promise<AgentConnection> {
    const agent = this.#connection();
    await Promise.race([agent.open(), aborted(signal)]);
    return agent;
  }

  async change(change: 'hold' | 'release', ids: readonly JobId[], signal: AbortSignal): Promise<void> {
    for (const id of ids) await Promise.race([this.#carried.get(id)?.remote.change(change), aborted(signal)]);
  }

  /** The way there, then what the agent there sees. */
  async *examine(signal: AbortSignal): AsyncGenerator<Finding> {
    const { transport, definition } = this.#options;
    let isWayFine = true;
    for await (const found of transport.examine?.(signal) ?? []) {
      yield found;
      isWayFine &&= found.verdict === 'fine' || found.check === 'clock';
    }
    if (!isWayFine) return;
    const agent = this.#connection();
    try {
      if (definition.scheduler !== 'none') await agent.define(definition);
      const { version, node, pid } = await agent.status();
      yield fine('host agent', `Cellburst ${version} on Node ${node}, process ${pid}`);
      yield* agent.examine(definition.scheduler === 'none' ? 'local' : definition.name, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!ClusterError.is(error)) throw error;
      yield trouble('host agent', error.message);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#carried.clear();
    await this.#agent?.[Symbol.asyncDispose]();
    await this.#options.transport[Symbol.asyncDispose]();
  }

  #connection(): AgentConnection {
    const { transport } = this.#options;
    this.#agent ??= new AgentConnection({
      connect: async (signal) => {
        try {
          const stream = await transport.open(signal);
          this.#pulse.heard();
          return stream;
        } catch (error) {
          if (!signal.aborted) this.#pulse.failed(error);
          throw error;
        }
      },
      agent: `agent on ${transport.host}`,
      place: `agent.log on ${transport.host}`,
      requestTimeoutMs: REQUEST_MS,
      isPassive: true,
    });
    return this.#agent;
  }

  #carry(job: ScheduledJob, isNew: boolean): Carried {
    const { definition, contents } = this.#options;
    const report: Report = (id, sighting) => {
      this.#pulse.heard();
      this.#options.report(id, sighting);
    };
    const agent = (): AgentConnection => this.#connection();
    const remote = new RemoteJob({ job, definition, agent, contents, report });
    let accept: (id: NativeId | undefined) => void = () => undefined;
    let refuse: (error: unknown) => void = () => undefined;
    const accepted = new Promise<NativeId | undefined>((resolve, reject) => {
      accept = resolve;
      refuse = reject;
    });
    const carried = { remote, accepted };
    this.#carried.set(job.id, carried);
    let isAnswered = !isNew;
    const told = (id: NativeId | undefined): void => {
      isAnswered = true;
      accept(id);
    };
    this.#carryOn(remote, told, () => !isAnswered).then(
      () => this.#carried.delete(job.id),
      (error: unknown) => {
        this.#carried.delete(job.id);
        if (this.#closing.signal.aborted) {
          accept(undefined);
          return;
        }
        refuse(error);
        if (isAnswered)
          this.#options.report(job.id, { state: 'ended', explanation: toExplanation(error, job.directory) });
      },
    );
    setTimeout(() => {
      isAnswered = true;
    }, PATIENCE_MS).unref();
    return carried;
  }

  /**
   * Until the job is home. A lost connection is made again; one that cannot be made at all is an error as long as nothing was sent and somebody waits for
   * the answer.
   */
  async #carryOn(
    remote: RemoteJob,
    accepted: (id: NativeId | undefined) => void,
    isAwaited: () => boolean,
  ): Promise<void> {
    const { signal } = this.#closing;
    let pause = PAUSES_MS.first;
    for (;;) {
      try {
        await remote.run(accepted, signal);
        await this.#clearLeft();
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (!remote.hasBegun && (isAwaited() || !isOfConnection(error) || !error.transient)) throw error;
        if (isOfDisk(error)) {
          // The job is well; what it prints or has made waits over there until there is room here.
          this.#options.log(`${this.name}: ${messageOf(error)} Next try in ${DISK_PAUSE_MS / 1000} s.`);
          await sleep(DISK_PAUSE_MS, undefined, { signal, ref: false });
          continue;
        }
        if (!isOfConnection(error)) throw error;
        this.#pulse.failed(error);
        // Whoever waits for it sees why nothing happens.
        if (!remote.isThere) this.#options.report(remote.id, { state: 'queued', reason: error.message });
        if (!error.transient) {
          // What it takes to get in again may need a person, and is never tried without one.
          this.#options.log(`${this.name}: ${messageOf(error)} Waiting for somebody who asks for the job.`);
          await this.#options.untilPerson(signal);
          continue;
        }
        this.#options.log(`${this.name}: ${messageOf(error)} Next try in ${pause / 1000} s.`);
        await sleep(pause, undefined, { signal, ref: false });
        // A job that came further in the meantime has a connection that works.
        pause = remote.hasMoved() ? PAUSES_MS.first : Math.min(PAUSES_MS.longest, pause * 2);
      }
    }
  }

  /** What jobs of an earlier life of this agent have left there: just now there is a way. */
  async #clearLeft(): Promise<void> {
    for (const [id, directory] of this.#left) {
      await clearThere(this.#connection(), directory);
      this.#left.delete(id);
    }
  }
}

/** Why a job ended that this agent could not bring to its end. */
function toExplanation(error: unknown, directory: string): Explanation {
  const reason = messageOf(error);
  if (error instanceof JobRejectedError) {
    const words = error.schedulerWords === undefined ? {} : { words: error.schedulerWords };
    return { cause: 'rejected', reason, ...words };
  }
  if (error instanceof ProtocolError) return { cause: 'result-unreadable', reason };
  if (error instanceof UsageError && readRemoteId(directory) !== undefined)
    return { cause: 'runner-lost', reason: `The agent on its host knows the job no more: ${reason}` };
  return { cause: error instanceof DiskFullError ? 'disk-full' : 'start-failed', reason };
}

/** Whoever has told it in better words has kept the cause. */
function isOfDisk(error: unknown): boolean {
  if (DISK_CODES.has(systemCode(error))) return true;
  return error instanceof Error && error.cause !== undefined && isOfDisk(error.cause);
}

/** Not what the other agent says, but that it cannot be heard. The classes themselves: `is` knows all of ours. */
function isOfConnection(error: unknown): error is LinkClosed | TransportError {
  return error instanceof LinkClosed || error instanceof TransportError;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => {
      reject(new TransportError('It was given up.'));
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
