// `%cluster doctor [NAME]`: is everything in place that a cluster cell needs, here or on a cluster? Each check says what it found; one that fails says so and
// the others go on.
import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentConnection } from './client';
import { clusterAt, toSpec, type ClusterSession } from './cluster';
import { configPath } from './config';
import { showBytes, showDuration, showMemory } from './config/quantities';
import type { Cell, CellOutcome } from './namespace';
import { ClusterError, messageOf } from './protocol/errors';
import { fine, FINDINGS_MIME, trouble, type Finding } from './protocol/finding';
import { isFinal, type JobRecord } from './protocol/job';
import { BUNDLE_FILE } from './protocol/layout';
import { stateDirectory } from './protocol/platform';
import { VERSION } from './protocol/version';
import { answering } from './questions';
import { showTable, stateInWords, succeed } from './show';

interface Visit {
  readonly cell: Cell;
  readonly session: ClusterSession;
  readonly agent: () => Promise<AgentConnection>;
}

interface Check {
  readonly name: string;
  look(visit: Visit): Look | Promise<Look>;
}

/** Below this jobs begin to fail in ways that are hard to tell. */
const LEAST_FREE_BYTES = 1e9;
/** A queue may be long; whoever asks the doctor does not want to wait for it. */
const JOB_PATIENCE_MILLISECONDS = 120_000;
/** Between question and answer of a job some time passes. */
const MOST_SKEW_SECONDS = 60;

const CHECKS: readonly Check[] = [
  {
    name: 'kernel',
    look: () => good(`Cellburst ${VERSION} on Node ${process.version}, process ${process.pid}`),
  },
  {
    name: 'kernel log',
    look: async ({ session }) => {
      const exists = await access(session.logFile).then(
        () => true,
        () => false,
      );
      return good(exists ? session.logFile : `${session.logFile} (nothing was written so far)`);
    },
  },
  {
    name: 'clusters',
    look: ({ session }) => good(`${session.clusters.join(', ')} (config: ${configPath()})`),
  },
  {
    name: 'home agent',
    look: async ({ agent }) => {
      const { version, node, pid, startedAt, cores, memoryMiB } = await (await agent()).status();
      const age = showDuration(Math.max(0, (Date.now() - startedAt) / 1000));
      const says =
        `Cellburst ${version} on Node ${node}, process ${pid}, up for ${age}; ` +
        `${cores.used} of ${cores.total} cores in use, ${showMemory(memoryMiB.total)} of memory`;
      return version === VERSION ? good(says) : bad(`${says}. This kernel is ${VERSION}: restart it.`);
    },
  },
  {
    name: 'job store',
    look: async ({ agent }) => {
      const { stateDirectory: directory, jobs } = await (await agent()).status();
      const counts = Object.entries(jobs).map(([state, count]) => `${count} ${state}`);
      if (directory !== stateDirectory())
        return bad(`The agent keeps jobs in ${directory}, this kernel looks in ${stateDirectory()}. Restart both.`);
      await access(directory, constants.R_OK | constants.W_OK);
      return good(`${directory}; jobs: ${counts.join(', ')}`);
    },
  },
  {
    name: 'disk space',
    look: async () => {
      const { bavail, bsize } = await statfs(stateDirectory());
      const free = bavail * bsize;
      const says = `${showBytes(free)} free where jobs are kept`;
      return free < LEAST_FREE_BYTES
        ? bad(`${says}: that is little. Values of a cell lie there while it runs.`)
        : good(says);
    },
  },
];

/** Of this machine, or of the cluster that is named. */
export async function runDoctor(visit: Visit, cluster: string): Promise<CellOutcome> {
  const { cell, agent } = visit;
  return answering(await agent(), cell, async () => {
    const rows: string[][] = [];
    const findings: Finding[] = [];
    for await (const found of examineAll(visit, cluster)) {
      const { check, verdict, says } = found;
      findings.push(found);
      rows.push([verdict === 'fine' ? '✓' : '✗', check, says.replace(/\s*\n\s*/g, ' ')]);
    }
    cell.signal.throwIfAborted();
    const troubles = findings.filter(({ verdict }) => verdict === 'trouble').length;
    const summary = troubles === 0 ? 'Everything is in place.' : `${troubles} of ${rows.length} need attention.`;
    const { data, metadata } = showTable(['', 'check', 'found'], rows, '', summary);
    return succeed({ data: { ...data, [FINDINGS_MIME]: { cluster, findings } }, metadata });
  });
}

