// One job at the agent of another machine, step by step: made there under our token, its bundle brought, submitted, followed, brought home. Every step
// can be taken again: the token finds the job, sizes and offsets tell where to go on.
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentConnection } from '../client';
import { ClusterError, ProtocolError, UsageError } from '../protocol/errors';
import { readIfThere, writeWhole } from '../protocol/files';
import { isFinal, type JobRecord, type JobSpec, type NativeId } from '../protocol/job';
import { BUNDLE_FILE, ENVELOPE_FILE, OUTCOME_FILE, REMOTE_FILE } from '../protocol/layout';
import type { ClusterDefinition } from '../protocol/messages';
import { count, parseJson, record, text } from '../protocol/shape';
import { sendArchive } from './archive';
import { FileMirror, OutputMirror } from './mirror';
import type { Report, ScheduledJob, Sighting } from './scheduler';

/** remote.json; `sent` is 1 once the job was submitted there. */
const journal = record({ token: text }, { id: text, sent: count });

interface Journal {
  readonly token: string;
  readonly id?: string;
  readonly sent?: number;
}

export interface RemoteJobOptions {
  readonly job: ScheduledJob;
  readonly definition: ClusterDefinition;
  readonly agent: () => AgentConnection;
  readonly report: Report;
}

const PIECE_BYTES = 1024 * 1024;
/** So many pieces are under way at once, so that a long way does not slow the bundle down. */
const PIECES = 8;

export class RemoteJob {
  readonly #options: RemoteJobOptions;
  readonly #path: string;
  #journal: Journal;
  #isCancelled: boolean;
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
    await agent.discard(there.id);
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
    const { name, resources, batch, environment, origin, summary } = job.spec;
    return {
      name,
      resources,
      ...(batch === undefined ? {} : { batch }),
      environment,
      origin,
      summary,
      cluster: definition.scheduler === 'none' ? 'local' : definition.name,
      token: this.#journal.token,
    };
  }

  async #send(agent: AgentConnection, there: JobRecord, signal: AbortSignal): Promise<void> {
    try {
      if (this.#options.job.spec.files !== undefined)
        throw new UsageError('Files cannot go along to another machine yet (--in, --out, input(), output()).');
      if (there.submittedAt === undefined) {
        const { packages, packageOrders } = this.#options.job;
        if (packageOrders !== undefined) await sendArchive(agent, packageOrders, signal);
        await this.#sendBundle(agent, there.id, signal);
        await agent.submit(there.id, packages === undefined ? {} : { packages });
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
    const total = statSync(path).size;
    const sha256 = await digestOf(path, signal);
    const nothing = Buffer.alloc(0);
    let size = await agent.put({ id, offset: 0, total, sha256 }, nothing);
    const file = await open(path, 'r');
    try {
      const underWay: Promise<number>[] = [];
      for (let offset = size; offset < total; offset += PIECE_BYTES) {
        signal.throwIfAborted();
        const bytes = Buffer.allocUnsafe(Math.min(PIECE_BYTES, total - offset));
        await file.read(bytes, 0, bytes.length, offset);
        const sending = agent.put({ id, offset, total, sha256 }, bytes);
        // Awaited below, in order; a failure of a later one is then known, too.
        sending.catch(() => undefined);
        underWay.push(sending);
        if (underWay.length >= PIECES) size = (await underWay.shift()) ?? size;
      }
      for (const sending of underWay) size = await sending;
    } finally {
      await file.close();
    }
    this.#steps += 1;
    if (size !== total) throw new ProtocolError(`The bundle arrived in part only: ${size} of ${total} bytes.`);
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
    const files = [
      ['envelope', new FileMirror(join(directory, ENVELOPE_FILE))],
      ['outcome', new FileMirror(join(directory, OUTCOME_FILE))],
    ] as const;
    for (const [name, mirror] of files) {
      if (mirror.isWhole) continue;
      for await (const { offset, total, bytes } of agent.file(there.id, name, mirror.next, signal)) {
        mirror.write(offset, total, bytes);
        this.#steps += 1;
      }
      signal.throwIfAborted();
    }
  }

  #write(next: Journal): void {
    this.#journal = next;
    writeWhole(this.#path, `${JSON.stringify(next)}\n`);
    this.#steps += 1;
  }
}

async function digestOf(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(path, { highWaterMark: PIECE_BYTES, signal }))
    hash.update(bytes as Buffer);
  return hash.digest('hex');
}

function toSighting({ status }: JobRecord): Sighting | undefined {
  switch (status.state) {
    case 'queued':
    case 'running':
    case 'unknown':
      return status;
    default:
      return undefined;
  }
}

/** How it ended there. With an outcome or an envelope here, those tell; else its status there does. */
function toEnd({ status }: JobRecord): Sighting {
  if (status.state === 'cancelled')
    return { state: 'cancelled', by: status.by === 'administrator' ? 'administrator' : 'unknown' };
  if (status.state !== 'failed') return { state: 'ended' };
  return { state: 'ended', explanation: status };
}
