// What commands know of the clusters, seen from the folder in which they are given; and the agent, whose questions (a password, a code) are asked on the terminal.
import { connectAgent, type AgentConnection } from '../magics/client';
import { readClusters, type ClusterConfig } from '../magics/config';
import { answering } from '../magics/questions';
import type { Terminal } from './terminal';

/** This machine, which needs no config. */
const LOCAL = 'local';

export interface FolderSession {
  readonly directory: string;
  readonly workingDirectory: string;
  readonly clusters: readonly string[];
  readonly defaultCluster: string;
  configOf(name: string): ClusterConfig | undefined;
}

/** Throws UsageError when the config has a mistake. */
export function folderSession(directory = process.cwd()): FolderSession {
  const { clusters, defaultCluster } = readClusters(process.env, directory);
  return {
    directory,
    workingDirectory: directory,
    clusters: [LOCAL, ...clusters.keys()],
    defaultCluster,
    configOf: (name) => clusters.get(name),
  };
}

/** The home agent, started if need be, for as long as the work takes. */
export async function withAgent<T>(terminal: Terminal, work: (agent: AgentConnection) => Promise<T>): Promise<T> {
  await using agent = await connectAgent();
  const { ask, signal } = terminal;
  const asked = ask === undefined ? {} : { ask: asker(ask) };
  return await answering(agent, { signal, ...asked }, () => work(agent));
}

function asker(ask: NonNullable<Terminal['ask']>) {
  return ({ prompt, isSecret }: { readonly prompt: string; readonly isSecret: boolean }) => ask(prompt, isSecret);
}
