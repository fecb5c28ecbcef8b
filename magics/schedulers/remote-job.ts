// One job at the agent of another machine, step by step: made there under our token, its bundle brought, submitted, followed, brought home. Every step
// can be taken again: the token finds the job, digests and offsets tell where to go on.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentConnection, Described } from '../client';
import { decodeList } from '../protocol/chunks';
import { ClusterError, ProtocolError, UsageError } from '../protocol/errors';
import { readIfThere, writeWhole } from '../protocol/files';
import { isFinal, type JobRecord, type JobSpec, type NativeId, type JobId } from '../protocol/job';
import {
  BUNDLE_FILE,
  ENVELOPE_FILE,
  OUTCOME_FILE,
  OUTPUTS_FILE,
  REMOTE_FILE,
  SAMPLES_FILE,
  WORK_FOLDER,
} from '../protocol/layout';
import type { ClusterDefinition } from '../protocol/messages';
import { count, parseJson, record, text } from '../protocol/shape';
import { containerPart, linkTo, receive, scan, send, type Contents, type ContentSource } from '../store';
import { sendArchive } from './archive';
import { OutputMirror } from './mirror';
import { fetchOutputs, sendFiles } from './remote-files';
import type { Report, ScheduledJob, Sighting } from './scheduler';

/** remote.json; `sent` is 1 once the job was submitted there, `gone` once nothing of it is left there. */
const journal = record({ token: text }, { id: text, sent: count, gone: count });

interface Journal {
  readonly token: string;
  readonly id?: string;
  readonly sent?: number;
  readonly gone?: number;
}

/** Its id there, if it has come so far. */
export function readRemoteId(directory: string): string | undefined {
  const path = join(directory, REMOTE_FILE);
  const source = readIfThere(path);
  return source === undefined ? undefined : parseJson(source, journal, path).id;
}

/** Is there something left on the other machine of this job, which has ended here? */
export function isLeftThere(directory: string): boolean {
  const path = join(directory, REMOTE_FILE);
  const source = readIfThere(path);
  if (source === undefined) return false;
  const { id, gone } = parseJson(source, journal, path);
  return id !== undefined && gone === undefined;
}

/** Clears it away there: this agent was ended before it could. Throws when the other machine cannot be heard. */
export async function clearThere(agent: AgentConnection, directory: string): Promise<void> {
  const path = join(directory, REMOTE_FILE);
  const source = readIfThere(path);
  if (source === undefined) return;
  const { id, ...rest } = parseJson(source, journal, path);
  if (id === undefined) return;
  try {
    await agent.discard(id);
  } catch (error) {
    // It was cleared away, and the answer was lost.
    if (!(error instanceof UsageError)) throw error;
  }
  if (existsSync(directory)) writeWhole(path, `${JSON.stringify({ ...rest, id, gone: 1 })}\n`);
}

export interface RemoteJobOptions {
  readonly job: ScheduledJob;
  readonly definition: ClusterDefinition;
  readonly agent: () => AgentConnection;
  readonly contents: Contents;
  readonly report: Report;
}

/** A bundle of this size goes in one message: asking what is there would cost more than it saves. */
const WHOLE_BYTES = 256 * 1024;

export class RemoteJob {
  readonly #options: RemoteJobOptions;
  readonly #path: string;
  #journal: Journal;
  #isCancelled: boolean;
  /** Read once for all tries. */
  #bundle: ContentSource | undefined;
  #steps = 0;
  #seenSteps = 0;

