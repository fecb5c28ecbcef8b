// Files of a `%%cluster` cell in the words of a notebook: what goes along, what came home, and what a person is to know of either.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentConnection, Progress } from './client';
import type { ClusterSession } from './cluster';
import { showBytes } from './config/quantities';
import type { Cell, CellOutcome } from './namespace';
import { News } from './news';
import type { ClusterOptions } from './options';
import type { FilesToSend, LandedFiles, PathNote } from './protocol/chores';
import type { FileUse } from './protocol/code';
import { JobFailedError } from './protocol/job-errors';
import { isMissing } from './protocol/files';
import type { JobBrings, JobRecord } from './protocol/job';
import { inputList, outputList, type JobFiles } from './protocol/job-files';
import { OUTPUTS_FILE, WORK_FOLDER } from './protocol/layout';
import { parseJson } from './protocol/shape';
import { fail, showQuietly } from './show';

const MOST_NAMED = 5;

interface Gathering {
  readonly uses: readonly FileUse[];
  readonly options: Pick<ClusterOptions, 'in' | 'out'>;
  readonly cell: Cell;
  readonly session: ClusterSession;
  readonly listPath?: string;
}

/** undefined: the cell has to do with no files. Throws UsageError for what is not there or cannot be sent. */
export async function gatherFiles({
  uses,
  options,
  cell,
  session,
  listPath,
}: Gathering): Promise<FilesToSend | undefined> {
  if (uses.length === 0 && options.in.length === 0 && options.out.length === 0) return undefined;
  const question = { inputs: options.in, outputs: options.out, uses };
  return await session.namespace.chore(
    'gather',
    listPath === undefined ? question : { ...question, listPath },
    cell.signal,
  );
}

/** What a job on this machine is told of its files. */
export function filesHere(toSend: FilesToSend | undefined): Pick<JobBrings, 'files'> {
  return toSend?.files === undefined ? {} : { files: toSend.files };
}

/**
 * Sends the inputs to the store of a cluster that is on another machine; what is there already is not sent. Gives what the job is told of its files.
 * Throws TransportError, AgentError when there is no room.
 */
export async function sendInputs(
  job: JobRecord,
  toSend: FilesToSend | undefined,
  listPath: string,
  { agent, cell }: { readonly agent: AgentConnection; readonly cell: Cell },
): Promise<Pick<JobBrings, 'files' | 'inputs'>> {
  const files = toSend?.files;
  if (files === undefined) return {};
  const source = await readWhole(listPath);
  const entries = source === undefined ? [] : parseJson(source, inputList, listPath).entries;
  const links = entries.flatMap((entry) => (entry.kind === 'link' ? [entry] : []));
  const only = entries.filter(({ kind, path }) => kind !== 'link' && path !== '.').map(({ path }) => path);
  const sent: JobFiles = { ...files, inputs: 'sent', links };
  if (only.length === 0) return { files: sent };
  const what = `${files.count} file${files.count === 1 ? '' : 's'}, ${showBytes(files.bytes)}`;
  const news = new News(cell);
  const { content, sentBytes } = await agent.store.send(
    { cluster: job.spec.cluster, path: files.root, only },
    {
      signal: cell.signal,
      progress: (now) => news.tell(told(now, what)),
    },
  );
  news.end(`Sent along: ${what}, of which ${showBytes(sentBytes)} were not there yet.`);
  return { files: sent, inputs: [{ content, path: '.' }] };
}

function told(now: Progress, what: string): string {
  if (now.kind === 'read') return `Looking at ${what}: ${showBytes(now.bytes)} so far`;
  const amount = `${showBytes(now.bytes)} of ${showBytes(now.of)}`;
  if (now.kind === 'copied') return `Putting ${what} together there: ${amount} that were there already`;
  return `Sending ${what}: ${amount} that are not there yet`;
}

