// What the kernel and the command line hold: typed requests to the home agent. A lost agent is started again and asked again; streams go on where
// they were. Every request can be repeated safely: the agent does each thing once.
import type { ContentId } from '../protocol/chunks';
import { AgentError } from '../protocol/errors';
import type { Finding } from '../protocol/finding';
import type { HostFacts } from '../protocol/host-facts';
import type { ContainerRequest, ImageSeen } from '../protocol/image';
import type { JobBrings, JobId, JobRecord, JobSpec } from '../protocol/job';
import { isFinal } from '../protocol/job';
import {
  CALLS,
  STREAMS,
  type AgentStatus,
  type ClusterDefinition,
  type ClusterStates,
  type CallName,
  type CallParams,
  type CallResult,
  type StreamEvent,
} from '../protocol/messages';
import { identify } from '../protocol/platform';
import type { UsageSamples } from '../protocol/samples';
import type { ProcessIdentity } from '../protocol/run';
import { FileVerbs } from './file-verbs';
import { Link, LinkClosed, type LinkEvent, type OpenStream } from './link';
import { StoreVerbs } from './store-verbs';
import { readEvents } from './stream';

export interface OutputPiece {
  /** Where the bytes begin in the job's output. */
  readonly offset: number;
  /** Where to go on. Further than the bytes reach where output was dropped: then they are a line that says so. */
  readonly next: number;
  /** Whole output records (protocol/output.ts). */
  readonly bytes: Buffer;
}

export interface ConnectionOptions {
  /** Reaches the agent, and starts it if need be. */
  readonly connect: (signal: AbortSignal) => Promise<OpenStream>;
  /** For people: `home agent`. */
  readonly agent: string;
  /** Where its log is, for people. */
  readonly place: string;
  /** One request, without the time to start an agent. */
  readonly requestTimeoutMs: number;
  /** Node for jobs whose spec names none. */
  readonly nodeProgram?: string;
  /** Do not ask again after a lost connection. */
  readonly isPassive: boolean;
}

const ATTEMPTS = 4;

export class AgentConnection implements AsyncDisposable {
  readonly #options: ConnectionOptions;
  readonly #identity: ProcessIdentity = identify(process.pid);
  #link: Promise<Link> | undefined;
  #isHeld = true;
  readonly #closing = new AbortController();
  /** Bytes to that agent's store and from it; asked of the home agent, to any cluster's and from it. */
  readonly store = new StoreVerbs({
    call: (method, params, bytes) => this.#call(method, params, bytes),
    events: (method, params, signal) => this.#events(method, params, signal),
  });

  /** Files on the hosts of clusters. */
  readonly files = new FileVerbs({
    call: (method, params) => this.#call(method, params),
    events: (method, params, signal) => this.#events(method, params, signal),
  });

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Makes the record and the directory of a job. The caller then writes the bundle there and submits, or discards. */
  create(spec: JobSpec): Promise<JobRecord> {
    const { nodeProgram } = this.#options;
    return this.#call('create', { spec: nodeProgram === undefined ? spec : { nodeProgram, ...spec } });
  }

  /** `brings`: what goes along and lies in its place by now. */
  submit(id: JobId | string, brings: JobBrings = {}): Promise<JobRecord> {
    return this.#call('submit', { id, ...brings });
  }

  /** Takes back a job that was never submitted, or forgets one that has ended. */
  async discard(id: JobId | string): Promise<void> {
    await this.#call('discard', { id });
  }

  /** All jobs that are kept, oldest first. */
  jobs(): Promise<readonly JobRecord[]> {
    return this.#call('jobs', {});
  }

  /** One job, by its id or an unambiguous beginning or end of it. */
  job(id: JobId | string): Promise<JobRecord> {
    return this.#call('job', { id });
  }

  /** Holds a job that waits, or lets it go. */
  change(id: JobId | string, change: 'hold' | 'release'): Promise<JobRecord> {
    return this.#call('change', { id, change });
  }

  /** Asks for a job's end; its status tells when it has come. */
  cancel(id: JobId | string): Promise<JobRecord> {
    return this.#call('cancel', { id });
  }

  /** Takes charge of a result. Refused (CONFLICT) when it was delivered, or another process is at it. */
  claim(id: JobId | string): Promise<JobRecord> {
    return this.#call('claim', { id });
  }

