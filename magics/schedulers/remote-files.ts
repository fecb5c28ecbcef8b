// Files of a job that runs at another agent: the inputs that lie on this machine go there, and what the job has made for the notebook comes into
// its working directory here, as if it had run here.
import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { AgentConnection } from '../client';
import { settleTree } from '../files/settle';
import { decodeList, type ContentId } from '../protocol/chunks';
import { AgentError, ProtocolError } from '../protocol/errors';
import { readIfThere } from '../protocol/files';
import type { JobBrings } from '../protocol/job';
import { inputList, outputList, type JobFiles } from '../protocol/job-files';
import { INPUTS_FILE, OUTPUTS_FILE, WORK_FOLDER } from '../protocol/layout';
import { parseJson } from '../protocol/shape';
import { place, readAsContent, receive, send, type Contents } from '../store';
import type { ScheduledJob } from './scheduler';

interface Sending {
  readonly job: ScheduledJob;
  readonly contents: Contents;
}

/**
 * What the other agent is told of the job's files. A notebook sends them itself to a host's store; what a host passes on to nodes that it keeps, and what
 * lies where this agent is, is sent here.
 */
export async function sendFiles(
  agent: AgentConnection,
  { job, contents }: Sending,
  signal: AbortSignal,
): Promise<JobBrings> {
  const { files, inputs = [] } = job.spec;
  if (files === undefined) return {};
  const seen = join(contents.directory, 'seen');
  const work = join(job.directory, WORK_FOLDER);
  if (inputs.length > 0 && existsSync(work)) {
    const { source } = await readAsContent(work, seen, { signal });
    const { content } = await send(source, agent.store, { signal });
    return { files, inputs: [{ content, path: '.' }] };
  }
  if (files.inputs === 'sent') {
    for (const { content } of inputs) await keepThere(agent, content, files, { job, contents }, signal);
    return {};
  }
  const read = await readInputs(files.root, { job, contents }, signal);
  if (read === undefined) return {};
  const { content } = await send(read.source, agent.store, { signal });
  return { files: { ...files, inputs: 'sent', links: read.links }, inputs: [{ content, path: '.' }] };
}

/** The inputs as they lie on this machine. undefined: they do not. */
async function readInputs(root: string, { job, contents }: Sending, signal: AbortSignal) {
  const listPath = join(job.directory, INPUTS_FILE);
  const list = readIfThere(listPath);
  if (list === undefined) return undefined;
  const { entries } = parseJson(list, inputList, listPath);
  const links = entries.flatMap((entry) => (entry.kind === 'link' ? [entry] : []));
  const only = entries.filter(({ kind, path }) => kind !== 'link' && path !== '.').map(({ path }) => path);
  const { source } = await readAsContent(root, join(contents.directory, 'seen'), { signal, only });
  return { source, links };
}

/** The notebook has sent them; but the job may have waited so long for its host that they were cleared away there. */
async function keepThere(
  agent: AgentConnection,
  content: ContentId,
  { root, bytes }: JobFiles,
  { job, contents }: Sending,
  signal: AbortSignal,
): Promise<void> {
  // Whoever asks for it uses it: it stays for an hour from now.
  const known = await agent.store.offer({ content, kind: 'tree', bytes: Math.max(1, bytes) });
  if (known.state === 'whole') return;
  const read = await readInputs(root, { job, contents }, signal);
  if (read?.source.content !== content)
    throw new AgentError(
      `The inputs of job ${job.id} are no longer on its cluster, since it has waited for long, and here they are not what they were. Run the cell again.`,
    );
  await send(read.source, agent.store, { signal });
}

export interface FetchOptions {
  readonly contents: Contents;
  readonly signal: AbortSignal;
  readonly progress: () => void;
}

/** `from`: the working directory there. May be done again after it was cut. */
export async function fetchOutputs(
  agent: AgentConnection,
  from: string,
  directory: string,
  { contents, signal, progress }: FetchOptions,
): Promise<void> {
  const listPath = join(directory, OUTPUTS_FILE);
  const { entries } = parseJson(readFileSync(listPath, 'utf8'), outputList, listPath);
  const only = entries.map(({ path }) => path).filter((path) => path !== '.');
  if (only.length === 0) return;
  const tree = await agent.store.describe({ kind: 'path', path: posix.normalize(from), only }, signal, progress);
  if (tree?.kind !== 'content') throw new ProtocolError('The outputs of the job are not where they should be.');
  const { content, kind } = tree.content;
  const list = decodeList(kind, tree.list, content);
  const received = await receive(content, list, agent.store, contents, { signal, progress });
  const beside = join(directory, `${WORK_FOLDER}.home`);
  await rm(beside, { recursive: true, force: true });
  await place(received.content, beside, { signal });
  // Inputs may lie there that the job was given.
  await settleTree(beside, join(directory, WORK_FOLDER), true, signal);
}
