// Files of a job that cross to another machine: the bundle that comes, envelope and outcome that go out.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import type { ContentId } from '../protocol/chunks';
import { AgentError, UsageError } from '../protocol/errors';
import { writeWhole } from '../protocol/files';
import { isFinal, type JobRecord } from '../protocol/job';
import {
  archivePath,
  BUNDLE_FILE,
  ENVELOPE_FILE,
  environmentsFolder,
  OUTCOME_FILE,
  OUTPUTS_FILE,
} from '../protocol/layout';
import { containerPart, linkTo, scan, type Content, type ContentSource, type Contents } from '../store';

/** A file of this size goes as it is: asking what is there would cost more than it saves. */
const WHOLE_BYTES = 256 * 1024;

const FILES = { envelope: ENVELOPE_FILE, outcome: OUTCOME_FILE, outputs: OUTPUTS_FILE } as const;

/** Asked twice after a lost reply, it is done once. Throws UsageError when the job takes no bundle any more. */
export async function putContent(job: JobRecord, content: Content): Promise<void> {
  const path = bundlePath(job);
  if (path === undefined) return;
  if (content.kind !== 'bundle') throw new UsageError(`A ${content.kind} cannot be the bundle of job ${job.id}.`);
  await linkTo(content, path);
}

/** As putContent, of a bundle that came in one message. */
export function putWhole(job: JobRecord, sha256: string, bytes: Buffer): void {
  const path = bundlePath(job);
  if (path === undefined) return;
  if (digestOf(bytes) !== sha256)
    throw new AgentError(`The bundle of job ${job.id} arrived damaged: its digest differs. Run the cell again.`);
  writeWhole(path, bytes);
}

/** undefined: it is there already. */
function bundlePath(job: JobRecord): string | undefined {
  const path = join(job.directory, BUNDLE_FILE);
  if (existsSync(path)) return undefined;
  if (job.status.state === 'preparing') return path;
  throw new UsageError(`Job ${job.id} was submitted: it takes no bundle any more.`);
}

export type JobFile =
  | { readonly kind: 'whole'; readonly sha256: string; readonly bytes: Buffer }
  | { readonly kind: 'content'; readonly source: ContentSource };

/** undefined: the job has left none. */
export async function readJobFile(
  job: JobRecord,
  file: keyof typeof FILES,
  options: { readonly signal: AbortSignal; readonly progress: (bytes: number) => void },
): Promise<JobFile | undefined> {
  if (!isFinal(job.status)) throw new UsageError(`Job ${job.id} has not ended: there is no ${file} yet.`);
  const path = join(job.directory, FILES[file]);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (found.size > WHOLE_BYTES)
    return { kind: 'content', source: await scan('envelope', [containerPart(path)], options) };
  const bytes = readFileSync(path);
  return { kind: 'whole', sha256: digestOf(bytes), bytes };
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Whether an archive of packages is there, or is now, of a content of the store. One that is there counts as used. */
export async function keepArchive(
  state: string,
  sha256: string,
  id: ContentId | undefined,
  contents: Contents,
): Promise<boolean> {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new UsageError(`${sha256} is no SHA-256.`);
  const path = archivePath(state, sha256);
  if (!existsSync(path)) {
    if (id === undefined) return false;
    mkdirSync(environmentsFolder(state), { recursive: true, mode: 0o700 });
    await linkTo(contents.get(id), path);
  }
  utimesSync(path, new Date(), new Date());
  return true;
}

/** Has a job installed what is in it? That has a name which begins with the archive's. */
export function isInstalled(state: string, sha256: string): boolean {
  return readdirSync(environmentsFolder(state)).some((name) => name.startsWith(`${sha256}.`) && name.endsWith('.json'));
}
