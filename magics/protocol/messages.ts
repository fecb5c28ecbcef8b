// What a client and an agent say to each other, in frames (frames.ts): a greeting each way, then requests, replies and streams.
// The tables are the protocol: their shapes check what arrives, and the types of both sides are read off them.
import { contentId, contentKind } from './chunks';
import { ERROR_CODES } from './errors';
import { finding } from './finding';
import { jobFiles, listed, onHost } from './job-files';
import { jobPackages } from './environment';
import { hostFacts } from './host-facts';
import { containerRequest, imageSeen } from './image';
import { jobInput, jobRecord, jobSpec } from './records';
import { processIdentity } from './run';
import { usageSamples } from './samples';
import {
  anything,
  count,
  flag,
  listOf,
  literal,
  mapOf,
  number,
  oneOf,
  record,
  tagged,
  text,
  type Shape,
  type Shaped,
} from './shape';

/** Changed when a message or a file in the state directory means something else than before. */
export const AGENT_PROTOCOL = 4;

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
    listen: text,
    parallelEnvironment: text,
    memoryResource: text,
    gpuResource: text,
    host: text,
    transport: text,
    sshConfig: text,
    agent: text,
    setup: listOf(text),
    store: text,
  },
);
export type ClusterDefinition = Shaped<typeof clusterDefinition>;

/** A place jobs run at, as the agent knows it without asking: what it has heard from there, and when. */
const clusterState = record(
  {
    name: text,
    /** The word in the config; `none` of this machine. */
    scheduler: text,
    /** `unknown`: nothing was heard yet. */
    state: oneOf(['ok', 'down', 'unknown']),
  },
  {
    host: text,
    /** When it last answered, in ms since the epoch. */
    heardAt: number,
    /** Why it is down. */
    message: text,
    cores: record({ total: count, used: count }),
  },
);
export const clusterStates = record(
  { clusters: listOf(clusterState), defaultCluster: text },
  /** What is wrong with the config; then only this machine is known. */
  { problem: text },
);
export type ClusterStates = Shaped<typeof clusterStates>;

const content = record({ content: contentId, kind: contentKind, bytes: count });

/** How far a content has come in a store: whole; unknown, so that its list has to be told; or these chunks have to come (chunks.ts, toRanges). */
const known = tagged('state', {
  whole: record({ state: literal('whole') }),
  unknown: record({ state: literal('unknown') }),
  lacks: record({ state: literal('lacks'), chunks: text }),
});

const copied = record({ kind: literal('copied'), bytes: count, of: count });

/** Where a file is to be: an absolute path (`~/` is the home directory), and its lowest nine bits of mode. */
const sendTarget = record({ path: text }, { replace: flag, mode: count });

/** What can be read as a content: a file of a job that has ended, or what lies at an absolute path. `only`: of a tree these relative paths. */
const readable = tagged('kind', {
  job: record({ kind: literal('job'), id: text, file: oneOf(['envelope', 'outcome', 'outputs']) }),
  path: record({ kind: literal('path'), path: text }, { only: listOf(text) }),
});
export type Readable = Shaped<typeof readable>;

