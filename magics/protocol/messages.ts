// What a client and an agent say to each other, in frames (frames.ts): a greeting each way, then requests, replies and streams.
// The tables are the protocol: their shapes check what arrives, and the types of both sides are read off them.
import type { ErrorCode } from './errors';
import { jobPackages } from './environment';
import { jobFiles } from './job-files';
import { jobRecord, jobSpec } from './records';
import { processIdentity } from './run';
import {
  anything,
  count,
  flag,
  listOf,
  literal,
  number,
  oneOf,
  record,
  tagged,
  text,
  type Shape,
  type Shaped,
} from './shape';

/** Changed when a message or a file in the state directory means something else than before. */
export const AGENT_PROTOCOL = 1;

const nothing = record({});
const one = record({ id: text });

export const agentStatus = record({
  protocol: count,
  version: text,
  pid: count,
  node: text,
  startedAt: number,
  stateDirectory: text,
  connections: count,
  cores: record({ total: count, used: count }),
  memoryMiB: record({ total: number, promised: number }),
  jobs: record({ preparing: count, queued: count, running: count, ended: count }),
  warm: count,
});
export type AgentStatus = Shaped<typeof agentStatus>;

/** A cluster as a client defines it for jobs that it brings: an agent on another machine, or a notebook whose project has a config of its own. */
export const clusterDefinition = record(
  { name: text, scheduler: text, prologue: listOf(text), firstSeconds: number, longestSeconds: number },
  {
    node: text,
    parallelEnvironment: text,
    memoryResource: text,
    gpuResource: text,
    host: text,
    transport: text,
    sshConfig: text,
    setup: listOf(text),
    store: text,
  },
);
export type ClusterDefinition = Shaped<typeof clusterDefinition>;

/** Asked once, answered once. An `id` is a job's id, or an unambiguous beginning or ending of one. */
export const CALLS = {
  status: { params: nothing, result: agentStatus },
  jobs: { params: nothing, result: listOf(jobRecord) },
  job: { params: one, result: jobRecord },
  /** Makes the record and the directory; the client then writes the bundle there. */
  create: { params: record({ spec: jobSpec }), result: jobRecord },
  /**
   * A piece of a job's bundle for an agent on another machine; the bytes lie beside. Answers how much is there now: a piece that does not begin
   * at that place changes nothing, so an empty one asks where to go on. Complete and of the right digest, the bundle is in its place.
   */
  put: { params: record({ id: text, offset: count, total: count, sha256: text }), result: record({ size: count }) },
  /** What a cluster is that jobs of another machine's agent name. */
  define: { params: record({ cluster: clusterDefinition }), result: nothing },
  /** Without a text: the person would rather not say. */
  answer: { params: record({ id: count }, { text }), result: nothing },
  /** With what goes along: files, whose list lies in the job's directory, and packages, whose archive is in the store by now. */
  submit: { params: record({ id: text }, { files: jobFiles, packages: jobPackages }), result: jobRecord },
  /** A piece of an archive of packages, as `put` takes those of a bundle; an empty piece asks how much is there. */
  archive: { params: record({ sha256: text, offset: count, total: count }), result: record({ size: count }) },
  /** Takes a job back that was never submitted, or forgets one that has ended. */
  discard: { params: one, result: nothing },
  /** Asks for the end. The job's status tells when it has come. */
  cancel: { params: one, result: jobRecord },
  /** Puts this client in charge of the result: nobody else gets it until `release`. */
  claim: { params: one, result: jobRecord },
  delivered: { params: one, result: jobRecord },
  release: { params: one, result: jobRecord },
  /** Makes a runner ready ahead of need. */
  warm: { params: record({}, { nodeProgram: text }), result: nothing },
  /** Ends the agent. Jobs go on, and the next agent finds them. */
  finish: { params: nothing, result: nothing },
} as const;

