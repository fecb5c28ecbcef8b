// What stands between podman and a job, and can be cleared away: an OCI runtime that wants control groups, and the state that a killed container leaves behind.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { hostName, isAlive } from '../protocol/platform';
import { count, listOf, number, parseJson, record, text, type Shaped } from '../protocol/shape';
import { inTurn } from './once';
import { scratchBase } from './packages';

const QUESTION_MS = 20_000;
const MEND_MS = 60_000;

/** Of our containers; the job's id follows. */
export const CONTAINER_PREFIX = 'cellburst-';

/** Of our containers, too. */
export function hostLabel(): string {
  return `cellburst.host=${hostName()}`;
}

/** podman refuses, before it starts anything, to leave control groups alone with an OCI runtime as runc: the usual one on some systems. */
export function wantsGroups(said: string): boolean {
  return said.includes('is not compatible with NoCgroups');
}

/**
 * When all processes of a user's containers on a node were killed at once, as batch systems do it, podman looks for the namespace they had and refuses every
 * command of that user there until somebody migrates it (seen with 4.3: `podman run`, `ps` and `rm` alike).
 */
export function isStuck(said: string): boolean {
  return said.includes('invalid internal status, try resetting the pause process');
}

/** Migrating ends containers: so one job at a time, and only while no container of the user runs there, which is what being stuck means. */
export async function mendPodman(program: string, signal: AbortSignal): Promise<void> {
  await inTurn(join(scratchBase(), 'podman.lock'), signal, async () => {
    const { said } = await ask(program, ['ps', '--quiet']);
    if (!isStuck(said)) return;
    // It complains of containers that it cannot stop, and has mended them.
    await ask(program, ['system', 'migrate'], MEND_MS);
    await clearKilled(program);
  });
}

/**
 * Containers of ours whose processes were killed together with podman's own, at work or while they were cleared away: it takes them for running, or for
 * something in between, and would keep them for ever.
 */
export async function clearKilled(program: string): Promise<void> {
  const ids = (await ownContainers(program)).filter(isLeft).map(({ Id }) => Id);
  if (ids.length > 0) await ask(program, ['rm', '--force', '--time=0', ...ids]);
}

/** As `podman ps --format=json` of 4.3 tells. */
const containerShape = record({ Id: text, Pid: count, State: text, Created: number });
type OwnContainer = Shaped<typeof containerShape>;

const HOUR_SECONDS = 3600;

/** One that is being made has no process yet. */
function isLeft({ Pid, State, Created }: OwnContainer): boolean {
  if (Pid > 0) return !isAlive({ pid: Pid });
  return !/^(created|configured|initialized)$/.test(State) || Date.now() / 1000 - Created > HOUR_SECONDS;
}

/** Of this node: where nodes share podman's storage, numbers of processes mean others on each. */
async function ownContainers(program: string): Promise<readonly OwnContainer[]> {
  const filters = [`--filter=name=^${CONTAINER_PREFIX}`, `--filter=label=${hostLabel()}`];
  const { code, printed } = await ask(program, ['ps', '--all', '--format=json', ...filters]);
  return code === 0 ? parseJson(printed, listOf(containerShape), 'podman ps') : [];
}

export interface Answer {
  /** Undefined: it does not answer. */
  readonly code: number | undefined;
  readonly printed: string;
  /** On standard error. */
  readonly said: string;
}

export function ask(program: string, args: readonly string[], timeout = QUESTION_MS): Promise<Answer> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout }, (error, printed, said) => {
      const code = error === null ? 0 : error.code;
      resolve({ code: typeof code === 'number' ? code : undefined, printed, said });
    });
  });
}
