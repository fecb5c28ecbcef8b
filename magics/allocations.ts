// Nodes that are kept for cells to come: `%cluster start`, `%cluster stop`, and `%%cluster --keep`.
import type { AgentConnection } from './client';
import { clusterAt, toSpec, type ClusterSession } from './cluster';
import { showDuration } from './config/quantities';
import { cannotStart, failureOf, isStuck } from './failure';
import { pointAt, type MagicLine, type Word } from './line';
import type { Cell, CellOutcome } from './namespace';
import { parseOptions } from './parse-options';
import { UsageError } from './protocol/errors';
import { clusterLabel, isFinal, type JobRecord, type JobSpec } from './protocol/job';
import { answering } from './questions';
import { fail, showText, stateInWords, succeed } from './show';
import { StatusLine } from './status';

type Connect = () => Promise<AgentConnection>;

const KEEP_SECONDS = 600;

/** `line.words` are those after `start`. Throws UsageError without an end: nobody wants to find nodes kept over a weekend. */
export async function startAllocation(
  line: MagicLine,
  cell: Cell,
  session: ClusterSession,
  connect: Connect,
): Promise<CellOutcome> {
  const options = parseOptions(line, session.clusters);
  const asked = toSpec(cell, line.text.trim(), { ...options, name: options.name ?? 'allocation' }, session);
  refuseEndless(asked);
  const agent = await connect();
  const spec = { ...asked, cluster: await clusterAt(agent, asked.cluster, session) };
  return answering(agent, cell, async () => {
    const started = await create(agent, spec, options.keep ?? KEEP_SECONDS, cell);
    if (options.detach === true) return succeed(showText(`Allocation ${started.id} is submitted.`));
    const job = await untilRunning(agent, started, cell);
    if (isFinal(job.status)) {
      if (job.status.state === 'completed') return succeed(showText(`Allocation ${job.id} has ended already.`));
      return fail(failureOf(job));
    }
    if (isStuck(job)) return fail(cannotStart(job));
    const keep = showDuration(spec.allocation?.keepSeconds ?? options.keep ?? KEEP_SECONDS);
    return succeed(
      showText(
        `Allocation ${job.id} runs: cells on ${clusterLabel(spec.cluster)} start at once now. It ends after ${keep} without a cell, or with %cluster stop ${clusterLabel(spec.cluster)}.`,
      ),
    );
  });
}

/** Nodes for a cell with `--keep`, unless there are some already that it fits into. */
export async function ensureAllocation(
  agent: AgentConnection,
  cellSpec: JobSpec,
  keepSeconds: number,
  cell: Cell,
): Promise<void> {
  refuseEndless(cellSpec);
  const kept = (await agent.jobs()).some(
    ({ spec, status, cancelRequestedAt }) =>
      spec.allocation !== undefined &&
      spec.cluster === cellSpec.cluster &&
      !isFinal(status) &&
      cancelRequestedAt === undefined &&
      spec.resources.cores >= cellSpec.resources.cores &&
      (spec.resources.memoryMiB ?? Infinity) >= (cellSpec.resources.memoryMiB ?? 0) &&
      (spec.resources.gpus ?? 0) >= (cellSpec.resources.gpus ?? 0),
  );
  if (!kept) await create(agent, { ...cellSpec, name: 'allocation' }, keepSeconds, cell);
}

export async function stopAllocations(
  words: readonly Word[],
  line: MagicLine,
  session: ClusterSession,
  connect: Connect,
): Promise<CellOutcome> {
  const [word, extra] = words;
  if (extra !== undefined) throw pointAt(line.text, extra, '%cluster stop [NAME]: one too many.');
  if (word !== undefined && !session.clusters.includes(word.text))
    throw pointAt(line.text, word, `There is no cluster ${JSON.stringify(word.text)}.`);
  const agent = await connect();
  const jobs = (await agent.jobs()).filter(({ status }) => !isFinal(status));
  const wanted = jobs.filter(
    ({ spec }) => spec.allocation !== undefined && (word === undefined || clusterLabel(spec.cluster) === word.text),
  );
  if (wanted.length === 0)
    return succeed(showText(`No nodes are kept${word === undefined ? '' : ` on ${word.text}`}.`));
  const stopped: string[] = [];
  for (const { id } of wanted) stopped.push(stopLine(await agent.cancel(id), jobs));
  return succeed(showText(stopped.join('\n')));
}

function stopLine(allocation: JobRecord, jobs: readonly JobRecord[]): string {
  const inside = jobs.filter(
    ({ id, nativeId, spec }) =>
      id !== allocation.id &&
      nativeId !== undefined &&
      nativeId === allocation.nativeId &&
      spec.cluster === allocation.spec.cluster,
  );
  const state = isFinal(allocation.status) ? stateInWords(allocation.status) : 'stopping …';
  const ends = inside.length === 0 ? '' : ` This ends ${inside.map(({ id }) => id).join(', ')} as well.`;
  return `Allocation ${allocation.id} on ${clusterLabel(allocation.spec.cluster)}: ${state}${ends}`;
}

function refuseEndless({ resources, cluster }: JobSpec): void {
  if (resources.wallTimeSeconds !== undefined || cluster === 'local') return;
  throw new UsageError(
    'Say how long nodes may be kept at most: --time 2h. They are given back earlier when no cell has run there for as long as --keep says.',
  );
}

async function create(agent: AgentConnection, spec: JobSpec, keepSeconds: number, cell: Cell): Promise<JobRecord> {
  const { cores, wallTimeSeconds = 0 } = spec.resources;
  const job = await agent.create({ ...spec, environment: {}, allocation: { keepSeconds } });
  const hours = Math.round(((cores * wallTimeSeconds) / 3600) * 10) / 10;
  cell.output.write({
    type: 'stdout',
    text: `Keeping ${cores} core${cores === 1 ? '' : 's'} for ${showDuration(wallTimeSeconds)} at most: ${hours} core-hours (allocation ${job.id}).\n`,
  });
  try {
    return await agent.submit(job.id);
  } catch (error) {
    await agent.discard(job.id);
    throw error;
  }
}

async function untilRunning(agent: AgentConnection, job: JobRecord, cell: Cell): Promise<JobRecord> {
  using status = new StatusLine(cell.output);
  let last = job;
  for await (const record of agent.watch(job.id, cell.signal)) {
    status.update(record);
    last = record;
    if (record.status.state === 'running' || isFinal(record.status) || isStuck(record)) break;
  }
  cell.signal.throwIfAborted();
  return last;
}
