// What the agent answers to each request of the protocol (protocol/messages.ts): one entry each, checked by the tables there.
import { join } from 'node:path';
import {
  CALLS,
  STREAMS,
  type AgentStatus,
  type CallName,
  type CallParams,
  type CallResult,
  type StreamEvent,
  type StreamName,
  type StreamParams,
} from '../protocol/messages';
import { isFinal, type JobRecord } from '../protocol/job';
import type { ProcessIdentity } from '../protocol/run';
import type { Contents } from '../store';
import { Bell, followOutput, type Jobs } from '../jobs';
import { UsageError } from '../protocol/errors';
import { StoreAnswers } from './contents';
import { examineMachine } from './examine';
import { FileAnswers } from './file-answers';
import { JobPapers } from './job-papers';
import { isInstalled, keepArchive, putContent, putWhole } from './files';
import { seeImage } from './images';
import { placeInputs } from './job-inputs';
import type { Questions } from './questions';
import type { Schedulers } from './schedulers';

export interface StreamItem {
  readonly event: unknown;
  readonly bytes?: Buffer;
}

/** Who asks, and what lies beside the question. */
export interface Asking {
  readonly client: ProcessIdentity;
  readonly bytes: Buffer | undefined;
}

type CallAnswers = {
  readonly [M in CallName]: (params: CallParams<M>, asking: Asking) => CallResult<M> | Promise<CallResult<M>>;
};
type StreamAnswers = {
  readonly [M in StreamName]: (params: StreamParams<M>, signal: AbortSignal) => AsyncIterable<StreamItem>;
};

export interface AgentFacts {
  readonly stateDirectory: string;
  readonly jobs: Jobs;
  readonly schedulers: Schedulers;
  readonly contents: Contents;
  readonly questions: Questions;
  readonly status: () => AgentStatus;
  /** Aborted when the agent ends. What was begun for a client goes on when the client leaves. */
  readonly signal: AbortSignal;
  /** Ends the agent, soon. */
  readonly finish: () => void;
}

export class Answers {
  readonly #calls: CallAnswers;
  readonly #streams: StreamAnswers;

