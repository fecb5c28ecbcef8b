// What `%%cluster` does, from the text of a cell to values in the notebook. The details have names and live elsewhere.
import { join } from 'node:path';
import { ensureAllocation } from './allocations';
import { dryRun } from './dry-run';
import type { AgentConnection } from './client';
import { toProjectDefinition, type ClusterConfig } from './config';
import type { EnvironmentRequest, Environments } from './environment';
import { bringHome } from './home';
import type { MagicLine } from './line';
import type { CaptureReport, Cell, CellOutcome, NotebookSession } from './namespace';
import { tellLock } from './lock-told';
import { optionsHelp, type ClusterOptions } from './options';
import { parseOptions } from './parse-options';
import { showProblems } from './problems';
import { answering } from './questions';
import type { CellCode } from './protocol/code';
import { UsageError } from './protocol/errors';
import { SEED_VARIABLE } from './protocol/run';
import type { ContainerRequest } from './protocol/image';
import { ownMachine, type HostFacts } from './protocol/host-facts';
import type { BatchRequest, JobId, JobRecord, JobSpec } from './protocol/job';
import { BUNDLE_FILE, INPUTS_FILE } from './protocol/layout';
import { adviseOnFiles, filesHere, gatherFiles, sendInputs } from './job-files';
import { showText, succeed } from './show';

/** A cell that was sent from this kernel and whose result is not home yet. */
export interface SentCell {
  readonly captureId: string;
  readonly execution: number;
}

export interface ClusterSession extends NotebookSession {
  /** The home agent, started when first needed. */
  agent(): Promise<AgentConnection>;
  /** Their names, `local` first. Throws UsageError when the config has a mistake. */
  readonly clusters: readonly string[];
  /** Undefined for `local`. */
  configOf(cluster: string): ClusterConfig | undefined;
  /** Of `%cluster use`. */
  defaultCluster: string;
  readonly sent: Map<JobId, SentCell>;
  readonly environments: Environments;
  /** Differences between machines, and from what was locked, that were said. */
  readonly skewsTold: Set<string>;
  /** Of cells, as far as `%cd` knows. */
  workingDirectory: string;
  /** Before the last `%cd`. */
  earlierDirectory?: string;
}

export async function runCluster(cell: Cell, line: MagicLine, session: ClusterSession): Promise<CellOutcome> {
  const options = parseOptions(line, session.clusters);
  if (options.help) return succeed(showText(optionsHelp(session.clusters)));
  refuseNothingToRun(cell, line);

  const prepared = await session.language.prepare(cell, cell.signal);
  tell(prepared.notices ?? [], cell);
  if (!prepared.ok) return { ok: false, error: showProblems(prepared.problems, cell.source, cell.execution) };
  if (options.dryRun) return dryRun(prepared.code, options, cell, session);

  const agent = await session.agent();
  const asked = toSpec(cell, summarize(cell.source.slice(line.offset + line.text.length)), options, session);
  const spec = { ...asked, cluster: await clusterAt(agent, asked.cluster, session) };
  if (options.keep !== undefined) await ensureAllocation(agent, spec, options.keep, cell);
  const job = await agent.create(spec);
  return answering(agent, cell, async () => {
    await captureAndSubmit(job, prepared.code, options, { agent, cell, session });
    if (options.detach)
      return succeed(showText(`Job ${job.id} is submitted. Bring its result home with: %cluster attach ${job.id}`));
    return bringHome(job.id, cell, session);
  });
}

/** A name that means the same to the agent: it reads the user's config itself, and knows nothing of a project's. */
export async function clusterAt(
  agent: AgentConnection,
  name: string,
  session: Pick<ClusterSession, 'configOf'>,
): Promise<string> {
  const config = session.configOf(name);
  if (config?.isOfProject !== true) return name;
  const definition = toProjectDefinition(config);
  await agent.define(definition);
  return definition.name;
}

