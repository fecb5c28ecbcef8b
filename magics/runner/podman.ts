// What stands between podman and a job, and can be cleared away: an OCI runtime that wants control groups, and the state that a killed container leaves behind.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { hostName, isAlive } from '../protocol/platform';
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
    await remove(program, await list(program, '--filter=status=exited'));
    await clearKilled(program);
  });
}

/** Containers of ours whose processes were killed together with podman's own: it takes them for running, and would keep them for ever. */
export async function clearKilled(program: string): Promise<void> {
  const all = await list(program);
  // One that is being made has no process yet.
  await remove(
    program,
    all.filter(({ pid }) => pid > 0 && !isAlive({ pid })),
  );
}

interface Listed {
  readonly id: string;
  readonly pid: number;
}

/** Ours, of this node: where nodes share podman's storage, numbers of processes mean others on each. */
async function list(program: string, ...filters: readonly string[]): Promise<Listed[]> {
  const ours = [`--filter=name=^${CONTAINER_PREFIX}`, `--filter=label=${hostLabel()}`];
  const { printed } = await ask(program, ['ps', '--all', '--format={{.ID}} {{.Pid}}', ...ours, ...filters]);
  return printed.split('\n').flatMap((line) => {
    const [id = '', pid] = line.split(' ');
    return id === '' ? [] : [{ id, pid: Number(pid) }];
  });
}

async function remove(program: string, listed: readonly Listed[]): Promise<void> {
  if (listed.length > 0) await ask(program, ['rm', '--force', '--time=0', ...listed.map(({ id }) => id)]);
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