  constructor({ stateDirectory, jobs, schedulers, contents, questions, status, signal, finish }: AgentFacts) {
    const store = new StoreAnswers({
      contents,
      seenDirectory: join(contents.directory, 'seen'),
      job: (id) => jobs.get(id),
      agentOf: (cluster, stop) => schedulers.agentOf(cluster, stop),
    });
    const paper = new JobPapers((cluster) => schedulers.farAgent(cluster, signal));
    const files = new FileAnswers((cluster, stop) => schedulers.agentOf(cluster, stop));
    this.#calls = {
      status,
      jobs: () => jobs.list(),
      job: ({ id }) => jobs.get(id),
      create: async ({ spec }) => {
        await schedulers.refresh(spec, signal);
        return jobs.create(spec);
      },
      offer: (offered, { bytes }) => store.offer(offered, bytes),
      lacking: (asked, { bytes }) => store.lacking(asked, bytes),
      announce: (what) => {
        store.announce(what);
        return {};
      },
      tell: (part, { bytes }) => store.tell(part, bytes),
      complete: (what) => store.complete(what),
      bring: async (piece, { bytes }) => {
        await store.bring(piece, bytes);
        return {};
      },
      put: async (given, { bytes }) => {
        if (given.from === 'store') await putContent(jobs.get(given.id), contents.get(given.content));
        else putWhole(jobs.get(given.id), given.sha256, bytes ?? Buffer.alloc(0));
        return {};
      },
      define: async ({ cluster }) => {
        await schedulers.define(cluster, signal);
        return {};
      },
      answer: ({ id, text }) => {
        questions.answer(id, text);
        return {};
      },
      facts: ({ cluster }) => schedulers.facts(cluster, signal),
      submit: async ({ id, ...brings }) => {
        const job = jobs.get(id);
        // Those of a job for another machine lie in that machine's store.
        if (job.submittedAt === undefined && schedulers.isHere(job.spec.cluster))
          await placeInputs(job, brings.inputs ?? job.spec.inputs ?? [], contents, signal);
        return jobs.submit(id, brings, signal);
      },
      archive: async ({ sha256, content, cluster }) => {
        const there = cluster === undefined ? undefined : await schedulers.agentOf(cluster, signal);
        if (there !== undefined) return there.archiveAt('local', sha256);
        const isThere = await keepArchive(stateDirectory, sha256, content, contents);
        return { isThere, isInstalled: isThere && isInstalled(stateDirectory, sha256) };
      },
      image: async ({ cluster, container }) => {
        const there = await schedulers.agentOf(cluster, signal);
        return there === undefined ? await seeImage(container, signal) : await there.image('local', container);
      },
      discard: ({ id }) => {
        jobs.discard(id);
        return {};
      },
      cancel: ({ id }) => jobs.cancel(id, signal),
      change: ({ id, change }) => jobs.change(id, change, signal),
      claim: ({ id }, { client }) => jobs.claim(id, client),
      delivered: ({ id }, { client }) => jobs.delivered(id, client),
      release: ({ id }, { client }) => jobs.release(id, client),
      samples: async ({ id }) => {
        const samples = await paper.samples(jobs.get(id));
        return samples === undefined ? {} : { samples };
      },
      script: async ({ id }) => ({ text: await paper.script(jobs.get(id)) }),
      warm: (params) => {
        for (const scheduler of schedulers.all.values()) scheduler.prepare?.(params);
        return {};
      },
      lookAt: (params) => files.lookAt(params, signal),
      settleTree: (params) => files.settleTree(params, signal),
      fileSpace: (params) => files.fileSpace(params, signal),
      finish: () => {
        finish();
        return {};
      },
    };
    const examine = async function* (cluster: string, stop: AbortSignal): AsyncGenerator<StreamItem> {
      await schedulers.refresh({ cluster }, signal);
      const scheduler = schedulers.all.get(cluster);
      if (scheduler === undefined) throw new UsageError(`There is no cluster ${JSON.stringify(cluster)}.`);
      // A cluster behind a host has its jobs there: what that machine is like, its own agent tells.
      if (!schedulers.isElsewhere(cluster)) for await (const event of examineMachine(stateDirectory)) yield { event };
      for await (const event of scheduler.examine?.(stop) ?? []) yield { event };
    };
    this.#streams = {
      watch: ({ id }, stop) => watchJobs(jobs, id, stop),
      changes: (_params, stop) => watchChanges(jobs, stop),
      output: (params, stop) => streamOutput(jobs, params, stop),
      listFiles: (params, stop) => files.listFiles(params, stop),
      readFile: (params, stop) => files.readFile(params, stop),
      removeFiles: (params, stop) => files.removeFiles(params, stop),
      fileUsage: (params, stop) => files.fileUsage(params, stop),
      examine: ({ cluster }, stop) => examine(cluster, stop),
      clusters: (_params, stop) => watchClusters(schedulers, stop),
      questions: (_params, stop) => watchQuestions(questions, stop),
      gather: (params, stop) => store.gather(params, stop),
      describe: (params, stop) => store.describe(params, stop),
      give: (params) => store.give(params),
      send: (params, stop) => store.send(params, stop),
      compare: (params, stop) => store.compare(params, stop),
      place: (params, stop) => store.place(params, stop),
      fetch: (params, stop) => store.fetch(params, stop),
    };
  }

  async call(method: CallName, params: unknown, asking: Asking): Promise<unknown> {
    return await answer(this.#calls, method, params, asking);
  }

  stream(method: StreamName, params: unknown, signal: AbortSignal): AsyncIterable<StreamItem> {
    return open(this.#streams, method, params, signal);
  }
}

function answer<M extends CallName>(
  calls: { readonly [K in M]: CallAnswers[K] },
  method: M,
  params: unknown,
  asking: Asking,
): unknown {
  // The table's shape for M gives CallParams<M>; TypeScript does not carry M through the table.
  return calls[method](CALLS[method].params(params, method) as CallParams<M>, asking);
}

function open<M extends StreamName>(
  streams: { readonly [K in M]: StreamAnswers[K] },
  method: M,
  params: unknown,
  signal: AbortSignal,
): AsyncIterable<StreamItem> {
  return streams[method](STREAMS[method].params(params, method) as StreamParams<M>, signal);
}

/** Records as they are now, and the latest of each after every change, until the one that was asked for has ended or is forgotten: a slow reader misses steps, never the last one. */
async function* watchJobs(jobs: Jobs, typed: string | undefined, stop: AbortSignal): AsyncGenerator<StreamItem> {
  const only = typed === undefined ? undefined : jobs.get(typed).id;
  const bell = new Bell();
  const news = new Map<string, JobRecord>();
  const unsubscribe = jobs.subscribe((record) => {
    if (only !== undefined && record.id !== only) return;
    news.set(record.id, record);
    bell.ring();
  });
  const gone = new AbortController();
  const stopForget = jobs.onForget((id) => {
    if (id === only) gone.abort();
  });
  const signal = AbortSignal.any([stop, gone.signal]);
  for (const record of only === undefined ? jobs.list() : [jobs.get(only)]) news.set(record.id, record);
  try {
    while (!signal.aborted) {
      for (const [id, record] of news) {
        news.delete(id);
        yield { event: record };
        if (only !== undefined && isFinal(record.status)) return;
      }
      if (news.size === 0) await bell.wait(undefined, signal);
    }
  } finally {
    unsubscribe();
    stopForget();
  }
}

/** As watchJobs for all of them, and what is gone. The latest of each job: one that came and went in between is told as gone. */
async function* watchChanges(jobs: Jobs, signal: AbortSignal): AsyncGenerator<StreamItem> {
  const bell = new Bell();
  const news = new Map<string, StreamEvent<'changes'>>();
  const tell = (id: string, event: StreamEvent<'changes'>): void => {
    news.set(id, event);
    bell.ring();
  };
  const stops = [
    jobs.subscribe((job) => {
      tell(job.id, { kind: 'changed', job });
    }),
    jobs.onForget((id) => {
      tell(id, { kind: 'forgotten', id });
    }),
  ];
  for (const job of jobs.list()) tell(job.id, { kind: 'changed', job });
  try {
    while (!signal.aborted) {
      for (const [id, event] of news) {
        news.delete(id);
        yield { event };
      }
      if (news.size === 0) await bell.wait(undefined, signal);
    }
  } finally {
    for (const stop of stops) stop();
  }
}

/** How it stands now, and again when something has changed that a person would want to know. */
async function* watchClusters(schedulers: Schedulers, signal: AbortSignal): AsyncGenerator<StreamItem> {
  const bell = new Bell();
  const stop = schedulers.subscribe(() => {
    bell.ring();
  });
  let told = '';
  try {
    while (!signal.aborted) {
      const event = schedulers.states();
      const matters = JSON.stringify(event, (key, value: unknown) => (key === 'heardAt' ? undefined : value));
      if (matters !== told) yield { event };
      told = matters;
      await bell.wait(undefined, signal);
    }
  } finally {
    stop();
  }
}

async function* watchQuestions(questions: Questions, signal: AbortSignal): AsyncGenerator<StreamItem> {
  const bell = new Bell();
  const news: StreamEvent<'questions'>[] = [];
  const tell = (event: StreamEvent<'questions'>): void => {
    news.push(event);
    bell.ring();
  };
  const unsubscribe = questions.subscribe({
    asked: (question) => {
      tell({ kind: 'asked', ...question });
    },
    settled: (id) => {
      tell({ kind: 'settled', id });
    },
  });
  try {
    while (!signal.aborted) {
      for (let event = news.shift(); event !== undefined; event = news.shift()) yield { event };
      await bell.wait(undefined, signal);
    }
  } finally {
    unsubscribe();
  }
}

async function* streamOutput(
  jobs: Jobs,
  params: StreamParams<'output'>,
  signal: AbortSignal,
): AsyncGenerator<StreamItem> {
  const { id, directory } = jobs.get(params.id);
  const followed = {
    directory,
    total: () => {
      const record = jobs.list().find((job) => job.id === id);
      // A job that was discarded has no more output.
      if (record === undefined) return 0;
      return isFinal(record.status) ? record.outputBytes : undefined;
    },
    subscribe: (wake: () => void) =>
      jobs.subscribe((record) => {
        if (record.id === id) wake();
      }),
  };
  for await (const { offset, next, bytes } of followOutput(
    followed,
    { from: params.from, follow: params.follow ?? true },
    signal,
  ))
    yield { event: { offset, next }, bytes };
}
