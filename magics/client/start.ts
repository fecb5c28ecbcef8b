// Reaches the home agent's socket, and starts the agent when nobody answers. Several clients may do so at once: one of the agents stays.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync, statfsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentError, systemCode } from '../protocol/errors';
import { readIfThere } from '../protocol/files';
import { agentSocket, placeFile, refuseForeign } from '../protocol/platform';

export interface StartOptions {
  readonly stateDirectory: string;
  /** Arguments of Node that start the agent: its program file first. */
  readonly agent: readonly string[];
  readonly startTimeoutMs: number;
}

const MAX_LOG_BYTES = 1024 * 1024;
const LOG_TAIL_LINES = 15;

/** A connection to the agent that is there. undefined: there is none. */
export async function tryConnect(stateDirectory: string): Promise<Socket | undefined> {
  const own = agentSocket(stateDirectory).path;
  const noted = readIfThere(placeFile(stateDirectory))?.trim();
  const first = noted === undefined || noted === own ? undefined : await tryPath(noted);
  return first ?? (await tryPath(own));
}

async function tryPath(path: string): Promise<Socket | undefined> {
  if (process.platform !== 'win32') refuseForeign(dirname(path));
  return await new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', (error) => {
      const code = systemCode(error);
      // No file; or one that nobody listens to: its agent died. Or it dies just now.
      if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ECONNRESET') resolve(undefined);
      else reject(new AgentError(`Cannot reach the home agent at ${path}: ${error.message}.`, { cause: error }));
    });
  });
}

export async function connectOrStart(options: StartOptions, signal: AbortSignal): Promise<Socket> {
  const first = await tryConnect(options.stateDirectory);
  if (first !== undefined) return first;
  const child = startAgent(options);
  const deadline = Date.now() + options.startTimeoutMs;
  for (let pause = 5; Date.now() < deadline; pause = Math.min(50, pause * 1.3)) {
    await sleep(pause, undefined, { signal });
    const socket = await tryConnect(options.stateDirectory);
    if (socket !== undefined) return socket;
    const problem = child.problem();
    if (problem !== undefined)
      throw new AgentError(
        `Cannot start the home agent: ${problem}${fullness(options.stateDirectory)}\n${logTail(options.stateDirectory)}`,
      );
    // Ours gave way to another agent which has ended since: then it is our turn again.
    if (child.hasLeft() && Date.now() + 1000 < deadline) child.again();
  }
  throw new AgentError(
    `Cannot start the home agent: it does not answer within ${options.startTimeoutMs / 1000} s.\n${logTail(options.stateDirectory)}`,
  );
}

interface Starting {
  /** Why it has failed, if it has. */
  problem(): string | undefined;
  /** It has ended without a failure: another agent was there. */
  hasLeft(): boolean;
  again(): void;
}

/** An agent that gave way to another one: that one may need a moment to listen. */
const AGAIN_MS = 500;
const MAX_DEATHS = 5;

function startAgent({ stateDirectory, agent }: StartOptions): Starting {
  let problem: string | undefined;
  let leftAt: number | undefined;
  let deaths = 0;
  const start = (): void => {
    leftAt = undefined;
    mkdirSync(stateDirectory, { recursive: true, mode: 0o700 });
    const log = openLog(stateDirectory);
    // A session of its own, no pipe to us: it outlives this process.
    const child = spawn(process.execPath, [...agent], {
      cwd: stateDirectory,
      detached: true,
      stdio: ['ignore', log, log],
      windowsHide: true,
      env: { ...agentEnvironment(process.env), CELLBURST_STATE_DIR: stateDirectory },
    });
    closeSync(log);
    child.once('error', (error) => {
      problem = error.message;
    });
    child.once('exit', (code, signal) => {
      leftAt = Date.now();
      if (signal !== null) deaths += 1;
      // Killed while it started (a logout, an administrator) is no reason to give up at once; a failure of its own is.
      if (signal !== null && deaths > MAX_DEATHS) problem = `it was ended by ${signal}.`;
      if (code !== null && code !== 0) problem = `it ended with exit code ${code}.`;
    });
    child.unref();
  };
  start();
  return {
    problem: () => problem,
    hasLeft: () => leftAt !== undefined && Date.now() - leftAt > AGAIN_MS,
    again: start,
  };
}

/** The agent serves all notebooks: nothing that belongs to one of them goes along. */
function agentEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !name.startsWith('JPY_') && name !== 'NODE_CHANNEL_FD' && name !== 'NODE_OPTIONS',
    ),
  );
}

function openLog(stateDirectory: string): number {
  const path = join(stateDirectory, 'agent.log');
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_LOG_BYTES) renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o600);
}

/** A full disk takes no log, either. */
function fullness(stateDirectory: string): string {
  const { bavail, files, ffree } = statfsSync(stateDirectory);
  const isFull = bavail === 0 || (files > 0 && ffree === 0);
  return isFull ? ` The disk of ${stateDirectory} is full (ENOSPC): free some space there.` : '';
}

function logTail(stateDirectory: string): string {
  const path = join(stateDirectory, 'agent.log');
  if (!existsSync(path)) return `There is no log at ${path}.`;
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n').slice(-LOG_TAIL_LINES);
  return [`The end of its log, ${path}:`, ...lines.map((line) => `  ${line}`)].join('\n');
}
