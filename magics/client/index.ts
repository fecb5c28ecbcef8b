// The door to the home agent for kernels and the command line.
import { join } from 'node:path';
import { stateDirectory } from '../protocol/platform';
import { AgentError } from '../protocol/errors';
import { AgentConnection } from './agent-connection';
import { connectOrStart, tryConnect } from './start';

export { AgentConnection, type OutputPiece } from './agent-connection';
export type { Described, Progress, StoreVerbs, Transferred } from './store-verbs';
export { LinkClosed, type OpenStream } from './link';
export { connectOrStart, tryConnect } from './start';

export interface ConnectOptions {
  /** Where jobs are kept (the platform's place for state, or CELLBURST_STATE_DIR). */
  readonly stateDirectory?: string;
  /** Arguments of Node that start the agent: its program file first (agent.js beside the program that asks). */
  readonly agent?: readonly string[];
  /** Absolute path of the Node program for jobs of this client (the one that runs it). */
  readonly nodeProgram?: string;
  /** Fail when there is no agent, instead of starting one. */
  readonly isPassive?: boolean;
  readonly startTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
}

/** Connects to the home agent of this user, which is started if need be. AgentError, with the end of its log, when that fails. */
export async function connectAgent(options: ConnectOptions = {}): Promise<AgentConnection> {
  const { isPassive = false } = options;
  const start = {
    stateDirectory: options.stateDirectory ?? stateDirectory(),
    agent: options.agent ?? [join(__dirname, 'agent.js')],
    startTimeoutMs: options.startTimeoutMs ?? 20_000,
  };
  const connection = new AgentConnection({
    connect: async (signal) => {
      const stream = isPassive ? await tryConnect(start.stateDirectory) : await connectOrStart(start, signal);
      if (stream === undefined) throw new AgentError(`There is no home agent for ${start.stateDirectory}.`);
      return { stream };
    },
    agent: 'home agent',
    place: `agent.log in ${start.stateDirectory}`,
    nodeProgram: options.nodeProgram ?? process.execPath,
    isPassive,
    requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
  });
  await connection.open();
  return connection;
}
