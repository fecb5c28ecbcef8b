// One agent per state directory. The lock is a file made by link(2), atomic on every file system; it names its holder, so that a dead holder is
// recognised, and is touched now and then, so that a holder on another machine is believed only as long as it shows life.
import { linkSync, mkdirSync, rmSync, rmdirSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentError, systemCode } from '../protocol/errors';
import { isMissing, readIfThere } from '../protocol/files';
import { AGENT_PROTOCOL } from '../protocol/messages';
import { hostName, identify, isAlive, sendSignal } from '../protocol/platform';
import { processIdentity } from '../protocol/run';
import { count, parseJson, record, text, type Shaped } from '../protocol/shape';

const holderShape = record({ protocol: count, host: text, process: processIdentity });
type Holder = Shaped<typeof holderShape>;

const LEASE_MS = 45_000;
const TOUCH_MS = 10_000;
const TAKEOVER_MS = 10_000;
const FINISH_MS = 10_000;

export interface Lock {
  release(): void;
}

/** undefined: another agent of this protocol holds it. An agent of an older protocol is asked to finish; its jobs go on and are ours then. */
export async function takeLock(stateDirectory: string): Promise<Lock | undefined> {
  const path = join(stateDirectory, 'agent.lock');
  const deadline = Date.now() + FINISH_MS;
  let isAsked = false;
  for (;;) {
    if (tryLink(path)) return hold(path);
    const holder = readHolder(path);
    if (holder === undefined) continue;
    if (!isHeld(holder, path)) {
      if (!removeStale(path)) await sleep(20);
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

function tryLink(path: string): boolean {
  const own = `${path}.${process.pid}`;
  const holder: Holder = { protocol: AGENT_PROTOCOL, host: hostName(), process: identify(process.pid) };
  writeFileSync(own, `${JSON.stringify(holder)}\n`, { mode: 0o600 });
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(own);
  }
}

function readHolder(path: string): Holder | undefined {
  const source = readIfThere(path);
  if (source === undefined) return undefined;
  try {
    return parseJson(source, holderShape, path);
  } catch (cause) {
    // A power cut can leave an empty file behind; its holder is gone with it. Until that is certain nobody is overrun.
    if (!isFresh(path)) return { protocol: AGENT_PROTOCOL, host: '', process: { pid: 0 } };
    throw new AgentError(
      `Cannot read ${path}, and it is recent. Try again in a minute, or remove it if no agent runs.`,
      {
        cause,
      },
    );
  }
}

function isHeld(holder: Holder, path: string): boolean {
  return holder.host === hostName() ? isAlive(holder.process) : isFresh(path);
}

function isFresh(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && Date.now() - found.mtimeMs < LEASE_MS;
}

/** Of several that find a dead holder only one may remove its lock, or the second would remove the first one's new lock. */
function removeStale(path: string): boolean {
  const takeover = `${path}.takeover`;
  try {
    mkdirSync(takeover);
  } catch {
    // Somebody else is at it, unless they died at it.
    const found = statSync(takeover, { throwIfNoEntry: false });
    if (found !== undefined && Date.now() - found.mtimeMs > TAKEOVER_MS)
      rmSync(takeover, { recursive: true, force: true });
    return false;
  }
  try {
    const holder = readHolder(path);
    if (holder !== undefined && !isHeld(holder, path)) unlinkSync(path);
    return true;
  } finally {
    rmdirSync(takeover);
  }
}

function hold(path: string): Lock {
  const timer = setInterval(() => {
    const now = new Date();
    try {
      utimesSync(path, now, now);
    } catch (error) {
      // A state directory that was deleted: main.ts notices by itself.
      if (!isMissing(error)) throw error;
    }
  }, TOUCH_MS);
  timer.unref();
  return {
    release: () => {
      clearInterval(timer);
      rmSync(path, { force: true });
    },
  };
}
