// Brings a job home: its output as it comes, then its result, once. Used by the cell that sent it and by `%cluster attach`.
import type { AgentConnection } from './client';
import type { ClusterSession } from './cluster';
import { cannotStart, failureOf, isStuck, unreadable } from './failure';
import { HeapReport } from './heap-report';
import { LastLines } from './last-lines';
import type { Cell, CellOutcome } from './namespace';
import { landOutputs, tellLeftOutputs } from './job-files';
import { clusterLabel, isFinal, type JobId, type JobRecord } from './protocol/job';
import { ProtocolError } from './protocol/errors';
import { OutputReader, type OutputRecord } from './protocol/output';
import { fail, showError } from './show';
import { StatusLine } from './status';

export async function bringHome(id: JobId, cell: Cell, session: ClusterSession): Promise<CellOutcome> {
  const agent = await session.agent();
  try {
    const printed = new LastLines();
    const job = await followToEnd(agent, id, cell, printed);
    if (!isFinal(job.status)) return fail(cannotStart(job));
    return await settle(agent, job, cell, session, printed);
  } catch (error) {
    if (!cell.signal.aborted) throw error;
    cancelOnSecondInterrupt(agent, id, cell);
    return {
      ok: false,
      error: showError(
        'KeyboardInterrupt',
        `detached from job ${id}, which goes on. Bring it home with %cluster attach ${id}; end it with %cluster cancel ${id}, or interrupt again now.`,
      ),
    };
  }
}

function cancelOnSecondInterrupt(agent: AgentConnection, id: JobId, cell: Cell): void {
  const cancel = async (): Promise<void> => {
    try {
      await agent.cancel(id);
      cell.output.write({ type: 'stderr', text: `Interrupted again: job ${id} is being cancelled.\n` });
    } catch (error) {
      cell.output.write({ type: 'stderr', text: `Job ${id} could not be cancelled: ${String(error)}\n` });
    }
  };
  if (cell.cancel.aborted) void cancel();
  else cell.cancel.addEventListener('abort', () => void cancel(), { once: true });
}

/** Shows output and state until the job has ended and all its output is shown, or it waits and will not start by itself. */
async function followToEnd(agent: AgentConnection, id: JobId, cell: Cell, printed: LastLines): Promise<JobRecord> {
  using status = new StatusLine(cell.output);
  // Whichever fails first ends the other: neither may go on writing into the cell.
  const both = new AbortController();
  const signal = AbortSignal.any([cell.signal, both.signal]);
  const watching = (async () => {
    let last: JobRecord | undefined;
    for await (const job of agent.watch(id, signal)) {
      status.update(job);
      last = job;
      if (isFinal(job.status)) break;
      if (isStuck(job)) {
        both.abort();
        break;
      }
    }
    cell.signal.throwIfAborted();
    if (!last) throw new Error(`The home agent told nothing of job ${id}.`);
    return last;
  })();
  try {
    const report = new HeapReport();
    const show = (record: OutputRecord): void => {
      printed.push(record);
      cell.output.write(record);
    };
    const [job] = await Promise.all([watching, forwardOutput(agent, id, report, show, signal)]);
    const wasFull = job.status.state === 'failed' && job.status.cause === 'out-of-memory';
    for (const record of report.rest(wasFull)) show(record);
    return job;
  } catch (error) {
    both.abort();
    throw error;
  }
}

async function forwardOutput(
  agent: AgentConnection,
  id: JobId,
  report: HeapReport,
  show: (record: OutputRecord) => void,
  signal: AbortSignal,
): Promise<void> {
  const reader = new OutputReader();
  for await (const { bytes } of agent.output(id, { signal })) {
    for (const { record } of reader.push(bytes)) {
      const shown = report.pass(record);
      if (shown !== undefined) show(shown);
    }
  }
}

/** Once for each cluster: what the language and Node offer differs from one release line to the next. */
function tellSkew({ ranOn, spec }: JobRecord, cell: Cell, { skewsTold }: ClusterSession): void {
  const here = process.versions.node;
  if (ranOn === undefined || ranOn.node.split('.')[0] === here.split('.')[0]) return;
  const skew = `${spec.cluster} ${ranOn.node}`;
  if (skewsTold.has(skew)) return;
  skewsTold.add(skew);
  cell.output.write({
    type: 'stderr',
    text: `Note: ${clusterLabel(spec.cluster)} runs Node.js ${ranOn.node}, and this notebook ${here}.\n`,
  });
}

/** The result goes into the notebook exactly once: claimed first, marked delivered after, given back when it could not be used. */
async function settle(
  agent: AgentConnection,
  job: JobRecord,
  cell: Cell,
  session: ClusterSession,
  printed: LastLines,
): Promise<CellOutcome> {
  const sent = session.sent.get(job.id);
  if (job.status.state !== 'completed') {
    session.sent.delete(job.id);
    if (sent) session.namespace.forget(sent.captureId);
    await tellLeftOutputs(job, cell);
    return fail(failureOf(job, printed.lines));
  }
  await agent.claim(job.id);
  try {
    // Files first: where they find no room, nothing has happened, and the result can be taken again.
    const atomic = job.spec.atomic ?? false;
    const isDiscarded = atomic && job.status.outcome === 'error';
    const ended = isDiscarded ? undefined : await landOutputs(job, cell, session);
    const report = await session.namespace.settle(
      {
        ...(sent ? { captureId: sent.captureId } : {}),
        directory: job.directory,
        atomic,
        where: `job ${job.id} on ${clusterLabel(job.spec.cluster)}`,
      },
      cell.signal,
    );
    if (sent) await session.language.commit(sent.execution, report.progress);
    else await session.language.adopt(report.cell, report.progress);
    tellSkew(job, cell, session);
    await agent.delivered(job.id);
    session.sent.delete(job.id);
    if (report.conflicts.length > 0) {
      const names = report.conflicts.join(', ');
      cell.output.write({
        type: 'stderr',
        text: `Left as they are, since they were changed here while the job ran: ${names}. The result of the cell is complete otherwise.\n`,
      });
    }
    return report.outcome.ok && ended !== undefined ? ended : report.outcome;
  } catch (error) {
    await agent.release(job.id);
    throw error instanceof ProtocolError ? unreadable(job, error) : error;
  }
}
