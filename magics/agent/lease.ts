// Who owns a state directory: one file that names the agent, and that it touches again and again; and a number that grows when an agent on another machine
// is taken for dead. Machines whose clocks differ share such a directory, so ages are told by the file system's own clock.
import { closeSync, fstatSync, fsyncSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { AgentError } from '../protocol/errors';
import { isMissing, readIfThere, writeWhole } from '../protocol/files';
import { AGENT_PROTOCOL } from '../protocol/messages';
import { LEASE_MS, hostName, isAlive } from '../protocol/platform';
import { processIdentity } from '../protocol/run';
import { count, parseJson, record, text, type Shaped } from '../protocol/shape';

const holderShape = record({ protocol: count, host: text, process: processIdentity });
export type Holder = Shaped<typeof holderShape>;

export function lockPath(stateDirectory: string): string {
  return join(stateDirectory, 'agent.lock');
}

/** undefined: nobody holds it. Throws AgentError for a file that is damaged and recent. */
export function readHolder(path: string): Holder | undefined {
  const source = readIfThere(path);
  if (source === undefined) return undefined;
  try {
    return parseJson(source, holderShape, path);
  } catch (cause) {
    // A power cut can leave an empty file behind; its holder is gone with it. Until that is certain nobody is overrun.
    if (!isFresh(path)) return { protocol: AGENT_PROTOCOL, host: '', process: { pid: 0 } };
    throw new AgentError(
      `Cannot read ${path}, and it is recent. Try again in a minute, or remove it if no agent runs.`,
      { cause },
    );
  }
}

/** A process of this machine is looked for; one of another is believed as long as its lease lasts. */
export function isHeld(holder: Holder, path: string): boolean {
  return holder.host === hostName() ? isAlive(holder.process) : isFresh(path);
}

/** The holder, when it is on another machine and has to be believed. */
export function holderElsewhere(stateDirectory: string): Holder | undefined {
  const path = lockPath(stateDirectory);
  const holder = readHolder(path);
  return holder === undefined || holder.host === hostName() || !isFresh(path) ? undefined : holder;
}

export function isFresh(path: string): boolean {
  const age = ageOf(path);
  return age !== undefined && age < LEASE_MS;
}

/** Of the last write, by the clock of whoever keeps the file. undefined: it is gone. */
export function ageOf(path: string): number | undefined {
  const probe = `${path}.clock-${hostName()}-${process.pid}`;
  try {
    const mtimeMs = readTime(path);
    closeSync(openSync(probe, 'w', 0o600));
    return statSync(probe).mtimeMs - mtimeMs;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  } finally {
    rmSync(probe, { force: true });
  }
}

/** To open it asks a file server anew, where to look at its name may be answered from memory. */
function readTime(path: string): number {
  if (process.platform === 'win32') return statSync(path).mtimeMs;
  const file = openSync(path, 'r');
  try {
    return fstatSync(file).mtimeMs;
  } finally {
    closeSync(file);
  }
}

/** The same text again: the file system notes when. Readers find it whole at any moment. */
export function touch(path: string, text: string): void {
  const file = openSync(path, 'r+');
  try {
    writeSync(file, text, 0);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

const fencePath = (stateDirectory: string) => join(stateDirectory, 'agent.fence');

/** How often an owner was taken for dead without proof. Each agent works under the number that it found. */
export function readFence(stateDirectory: string): number {
  const source = readIfThere(fencePath(stateDirectory));
  return source === undefined ? 0 : Number(source);
}

/** From now on the owner until now is none, whether it still runs or not. */
export function raiseFence(stateDirectory: string): void {
  writeWhole(fencePath(stateDirectory), `${readFence(stateDirectory) + 1}\n`);
}