  /** The claimed result is in the notebook. Bundle and envelope may be deleted from now on. */
  delivered(id: JobId | string): Promise<JobRecord> {
    return this.#call('delivered', { id });
  }

  /** Gives a claimed result back. Happens by itself when this process ends. */
  release(id: JobId | string): Promise<JobRecord> {
    return this.#call('release', { id });
  }

  /** What a job has used over its time. Undefined: it has told nothing of that. */
  async samples(id: JobId | string): Promise<UsageSamples | undefined> {
    return (await this.#call('samples', { id })).samples;
  }

  /** The script that a batch system was given for a job. */
  async script(id: JobId | string): Promise<string> {
    return (await this.#call('script', { id })).text;
  }

  status(): Promise<AgentStatus> {
    return this.#call('status', {});
  }

  /** Has a runner made ready for the next job. */
  async warm(): Promise<void> {
    const { nodeProgram } = this.#options;
    await this.#call('warm', nodeProgram === undefined ? {} : { nodeProgram });
  }

  /** Ends the agent. Its jobs go on; the next client starts another one, which finds them. */
  async finish(): Promise<void> {
    try {
      await this.#ask(await this.open(), 'finish', {});
    } catch (error) {
      // It went before its answer did.
      if (!(error instanceof LinkClosed)) throw error;
    }
  }

  /** A job's record now and after each change, until it is final; with `all`, every job's, until the signal. Steps may be skipped, never the last. */
  async *watch(id: JobId | string, signal: AbortSignal): AsyncGenerator<JobRecord> {
    const params = id === 'all' ? {} : { id };
    while (!signal.aborted) {
      try {
        for await (const { value } of this.#events('watch', params, signal)) {
          const record = STREAMS.watch.event(value, 'watch');
          yield record;
          if (id !== 'all' && isFinal(record.status)) return;
        }
        return;
      } catch (error) {
        if (!(error instanceof LinkClosed)) throw error;
      }
    }
  }

  /**
   * Every job's record now and after each change, and the ids of those that are forgotten. Unlike `watch` it ends by an error when the agent is
   * lost: what was forgotten meanwhile nobody can tell, so the caller asks for all `jobs` again.
   */
  async *changes(signal: AbortSignal): AsyncGenerator<StreamEvent<'changes'>> {
    for await (const { value } of this.#events('changes', {}, signal)) yield STREAMS.changes.event(value, 'changes');
  }

  /**
   * A job's output from an offset on (0, or the `next` of an earlier piece), until the job has ended and all of it came;
   * with `follow: false` what there is by now.
   */
  async *output(
    id: JobId | string,
    options: { readonly from?: number; readonly follow?: boolean; readonly signal: AbortSignal },
  ): AsyncGenerator<OutputPiece> {
    const { signal, follow = true } = options;
    let from = options.from ?? 0;
    while (!signal.aborted) {
      try {
        for await (const { value, bytes } of this.#events('output', { id, from, follow }, signal)) {
          const { offset, next } = STREAMS.output.event(value, 'output');
          from = next;
          yield { offset, next, bytes: bytes ?? Buffer.alloc(0) };
        }
        return;
      } catch (error) {
        if (!(error instanceof LinkClosed)) throw error;
      }
    }
  }

  /** A look at all that a job on a cluster needs: each step as it is done. */
  async *examine(cluster: string, signal: AbortSignal): AsyncGenerator<Finding> {
    for await (const { value } of this.#events('examine', { cluster }, signal))
      yield STREAMS.examine.event(value, 'examine');
  }

  /** Where jobs can run, now and after each change, until the signal. */
  async *clusters(signal: AbortSignal): AsyncGenerator<ClusterStates> {
    for await (const { value } of this.#events('clusters', {}, signal)) yield STREAMS.clusters.event(value, 'clusters');
  }

  /** What hosts want of a person, until the signal. */
  async *questions(signal: AbortSignal): AsyncGenerator<StreamEvent<'questions'>> {
    for await (const { value } of this.#events('questions', {}, signal))
      yield STREAMS.questions.event(value, 'questions');
  }

  /** Kept nowhere. Without a text: the person would rather not say. */
  async answer(id: number, text: string | undefined): Promise<void> {
    await this.#call('answer', text === undefined ? { id } : { id, text });
  }

  /** Tells an agent on another machine what a cluster is that jobs name. */
  async define(cluster: ClusterDefinition): Promise<void> {
    await this.#call('define', { cluster });
  }

  /** What the machine is that jobs of a cluster are sent to. */
  facts(cluster: string): Promise<HostFacts> {
    return this.#call('facts', { cluster });
  }

  /** Is an archive of packages there, or is it now, of a content that was sent? */
  async archive(sha256: string, content?: ContentId): Promise<boolean> {
    return (await this.#call('archive', content === undefined ? { sha256 } : { sha256, content })).isThere;
  }

  /** The same of a cluster that this agent sends jobs to. Throws TransportError where it cannot be asked. */
  archiveAt(cluster: string, sha256: string): Promise<CallResult<'archive'>> {
    return this.#call('archive', { sha256, cluster });
  }

  /** Is an image where the jobs of a cluster are sent to? Throws TransportError where it cannot be asked. */
  image(cluster: string, container: ContainerRequest): Promise<ImageSeen> {
    return this.#call('image', { cluster, container });
  }

  /** An idle connection keeps no process alive when this was called with false. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    void this.#link?.then(
      (link) => {
        link.hold(isHeld);
      },
      () => undefined,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    const link = this.#link;
    this.#link = undefined;
    // A link that never came up has nothing to close.
    (await link?.catch(() => undefined))?.close();
  }

  /** The open connection, or a new one. */
  async open(): Promise<Link> {
    if (this.#closing.signal.aborted)
      throw new AgentError(`The connection to the ${this.#options.agent} was closed here.`);
    const current = this.#link;
    if (current !== undefined) {
      const link = await current;
      if (link.isOpen) return link;
      if (this.#link === current) this.#link = undefined;
      return this.open();
    }
    const opening = this.#openLink();
    this.#link = opening;
    try {
      return await opening;
    } catch (error) {
      if (this.#link === opening) this.#link = undefined;
      throw error;
    }
  }

  async #openLink(): Promise<Link> {
    const { connect, agent, place, requestTimeoutMs } = this.#options;
    // An agent that is about to end may still take a connection, and close it before the greeting.
    for (let attempt = 1; ; attempt++) {
      const link = new Link(await connect(this.#closing.signal), agent, () => undefined);
      link.hold(this.#isHeld);
      try {
        await link.greet(this.#identity, requestTimeoutMs);
        return link;
      } catch (error) {
        if (!(error instanceof LinkClosed)) throw error;
        if (attempt < ATTEMPTS) continue;
        throw new AgentError(`The ${agent} closed ${attempt} connections at once. Its log, ${place}, may tell why.`, {
          cause: error,
        });
      }
    }
  }

  async #call<M extends CallName>(method: M, params: CallParams<M>, bytes?: Buffer): Promise<CallResult<M>> {
    for (let attempt = 1; ; attempt++) {
      try {
        const value = await this.#ask(await this.open(), method, params, bytes);
        // The table's shape for M gives CallResult<M>; TypeScript does not carry M through the table.
        return CALLS[method].result(value, method) as CallResult<M>;
      } catch (error) {
        if (!(error instanceof LinkClosed) || attempt >= ATTEMPTS || this.#options.isPassive) throw error;
      }
    }
  }

  #ask(link: Link, method: string, params: unknown, bytes?: Buffer): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { requestTimeoutMs, agent } = this.#options;
      const timer = setTimeout(() => {
        link.forget(id);
        const seconds = requestTimeoutMs / 1000;
        reject(
          new AgentError(`The ${agent} did not answer "${method}" within ${seconds} s. Is it stopped or overloaded?`),
        );
      }, requestTimeoutMs);
      const id = link.request(
        method,
        params,
        {
          event: () => undefined,
          end: (value) => {
            clearTimeout(timer);
            resolve(value);
          },
          fail: (error) => {
            clearTimeout(timer);
            reject(error);
          },
        },
        bytes,
      );
    });
  }

  async *#events(method: string, params: unknown, signal: AbortSignal): AsyncGenerator<LinkEvent> {
    yield* readEvents(await this.open(), { method, params }, signal);
  }
}