async function readWhole(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    // There are outputs only.
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** What stays here, and what the line seems to lack. */
export function adviseOnFiles({ left, unsent, lost }: FilesToSend, cell: Cell): void {
  const lines = left.length === 0 ? [] : [`Not sent: ${named(left)}.`];
  if (unsent.length > 0)
    lines.push(
      `The cell names ${list(unsent)}, which ${is(unsent)} here and not where it runs. To send ${it(unsent)} along: ${flags('--in', unsent)}`,
    );
  if (lost.length > 0)
    lines.push(
      `The cell seems to write ${list(lost)}, which would stay where it runs. To bring ${it(lost)} home: ${flags('--out', lost)}`,
    );
  say(lines, cell);
}

/** Puts the outputs of a job into their places. undefined: there is nothing that the cell has to end with. */
export async function landOutputs(
  { id, directory, createdAt, spec }: JobRecord,
  cell: Cell,
  session: ClusterSession,
): Promise<CellOutcome | undefined> {
  const { files } = spec;
  if (files === undefined || files.outputs.length === 0) return undefined;
  const landed = await session.namespace.chore('land', { directory, files, jobId: id, since: createdAt }, cell.signal);
  showLanded(landed, cell);
  say(linesOf(landed), cell);
  if (landed.missing.length === 0) return undefined;
  return fail(
    new JobFailedError(
      `Job ${id} ended and its values are here, but it has not written ${list(landed.missing)}, which --out names. Relative paths begin from the cell's working directory there; \`output(…)\` gives the path to write to.`,
    ),
  );
}

/** A job that left no result may have written something, perhaps half of it: that is told, and not put into its place. */
export async function tellLeftOutputs({ directory, spec }: JobRecord, cell: Cell): Promise<void> {
  if (spec.files === undefined || spec.files.outputs.length === 0) return;
  const path = join(directory, OUTPUTS_FILE);
  const source = await readWhole(path);
  const entries = source === undefined ? [] : parseJson(source, outputList, path).entries;
  const sizes = entries.flatMap((entry) => (entry.kind === 'file' ? [entry.size] : []));
  if (sizes.length === 0) return;
  const what = `${sizes.length} file${sizes.length === 1 ? '' : 's'}, ${showBytes(sizes.reduce((sum, size) => sum + size))}`;
  say(
    [
      `What it had written by then may be incomplete, and was not put into its place: ${what} in ${join(directory, WORK_FOLDER)}`,
    ],
    cell,
  );
}

function showLanded({ files, bytes }: LandedFiles, cell: Cell): void {
  if (files === 0) return;
  const text = `Came home: ${files} file${files === 1 ? '' : 's'}, ${showBytes(bytes)}.`;
  cell.output.write({ type: 'display', ...showQuietly(text) });
}

function linesOf({ conflicts, left }: LandedFiles): string[] {
  const lines: string[] = [];
  for (const { path, kept, reason } of conflicts.slice(0, MOST_NAMED))
    lines.push(`${path} is left as it is, since ${reason}. The job's version is beside it: ${kept}`);
  if (conflicts.length > MOST_NAMED)
    lines.push(`${conflicts.length - MOST_NAMED} more files are left as they are; the job's versions are beside them.`);
  if (left.length > 0) lines.push(`Not brought home: ${named(left)}.`);
  return lines;
}

function say(lines: readonly string[], cell: Cell): void {
  if (lines.length > 0) cell.output.write({ type: 'stderr', text: lines.map((line) => `${line}\n`).join('') });
}

function list(paths: readonly string[]): string {
  const shown = paths.slice(0, MOST_NAMED).join(', ');
  return paths.length > MOST_NAMED ? `${shown} and ${paths.length - MOST_NAMED} more` : shown;
}

function named(notes: readonly PathNote[]): string {
  return list(notes.map(({ path, reason }) => `${path} (${reason})`));
}

function is(paths: readonly string[]): string {
  return paths.length === 1 ? 'lies' : 'lie';
}

function it(paths: readonly string[]): string {
  return paths.length === 1 ? 'it' : 'them';
}

/** As it would be typed on the line. */
function flags(flag: string, paths: readonly string[]): string {
  return paths
    .slice(0, MOST_NAMED)
    .map((path) => `${flag} ${quoted(path)}`)
    .join(' ');
}

export function quoted(path: string): string {
  if (!/[\s"']/.test(path)) return path;
  return path.includes('"') ? `'${path}'` : `"${path}"`;
}