async function* examineAll(visit: Visit, cluster: string): AsyncGenerator<Finding> {
  const { cell, session } = visit;
  if (cluster === 'local') {
    for (const check of CHECKS) yield await examine(check, visit);
  } else {
    const agent = await visit.agent();
    let isReached = true;
    for await (const found of agent.examine(await clusterAt(agent, cluster, session), cell.signal)) {
      yield found;
      isReached &&= found.verdict === 'fine' || !VITAL.has(found.check);
    }
    // A job would only say the same again.
    if (!isReached) return;
  }
  yield await examine({ name: 'a tiny job', look: (at) => tryJob(at, cluster) }, visit);
}

/** Without these no job comes to be. */
const VITAL: ReadonlySet<string> = new Set([
  'reach',
  'host key',
  'login',
  'login shell',
  'Node.js there',
  'host agent',
]);

async function examine(check: Check, visit: Visit): Promise<Finding> {
  const { name } = check;
  try {
    return toFinding(name, await check.look(visit));
  } catch (error) {
    if (visit.cell.signal.aborted) throw error;
    return trouble(name, ClusterError.is(error) ? error.message : `could not be looked at: ${messageOf(error)}`);
  }
}

/** Runs where cells run, and says where that is. */
const TINY = `[require('node:os').hostname(), process.version, Date.now()].join(' ')`;

/** From capture to envelope and back, by the way every cell goes. Leaves nothing behind. */
async function tryJob({ cell, session, agent: connect }: Visit, cluster: string): Promise<Look> {
  const agent = await connect();
  const started = performance.now();
  const source = { source: TINY, execution: cell.execution };
  const prepared = await session.language.prepare(source, cell.signal);
  if (!prepared.ok) return bad('The compiler refuses a line of ours. Restart the kernel.');
  const spec = toSpec(cell, 'doctor', { name: 'doctor', cluster, env: {}, in: [], out: [] }, session);
  const job = await agent.create({ ...spec, cluster: await clusterAt(agent, cluster, session) });
  let captureId: string | undefined;
  try {
    const bundlePath = join(job.directory, BUNDLE_FILE);
    ({ captureId } = await session.namespace.capture({ cell: prepared.code, bundlePath }, cell.signal));
    await agent.submit(job.id);
    const ended = await waitForEnd(agent, job, cell.signal);
    const seconds = showDuration((performance.now() - started) / 1000);
    if (ended.status.state !== 'completed' || ended.status.outcome !== 'value')
      return bad(`after ${seconds} it is ${stateInWords(ended.status)}.`);
    const where = { captureId, directory: job.directory, atomic: false, where: 'the doctor' };
    const { outcome } = await session.namespace.settle(where, cell.signal);
    captureId = undefined;
    const said = outcome.ok ? JSON.stringify(outcome.display?.data) : '';
    const [, host = '', node = '', now = ''] = /'(\S+) (\S+) (\d+)'/.exec(said) ?? [];
    const skew = Math.abs(Date.now() - Number(now)) / 1000;
    const clock = skew > MOST_SKEW_SECONDS ? `; its clock is ${Math.round(skew)} s off` : '';
    return good(`ran on ${host} (Node ${node}) and came back in ${seconds}${clock}`);
  } finally {
    if (captureId !== undefined) session.namespace.forget(captureId);
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

interface Look {
  readonly isFine: boolean;
  readonly says: string;
}

function toFinding(name: string, { isFine, says }: Look): Finding {
  return isFine ? fine(name, says) : trouble(name, says);
}

function good(says: string): Look {
  return { isFine: true, says };
}

function bad(says: string): Look {
  return { isFine: false, says };
}
