// `--dry-run` and `%cluster capture`: what a cell would send, where it comes from, and what of it its cluster has already. Nothing is sent.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { lookAhead } from './brought';
import { clusterAt, tell, type ClusterSession } from './cluster';
import { showBytes } from './config/quantities';
import { adviseOnFiles, gatherFiles } from './job-files';
import type { CaptureReport, Cell, CellOutcome } from './namespace';
import { News } from './news';
import type { ClusterOptions } from './options';
import { stateDirectory } from './protocol/platform';
import type { FilesToSend } from './protocol/chores';
import type { CellCode } from './protocol/code';
import { ClusterError } from './protocol/errors';
import { BUNDLE_FILE } from './protocol/layout';
import { answering } from './questions';
import { outcomeOf, showCapture, type Lacking } from './show-capture';

interface Asking {
  readonly cluster: string;
  readonly cell: Cell;
  readonly session: ClusterSession;
}

export async function dryRun(
  code: CellCode,
  options: ClusterOptions,
  cell: Cell,
  session: ClusterSession,
): Promise<CellOutcome> {
  const cluster = options.cluster ?? session.defaultCluster;
  const isFar = session.configOf(cluster)?.host !== undefined;
  const prepare = async (report: CaptureReport): Promise<FilesToSend | undefined> => {
    tell(report.notices, cell);
    const toSend = await gatherFiles({ uses: report.fileUses, options, cell, session });
    if (toSend !== undefined) adviseOnFiles(toSend, cell);
    return toSend;
  };
  const { report, toSend, lacking } = isFar
    ? await compareThere(code, prepare, { cluster, cell, session })
    : await captureHere(code, prepare, cell, session);
  const ahead = await lookAhead(report, options, { cluster, cell, session });
  const shown = showCapture(report, ahead, toSend, lacking);
  const show = (): void => {
    cell.output.write({ type: 'display', ...shown });
  };
  if (ahead.problem === undefined) return outcomeOf(report, shown, show);
  show();
  throw ahead.problem;
}

interface Found {
  readonly report: CaptureReport;
  readonly toSend: FilesToSend | undefined;
  readonly lacking: Lacking;
}

type Prepare = (report: CaptureReport) => Promise<FilesToSend | undefined>;

/** A job on this machine has its bundle, and sees the files, where they are. */
async function captureHere(code: CellCode, prepare: Prepare, cell: Cell, session: ClusterSession): Promise<Found> {
  const report = await session.namespace.capture({ cell: code, isReport: true }, cell.signal);
  return { report, toSend: await prepare(report), lacking: { kind: 'here' } };
}

/** The bundle is written and cut as it would be, and the cluster is asked for its chunks. */
async function compareThere(code: CellCode, prepare: Prepare, asking: Asking): Promise<Found> {
  const { cell, session } = asking;
  await mkdir(stateDirectory(), { recursive: true, mode: 0o700 });
  const directory = await mkdtemp(join(stateDirectory(), 'dry-run-'));
  try {
    const bundlePath = join(directory, BUNDLE_FILE);
    const report = await session.namespace.capture({ cell: code, bundlePath, isReport: true }, cell.signal);
    const toSend = await prepare(report);
    if (report.refusals.length > 0) return { report, toSend, lacking: { kind: 'unknown' } };
    return { report, toSend, lacking: await lackingThere(bundlePath, toSend, asking) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function lackingThere(bundlePath: string, toSend: FilesToSend | undefined, asking: Asking): Promise<Lacking> {
  const { cluster, cell, session } = asking;
  const news = new News(cell);
  const progress = ({ bytes }: { readonly bytes: number }): void => {
    news.tell(`Looking at what would be sent: ${showBytes(bytes)} so far`);
  };
  try {
    const agent = await session.agent();
    const known = await clusterAt(agent, cluster, session);
    return await answering(agent, cell, async () => {
      const compare = (path: string, kind: 'bundle' | 'file') =>
        agent.store.compare({ cluster: known, path, kind }, { signal: cell.signal, progress });
      const bundle = await compare(bundlePath, 'bundle');
      const files = new Map<string, number>();
      for (const { path } of toSend?.shown ?? []) {
        const { lacks } = await compare(resolve(session.workingDirectory, path), 'file');
        files.set(path, bytesOf(lacks));
      }
      return { kind: 'there', lacks: bundle.lacks, files };
    });
  } catch (error) {
    cell.signal.throwIfAborted();
    if (!ClusterError.is(error)) throw error;
    // What would be sent is known all the same.
    tell([`What is at ${cluster} already cannot be told: ${error.message}`], cell);
    return { kind: 'unknown' };
  } finally {
    news.end('Looked at what would be sent.');
  }
}

/** Offsets and lengths, in turns. */
function bytesOf(lacks: readonly number[]): number {
  return lacks.reduce((sum, word, index) => (index % 2 === 0 ? sum : sum + word), 0);
}