/** A job whose capture is refused, or that nobody wants any more, leaves nothing behind. */
async function captureAndSubmit(
  job: JobRecord,
  code: CellCode,
  options: ClusterOptions,
  at: { readonly agent: AgentConnection; readonly cell: Cell; readonly session: ClusterSession },
): Promise<void> {
  const { agent, cell, session } = at;
  try {
    const capturing = session.namespace.capture(
      { cell: code, bundlePath: join(job.directory, BUNDLE_FILE) },
      cell.signal,
    );
    session.environments.anticipate();
    const { captureId, fileUses, modules, locale, notices } = await capturing;
    tell(notices, cell);
    tellLock(modules, cell, session);
    const listPath = join(job.directory, INPUTS_FILE);
    const toSend = await gatherFiles({ uses: fileUses, options, cell, session, listPath });
    const packages = await session.environments.prepare(toEnvironment(modules, options, session), cell.signal);
    cell.signal.throwIfAborted();
    if (toSend !== undefined) adviseOnFiles(toSend, cell);
    const isFar = session.configOf(options.cluster ?? session.defaultCluster)?.host !== undefined;
    const along = isFar ? await sendInputs(job, toSend, listPath, { agent, cell }) : filesHere(toSend);
    await agent.submit(job.id, { packages, locale, ...along });
    session.sent.set(job.id, { captureId, execution: cell.execution });
  } catch (error) {
    await agent.discard(job.id);
    throw error;
  }
}

export function toEnvironment(
  roots: CaptureReport['modules'],
  options: ClusterOptions,
  session: ClusterSession,
): EnvironmentRequest {
  const name = options.cluster ?? session.defaultCluster;
  const { envMode } = options;
  const config = session.configOf(name);
  const { host } = config ?? {};
  const isContained = containerOf(options, config) !== undefined;
  const facts = async (): Promise<HostFacts> => {
    const agent = await session.agent();
    return agent.facts(await clusterAt(agent, name, session));
  };
  return {
    roots,
    directory: session.directory,
    host,
    isContained,
    facts,
    ...(envMode === undefined ? {} : { mode: envMode }),
  };
}

export function tell(notices: readonly string[], cell: Cell): void {
  for (const notice of notices) cell.output.write({ type: 'stderr', text: `${notice}\n` });
}

function refuseNothingToRun(cell: Cell, line: MagicLine): void {
  const rest = cell.source.slice(line.offset + line.text.length);
  if (rest.trim() === '')
    throw new UsageError('There is nothing below the %%cluster line to run. Put the code on the lines after it.');
}

/** What the options ask for, over what the cluster's config does. */
export function toSpec(cell: Cell, summary: string, options: ClusterOptions, session: ClusterSession): JobSpec {
  const cluster = options.cluster ?? session.defaultCluster;
  const config = session.configOf(cluster);
  const batch = { ...config?.batch, ...toBatchRequest(options) };
  const container = containerOf(options, config);
  return {
    name: options.name ?? summary,
    cluster,
    resources: {
      cores: 1,
      ...config?.defaults,
      ...(options.cores === undefined ? {} : { cores: options.cores }),
      ...(options.memory === undefined ? {} : { memoryMiB: options.memory }),
      ...(options.time === undefined ? {} : { wallTimeSeconds: options.time }),
      ...(options.gpus === undefined ? {} : { gpus: options.gpus }),
    },
    ...(Object.keys(batch).length === 0 ? {} : { batch }),
    ...(container === undefined ? {} : { container }),
    environment: {
      ...config?.variables,
      ...(options.seed === undefined ? {} : { [SEED_VARIABLE]: String(options.seed) }),
      ...options.env,
    },
    origin: {
      client: 'kernel',
      pid: process.pid,
      directory: session.directory,
      execution: cell.execution,
      machine: ownMachine(),
      ...(session.notebook === undefined ? {} : { notebook: session.notebook }),
      ...(cell.cellId === undefined ? {} : { cellId: cell.cellId }),
    },
    ...(options.atomic === true ? { atomic: true } : {}),
    summary,
    ...(options.detach === true ? {} : { isAwaited: true }),
  };
}

/** The image of the line, with what the config says of its cluster's. */
export function containerOf(
  { container: image }: ClusterOptions,
  config: ClusterConfig | undefined,
): ContainerRequest | undefined {
  if (image === undefined) return config?.container;
  return image === 'none' ? undefined : { mounts: [], options: [], ...config?.container, image };
}

const BATCH_OPTIONS = [
  'nodes',
  'tasks',
  'queue',
  'account',
  'qos',
  'constraint',
  'reservation',
  'exclusive',
  'native',
] as const;

function toBatchRequest(options: ClusterOptions): BatchRequest {
  return Object.fromEntries(
    BATCH_OPTIONS.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  );
}

const SUMMARY_LENGTH = 80;

/** The first line of code that says something. */
function summarize(code: string): string {
  const lines = code.split('\n').map((line) => line.trim());
  const telling = lines.find((line) => line !== '' && !line.startsWith('//') && !line.startsWith('import '));
  return (telling ?? lines.find((line) => line !== '') ?? '').slice(0, SUMMARY_LENGTH);
}
