// Does a worker's step survive the loss of the login node here? Tried with a step that only waits, in nodes that are given back after seconds.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { askHere } from './commands';
import type { BatchJob } from './dialect';
import { freeStep, giveBack, type NodesDesk } from './on-nodes';

/** How long the step goes on after its client is gone. */
const AFTER_SECONDS = 3;
/** Files of nodes may come late over NFS. */
const LATE_MS = 60_000;
const LOOK_MS = 50;
const PATIENCE_SECONDS = 10;

export type StepProof =
  | { readonly outcome: 'survives' | 'dies' }
  /** It could not be tried now, and why. */
  | { readonly outcome: 'open'; readonly words: string };

/** `place`: a directory that the nodes see. `asked`: what the cluster's jobs ask for beside resources. */
export async function proveStep(
  desk: NodesDesk,
  place: string,
  asked: Partial<BatchJob['resources']>,
  signal: AbortSignal,
): Promise<StepProof> {
  const { nodes } = desk;
  const directory = join(place, `proof-${randomBytes(6).toString('hex')}`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const job: BatchJob = {
    token: `cb${randomBytes(6).toString('hex')}`,
    name: 'proof',
    directory,
    command: ['true'],
    environment: {},
    resources: { ...asked, cores: 1, wallTimeSeconds: 60 },
    native: [],
    site: {},
  };
  try {
    const answer = nodes.parseAnswer(await askHere(nodes.askCommand(job, PATIENCE_SECONDS), signal));
    if (answer.outcome !== 'granted') return { outcome: 'open', words: answer.words };
    const waiting = `>begun; sleep ${AFTER_SECONDS}; >ended`;
    const [program, ...args] = nodes.workerCommand(answer.id, job, ['sh', '-c', waiting]);
    const child = spawn(program, args, { detached: true, stdio: 'ignore' });
    const over = new Promise<void>((resolve) => {
      for (const end of ['error', 'exit'])
        child.once(end, () => {
          resolve();
        });
    });
    const hasBegun = await Promise.race([appears(join(directory, 'begun'), LATE_MS, signal), over.then(() => false)]);
    if (!hasBegun) return { outcome: 'open', words: 'the step did not begin' };
    if (child.pid !== undefined) freeStep(child.pid);
    const patience = AFTER_SECONDS * 1000 + LATE_MS / 6;
    return { outcome: (await appears(join(directory, 'ended'), patience, signal)) ? 'survives' : 'dies' };
  } finally {
    await giveBack(desk, job, AbortSignal.timeout(LATE_MS));
    rmSync(directory, { recursive: true, force: true });
  }
}

async function appears(path: string, patienceMs: number, signal: AbortSignal): Promise<boolean> {
  const deadline = Date.now() + patienceMs;
  while (!existsSync(path)) {
    if (Date.now() > deadline) return false;
    await sleep(LOOK_MS, undefined, { signal });
  }
  return true;
}