  constructor(options: RemoteJobOptions) {
    this.#options = options;
    const { directory, cancelRequestedAt } = options.job;
    this.#path = join(directory, REMOTE_FILE);
    this.#isCancelled = cancelRequestedAt !== undefined;
    const source = readIfThere(this.#path);
    this.#journal =
      source === undefined ? { token: randomBytes(12).toString('hex') } : parseJson(source, journal, this.#path);
  }

  get id(): JobId {
    return this.#options.job.id;
  }

  /** The other machine's agent has made it. */
  get isThere(): boolean {
    return this.#journal.id !== undefined;
  }

  /** There may be something of it on the other machine. */
  get hasBegun(): boolean {
    return readIfThere(this.#path) !== undefined;
  }

  /** Has it come further since this was asked last? */
  hasMoved(): boolean {
    const hasMoved = this.#steps !== this.#seenSteps;
    this.#seenSteps = this.#steps;
    return hasMoved;
  }

  /** Asks for its end there, now or as soon as it is known there. */
  async cancel(): Promise<void> {
    this.#isCancelled = true;
    const { id } = this.#journal;
    if (id !== undefined) await this.#options.agent().cancel(id);
  }

  /** Throws UsageError while it is on its way there. */
  async change(change: 'hold' | 'release'): Promise<void> {
    const { id } = this.#journal;
    if (id === undefined)
      throw new UsageError(
        `Cannot ${change} job ${this.#options.job.id}: it is still on its way to the cluster. Try again.`,
      );
    await this.#options.agent().change(id, change);
  }

  /** Takes it home. Throws LinkClosed or TransportError when the connection is lost: to be called again then. */
  async run(accepted: (id: NativeId | undefined) => void, signal: AbortSignal): Promise<void> {
    const { agent: connect, definition } = this.#options;
    const agent = connect();
    await agent.open();
    if (definition.scheduler !== 'none') await agent.define(definition);
    const there = await this.#create(agent);
    if (this.#journal.sent === undefined) await this.#send(agent, there, signal);
    const { nativeId } = await agent.job(there.id);
    accepted(nativeId);
    if (this.#isCancelled) await agent.cancel(there.id);
    const ended = await this.#follow(agent, there.id, signal);
    await this.#fetch(agent, ended, signal);
    this.#options.report(this.#options.job.id, toEnd(ended));
    // What is home is not needed there any more.
    await clearThere(agent, this.#options.job.directory);
  }

  async #create(agent: AgentConnection): Promise<JobRecord> {
    const { id } = this.#journal;
    if (id !== undefined) return await agent.job(id);
    this.#write(this.#journal);
    const there = await agent.create(this.#toSpec());
    this.#write({ ...this.#journal, id: there.id });
    return there;
  }

  /** Paths of this machine mean nothing there. */
  #toSpec(): JobSpec {
    const { job, definition } = this.#options;
    const { name, resources, batch, environment, origin, summary, inputs, files, allocation, isAwaited } = job.spec;
    return {
      name,
      resources,
      ...(batch === undefined ? {} : { batch }),
      ...(allocation === undefined ? {} : { allocation }),
      ...(isAwaited === undefined ? {} : { isAwaited }),
      ...(inputs === undefined ? {} : { inputs }),
      ...(files === undefined ? {} : { files }),
      environment,
      origin,
      summary,
      cluster: definition.scheduler === 'none' ? 'local' : definition.name,
      token: this.#journal.token,
    };
  }

  async #send(agent: AgentConnection, there: JobRecord, signal: AbortSignal): Promise<void> {
    try {
      if (there.submittedAt === undefined) {
        const { packages, packageOrders } = this.#options.job;
        if (packageOrders !== undefined) await sendArchive(agent, packageOrders, signal);
        if (this.#options.job.spec.allocation === undefined) await this.#sendBundle(agent, there.id, signal);
        const along = await sendFiles(agent, this.#options, signal);
        await agent.submit(there.id, packages === undefined ? along : { ...along, packages });
      }
    } catch (error) {
      // A refusal leaves nothing behind there; a lost connection is another matter.
      if (ClusterError.is(error) && !error.transient) await agent.discard(there.id);
      throw error;
    }
    this.#write({ ...this.#journal, sent: 1 });
  }

  async #sendBundle(agent: AgentConnection, id: string, signal: AbortSignal): Promise<void> {
    const path = join(this.#options.job.directory, BUNDLE_FILE);
    if (statSync(path).size <= WHOLE_BYTES) {
      const bytes = readFileSync(path);
      await agent.store.putWhole(id, sha256(bytes), bytes);
    } else {
      this.#bundle ??= await scan('bundle', [containerPart(path)], { signal });
      const progress = (): void => void (this.#steps += 1);
      await send(this.#bundle, agent.store, { signal, progress });
      await agent.store.put(id, this.#bundle.content);
    }
    this.#steps += 1;
  }

  /** Output and states as they come, until it has ended there and all its output is here. */
  async #follow(agent: AgentConnection, id: string, signal: AbortSignal): Promise<JobRecord> {
    const both = new AbortController();
    const stop = AbortSignal.any([signal, both.signal]);
    try {
      const [ended] = await Promise.all([this.#watch(agent, id, stop), this.#copyOutput(agent, id, stop)]);
      return ended;
    } finally {
      both.abort();
    }
  }

  async #watch(agent: AgentConnection, id: string, signal: AbortSignal): Promise<JobRecord> {
    const { job, report } = this.#options;
    for await (const there of agent.watch(id, signal)) {
      this.#steps += 1;
      if (isFinal(there.status)) return there;
      const sighting = toSighting(there);
      if (sighting !== undefined) report(job.id, sighting);
    }
    signal.throwIfAborted();
    throw new ProtocolError(`The agent there knows job ${id} no more.`);
  }

  async #copyOutput(agent: AgentConnection, id: string, signal: AbortSignal): Promise<void> {
    const mirror = new OutputMirror(this.#options.job.directory);
    try {
      for await (const piece of agent.output(id, { from: mirror.next, signal })) {
        mirror.write(piece);
        this.#steps += 1;
      }
      signal.throwIfAborted();
    } finally {
      mirror.close();
    }
  }

  /** The outcome last: with it, everything is here. */
  async #fetch(agent: AgentConnection, there: JobRecord, signal: AbortSignal): Promise<void> {
    const { directory } = this.#options.job;
    const [envelope, outcome] = await Promise.all([
      this.#describe(agent, there.id, 'envelope', signal),
      this.#describe(agent, there.id, 'outcome', signal),
    ]);
    await this.#fetchOutputs(agent, there, signal);
    const samples = await agent.samples(there.id);
    if (samples !== undefined) writeWhole(join(directory, SAMPLES_FILE), JSON.stringify(samples));
    if (envelope !== undefined) await this.#keep(agent, envelope, join(directory, ENVELOPE_FILE), signal);
    if (outcome !== undefined) await this.#keep(agent, outcome, join(directory, OUTCOME_FILE), signal);
    this.#steps += 1;
  }

  async #fetchOutputs(agent: AgentConnection, there: JobRecord, signal: AbortSignal): Promise<void> {
    const { directory, spec } = this.#options.job;
    if (spec.files === undefined || spec.files.outputs.length === 0) return;
    const found = await this.#describe(agent, there.id, 'outputs', signal);
    if (found === undefined) return;
    const path = join(directory, OUTPUTS_FILE);
    await this.#keep(agent, found, path, signal);
    const progress = (): void => void (this.#steps += 1);
    const options = { contents: this.#options.contents, signal, progress };
    await fetchOutputs(agent, join(there.directory, WORK_FOLDER), directory, options);
  }

  #describe(agent: AgentConnection, id: string, file: 'envelope' | 'outcome' | 'outputs', signal: AbortSignal) {
    const progress = (): void => void (this.#steps += 1);
    return agent.store.describe({ kind: 'job', id, file }, signal, progress);
  }

  async #keep(agent: AgentConnection, found: Described, path: string, signal: AbortSignal): Promise<void> {
    if (existsSync(path)) return;
    if (found.kind === 'whole') {
      if (sha256(found.bytes) !== found.sha256) throw new ProtocolError(`${path} arrived damaged: its digest differs.`);
      writeWhole(path, found.bytes);
      return;
    }
    const { content, kind } = found.content;
    const progress = (): void => void (this.#steps += 1);
    const list = decodeList(kind, found.list, content);
    const received = await receive(content, list, agent.store, this.#options.contents, { signal, progress });
    await linkTo(received.content, path);
  }

  #write(next: Journal): void {
    this.#journal = next;
    writeWhole(this.#path, `${JSON.stringify(next)}\n`);
    this.#steps += 1;
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function toSighting({ status, usage, tasks, path }: JobRecord): Sighting | undefined {
  switch (status.state) {
    case 'running':
      return {
        ...status,
        ...(usage === undefined ? {} : { usage }),
        ...(tasks === undefined ? {} : { tasks }),
        ...(path === undefined ? {} : { path }),
      };
    case 'queued':
    case 'unknown':
      return status;
    default:
      return undefined;
  }
}

/** How it ended there. With an outcome or an envelope here, those tell; else its status there does. */
function toEnd({ status }: JobRecord): Sighting {
  if (status.state === 'cancelled')
    return {
      state: 'cancelled',
      by: status.by === 'administrator' ? 'administrator' : 'unknown',
      ...(status.words === undefined ? {} : { words: status.words }),
    };
  if (status.state !== 'failed') return { state: 'ended' };
  return { state: 'ended', explanation: status };
}
