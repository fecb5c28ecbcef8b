// What a cell's cluster has already of its packages and its image: looked at as for a job, and nothing is sent.
import { clusterAt, containerOf, tell, toEnvironment, type ClusterSession } from './cluster';
import type { AgentConnection } from './client';
import type { CaptureReport, Cell } from './namespace';
import type { ClusterOptions } from './options';
import type { ArchiveReference, JobPackages } from './protocol/environment';
import type { JobRecord } from './protocol/job';
import { ClusterError, EnvironmentSetupError } from './protocol/errors';
import type { ContainerRequest, ImageSeen } from './protocol/image';
import { answering } from './questions';

export interface PackagesAhead extends Pick<JobPackages, 'mode' | 'reason'> {
  /** Its jobs see the notebook's folder. */
  readonly isHere: boolean;
  /** All of them as they would travel. Absent: they do not, or the cluster could not be asked. */
  readonly archive?: ArchiveAhead;
}

interface ArchiveAhead {
  readonly bytes: number;
  /** Of these, what the cluster has not. */
  readonly sends: number;
  /** npm has run there. */
  readonly isInstalled: boolean;
}

/** `seen` is absent when nobody could be asked. */
export interface ImageAhead {
  readonly image: string;
  readonly seen?: ImageSeen;
}

export interface Ahead {
  readonly packages: PackagesAhead;
  readonly image?: ImageAhead;
  /** Why the packages cannot be brought: a job would not come to be. */
  readonly problem?: EnvironmentSetupError;
}

export interface Brought {
  /** The latest one that had it. */
  readonly job: string;
  readonly isInstalled: boolean;
}

interface Asking {
  readonly cluster: string;
  readonly cell: Cell;
  readonly session: ClusterSession;
}

export async function lookAhead(report: CaptureReport, options: ClusterOptions, asking: Asking): Promise<Ahead> {
  const { cluster, session } = asking;
  const config = session.configOf(cluster);
  const container = containerOf(options, config);
  const request = toEnvironment(report.modules, options, session);
  const packages = { ...(await session.environments.choose(request)), isHere: config?.host === undefined };
  const unasked = { packages, ...(container === undefined ? {} : { image: { image: container.image } }) };
  const isNothingToAsk = packages.mode === 'none' && container === undefined;
  // Where something cannot travel, there will be no job.
  if (isNothingToAsk || report.refusals.length > 0) return unasked;
  const asked = await withAgent(asking, async (agent, known) => {
    const seen = container === undefined ? {} : { image: await lookAtImage(container, agent, known) };
    try {
      const { archive } = await session.environments.prepare(request, asking.cell.signal);
      if (archive === undefined) return { packages, ...seen };
      return { packages: { ...packages, archive: await lookAtArchive(archive, agent, known) }, ...seen };
    } catch (error) {
      if (error instanceof EnvironmentSetupError) return { packages, ...seen, problem: error };
      throw error;
    }
  });
  return asked ?? unasked;
}

/** Archives that are asked about, the latest first. */
const ASKED_ARCHIVES = 20;

/** Packages that earlier jobs have brought to a cluster, as long as they are kept there: by name and version. */
export async function packagesThere(agent: AgentConnection, known: string): Promise<ReadonlyMap<string, Brought>> {
  const jobs = (await agent.jobs()).filter(({ spec }) => spec.cluster === known);
  const latest = new Map<string, JobRecord>();
  for (const job of [...jobs].sort((a, b) => b.createdAt - a.createdAt)) {
    const sha256 = job.packages?.archive?.sha256;
    if (sha256 !== undefined && !latest.has(sha256)) latest.set(sha256, job);
  }
  const found = new Map<string, Brought>();
  for (const [sha256, { id, packages }] of [...latest].slice(0, ASKED_ARCHIVES)) {
    const { isThere, isInstalled = false } = await agent.archiveAt(known, sha256);
    if (!isThere) continue;
    for (const label of packages?.packages ?? []) if (!found.has(label)) found.set(label, { job: id, isInstalled });
  }
  return found;
}

/** undefined: the cluster cannot be asked, which was told. */
async function withAgent<T>(
  { cluster, cell, session }: Asking,
  ask: (agent: AgentConnection, known: string) => Promise<T>,
): Promise<T | undefined> {
  try {
    const agent = await session.agent();
    const known = await clusterAt(agent, cluster, session);
    return await answering(agent, cell, () => ask(agent, known));
  } catch (error) {
    cell.signal.throwIfAborted();
    if (!ClusterError.is(error)) throw error;
    tell([`What ${cluster} has of packages and images cannot be told: ${error.message}`], cell);
    return undefined;
  }
}

async function lookAtArchive(
  { sha256, bytes }: ArchiveReference,
  agent: AgentConnection,
  known: string,
): Promise<ArchiveAhead> {
  const { isThere, isInstalled = false } = await agent.archiveAt(known, sha256);
  return { bytes, sends: isThere ? 0 : bytes, isInstalled };
}

async function lookAtImage(container: ContainerRequest, agent: AgentConnection, known: string): Promise<ImageAhead> {
  return { image: container.image, seen: await agent.image(known, container) };
}