/** Asked once, answered once. An `id` is a job's id, or an unambiguous beginning or ending of one. */
export const CALLS = {
  status: { params: nothing, result: agentStatus },
  jobs: { params: nothing, result: listOf(jobRecord) },
  job: { params: one, result: jobRecord },
  /** Makes the record and the directory; the client then writes the bundle there. */
  create: { params: record({ spec: jobSpec }), result: jobRecord },
  /** A content is to come to this agent's store. Beside lies its list; without one the question is whether the content is there. */
  offer: { params: content, result: known },
  /** The chunks of a content, whose list lies beside, that are in no content of this agent's store. Changes nothing. */
  lacking: { params: content, result: record({ chunks: text }) },
  /** Chunks of an offered content, one after the other beside. Each is checked by its digest, and kept even if the connection is lost after. */
  bring: { params: record({ content: contentId, chunks: text }), result: nothing },
  /**
   * A content is to come that its sender still reads: `transfer` is what it is called until its id is known, 64 hexadecimal digits like that, and the same
   * when the sender begins again. With a target it grows beside that place, and is put there; what is there already is refused, unless `replace` is said.
   */
  announce: {
    params: record({ transfer: contentId, kind: contentKind, bytes: count, diskBytes: count }, { target: sendTarget }),
    result: nothing,
  },
  /** Chunks of an announced content from number `from` on, their list beside: which of them have to be brought, under the name of the transfer. */
  tell: { params: record({ transfer: contentId, from: count }), result: record({ chunks: text }) },
  /** All chunks of an announced content were told, and it is this one. It is gathered by its id. */
  complete: { params: record({ transfer: contentId, content: contentId }), result: known },
  /** Makes a content of the store a job's bundle; a small bundle lies beside itself, and its digest is told. */
  put: {
    params: tagged('from', {
      store: record({ from: literal('store'), id: text, content: contentId }),
      message: record({ from: literal('message'), id: text, sha256: text }),
    }),
    result: nothing,
  },
  /** What a cluster is that jobs of another machine's agent name. */
  define: { params: record({ cluster: clusterDefinition }), result: nothing },
  /** Without a text: the person would rather not say. */
  answer: { params: record({ id: count }, { text }), result: nothing },
  /**
   * With what goes along: files, whose list lies in the job's directory, packages, whose archive is in the store by now, and contents of the
   * cluster's store.
   */
  submit: {
    params: record(
      { id: text },
      { files: jobFiles, packages: jobPackages, locale: mapOf(text), inputs: listOf(jobInput) },
    ),
    result: jobRecord,
  },
  /** Is this archive of packages there, or at a cluster? With a content of the store: that is it. */
  archive: {
    params: record({ sha256: text }, { content: contentId, cluster: text }),
    result: record({ isThere: flag }, { /** A job has installed it there. */ isInstalled: flag }),
  },
  /** Is an image where the jobs of a cluster are sent to? */
  image: { params: record({ cluster: text, container: containerRequest }), result: imageSeen },
  /** What the machine is that jobs of a cluster are sent to: this one, or its host. */
  facts: { params: record({ cluster: text }), result: hostFacts },
  /** Takes a job back that was never submitted, or forgets one that has ended. */
  discard: { params: one, result: nothing },
  /** Asks for the end. The job's status tells when it has come. */
  cancel: { params: one, result: jobRecord },
  /** A job that waits goes on waiting whatever comes free, until it is let go again. */
  change: { params: record({ id: text, change: oneOf(['hold', 'release']) }), result: jobRecord },
  /** Puts this client in charge of the result: nobody else gets it until `release`. */
  claim: { params: one, result: jobRecord },
  delivered: { params: one, result: jobRecord },
  release: { params: one, result: jobRecord },
  /** The line of what a job has used so far, if there is one. */
  samples: { params: one, result: record({}, { samples: usageSamples }) },
  /** The script that a batch system was given for a job. Throws UsageError where there is none. */
  script: { params: one, result: record({ text }) },
  /** Makes a runner ready ahead of need. */
  warm: { params: record({}, { nodeProgram: text }), result: nothing },
  /** What is at a path, itself: a link is told as what it leads to, unless that is not there. */
  lookAt: {
    params: record({ place: onHost }),
    result: record({ path: text, kind: oneOf(['file', 'folder', 'other', 'absent']) }),
  },
  /** Moves all that lies in a folder into another one that is there. Without `replace` nothing may be there under the same names. */
  settleTree: {
    params: record({ from: onHost, to: onHost, replace: flag }),
    result: record({ files: count, bytes: count }),
  },
  /** How much room there is on the file system of a path. */
  fileSpace: {
    params: record({ place: onHost }),
    result: record({
      path: text,
      totalBytes: count,
      availableBytes: count,
      /** How many files there can be, and how many more; 0 where the file system does not count them. */
      totalFiles: count,
      availableFiles: count,
    }),
  },
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
  /**
   * What lies at a path: of a folder what is in it, of a pattern what it matches. Paths in the answer begin from `root`, which is absolute. There is
   * one event at least. UsageError when there is nothing, or it may not be looked at.
   */
  listFiles: {
    params: record({ place: onHost }, { recursive: flag }),
    event: record({ root: text, kind: oneOf(['file', 'folder', 'pattern']), entries: listOf(listed) }),
  },
  /** A file from an offset on, `bytes` of it or all; they lie beside, with their SHA-256 for those who ask over a long way. */
  readFile: {
    params: record({ place: onHost, from: count }, { bytes: count }),
    event: record({ path: text, offset: count, total: count, sha256: text }),
  },
  /** Removes a file, what a pattern matches, or (if `recursive`) a folder with all that is in it; links are never followed. Tells what is gone so far. */
  removeFiles: {
    params: record({ place: onHost }, { recursive: flag }),
    event: record({ root: text, files: count, folders: count, bytes: count }),
  },
  /** How much lies below a path: sizes as files tell them, and what they take on the disk. Tells what was counted so far. */
  fileUsage: {
    params: record({ place: onHost }),
    event: record({ root: text, files: count, folders: count, bytes: count, diskBytes: count }),
  },
  /** A look at all that a job on this cluster needs, as this agent sees it. Ends. */
  examine: { params: record({ cluster: text }), event: finding },
  /** Where jobs can run, now and after each change of what matters: a cluster more or less, one that is lost or back. Without end. */
  clusters: { params: nothing, event: clusterStates },
  /**
   * Questions of hosts that only a person can answer, those that wait and each new one; and that one has been answered, or is of no use any more.
   * Without end.
   */
  questions: {
    params: nothing,
    event: tagged('kind', {
      asked: record({ kind: literal('asked'), id: count, host: text, text, isSecret: flag }),
      settled: record({ kind: literal('settled'), id: count }),
    }),
  },
  /** Puts together what has come of an offered content and what is there already. `copied` are bytes of the latter, of so many. */
  gather: {
    params: record({ content: contentId }),
    event: tagged('kind', {
      copied,
      known: record({ kind: literal('known'), known }),
    }),
  },
  /**
   * Reads something as a content that may be fetched: `read` tells bytes; at the end comes the content, its list beside; or, of a small file of a
   * job, the file itself. Nothing comes of what is not there.
   */
  describe: {
    params: record({ what: readable }),
    event: tagged('kind', {
      read: record({ kind: literal('read'), bytes: count }),
      content: record({ kind: literal('content'), content }, { mode: count }),
      whole: record({ kind: literal('whole'), sha256: text }),
    }),
  },
  /** Chunks of a described content, in pieces; the bytes lie beside. */
  give: { params: record({ content: contentId, chunks: text }), event: record({ chunks: text }) },
  /**
   * Asked of the home agent: a file or a tree of this machine is to be in the store of a cluster, or at a place of its machine, as `place` does it.
   * `read`: bytes that were read, or are known from last time; `sent`: bytes that went, of those that have to go; `copied`: bytes that were there, and are put
   * together. At the end comes the content, for `place` and the inputs of jobs.
   */
  send: {
    params: record(
      { cluster: text, path: text },
      { only: listOf(text), to: record({ path: text }, { replace: flag }) },
    ),
    event: tagged('kind', {
      read: record({ kind: literal('read'), bytes: count }),
      sent: record({ kind: literal('sent'), bytes: count, of: count }),
      copied,
      content: record({ kind: literal('content'), content, sentBytes: count }, { mode: count }),
    }),
  },
  /**
   * Asked of the home agent: how much of a file of this machine would have to be sent to a cluster. `lacks`: offsets and lengths, in turns, of the parts
   * that are not there. Of a bundle the parts are those of its arrays and records.
   */
  compare: {
    params: record({ cluster: text, path: text, kind: oneOf(['bundle', 'file']) }),
    event: tagged('kind', {
      read: record({ kind: literal('read'), bytes: count }),
      compared: record({ kind: literal('compared'), bytes: count, lacks: listOf(count) }),
    }),
  },
  /**
   * Puts a file or a tree of a cluster's store to an absolute path there (`~/` is the home directory), whole, by rename. What is there already is
   * refused, unless it is a file and `replace` is said, or this was asked before (`again`) and what lies there is the content. Without `cluster`: of the agent
   * that is asked.
   */
  place: {
    params: record({ content: contentId, path: text }, { cluster: text, replace: flag, mode: count, again: flag }),
    event: record({ files: count, bytes: count }),
  },
  /** Asked of the home agent: a file or a tree of a cluster is to be at a path of this machine, as `place` does it. Events as of `send`. */
  fetch: {
    params: record({ cluster: text, path: text, to: text }, { only: listOf(text), replace: flag }),
    event: tagged('kind', {
      read: record({ kind: literal('read'), bytes: count }),
      sent: record({ kind: literal('sent'), bytes: count, of: count }),
      copied,
      content: record({ kind: literal('content'), content, sentBytes: count }, { mode: count }),
    }),
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

const agentShape = tagged('type', {
  welcome: record({ type: literal('welcome'), protocol: count, version: text, agent: processIdentity }),
  /** Another protocol: the agent says which one it speaks, and closes. */
  refused: record({ type: literal('refused'), protocol: count, version: text }),
  reply: record({ type: literal('reply'), id: count, value: anything }),
  failure: record(
    { type: literal('failure'), id: count, code: oneOf(ERROR_CODES), message: text },
    { schedulerWords: text },
  ),
  event: record({ type: literal('event'), id: count, value: anything }),
  end: record({ type: literal('end'), id: count }),
});
export type AgentMessage = Shaped<typeof agentShape>;
export const agentMessage: Shape<AgentMessage> = agentShape;
