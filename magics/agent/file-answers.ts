// Questions about files of a cluster: answered here if the cluster is of this machine, else by the agent that is there.
import type { AgentConnection } from '../client';
import type { OnHost } from '../protocol/job-files';
import type { CallParams, CallResult, StreamParams } from '../protocol/messages';
import type { StreamItem } from './answers';
import { fileSpace, fileUsage, listFiles, lookAt, readFile, removeFiles, settleHere } from './host-files';

/** undefined: this one. Throws UsageError when there is no such cluster. */
export type AgentOf = (cluster: string, signal: AbortSignal) => Promise<AgentConnection | undefined>;

export class FileAnswers {
  readonly #agentOf: AgentOf;

  constructor(agentOf: AgentOf) {
    this.#agentOf = agentOf;
  }

  async *listFiles(params: StreamParams<'listFiles'>, signal: AbortSignal): AsyncGenerator<StreamItem> {
    const there = await this.#agentOf(params.place.cluster, signal);
    if (there === undefined) yield* listFiles(params, signal);
    else {
      const { recursive = false } = params;
      for await (const event of there.files.list(asThere(params.place), { recursive, signal })) yield { event };
    }
  }

  async *readFile(params: StreamParams<'readFile'>, signal: AbortSignal): AsyncGenerator<StreamItem> {
    const there = await this.#agentOf(params.place.cluster, signal);
    if (there === undefined) {
      yield* readFile(params, signal);
      return;
    }
    const { from, bytes: limit } = params;
    const options = { from, signal, ...(limit === undefined ? {} : { bytes: limit }) };
    for await (const { bytes, ...event } of there.files.read(asThere(params.place), options)) yield { event, bytes };
  }

  async *removeFiles(params: StreamParams<'removeFiles'>, signal: AbortSignal): AsyncGenerator<StreamItem> {
    const there = await this.#agentOf(params.place.cluster, signal);
    if (there === undefined) yield* removeFiles(params, signal);
    else {
      const { recursive = false } = params;
      for await (const event of there.files.remove(asThere(params.place), { recursive, signal })) yield { event };
    }
  }

  async *fileUsage(params: StreamParams<'fileUsage'>, signal: AbortSignal): AsyncGenerator<StreamItem> {
    const there = await this.#agentOf(params.place.cluster, signal);
    if (there === undefined) yield* fileUsage(params, signal);
    else for await (const event of there.files.usage(asThere(params.place), signal)) yield { event };
  }

  async lookAt({ place }: CallParams<'lookAt'>, signal: AbortSignal): Promise<CallResult<'lookAt'>> {
    const there = await this.#agentOf(place.cluster, signal);
    return there === undefined ? lookAt(place) : await there.files.lookAt(asThere(place));
  }

  async settleTree(params: CallParams<'settleTree'>, signal: AbortSignal): Promise<CallResult<'settleTree'>> {
    const { from, to, replace } = params;
    const there = await this.#agentOf(to.cluster, signal);
    if (there === undefined) return await settleHere(params, signal);
    return await there.files.settle(asThere(from), asThere(to), replace);
  }

  async fileSpace({ place }: CallParams<'fileSpace'>, signal: AbortSignal): Promise<CallResult<'fileSpace'>> {
    const there = await this.#agentOf(place.cluster, signal);
    return there === undefined ? await fileSpace(place) : await there.files.space(asThere(place));
  }
}

/** Directories of this machine mean nothing there. */
function asThere({ path }: OnHost): OnHost {
  return { cluster: 'local', path };
}
