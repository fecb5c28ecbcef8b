// Archives of packages that nobody has used for long are cleared away, the oldest first where they are too much; never one that a job still needs.
import { existsSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isFinal, type JobRecord } from '../protocol/job';
import { environmentsFolder } from '../protocol/layout';

const DAY_MS = 86_400_000;
/** What was being written when somebody died. */
const LEFT_OVER_MS = DAY_MS;
const LEFT_OVER = /\.part|^\.part|\.lock$/;

export interface EnvironmentRetention {
  readonly days: number;
  readonly bytes: number;
}

interface Kept {
  readonly path: string;
  readonly usedAt: number;
  readonly bytes: number;
}

/** Gives the paths that were deleted. */
export function sweepEnvironments(
  state: string,
  jobs: readonly JobRecord[],
  { days, bytes }: EnvironmentRetention,
  nowMs: number,
): string[] {
  const folder = environmentsFolder(state);
  if (!existsSync(folder)) return [];
  const needed = new Set(
    jobs.filter(({ status }) => !isFinal(status)).flatMap(({ packages }) => packages?.archive?.sha256 ?? []),
  );
  const gone: string[] = [];
  const kept: Kept[] = [];
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const found = lstatSync(path, { throwIfNoEntry: false });
    // An archive's name and those of what was installed from it begin with its digest.
    if (found === undefined || needed.has(name.split('.')[0] ?? '')) continue;
    const age = nowMs - found.mtimeMs;
    if (age > days * DAY_MS || (LEFT_OVER.test(name) && age > LEFT_OVER_MS)) gone.push(path);
    else kept.push({ path, usedAt: found.mtimeMs, bytes: found.size });
  }
  let total = kept.reduce((sum, one) => sum + one.bytes, 0);
  for (const one of kept.sort((a, b) => a.usedAt - b.usedAt)) {
    if (total <= bytes) break;
    gone.push(one.path);
    total -= one.bytes;
  }
  for (const path of gone) rmSync(path, { recursive: true, force: true });
  return gone;
}