/** A piece of output: whole records. `next` is where to go on; it is further than the bytes reach where output was dropped. */
const outputChunk = record({ offset: count, next: count });
export type OutputPosition = Shaped<typeof outputChunk>;

/** Asked once, answered by events until the end, or until the client says stop. */
export const STREAMS = {
  /** The record at once and after each change; of one job until its status is final, without `id` of all jobs without end. */
  watch: { params: record({}, { id: text }), event: jobRecord },
  /** All jobs' records at once, then each change, and each job that is forgotten: what a list of jobs needs. Without end. */
  changes: {
    params: nothing,
    event: tagged('kind', {
      changed: record({ kind: literal('changed'), job: jobRecord }),
      forgotten: record({ kind: literal('forgotten'), id: text }),
    }),
  },
  /**
   * Output from an offset that was 0 or the `next` of an earlier piece, until the job has ended; without `follow` what is there by now.
   * The bytes lie beside the event.
   */
  output: { params: record({ id: text, from: count }, { follow: flag }), event: outputChunk },
  /** Questions of hosts that only a person can answer, those that wait and each new one. Without end. */
  questions: { params: nothing, event: record({ id: count, host: text, text, isSecret: flag }) },
  /** A file of a job that has ended, from an offset on; the bytes lie beside. Nothing comes of a file that is not there. */
  file: {
    params: record({ id: text, file: oneOf(['envelope', 'outcome']), from: count }),
    event: record({ offset: count, total: count }),
  },
} as const;

/** Bytes of one stream that may be under way: a slow reader slows its own stream, never another one or an answer. */
export const STREAM_WINDOW_BYTES = 8 * 1024 * 1024;

export type CallName = keyof typeof CALLS;
export type StreamName = keyof typeof STREAMS;
export type CallParams<M extends CallName> = Shaped<(typeof CALLS)[M]['params']>;
export type CallResult<M extends CallName> = Shaped<(typeof CALLS)[M]['result']>;
export type StreamParams<M extends StreamName> = Shaped<(typeof STREAMS)[M]['params']>;
export type StreamEvent<M extends StreamName> = Shaped<(typeof STREAMS)[M]['event']>;

/** The first message of a client. Its first two fields stay as they are in every version, so that versions can part in peace. */
const helloShape = record({
  type: literal('hello'),
  protocol: count,
  version: text,
  client: processIdentity,
});
export type Hello = Shaped<typeof helloShape>;

const clientShape = tagged('type', {
  hello: helloShape,
  request: record({ type: literal('request'), id: count, method: text, params: anything }),
  stop: record({ type: literal('stop'), id: count }),
  /** So many bytes beside the events of a stream were used up: as many more may come. */
  credit: record({ type: literal('credit'), id: count, bytes: count }),
});
export type ClientMessage = Shaped<typeof clientShape>;
export const clientMessage: Shape<ClientMessage> = clientShape;

const ERROR_CODES = [
  'USAGE',
  'CAPTURE',
  'ENVIRONMENT',
  'TRANSPORT',
  'SCHEDULER',
  'JOB_FAILED',
  'JOB_CANCELLED',
  'PROTOCOL',
  'AGENT',
  'CONFLICT',
] as const satisfies readonly ErrorCode[];

const agentShape = tagged('type', {
  welcome: record({ type: literal('welcome'), protocol: count, version: text, agent: processIdentity }),
  /** Another protocol: the agent says which one it speaks, and closes. */
  refused: record({ type: literal('refused'), protocol: count, version: text }),
  reply: record({ type: literal('reply'), id: count, value: anything }),
  failure: record({ type: literal('failure'), id: count, code: oneOf(ERROR_CODES), message: text }),
  event: record({ type: literal('event'), id: count, value: anything }),
  end: record({ type: literal('end'), id: count }),
});
export type AgentMessage = Shaped<typeof agentShape>;
export const agentMessage: Shape<AgentMessage> = agentShape;
