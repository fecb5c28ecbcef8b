// `%cluster doctor`: is everything in place that a cluster cell needs, on this machine? Each check says what it found; one that fails says so and
// the others go on.
import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentConnection } from './client';
import type { ClusterSession } from './cluster';
import { configPath } from './config';
import { showBytes, showDuration, showMemory } from './config/quantities';
import type { Cell, CellOutcome } from './namespace';
import { ClusterError, messageOf } from './protocol/errors';
import { isFinal, type JobRecord } from './protocol/job';
import { BUNDLE_FILE } from './protocol/layout';
import { stateDirectory } from './protocol/platform';
import { VERSION } from './protocol/version';
import { showTable, stateInWords, succeed } from './show';

interface Finding {
  readonly isFine: boolean;
  readonly says: string;
}

interface Visit {
  readonly cell: Cell;
  readonly session: ClusterSession;
  readonly agent: () => Promise<AgentConnection>;
}

interface Check {
  readonly name: string;
  look(visit: Visit): Finding | Promise<Finding>;
}

/** Below this jobs begin to fail in ways that are hard to tell. */
const LEAST_FREE_BYTES = 1e9;
const JOB_PATIENCE_MILLISECONDS = 30_000;

const CHECKS: readonly Check[] = [
  {
    name: 'kernel',
    look: () => fine(`Cellburst ${VERSION} on Node ${process.version}, process ${process.pid}`),
  },
  {
    name: 'kernel log',
    look: async ({ session }) => {
      const exists = await access(session.logFile).then(
        () => true,
        () => false,
      );
      return fine(exists ? session.logFile : `${session.logFile} (nothing was written so far)`);
    },
  },
  {
    name: 'clusters',
    look: ({ session }) => fine(`${session.clusters.join(', ')} (config: ${configPath()})`),
  },
  {
    name: 'home agent',
    look: async ({ agent }) => {
      const { version, node, pid, startedAt, cores, memoryMiB } = await (await agent()).status();
      const age = showDuration(Math.max(0, (Date.now() - startedAt) / 1000));
      const says =
        `Cellburst ${version} on Node ${node}, process ${pid}, up for ${age}; ` +
        `${cores.used} of ${cores.total} cores in use, ${showMemory(memoryMiB.total)} of memory`;
      return version === VERSION ? fine(says) : trouble(`${says}. This kernel is ${VERSION}: restart it.`);
    },
  },
  {
    name: 'job store',
    look: async ({ agent }) => {
      const { stateDirectory: directory, jobs } = await (await agent()).status();
      const counts = Object.entries(jobs).map(([state, count]) => `${count} ${state}`);
      if (directory !== stateDirectory())
        return trouble(`The agent keeps jobs in ${directory}, this kernel looks in ${stateDirectory()}. Restart both.`);
      await access(directory, constants.R_OK | constants.W_OK);
      return fine(`${directory}; jobs: ${counts.join(', ')}`);
    },
  },
  {
    name: 'disk space',
    look: async () => {
      const { bavail, bsize } = await statfs(stateDirectory());
      const free = bavail * bsize;
      const says = `${showBytes(free)} free where jobs are kept`;
      return free < LEAST_FREE_BYTES
        ? trouble(`${says}: that is little. Values of a cell lie there while it runs.`)
        : fine(says);
    },
  },
  { name: 'a tiny job', look: tryJob },
];

export async function runDoctor(visit: Visit): Promise<CellOutcome> {
  const rows: string[][] = [];
  let troubles = 0;
  for (const check of CHECKS) {
    const { isFine, says } = await examine(check, visit);
    visit.cell.signal.throwIfAborted();
    if (!isFine) troubles++;
    rows.push([isFine ? '✓' : '✗', check.name, says.replace(/\s*\n\s*/g, ' ')]);
  }
  const summary = troubles === 0 ? 'Everything is in place.' : `${troubles} of ${rows.length} need attention.`;
  return succeed(showTable(['', 'check', 'found'], rows, '', summary));
}

async function examine(check: Check, visit: Visit): Promise<Finding> {
  try {
    return await check.look(visit);
  } catch (error) {
    if (visit.cell.signal.aborted) throw error;
    return trouble(ClusterError.is(error) ? error.message : `could not be looked at: ${messageOf(error)}`);
  }
}

/** From capture to envelope, by the way every cell goes. Leaves nothing behind. */
async function tryJob({ cell, session, agent: connect }: Visit): Promise<Finding> {
  const agent = await connect();
  const started = performance.now();
  const prepared = await session.language.prepare({ source: '6 * 7', execution: cell.execution }, cell.signal);
  if (!prepared.ok) return trouble('The compiler refuses 6 * 7. Restart the kernel.');
  const job = await agent.create({
    name: 'doctor',
    cluster: 'local',
    resources: { cores: 1 },
    environment: {},
    origin: { client: 'kernel', pid: process.pid, directory: session.directory, execution: cell.execution },
    summary: '6 * 7',
  });
  try {
    const bundlePath = join(job.directory, BUNDLE_FILE);
    const { captureId } = await session.namespace.capture({ cell: prepared.code, bundlePath }, cell.signal);
    session.namespace.forget(captureId);
    await agent.submit(job.id);
    const ended = await waitForEnd(agent, job, cell.signal);
    const seconds = showDuration((performance.now() - started) / 1000);
    if (ended.status.state === 'completed' && ended.status.outcome === 'value') return fine(`came back in ${seconds}`);
    return trouble(`after ${seconds} it is ${stateInWords(ended.status)}.`);
  } finally {
    await discard(agent, job);
  }
}

async function waitForEnd(agent: AgentConnection, job: JobRecord, signal: AbortSignal): Promise<JobRecord> {
  let last = job;
  for await (const record of agent.watch(
    job.id,
    AbortSignal.any([signal, AbortSignal.timeout(JOB_PATIENCE_MILLISECONDS)]),
  ))
    last = record;
  signal.throwIfAborted();
  return last;
}

async function discard(agent: AgentConnection, job: JobRecord): Promise<void> {
  const now = await agent.job(job.id);
  if (isFinal(now.status) || now.submittedAt === undefined) await agent.discard(job.id);
  else await agent.cancel(job.id);
}

function fine(says: string): Finding {
  return { isFine: true, says };
}

function trouble(says: string): Finding {
  return { isFine: false, says };
}
