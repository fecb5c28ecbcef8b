// One agent per state directory. The lock is a file made by link(2), atomic on every file system; it names its holder, so that a dead holder is
// recognised, and is touched now and then, so that a holder on another machine is believed only as long as it shows life. Who was overrun that way and lives
// on finds a higher number at its next step, and ends.
import { linkSync, mkdirSync, rmSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentError, systemCode } from '../protocol/errors';
import { isMissing, readIfThere } from '../protocol/files';
import type { Fence } from '../jobs';
import { AGENT_PROTOCOL } from '../protocol/messages';
import { LEASE_MS, hostName, identify, sendSignal } from '../protocol/platform';
import { ageOf, isHeld, lockPath, raiseFence, readFence, readHolder, touch, type Holder } from './lease';

const TAKEOVER_MS = 10_000;
const FINISH_MS = 10_000;

export interface Lock {
  /** Under which number its holder writes. */
  readonly fence: Fence;
  release(): void;
}

/** Of an agent that another one has overrun: what it knows is not true any more, and it must not write another word. */
export const OVERRUN_CODE = 3;

/** undefined: another agent of this protocol holds it. An agent of an older protocol is asked to finish; its jobs go on and are ours then. */
export async function takeLock(stateDirectory: string): Promise<Lock | undefined> {
  const path = lockPath(stateDirectory);
  const deadline = Date.now() + FINISH_MS;
  let isAsked = false;
  for (;;) {
    const text = tryLink(path);
    if (text !== undefined) return hold(stateDirectory, text);
    const holder = readHolder(path);
    if (holder === undefined) continue;
    if (!isHeld(holder, path)) {
      if (!removeStale(stateDirectory)) await sleep(20);
      continue;
    }
    if (holder.protocol === AGENT_PROTOCOL && holder.host === hostName()) return undefined;
    refuseOthers(holder, stateDirectory);
    // SIGTERM is how every version of the agent is asked to finish.
    if (!isAsked) sendSignal(holder.process.pid, 'SIGTERM');
    isAsked = true;
    if (Date.now() > deadline)
      throw new AgentError(
        `The agent of an older Cellburst (process ${holder.process.pid}) does not end. End it, then try again.`,
      );
    await sleep(50);
  }
}

function refuseOthers(holder: Holder, stateDirectory: string): void {
  if (holder.host !== hostName())
    throw new AgentError(
      `The state directory ${stateDirectory} is in use by an agent on ${holder.host}. Set CELLBURST_STATE_DIR to a directory of this machine.`,
    );
  if (holder.protocol > AGENT_PROTOCOL)
    throw new AgentError(
      `A newer Cellburst is in use (its agent speaks protocol ${holder.protocol}, this one ${AGENT_PROTOCOL}). Restart this kernel with the newer version.`,
    );
}

/** What it says when it is ours now. */
function tryLink(path: string): string | undefined {
  // Two machines may use the same number for a process.
  const own = `${path}.${hostName()}-${process.pid}`;
  const holder: Holder = { protocol: AGENT_PROTOCOL, host: hostName(), process: identify(process.pid) };
  const text = `${JSON.stringify(holder)}\n`;
  writeFileSync(own, text, { mode: 0o600 });
  try {
    linkSync(own, path);
    return text;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return undefined;
    throw error;
  } finally {
    unlinkSync(own);
  }
}

/** Of several that find a dead holder only one may remove its lock, or the second would remove the first one's new lock. */
function removeStale(stateDirectory: string): boolean {
  const path = lockPath(stateDirectory);
  const takeover = `${path}.takeover`;
  try {
    mkdirSync(takeover);
  } catch {
    // Somebody else is at it, unless they died at it.
    if (isOld(takeover)) rmSync(takeover, { recursive: true, force: true });
    return false;
  }
  try {
    const holder = readHolder(path);
    if (holder !== undefined && !isHeld(holder, path)) {
      // A process of this machine is known to be gone. One of another may only have been held up: it is shut out first.
      if (holder.host !== hostName()) raiseFence(stateDirectory);
      unlinkSync(path);
    }
    return true;
  } finally {
    rmdirSync(takeover);
  }
}

function isOld(directory: string): boolean {
  const age = ageOf(directory);
  return age !== undefined && age > TAKEOVER_MS;
}

function hold(stateDirectory: string, text: string): Lock {
  const path = lockPath(stateDirectory);
  const fence = { number: readFence(stateDirectory), check: () => endIfOverrun(stateDirectory, text, fence.number) };
  const timer = setInterval(() => {
    fence.check();
    try {
      touch(path, text);
    } catch (error) {
      // A state directory that was deleted: main.ts notices by itself.
      if (!isMissing(error)) throw error;
    }
  }, LEASE_MS / 4);
  timer.unref();
  return {
    fence,
    release: () => {
      clearInterval(timer);
      if (readIfThere(path) === text) rmSync(path, { force: true });
    },
  };
}

/** At once: to end in good order would be to write. Jobs go on, they have runners of their own. */
function endIfOverrun(stateDirectory: string, text: string, number: number): void {
  const found = readFence(stateDirectory);
  if (found === number) return;
  console.error(
    `${new Date().toISOString()} ${process.pid} Another agent has taken over ${stateDirectory} (${found} over ${number}), since this one showed no life for too long: it ends. It held ${text.trim()}`,
  );
  process.exit(OVERRUN_CODE);
}
