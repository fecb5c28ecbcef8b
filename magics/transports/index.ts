// Ways to a host agent. Each only produces one byte stream; all else is the agent's framed protocol over it (protocol/frames.ts).
import type { ClusterConfig } from '../config';
import { stateDirectory } from '../protocol/platform';
import { join } from 'node:path';
import { HostAgent, type Transport } from './host-agent';
import type { Hosts } from './hosts';

export type { Ask, Question } from './ask';
export type { Transport } from './host-agent';
export { Callers, keepCalling, readKey, writeKey } from './calls';
export { FileStream, LOOK_MS } from './file-stream';
export { Hosts } from './hosts';

/** `programs` is where our built programs lie. */
export function openTransport(
  config: ClusterConfig & { readonly host: string },
  programs: string,
  hosts: Hosts,
): Transport {
  const { node, store, setup, agent } = config;
  return new HostAgent(hosts.take(config), programs, { node, store, setup, agent }, join(stateDirectory(), 'node'));
}
